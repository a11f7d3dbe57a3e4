use super::*;
use crate::{AnyTest, Interval, Random};

fn alpha(value: f64) -> Alpha {
    Alpha::new(value).unwrap()
}

/// Traffic with these rates: how many good requests until a bad one, and whose each is.
struct Requests {
    share: f64,
    stable: f64,
    canary: f64,
}

impl Requests {
    /// Sends requests up to and with the next bad one; returns their number.
    fn next_bad(&self, test: &mut RateRatio, sent: u64, random: &mut Random) -> u64 {
        let Self { share, stable, canary } = *self;
        let bad = share * canary + (1.0 - share) * stable;
        let good = random.geometric(bad);
        let of_canary = random.binomial(good, share * (1.0 - canary) / (1.0 - bad));
        let window = Window { canary: of_canary, stable: good - of_canary, ..Window::default() };
        test.observe_counts(sent, share, &window).unwrap();
        test.observe(sent + good, share, random.bernoulli(share * canary / bad), true).unwrap();
        good + 1
    }
}

/// The share of runs that alarm within so many requests, and the median requests of those.
fn alarms(start: &RateRatio, requests: &Requests, most: u64, runs: u64, seed: u64) -> (u64, u64) {
    let level = alpha(0.05);
    let mut took: Vec<u64> = (0..runs)
        .filter_map(|run| {
            let mut random = Random::of_run(seed, run);
            let (mut test, mut sent) = (start.clone(), 0);
            while sent < most {
                sent += requests.next_bad(&mut test, sent, &mut random);
                if test.alarm(level) {
                    return Some(sent);
                }
            }
            None
        })
        .collect();
    took.sort_unstable();
    (took.len() as u64, took.get(took.len() / 2).copied().unwrap_or(0))
}

#[test]
fn false_alarms_stay_below_alpha_at_small_and_large_rates() {
    for (ratio, stable, share) in
        [(1.0, 0.01, 0.1), (1.0, 0.3, 0.3), (2.0, 0.05, 0.5), (0.5, 0.2, 0.05)]
    {
        let test = RateRatio::new(ratio).unwrap();
        let requests = Requests { share, stable, canary: ratio * stable };
        let (found, _) = alarms(&test, &requests, (600.0 / stable) as u64, 300, 311);
        // 15 are expected at most; three standard deviations above that.
        assert!(found <= 26, "{ratio} {stable} {share}: {found} of 300");
    }
}

#[test]
fn good_requests_make_large_rates_quick() {
    // The floor is 707 requests; bad requests alone need 3.4 times as many, all of them 1.4 times.
    let requests = Requests { share: 0.3, stable: 0.5, canary: 0.6 };
    let all = alarms(&RateRatio::new(1.0).unwrap(), &requests, 20_000, 200, 312);
    let bad = alarms(&RateRatio::new(1.0).unwrap().bad_only(), &requests, 20_000, 200, 312);
    assert_eq!((all.0, bad.0), (200, 200));
    assert!(all.1 < 1_150 && bad.1 > 1_600, "{all:?} {bad:?}");
}

#[test]
fn a_harm_of_a_tenth_is_found() {
    let requests = Requests { share: 0.5, stable: 0.01, canary: 0.011 };
    let (found, _) = alarms(&RateRatio::new(1.0).unwrap(), &requests, 1_500_000, 20, 313);
    assert_eq!(found, 20);
}

/// Failures of both versions come in bursts, each on one side.
fn bursty(test: &RateRatio, seed: u64) -> u64 {
    let (share, runs) = (0.3, 100);
    let mut found = 0;
    for run in 0..runs {
        let mut random = Random::of_run(seed, run);
        let mut test = test.clone();
        for window in 0..400_u64 {
            let burst = if random.bernoulli(0.1) { 1 + random.geometric(0.1) } else { 0 };
            let of_canary = random.bernoulli(share);
            let (canary_bad, stable_bad) = if of_canary { (burst, 0) } else { (0, burst) };
            let window_of = Window {
                canary: 300 + canary_bad,
                canary_bad,
                stable: 700 + stable_bad,
                stable_bad,
            };
            test.observe_counts(window * 15_000, share, &window_of).unwrap();
        }
        found += u64::from(test.alarm(alpha(0.05)));
    }
    found
}

#[test]
fn bursts_are_no_harm_with_the_guard() {
    let guarded = bursty(&RateRatio::new(1.0).unwrap().bursts(15_000, alpha(0.05)).unwrap(), 314);
    let plain = bursty(&RateRatio::new(1.0).unwrap(), 314);
    assert!(guarded <= 8, "{guarded} of 100");
    assert!(plain >= 30, "{plain} of 100 without");
}

#[test]
fn late_harm_is_found_sooner_with_starts() {
    let late = |mut test: RateRatio, run: u64| {
        let mut random = Random::of_run(315, run);
        let mut sent = 0;
        let healthy = Requests { share: 0.1, stable: 0.01, canary: 0.01 };
        while sent < 50_000 {
            sent += healthy.next_bad(&mut test, sent, &mut random);
        }
        test.begin_step();
        let harm = Requests { share: 0.5, stable: 0.01, canary: 0.05 };
        let began = sent;
        while !test.alarm(alpha(0.05)) {
            sent += harm.next_bad(&mut test, sent, &mut random);
        }
        sent - began
    };
    let median = |test: &RateRatio| {
        let mut took: Vec<u64> = (0..100).map(|run| late(test.clone(), run)).collect();
        took.sort_unstable();
        took[50]
    };
    let with = median(&RateRatio::new(1.0).unwrap().starts(2));
    let without = median(&RateRatio::new(1.0).unwrap());
    assert!(with < 800 && without > 2 * with, "{with} {without}");
}

#[test]
fn a_stated_harm_is_found_sooner() {
    let requests = Requests { share: 0.5, stable: 0.1, canary: 0.12 };
    let general = alarms(&RateRatio::new(1.0).unwrap(), &requests, 9_000, 200, 316);
    let tuned =
        alarms(&RateRatio::new(1.0).unwrap().tuned(1.2).unwrap(), &requests, 9_000, 200, 316);
    assert!(tuned.0 > general.0 + 20 && tuned.0 >= 148, "{tuned:?} {general:?}");
}

/// The kinds of streams that the interval is looked at on.
fn kinds() -> Vec<RateRatio> {
    let new = |ratio| RateRatio::new(ratio).unwrap();
    vec![
        new(1.0),
        new(1.3).bad_only(),
        new(1.0).starts(3).bursts(2_000, alpha(0.05)).unwrap(),
        new(1.0).tuned(1.5).unwrap().margin(1.4).unwrap(),
        new(0.8).starts(3).margin(1.2).unwrap().bursts(500, alpha(0.05)).unwrap(),
    ]
}

/// One step of a stream: some requests, now and then a new share and a new step.
fn observe(test: &mut RateRatio, random: &mut Random, at: u64, harm: f64) {
    if random.bernoulli(0.01) {
        test.begin_step();
    }
    if random.bernoulli(0.01) {
        test.lose(1);
    }
    let share = [0.05, 0.3, 0.5][(at / 40_000).min(2) as usize];
    let bad = |random: &mut Random, count, rate: f64| random.binomial(count, rate);
    let (canary, stable) = (random.below(20), random.below(40));
    let rate = 0.05 * test.ratio() * (1.0 + harm);
    let (canary_bad, stable_bad) = (bad(random, canary, rate), bad(random, stable, 0.05));
    let window = Window { canary, canary_bad, stable, stable_bad };
    test.observe_counts(at, share, &window).unwrap();
}

#[test]
fn the_interval_excludes_the_bound_exactly_when_the_alarm_has_sounded() {
    let mut seen = [0, 0];
    for (kind, start) in kinds().into_iter().enumerate() {
        for (run, harm) in [-0.3, 0.0, 0.3, 0.8, 2.0].into_iter().enumerate() {
            let mut random = Random::of_run(317, (10 * kind + run) as u64);
            let mut test = start.clone();
            // An alarm stays, also when the harm ends.
            for step in 0..600_u64 {
                let harm = if step < 400 { harm } else { -0.5 };
                observe(&mut test, &mut random, step * 200, harm);
                if step % 7 == 0 {
                    for level in [0.2, 0.05, 0.001].map(alpha) {
                        let Interval { low, high } = test.interval(level);
                        let alarms = test.alarm(level);
                        assert_eq!(low > test.bound(), alarms, "{low} {test:?}");
                        assert!(low <= high, "{low} {high}");
                        seen[usize::from(alarms)] += 1;
                    }
                }
            }
        }
    }
    assert!(seen[0] > 500 && seen[1] > 500, "{seen:?}");
}

#[test]
fn harm_is_excluded_exactly_when_the_margin_lies_outside() {
    let mut seen = [0, 0];
    for (kind, start) in kinds().into_iter().enumerate() {
        let Some(margin) = start.margin else { continue };
        for (run, harm) in [-0.4, 0.0, 0.2].into_iter().enumerate() {
            let mut random = Random::of_run(318, (10 * kind + run) as u64);
            let mut test = start.clone();
            for step in 0..1_500_u64 {
                observe(&mut test, &mut random, step * 200, harm);
                if step % 25 == 0 {
                    let level = alpha(0.05);
                    let excluded = test.excludes_harm(margin, level).unwrap();
                    assert_eq!(test.interval(level).high < margin, excluded, "{test:?}");
                    seen[usize::from(excluded)] += 1;
                }
            }
        }
    }
    assert!(seen[0] > 50 && seen[1] > 50, "{seen:?}");
}

#[test]
fn promotions_of_harm_stay_below_alpha() {
    let mut wrong = 0;
    for run in 0..200 {
        let mut random = Random::of_run(319, run);
        let mut test = RateRatio::new(1.0).unwrap().margin(1.5).unwrap();
        let requests = Requests { share: 0.3, stable: 0.02, canary: 0.03 };
        let mut sent = 0;
        while sent < 20_000 {
            sent += requests.next_bad(&mut test, sent, &mut random);
            if test.excludes_harm(1.5, alpha(0.05)).unwrap() {
                wrong += 1;
                break;
            }
        }
    }
    assert!(wrong <= 19, "{wrong} of 200");
}

#[test]
fn a_healthy_canary_is_proven_near_the_floor() {
    let (share, rate, margin) = (0.3, 0.02, 1.5);
    let mut took = Vec::new();
    for run in 0..100 {
        let mut random = Random::of_run(320, run);
        let mut test = RateRatio::new(1.0).unwrap().margin(margin).unwrap();
        let requests = Requests { share, stable: rate, canary: rate };
        let mut sent = 0;
        while !test.excludes_harm(margin, alpha(0.05)).unwrap() {
            sent += requests.next_bad(&mut test, sent, &mut random);
        }
        took.push(sent as f64);
    }
    let mean = took.iter().sum::<f64>() / 100.0;
    // ln(1/α)/KL with the nearest rates (1.5 p, p), p = 0.0174.
    let floor = 9_020.0;
    assert!(mean < 1.35 * floor, "{mean}");
}

#[test]
fn a_restored_test_goes_on_with_the_same_bits() {
    for (kind, start) in kinds().into_iter().enumerate() {
        let mut random = Random::of_run(321, kind as u64);
        let mut kills = Random::of_run(322, kind as u64);
        let (mut straight, mut killed) = (start.clone(), start);
        for step in 0..600_u64 {
            let mut twin = random.clone();
            observe(&mut straight, &mut random, step * 200, 0.2);
            observe(&mut killed, &mut twin, step * 200, 0.2);
            if kills.bernoulli(if step < 40 { 1.0 } else { 0.05 }) {
                let text = serde_json::to_string(&AnyTest::from(killed)).unwrap();
                assert!(text.len() < 16_000, "{} bytes", text.len());
                let read: AnyTest = serde_json::from_str(&text).unwrap();
                assert_eq!(serde_json::to_string(&read).unwrap(), text);
                let AnyTest::RateRatio(read) = read else { panic!() };
                killed = read;
            }
            let bits = |test: &RateRatio| {
                let Interval { low, high } = test.interval(alpha(0.05));
                let unconfirmed = f64::from(u8::from(test.is_unconfirmed()));
                [test.ln_e(), test.max_ln_e(), unconfirmed, low, high].map(f64::to_bits)
            };
            if step % 20 == 0 {
                assert_eq!(bits(&straight), bits(&killed), "{step}");
            }
        }
        assert_eq!(straight, killed);
    }
}

#[test]
fn damaged_states_are_refused() {
    let whole = serde_json::to_string(&RateRatio::new(1.0).unwrap().starts(2)).unwrap();
    assert!(serde_json::from_str::<RateRatio>(&whole).is_ok());
    for (from, to) in [
        (r#""ratio":"1.0""#, r#""ratio":"0""#),
        (r#""begun":1"#, r#""begun":3"#),
        (r#""open":[0,0,0,0]"#, r#""open":[0,1,0,0]"#),
        (r#""rows":""#, r#""rows":"AAAA"#),
        (r#""rate":"0.0""#, r#""rate":"2""#),
        (r#""segments":[]"#, r#""segments":[{"share":"0.1","rate":"0","counts":[1,2,0,0]}]"#),
    ] {
        let damaged = whole.replacen(from, to, 1);
        let starts = whole.replacen(r#""starts":2"#, r#""starts":2,"begun":1"#, 1);
        let damaged = if damaged == whole { starts.replacen(from, to, 1) } else { damaged };
        assert_ne!(damaged, whole, "{from} is not in {whole}");
        assert!(serde_json::from_str::<RateRatio>(&damaged).is_err(), "{damaged}");
    }
    assert_eq!(RateRatio::new(1.0).unwrap().bursts(0, alpha(0.05)).unwrap_err().name, "millis");
    assert_eq!(RateRatio::new(1.0).unwrap().tuned(1.0).unwrap_err().name, "harm");
    let mut test = RateRatio::new(1.0).unwrap();
    let window = Window { canary: 1, canary_bad: 2, ..Window::default() };
    assert_eq!(test.observe_counts(0, 0.5, &window).unwrap_err().name, "canary_bad");
}

#[test]
fn harm_is_suspected_until_it_is_confirmed_and_a_burst_until_it_is_none() {
    let start = RateRatio::new(1.0).unwrap().bursts(1_000, alpha(0.05)).unwrap();
    let second = |bad: u64| Window { canary: 500, canary_bad: bad, stable: 500, stable_bad: 5 };
    // Harm: suspected within the first window, an alarm some windows later.
    let mut test = start.clone();
    test.observe_counts(0, 0.5, &second(60)).unwrap();
    assert!(test.is_unconfirmed() && !test.alarm(alpha(0.05)));
    let mut windows = 0;
    while test.is_unconfirmed() {
        windows += 1;
        test.observe_counts(1_000 * windows, 0.5, &second(60)).unwrap();
    }
    assert!(test.alarm(alpha(0.05)) && (3..=6).contains(&windows), "{windows}");
    // A burst: suspected, and forgotten.
    let mut test = start;
    test.observe_counts(0, 0.5, &second(60)).unwrap();
    assert!(test.is_unconfirmed());
    for window in 1..20 {
        test.observe_counts(1_000 * window, 0.5, &second(5)).unwrap();
        assert_eq!(test.is_unconfirmed(), window < 6, "{window}");
    }
    assert!(!test.alarm(alpha(0.05)));
    // The next harm is suspected again.
    test.observe_counts(20_000, 0.5, &second(90)).unwrap();
    assert!(test.is_unconfirmed());
}
