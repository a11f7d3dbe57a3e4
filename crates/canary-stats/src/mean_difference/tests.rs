//! The guarantees of the test of two means: formulas, exact enumerations, simulated runs.

use super::*;
use crate::{
    Random,
    portable::{ln, ln_sum_exp},
};

fn alpha(value: f64) -> Alpha {
    Alpha::new(value).unwrap()
}

/// ln E of the null "the difference is at least `node`" with the λ of `aim`, from the formulas, each capital apart;
/// `requests` are share, arm and X. The mirror is the same with the arms exchanged and both signs turned.
fn ln_e(requests: &[(f64, bool, f64)], node: f64, aim: f64, mirrored: bool) -> f64 {
    let mut arms = [vec![0.5], vec![0.5]];
    let mut ln_each = [0.0_f64; 8];
    let moments = |values: &[f64]| {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|x| (x - mean) * (x - mean)).sum();
        (mean, (squares + 0.25) / n)
    };
    for &(share, canary, x) in requests {
        let (treated, rho) = if mirrored { (!canary, 1.0 - share) } else { (canary, share) };
        let sign = if mirrored { 1.0 } else { -1.0 };
        let (m, aim) = (sign * node, sign * aim);
        let ((mean_t, var_t), (mean_o, var_o)) = (moments(&arms[1]), moments(&arms[0]));
        let b = (1.0 - rho) * mean_t + rho * mean_o;
        let z = (x - b) * if treated { 1.0 / rho } else { -1.0 / (1.0 - rho) };
        let most = |m: f64| ((1.0 - b) / rho).max(b / (1.0 - rho)) + m;
        let g = mean_o - mean_t - aim;
        let lambda = (g / (var_t / rho + var_o / (1.0 - rho) + g * g)).max(0.0);
        ln_each[0] += (1.0 - lambda.min(0.9 / most(m)) * (z + m)).ln();
        for (j, ln_capital) in ln_each[1..].iter_mut().enumerate() {
            *ln_capital += (1.0 - 0.5 / f64::from(1 << j) / most(m) * (z + m)).ln();
        }
        arms[usize::from(treated)].push(x);
    }
    ln_each[0] += ln(7.0);
    ln_sum_exp(&ln_each) - ln(14.0)
}

#[test]
fn evidence_and_ends_have_the_values_of_the_formulas() {
    let level = alpha(0.05);
    for (run, shift) in [-0.25, 0.0, 0.2].into_iter().enumerate() {
        let mut random = Random::of_run(71, run as u64);
        let (margin, proof) = (5.0, 8.0);
        let new = |margin| MeanDifference::new(margin, 20.0, 120.0).unwrap();
        let mut test = new(margin).with_margin(proof).unwrap();
        let mut lower = new(margin).lower_is_better().unwrap().with_margin(proof).unwrap();
        let mut requests = Vec::new();
        for n in 1..=400 {
            let share = [0.1, 0.3, 0.5][random.below(3) as usize];
            let canary = random.bernoulli(share);
            let x = random.beta(2.0, 3.0) + if canary { shift } else { 0.0 };
            let x = x.clamp(0.0, 1.0);
            requests.push((share, canary, x));
            test.observe(share, canary, 20.0 + 100.0 * x).unwrap();
            lower.observe(share, canary, 120.0 - 100.0 * x).unwrap();
            if n % 80 != 0 {
                continue;
            }
            let wanted = ln_e(&requests, -0.05, -0.05, false);
            for found in [test.ln_e(), lower.ln_e()] {
                assert!((found - wanted).abs() < 1e-8 * (1.0 + wanted.abs()), "{found} {wanted}");
            }
            // The mirror decides as its formula does, except for rounding at the threshold.
            let mirrored = ln_e(&requests, -0.08, -0.08, true);
            let excluded = test.excludes_harm(proof, level).unwrap();
            let clear = (mirrored - level.ln_threshold()).abs() > 1e-6;
            // A margin above the alarm's end is not excluded in any case.
            let open = -proof < test.interval(level).high;
            assert!(!clear || excluded == (open && mirrored > level.ln_threshold()), "{mirrored}");
        }
        let (up, down) = (test.interval(level), lower.interval(level));
        assert!((up.low + down.high).abs() < 1e-9 && (up.high + down.low).abs() < 1e-9);
        assert_eq!((test.bound(), lower.bound()), (-5.0, 5.0));
        assert!((test.estimate().unwrap() + lower.estimate().unwrap()).abs() < 1e-9);
        // Four standard deviations, less what the ends of the range cut off of the shift.
        let estimate = test.estimate().unwrap();
        assert!((estimate - 100.0 * shift).abs() < 12.0, "{shift}: {estimate}");
    }
}

/// All sequences of six requests whose values are 0 and 1: E has the mean 1 where the null just holds, less inside.
#[test]
fn a_martingale_at_the_boundary_which_falls_inside() {
    fn walk(test: &MeanDifference, step: u32, weight: f64, rates: [f64; 2], sums: &mut [f64; 2]) {
        if step == 6 {
            sums[0] += weight * test.e();
            sums[1] += if test.alarm(alpha(0.3)) { weight } else { 0.0 };
            return;
        }
        let share = if test.max_ln_e() > 0.1 { 0.5 } else { [0.2, 0.6][step as usize % 2] };
        for (canary, of_arm) in [(false, 1.0 - share), (true, share)] {
            // Both rates change with every request.
            let rate = rates[usize::from(canary)] + 0.05 * f64::from(step);
            for (x, of_value) in [(0.0, 1.0 - rate), (1.0, rate)] {
                let mut next = test.clone();
                next.observe(share, canary, x).unwrap();
                walk(&next, step + 1, weight * of_arm * of_value, rates, sums);
            }
        }
    }
    for (margin, stable, canary, exact) in
        [(0.0, 0.4, 0.4, true), (0.2, 0.5, 0.3, true), (0.2, 0.5, 0.4, false)]
    {
        let mut sums = [0.0; 2];
        let test = MeanDifference::new(margin, 0.0, 1.0).unwrap();
        walk(&test, 0, 1.0, [stable, canary], &mut sums);
        let [mean, alarms] = sums;
        assert!(if exact { (mean - 1.0).abs() < 1e-12 } else { mean < 1.0 }, "{margin}: {mean}");
        assert!(alarms <= 0.3, "{alarms}");
    }
}

/// The runs of `runs` that alarmed within `requests`, with the median request of the alarms. A value is 1 with the
/// rate of its arm; the share in force, which is passed to the test, is `wrong` times the real one.
fn alarms(runs: u64, requests: u32, rates: [f64; 2], share: f64, wrong: f64) -> (u32, u32) {
    let mut at: Vec<u32> = (0..runs)
        .filter_map(|run| {
            let mut random = Random::of_run(72, run);
            let mut test = MeanDifference::new(0.0, 0.0, 1.0).unwrap();
            (1..=requests).find(|n| {
                // The traffic drifts with the time, in both arms alike.
                let swing = 0.1 * f64::from(n % 1000) / 1000.0;
                let canary = random.bernoulli(share);
                let x = f64::from(random.bernoulli(rates[usize::from(canary)] + swing));
                test.observe(share * wrong, canary, x).unwrap();
                test.alarm(alpha(0.05))
            })
        })
        .collect();
    at.sort_unstable();
    (at.len() as u32, at.get(at.len() / 2).copied().unwrap_or(0))
}

#[test]
fn equal_means_seldom_alarm_even_where_the_share_is_wrong_by_three_percent() {
    for wrong in [1.0, 0.97, 1.03] {
        let (found, _) = alarms(40, 600, [0.3, 0.3], 0.3, wrong);
        // 2 expected at most, and three standard deviations.
        assert!(found <= 6, "{wrong}: {found} of 40");
    }
}

#[test]
fn a_lower_mean_is_found() {
    // 2 ln(1/α) σ²/(ρ(1−ρ)Δ²) = 2 · 3 · 0.24 / (0.21 · 0.01) = 685 requests at the variance of the middle rate.
    let (found, median) = alarms(40, 5_000, [0.4, 0.3], 0.3, 1.0);
    assert!(found == 40 && (500..1_300).contains(&median), "{found} of 40, median {median}");
}

#[test]
fn what_is_outside_its_range_is_named() {
    for (margin, low, high, name) in [
        (0.0, f64::NAN, 1.0, "low"),
        (0.0, 0.0, f64::INFINITY, "high"),
        (0.0, 1.0, 1.0, "high"),
        (-0.1, 0.0, 1.0, "margin"),
        (1.0, 0.0, 1.0, "margin"),
        (f64::NAN, 0.0, 1.0, "margin"),
    ] {
        assert_eq!(MeanDifference::new(margin, low, high).unwrap_err().name, name);
    }
    let fresh = MeanDifference::new(0.0, -1.0, 3.0).unwrap();
    assert_eq!(fresh.clone().with_margin(4.0).unwrap_err().name, "margin");
    assert_eq!(fresh.excludes_harm(-1.0, alpha(0.05)).unwrap_err().name, "margin");
    let mut test = fresh.clone();
    for bad in [-1.1, 3.1, f64::NAN, f64::INFINITY] {
        let error = test.observe(0.3, true, bad).unwrap_err();
        assert!(error.name == "value" && error.to_string().contains(&format!("{bad}")), "{error}");
    }
    for bad in [-0.1, 1.1, f64::NAN] {
        assert_eq!(test.observe(bad, true, 0.0).unwrap_err().name, "share");
    }
    assert_eq!(test, fresh);
    test.observe(0.0, false, 0.0).unwrap();
    test.observe(1.0, true, 0.0).unwrap();
    assert_eq!((test.ln_e(), test.values(), test.estimate()), (0.0, 0, None));
    assert_eq!(test.counts()[2], ("values at 0 or 100 %", 2));
    test.observe(0.5, true, 0.0).unwrap();
    assert_eq!(test.estimate(), None, "nothing of the other arm");
    test.observe(0.5, false, 1.0).unwrap();
    assert_eq!(test.clone().with_margin(1.0).unwrap_err().name, "values");
    assert_eq!(test.lower_is_better().unwrap_err().name, "values");
}

#[test]
fn shares_next_to_the_ends_leave_the_evidence_a_number() {
    let mut test = MeanDifference::new(0.1, 0.0, 1.0).unwrap();
    for n in 0..5_000 {
        let share = [1e-300, 1e-9, 0.5, 1.0 - 1e-15][n % 4];
        test.observe(share, n % 3 == 0, f64::from(u8::from(n % 5 == 0))).unwrap();
        assert!(!test.ln_e().is_nan() && test.max_ln_e() >= test.ln_e());
    }
    let saved = serde_json::to_string(&test).unwrap();
    assert_eq!(serde_json::from_str::<MeanDifference>(&saved).unwrap(), test);
}
