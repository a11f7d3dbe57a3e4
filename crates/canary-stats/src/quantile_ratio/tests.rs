use super::*;
use crate::{AnyTest, Random};

fn alpha(value: f64) -> Alpha {
    Alpha::new(value).unwrap()
}

/// ln of the median latency in seconds.
const MU: f64 = -3.0;

/// Log-normal latencies of σ = 0.4; `slower` is the canary's factor.
fn latency(random: &mut Random, canary: bool, slower: f64) -> f64 {
    random.log_normal(MU, 0.4) * if canary { slower } else { 1.0 }
}

/// Sends one request a millisecond; gives the number at the alarm.
fn alarm(mut test: QuantileRatio, share: f64, slower: f64, most: u64, run: u64) -> Option<u64> {
    let mut random = Random::of_run(411, run);
    (1..=most).find(|at| {
        let share = if test.missing() > 0 { 0.0 } else { share };
        let canary = random.bernoulli(share);
        test.observe(*at, share, canary, Some(latency(&mut random, canary, slower))).unwrap();
        test.alarm(alpha(0.05))
    })
}

/// The median number of requests until a canary of a tenth slower alarms, over so many runs. The first latencies come
/// before the first weight.
fn median(start: &QuantileRatio, share: f64, runs: u64) -> u64 {
    let mut took: Vec<u64> = (0..runs)
        .map(|run| alarm(start.clone(), share, 1.1, 60_000, run).unwrap_or(u64::MAX))
        .collect();
    took.sort_unstable();
    took[took.len() / 2]
}

#[test]
fn a_tenth_slower_is_found_as_soon_as_designed() {
    // The figures are medians with the first latencies; with 1000 runs they are known to 3 %; with
    // 4000 they are 5 308 and 2 584.
    for (share, figure) in [(0.1, 4_970.0), (0.3, 2_560.0)] {
        let found = median(&QuantileRatio::new(0.95, 1.0).unwrap(), share, 1_000);
        let off = found as f64 / figure - 1.0;
        assert!(off.abs() < 0.15, "{share}: {found}, {off}");
    }
}

/// The number of runs that alarm while the canary has the share of 5 to 50 % in ten steps and everything becomes three
/// times slower; at the end of the run.
fn drifting(start: &QuantileRatio, requests: u64, runs: u64) -> u64 {
    let run = |run| {
        let mut random = Random::of_run(412, run);
        let mut test = start.clone();
        for at in 0..requests {
            let part = at as f64 / requests as f64;
            if at % (requests / 10) == 0 {
                test.begin_step();
            }
            let share = 0.05 * (1.0 + (10.0 * part).floor());
            let canary = random.bernoulli(share);
            let everything = 1.0 + 2.0 * part;
            let taken = everything * latency(&mut random, canary, test.bound());
            test.observe(at, share, canary, Some(taken)).unwrap();
        }
        u64::from(test.alarm(alpha(0.05)))
    };
    (0..runs).map(run).sum()
}

#[test]
fn false_alarms_stay_below_alpha_where_everything_becomes_slower() {
    let new = |at_most| QuantileRatio::new(0.95, at_most).unwrap();
    for test in [new(1.0), new(1.25).starts(10), new(1.0).bursts(200, alpha(0.05)).unwrap()] {
        let found = drifting(&test, 8_000, 150);
        // 7.5 are expected at most; three standard deviations above that.
        assert!(found <= 15, "{found} of 150: {}", test.bound());
    }
}

#[test]
fn false_alarms_stay_below_alpha_at_the_boundary() {
    for (quantile, at_most, share) in [(0.95, 1.0, 0.1), (0.5, 1.2, 0.5), (0.9, 0.8, 0.3)] {
        let test = QuantileRatio::new(quantile, at_most).unwrap();
        let found = (0..150)
            .filter(|run| alarm(test.clone(), share, at_most, 8_000, *run).is_some())
            .count();
        assert!(found <= 15, "{quantile} {at_most} {share}: {found} of 150");
    }
}

/// The kinds of streams that the interval is looked at on.
fn kinds() -> Vec<QuantileRatio> {
    let new = |quantile, at_most| {
        QuantileRatio::new(quantile, at_most).and_then(|test| test.warmup(100)).unwrap()
    };
    vec![
        new(0.9, 1.0),
        new(0.8, 1.2).starts(3).bursts(200, alpha(0.05)).unwrap(),
        new(0.9, 1.0).margin(1.15).unwrap(),
        new(0.7, 0.9).starts(2).margin(1.1).unwrap().bursts(100, alpha(0.05)).unwrap(),
    ]
}

/// Some requests of a stream, now and then a new share and a new step.
fn observe(test: &mut QuantileRatio, random: &mut Random, step: u64, slower: f64) {
    if random.bernoulli(0.01) {
        test.begin_step();
    }
    if random.bernoulli(0.01) {
        test.lose(1);
    }
    let share = [0.0, 0.1, 0.3, 0.5, 1.0, 0.4][(step / 100).min(5) as usize];
    for request in 0..10 {
        let canary = random.bernoulli(share);
        let taken = latency(random, canary, slower * test.bound());
        let served = random.bernoulli(0.995);
        test.observe(10 * step + request, share, canary, served.then_some(taken)).unwrap();
    }
}

#[test]
fn the_interval_excludes_the_bound_exactly_when_the_alarm_has_sounded() {
    let mut seen = [0, 0];
    for (kind, start) in kinds().into_iter().enumerate() {
        for run in 0..20 {
            let slower = [0.8, 1.0, 1.1, 1.25, 2.0][run as usize % 5];
            let mut random = Random::of_run(413, 100 * kind as u64 + run);
            let mut test = start.clone();
            // An alarm stays, also when the harm ends.
            for step in 0..700 {
                let slower = if step < 500 { slower } else { 0.7 };
                observe(&mut test, &mut random, step, slower);
                if step % 11 == 0 {
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
    assert!(seen[0] > 2_000 && seen[1] > 2_000, "{seen:?}");
}

#[test]
fn harm_is_excluded_exactly_when_the_margin_lies_outside() {
    let mut seen = [0, 0];
    for (kind, start) in kinds().into_iter().enumerate() {
        for run in 0..4 {
            let slower = [0.6, 0.8, 1.0, 1.2][run as usize];
            let mut random = Random::of_run(414, 100 * kind as u64 + run);
            let mut test = start.clone();
            for step in 0..600 {
                observe(&mut test, &mut random, step, slower);
                if step % 20 == 0 {
                    let anywhere = 3.0 * random.uniform() + 0.01;
                    for margin in [anywhere, start.margin.unwrap_or(2.0), node(test.bound(), 9)] {
                        let excluded = test.excludes_harm(margin, alpha(0.05)).unwrap();
                        let high = test.interval(alpha(0.05)).high;
                        assert_eq!(high < margin, excluded, "{margin} {high} {test:?}");
                        seen[usize::from(excluded)] += 1;
                    }
                }
            }
        }
    }
    assert!(seen[0] > 200 && seen[1] > 200, "{seen:?}");
}

/// The number of runs in which the margin is excluded within so many requests, and the median of those.
fn proofs(start: &QuantileRatio, margin: f64, slower: f64, most: u64) -> (usize, u64) {
    let run = |run| {
        let mut random = Random::of_run(415, run);
        let mut test = start.clone();
        (1..=most).find(|at| {
            let canary = random.bernoulli(0.3);
            test.observe(*at, 0.3, canary, Some(latency(&mut random, canary, slower))).unwrap();
            at % 20 == 0 && test.excludes_harm(margin, alpha(0.05)).unwrap()
        })
    };
    let mut took: Vec<u64> = (0..100).filter_map(run).collect();
    took.sort_unstable();
    (took.len(), took.get(took.len() / 2).copied().unwrap_or(0))
}

#[test]
fn a_healthy_canary_is_proven_and_harm_is_not() {
    let test = QuantileRatio::new(0.95, 1.0).and_then(|test| test.margin(1.2)).unwrap();
    let (healthy, median) = proofs(&test, 1.2, 1.0, 10_000);
    assert!(healthy >= 98 && median < 3_000, "{healthy} of 100, {median}");
    let (wrong, _) = proofs(&test, 1.2, 1.2, 5_000);
    // 5 are expected at most; three standard deviations above that.
    assert!(wrong <= 11, "{wrong} of 100");
}

#[test]
fn a_restored_test_goes_on_with_the_same_bits() {
    for (kind, start) in kinds().into_iter().enumerate() {
        let mut random = Random::of_run(416, kind as u64);
        let mut kills = Random::of_run(417, kind as u64);
        let (mut straight, mut killed) = (start.clone(), start);
        for step in 0..600 {
            let mut twin = random.clone();
            observe(&mut straight, &mut random, step, 1.1);
            observe(&mut killed, &mut twin, step, 1.1);
            if kills.bernoulli(if step < 30 { 1.0 } else { 0.05 }) {
                let text = serde_json::to_string(&AnyTest::from(killed)).unwrap();
                assert!(text.len() < 16_000, "{} bytes", text.len());
                let read: AnyTest = serde_json::from_str(&text).unwrap();
                assert_eq!(serde_json::to_string(&read).unwrap(), text);
                let AnyTest::QuantileRatio(read) = read else { panic!() };
                killed = read;
            }
            if step % 20 == 0 {
                let bits = |test: &QuantileRatio| {
                    let Interval { low, high } = test.interval(alpha(0.05));
                    let estimate = test.estimate().unwrap_or(0.0);
                    let unconfirmed = f64::from(u8::from(test.is_unconfirmed()));
                    [test.ln_e(), test.max_ln_e(), unconfirmed, low, high, estimate]
                        .map(f64::to_bits)
                };
                assert_eq!(bits(&straight), bits(&killed), "{step}");
            }
        }
        assert_eq!(straight, killed);
    }
}

#[test]
fn failures_are_slower_than_any_latency() {
    let start = QuantileRatio::new(0.9, 1.0).and_then(|test| test.warmup(100)).unwrap();
    let mut test = start.clone();
    for at in 0..100 {
        // Failures and the canary's latencies do not influence the threshold.
        test.observe(at, 0.0, false, None).unwrap();
        test.observe(at, 0.5, true, Some(1e6)).unwrap();
        assert_eq!((test.missing(), test.threshold()), (100 - at, None));
        test.observe(at, 0.0, false, Some(1.0 + at as f64)).unwrap();
    }
    let x = test.threshold().unwrap();
    assert!(x > 90.0 && x < 90.0 * 1.05, "{x}");
    assert_eq!((test.ln_e(), test.estimate()), (0.0, None));
    test.observe(100, 0.0, false, None).unwrap();
    assert_eq!(test.ln_e(), 0.0);
    let mut failing = test.clone();
    for at in 101..400 {
        let canary = at % 2 == 0;
        test.observe(at, 0.5, canary, Some(if canary { x + 1.0 } else { x })).unwrap();
        failing.observe(at, 0.5, canary, (!canary).then_some(x)).unwrap();
    }
    assert!(test.alarm(alpha(0.001)) && failing.alarm(alpha(0.001)));
    // A latency just above x says that the ratio is above 1, a failure that it is larger than any.
    let low = |test: &QuantileRatio| test.interval(alpha(0.05)).low;
    assert_eq!((low(&test), low(&failing)), (1.0_f64.next_up(), 2.0_f64.next_up()));
    assert_eq!(failing.estimate(), Some(f64::INFINITY));
    assert!(test.estimate().is_some_and(|estimate| (1.0..1.1).contains(&estimate)));
}

#[test]
fn what_is_outside_its_range_is_named() {
    let new = |quantile, at_most| QuantileRatio::new(quantile, at_most).map_err(|error| error.name);
    for bad in [0.0, 1.0, f64::NAN, -1.0] {
        assert_eq!(new(bad, 1.0).unwrap_err(), "quantile");
    }
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(new(0.9, bad).unwrap_err(), "at_most");
        assert_eq!(new(0.9, 1.0).unwrap().margin(bad).unwrap_err().name, "margin");
    }
    assert_eq!(new(0.999, 1.0).unwrap().missing(), 1_000);
    assert_eq!(new(0.95, 1.0).unwrap().warmup(19).unwrap_err().name, "wanted");
    assert_eq!(new(0.9, 1.0).unwrap().bursts(0, alpha(0.05)).unwrap_err().name, "millis");
    let mut test = new(0.9, 1.0).unwrap();
    for (share, latency, name) in
        [(1.5, 1.0, "share"), (0.5, f64::NAN, "latency"), (0.5, -1.0, "latency")]
    {
        assert_eq!(test.observe(0, share, false, Some(latency)).unwrap_err().name, name);
        assert_eq!(test, new(0.9, 1.0).unwrap());
    }
    test.observe(0, 0.5, false, Some(1.0)).unwrap();
    assert_eq!(test.clone().margin(1.1).unwrap_err().name, "latencies");
    assert_eq!(test.warmup(600).unwrap_err().name, "latencies");
}

#[test]
fn damaged_states_are_refused() {
    let mut test = kinds().remove(2);
    let mut random = Random::new(418);
    let learning = {
        let mut test = test.clone();
        test.observe(0, 0.0, false, Some(3.0)).unwrap();
        serde_json::to_value(&test).unwrap()
    };
    for step in 0..150 {
        observe(&mut test, &mut random, step, 1.3);
    }
    let frozen = serde_json::to_value(&test).unwrap();
    for whole in [&learning, &frozen] {
        assert!(serde_json::from_value::<QuantileRatio>(whole.clone()).is_ok(), "{whole}");
    }
    let ratio = |field: &str, value: serde_json::Value| {
        let mut ratio = frozen["ratio"].clone();
        ratio[field] = value;
        ratio
    };
    let mut above = frozen["ratio"]["openAbove"].clone();
    assert!(above[0].as_u64().unwrap() > 0, "{above}");
    above[7] = 1_000_000.into();
    let mut segments = frozen["ratio"]["segments"].clone();
    segments[0]["above"] = serde_json::json!([1, 2]);
    for (field, value) in [
        ("quantile", serde_json::json!("1")),
        ("atMost", "0".into()),
        ("warmup", 5.into()),
        ("margin", "NaN".into()),
        ("threshold", serde_json::json!({"frozen": {"bucket": 900, "aim": "0.5"}})),
        ("threshold", serde_json::json!({"frozen": {"bucket": 70, "aim": "2"}})),
        ("threshold", serde_json::json!({"learning": [[70, 3]]})),
        ("ratio", ratio("ratio", "2".into())),
        ("ratio", ratio("margin", "2".into())),
        ("ratio", ratio("openAbove", above)),
        ("ratio", ratio("segments", segments)),
        ("extra", 1.into()),
    ] {
        let mut damaged = frozen.clone();
        damaged[field] = value;
        assert!(serde_json::from_value::<QuantileRatio>(damaged).is_err(), "{field}: {frozen}");
    }
    let mut damaged = learning;
    damaged["threshold"] = serde_json::json!({"learning": [[70, 100]]});
    assert!(serde_json::from_value::<QuantileRatio>(damaged).is_err());
    // The rows of a ratio have no counts of their own.
    assert!(serde_json::from_value::<RateRatio>(frozen["ratio"].clone()).is_err());
}
