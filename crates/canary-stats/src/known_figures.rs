//! The figures of each test on simulated traffic: false alarms below α, harms caught, after how many requests.

use super::{Agreement, Alpha, Drift, EProcess, Labelled, Random, RateRatio, Split};

/// The number of runs that alarmed, and the median of the observations at the alarms.
struct Outcome {
    alarms: usize,
    median: u64,
}

const RUNS: u64 = 500;

fn outcome(seed: u64, run: impl FnMut(Random) -> Option<u64>) -> Outcome {
    outcome_of(RUNS, seed, run)
}

fn outcome_of(runs: u64, seed: u64, mut run: impl FnMut(Random) -> Option<u64>) -> Outcome {
    let mut alarms: Vec<u64> = (0..runs).filter_map(|i| run(Random::of_run(seed, i))).collect();
    alarms.sort_unstable();
    Outcome { alarms: alarms.len(), median: alarms.get(alarms.len() / 2).copied().unwrap_or(0) }
}

/// 20 000 requests, a tenth to the canary, errors at these rates; jumps from error to error.
fn errors(stable: f64, canary: f64) -> Outcome {
    let alpha = Alpha::new(0.05).unwrap();
    let bad = 0.1 * canary + 0.9 * stable;
    outcome(20, |mut random| {
        let mut test = RateRatio::new(1.0).unwrap().bad_only();
        let mut request = 0;
        loop {
            request += random.geometric(bad) + 1;
            if request > 20_000 {
                return None;
            }
            test.observe(request, 0.1, random.bernoulli(0.1 * canary / bad), true).unwrap();
            if test.alarm(alpha) {
                return Some(request);
            }
        }
    })
}

#[test]
fn errors_of_one_percent_in_both_arms() {
    let found = errors(0.01, 0.01);
    assert!(found.alarms <= 25, "{} of 500", found.alarms);
}

#[test]
fn errors_twice_as_frequent() {
    let found = errors(0.01, 0.02);
    assert!(found.alarms >= 400, "{} of 500", found.alarms);
}

#[test]
fn errors_five_times_as_frequent() {
    let found = errors(0.01, 0.05);
    assert_eq!(found.alarms, 500);
    assert!((850..=1050).contains(&found.median), "median {}", found.median);
}

fn agreement(truth: f64) -> Outcome {
    let alpha = Alpha::new(0.05).unwrap();
    outcome(21, |mut random| {
        let mut test = Agreement::new(0.95).unwrap();
        (1..=2000).find(|_| {
            test.observe(random.bernoulli(truth));
            test.alarm(alpha)
        })
    })
}

#[test]
fn agreement_as_asked_for() {
    let found = agreement(0.95);
    assert!(found.alarms <= 25, "{} of 500", found.alarms);
}

#[test]
fn agreement_of_ninety_percent() {
    let found = agreement(0.9);
    assert_eq!(found.alarms, 500);
    assert!((150..=195).contains(&found.median), "median {}", found.median);
}

fn split(truth: f64) -> Outcome {
    let alpha = Alpha::new(0.01).unwrap();
    outcome(22, |mut random| {
        let mut test = Split::new(0.3).unwrap();
        (1..=20_000).find(|_| {
            test.observe(random.bernoulli(truth));
            test.alarm(alpha)
        })
    })
}

#[test]
fn split_as_configured() {
    let found = split(0.3);
    assert!(found.alarms <= 5, "{} of 500", found.alarms);
}

#[test]
fn split_of_twenty_instead_of_thirty_percent() {
    let found = split(0.2);
    assert_eq!(found.alarms, 500);
    assert!((210..=290).contains(&found.median), "median {}", found.median);
}

/// 2000 labelled pairs of which a tenth is discordant.
fn labelled(only_stable: f64) -> Outcome {
    let alpha = Alpha::new(0.05).unwrap();
    outcome(23, |mut random| {
        let mut test = Labelled::new();
        (1..=2000).find(|_| {
            if random.bernoulli(0.1) {
                let stable = random.bernoulli(only_stable);
                test.observe(stable, !stable);
            } else {
                test.observe(true, true);
            }
            test.alarm(alpha)
        })
    })
}

#[test]
fn accuracy_equal_and_worse() {
    let equal = labelled(0.5);
    assert!(equal.alarms <= 25, "{} of 500", equal.alarms);
    let worse = labelled(0.8);
    assert!(worse.alarms >= 495, "{} of 500", worse.alarms);
    assert!(worse.median < 500, "median {}", worse.median);
}

/// Differences of two scores of Beta(8, 2), the canary's shifted: 600 at most, in 100 runs.
fn drift(shift: f64) -> Outcome {
    let alpha = Alpha::new(0.05).unwrap();
    outcome_of(100, 24, |mut random| {
        let mut test = Drift::new(0.02).unwrap();
        (1..=600).find(|_| {
            let noise = random.beta(8.0, 2.0) - random.beta(8.0, 2.0);
            test.observe((noise - shift).clamp(-1.0, 1.0)).unwrap();
            test.alarm(alpha)
        })
    })
}

#[test]
fn score_at_the_margin_and_below() {
    let equal = drift(0.02);
    assert!(equal.alarms <= 5, "{} of 100", equal.alarms);
    let worse = drift(0.08);
    assert_eq!(worse.alarms, 100);
    // 1.34 times ln(1/α) over the largest growth of ln E are 91.
    assert!((70..=105).contains(&worse.median), "median {}", worse.median);
}
