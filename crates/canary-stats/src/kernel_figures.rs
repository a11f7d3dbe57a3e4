//! The duration of the tests of 0/1 observations, as a multiple of the least possible number of observations, and their
//! rates of error.
//!
//! To leading order no test with false alarms below α needs fewer observations than ln(1/α) over the Kullback–Leibler
//! divergence of the truth from the null (A. Wald, 1945).

use super::{
    Agreement, Alpha, EProcess, ErrorRate, Labelled, Random,
    kernel::{Counts, Kernel, Mirror},
};

const LEVEL: f64 = 0.05;

fn alpha() -> Alpha {
    Alpha::new(LEVEL).unwrap()
}

/// The least expected number of observations when the truth is `p` and the null's boundary `null`.
fn floor(p: f64, null: f64) -> f64 {
    -LEVEL.ln() / (p * (p / null).ln() + (1.0 - p) * ((1.0 - p) / (1.0 - null)).ln())
}

/// The mean number of observations until `ended` returns true.
fn mean_length(seed: u64, runs: u64, mut run: impl FnMut(&mut Random) -> u64) -> f64 {
    let total: u64 = (0..runs).map(|i| run(&mut Random::of_run(seed, i))).sum();
    total as f64 / runs as f64
}

#[test]
fn a_lower_agreement_is_found_near_the_floor() {
    for (p0, truth, wanted) in [(0.95, 0.9, 1.36), (0.95, 0.8, 1.45), (0.8, 0.7, 1.31)] {
        let mean = mean_length(81, 500, |random| {
            let mut test = Agreement::new(p0).unwrap();
            while !test.alarm(alpha()) {
                test.observe(random.bernoulli(truth));
            }
            test.pairs()
        });
        let floors = mean / floor(truth, p0);
        assert!((floors - wanted).abs() < 0.12, "{p0} {truth}: {floors}");
    }
}

#[test]
fn an_agreement_as_asked_for_is_proven_at_the_floor() {
    for (bound, p0, wanted) in [(0.9, 0.95, 0.99), (0.97, 0.99, 1.01)] {
        let mean = mean_length(82, 300, |random| {
            let mut test = Agreement::new(p0).unwrap();
            while !test.excludes_harm(bound, alpha()).unwrap() {
                test.observe(random.bernoulli(p0));
            }
            test.pairs()
        });
        let floors = mean / floor(p0, bound);
        assert!((floors - wanted).abs() < 0.15, "{bound} {p0}: {floors}");
    }
}

#[test]
fn a_lower_accuracy_is_found_near_the_floor() {
    for (share, wanted) in [(0.6, 1.29), (0.7, 1.23), (0.95, 1.43)] {
        let mean = mean_length(83, 500, |random| {
            let mut test = Labelled::new();
            while !test.alarm(alpha()) {
                let stable = random.bernoulli(share);
                test.observe(stable, !stable);
            }
            test.pairs()
        });
        let floors = mean / floor(share, 0.5);
        assert!((floors - wanted).abs() < 0.12, "{share}: {floors}");
    }
}

/// Pairs of requests, of which the canary's fails in 5 % and the stable version's in 1 %.
#[test]
fn failures_in_pairs_are_found_near_the_floor() {
    let (canary, stable): (f64, f64) = (0.05 * 0.99, 0.01 * 0.95);
    let floor = floor(canary / (canary + stable), 0.5) / (canary + stable);
    assert!((floor - 202.0).abs() < 1.0, "{floor}");
    let mean = mean_length(84, 400, |random| {
        let mut test = Labelled::with_ratio(1.0).unwrap();
        while !test.alarm(alpha()) {
            test.observe(!random.bernoulli(0.01), !random.bernoulli(0.05));
        }
        test.pairs()
    });
    assert!((mean / floor - 1.27).abs() < 0.12, "{}", mean / floor);
    // Where only the canary fails.
    let third = Alpha::new(LEVEL / 3.0).unwrap();
    let mut test = Labelled::new();
    let mut first = [None; 2];
    for pair in 1..=20 {
        test.observe(true, false);
        for (first, level) in first.iter_mut().zip([alpha(), third]) {
            if test.alarm(level) {
                first.get_or_insert(pair);
            }
        }
    }
    assert_eq!(first, [Some(7), Some(9)]);
}

#[test]
fn a_ratio_of_failures_in_pairs_is_allowed_for() {
    let runs = 400;
    let mut alarms = [0; 2];
    for run in 0..runs {
        let mut random = Random::of_run(85, run);
        let mut tests = [Labelled::new(), Labelled::with_ratio(2.0).unwrap()];
        for _ in 0..1500 {
            // The canary alone fails twice as often as the stable version alone.
            let (stable, canary) = [(true, false), (true, false), (false, true), (true, true)]
                [random.below(4) as usize];
            for test in &mut tests {
                test.observe(stable, canary);
            }
        }
        for (alarms, test) in alarms.iter_mut().zip(&tests) {
            *alarms += u32::from(test.alarm(alpha()));
        }
    }
    // 20 expected at most, and three standard deviations.
    assert!(alarms[0] > 390 && alarms[1] <= 33, "{alarms:?} of {runs}");
}

#[test]
fn a_rate_above_the_limit_is_found_and_one_at_the_limit_is_not() {
    let mean = mean_length(86, 400, |random| {
        let mut test = ErrorRate::new(0.02).unwrap();
        while !test.alarm(alpha()) {
            test.observe(random.bernoulli(0.04));
        }
        test.requests()
    });
    let floors = mean / floor(0.04, 0.02);
    assert!((1.1..1.5).contains(&floors), "{floors}");
    let runs = 400;
    let alarms = (0..runs)
        .filter(|&run| {
            let mut random = Random::of_run(87, run);
            let mut test = ErrorRate::new(0.02).unwrap();
            (0..3000).for_each(|_| test.observe(random.bernoulli(0.02)));
            test.alarm(alpha())
        })
        .count();
    assert!(alarms <= 33, "{alarms} of {runs}");
}

/// P(E reaches 1/α within `ones` ones and `length` observations), by recursion over the counts, at the null's boundary.
fn exact_crossing(length: usize, q0: f64, mut reaches: impl FnMut(Counts) -> bool) -> f64 {
    let mut crossed = 0.0;
    let mut alive = vec![1.0];
    for n in 1..=length {
        let mut next = vec![0.0; n + 1];
        for (ones, mass) in alive.into_iter().enumerate() {
            next[ones + 1] += mass * q0;
            next[ones] += mass * (1.0 - q0);
        }
        for (ones, mass) in next.iter_mut().enumerate() {
            let seen = Counts { ones: ones as u64, zeros: (n - ones) as u64 };
            if *mass > 1e-9 && reaches(seen) {
                crossed += std::mem::take(mass);
            }
        }
        alive = next;
    }
    crossed
}

#[test]
fn exact_false_alarms_at_the_boundary_are_below_alpha() {
    let threshold = alpha().ln_threshold();
    for q0 in [0.01, 0.1, 0.5] {
        let kernel = Kernel::new(q0);
        let reaches = |seen| kernel.ln_e_above(threshold - 1e-9, seen).is_some();
        let rate = exact_crossing(400, q0, reaches);
        assert!(rate > 0.005 && rate <= LEVEL, "at most {q0}: {rate}");
    }
    for (q0, reference) in [(0.1, 0.05), (0.3, 0.2), (0.5, 0.45)] {
        let mirror = Mirror::new(reference);
        let reaches = |seen| mirror.ln_e_at_least(seen, q0) >= threshold;
        let rate = exact_crossing(200, q0, reaches);
        assert!(rate > 0.005 && rate <= LEVEL, "at least {q0}: {rate}");
    }
}
