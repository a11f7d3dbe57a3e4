//! The evidence against the formulas, the ends of the interval, margins, and rare large values.

use super::*;
use crate::{
    Random,
    portable::{ln, ln_sum_exp},
};

/// ln E of the null "E[u] ≤ `nu`" with the λ of `aim`, from the formulas, each capital apart.
fn ln_e(values: &[f64], nu: f64, aim: f64) -> f64 {
    let (mut sum, mut variation, mut ln_each) = (0.0, 0.0, [0.0; 7]);
    for (n, u) in values.iter().enumerate() {
        let n = n as f64;
        let excess: f64 = (sum + 0.5) / (n + 1.0) - aim;
        let variance = f64::max(1e-6, (variation + 0.05) / (n + 1.0));
        let lambda = (excess / (variance + excess * excess)).clamp(0.0, 0.99 / aim);
        ln_each[0] += (1.0 + lambda.min(0.99 / nu) * (u - nu)).ln();
        for (j, ln_capital) in ln_each[1..].iter_mut().enumerate() {
            *ln_capital += (1.0 + 0.9 / f64::from(1 << j) * (u / nu - 1.0)).ln();
        }
        sum += u;
        variation += (u - sum / (n + 1.0)).powi(2);
    }
    ln_each[0] += ln(6.0);
    ln_sum_exp(&ln_each) - ln(12.0)
}

#[test]
fn every_node_has_the_evidence_of_its_formula_which_grows_with_the_mean() {
    let mut random = Random::new(81);
    for (at_least, low, high) in [(0.8, 0.0, 1.0), (-0.02, -1.0, 1.0), (3.0, -5.0, 20.0)] {
        let range = high - low;
        let margin = low + 0.3 * range;
        let mut test = BoundedMean::new(at_least, low, high).unwrap();
        test = test.with_margin(margin).unwrap();
        let us: Vec<f64> = (0..150).map(|_| random.beta(1.0, 2.0)).collect();
        let xs: Vec<f64> = us.iter().map(|u| 1.0 - u).collect();
        for u in &us {
            test.observe(high - range * u).unwrap();
        }
        let near = |found: f64, wanted: f64| {
            assert!((found - wanted).abs() < 1e-9 * (1.0 + wanted.abs()), "{found} {wanted}");
        };
        let mut before = f64::NEG_INFINITY;
        for (node, mean) in test.alarm.means.iter().enumerate() {
            let nu = (high - mean) / range;
            let row = test.alarm.capitals.row(node);
            near(row.ln_e(), ln_e(&us, nu, (high - at_least) / range));
            assert!(row.ln_e() > before, "{mean}: {before} {row:?}");
            before = row.ln_e();
        }
        let mut before = f64::INFINITY;
        assert_eq!(test.proof.means.len(), 34);
        for (node, mean) in test.proof.means.iter().enumerate() {
            let row = test.proof.capitals.row(node);
            near(row.ln_e(), ln_e(&xs, (mean - low) / range, (margin - low) / range));
            assert!(row.ln_e() < before, "{mean}: {before} {row:?}");
            before = row.ln_e();
        }
    }
}

#[test]
fn the_ends_stay_in_the_range_of_the_score() {
    let alpha = Alpha::new(0.05).unwrap();
    for value in [-2.0, 5.0] {
        let mut test = BoundedMean::new(1.0, -2.0, 5.0).unwrap();
        for _ in 0..2_000 {
            test.observe(value).unwrap();
        }
        let Interval { low, high } = test.interval(alpha);
        // The outermost nodes have 17 % of the way left to the end of the range.
        assert!(-2.0 <= low && low <= high && high <= 5.0 && high - low < 0.7, "{low} {high}");
        assert_eq!(if value < 0.0 { low } else { high }, value);
    }
}

/// Capitals that fall for long rise again when another node is asked.
#[test]
fn the_ends_hold_far_from_the_bound() {
    let alpha = Alpha::new(0.05).unwrap();
    for (at_least, mean) in [(0.8, 0.95), (0.5, 0.99), (0.99, 0.5), (0.3, 0.25)] {
        let mut random = Random::new(82);
        let mut test = BoundedMean::new(at_least, 0.0, 1.0).unwrap();
        for n in 1..=10_000 {
            test.observe(f64::from(random.bernoulli(mean))).unwrap();
            if n % 1_000 == 0 {
                let Interval { low, high } = test.interval(alpha);
                let estimate = test.estimate().unwrap();
                assert!(low < estimate && estimate < high, "{n}: {low} {estimate} {high}");
                assert!(low <= mean && mean <= high, "{n}: {low} {mean} {high}");
            }
        }
        // One gap between nodes on either side, and what 10 000 values leave open.
        assert!(test.interval(alpha).width() < 0.22, "{mean}: {:?}", test.interval(alpha));
    }
}

#[test]
fn a_margin_is_a_node_and_any_other_is_decided_at_the_next_one_above() {
    let alpha = Alpha::new(0.05).unwrap();
    let mut random = Random::new(83);
    let mut with = BoundedMean::new(0.8, 0.0, 1.0).unwrap().with_margin(0.77).unwrap();
    let mut without = BoundedMean::new(0.8, 0.0, 1.0).unwrap();
    let mut first = [0; 2];
    for n in 1..=3_000 {
        let value = f64::from(random.bernoulli(0.81));
        for (first, test) in first.iter_mut().zip([&mut with, &mut without]) {
            test.observe(value).unwrap();
            if *first == 0 && test.excludes_harm(0.77, alpha).unwrap() {
                *first = n;
            }
            let ends = [0.5, 0.76, 0.765, 0.77, 0.775]
                .map(|margin| test.excludes_harm(margin, alpha).unwrap());
            assert!(ends.is_sorted_by(|a, b| a >= b), "{ends:?}");
        }
    }
    assert!(0 < first[0] && (first[1] == 0 || first[0] < first[1]), "{first:?}");
    assert_eq!(with.with_margin(0.7).unwrap_err().name, "values");
    let test = BoundedMean::new(0.8, 0.0, 1.0).unwrap();
    for bad in [-0.1, 1.0, f64::NAN] {
        assert_eq!(test.clone().with_margin(bad).unwrap_err().name, "margin");
    }
    // The ends of the range have no nodes of their own.
    let mut test = test.with_margin(0.0).unwrap();
    for _ in 0..50 {
        test.observe(1.0).unwrap();
    }
    assert!(test.excludes_harm(0.0, alpha).unwrap());
}

/// Falls of 0.06, and one value in fifty at the other end of the range: the largest λ would lose nearly all of its
/// capital there.
#[test]
fn rare_large_values_do_not_mislead_the_mixture() {
    let alpha = Alpha::new(0.05).unwrap();
    let runs = 100;
    let mut alarms = 0;
    for run in 0..runs {
        let mut random = Random::of_run(84, run);
        let mut test = BoundedMean::new(0.0, -1.0, 1.0).unwrap();
        // Five times ln(1/α) over the largest growth of ln E.
        alarms += u32::from((0..900).any(|_| {
            test.observe(if random.bernoulli(0.02) { 1.0 } else { -0.06 }).unwrap();
            test.alarm(alpha)
        }));
    }
    assert!(alarms > 95, "{alarms} of {runs}");
}
