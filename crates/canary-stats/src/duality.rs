//! The interval and its test agree in both directions, at every moment, on many random streams.

use super::{
    Agreement, Alpha, AnyTest, BoundedMean, Drift, EProcess, ErrorRate, Interval, Labelled,
    MeanDifference, QuantileRatio, Random, Split,
};

/// Tests of every kind, the same kind at several bounds.
fn all() -> Vec<AnyTest> {
    vec![
        Agreement::new(0.9).unwrap().into(),
        Agreement::new(0.5).unwrap().into(),
        Labelled::new().into(),
        Split::new(0.3).unwrap().into(),
        Drift::new(0.0).unwrap().into(),
        Drift::new(0.05).unwrap().into(),
        BoundedMean::new(0.8, 0.0, 1.0).unwrap().into(),
        BoundedMean::new(-3.0, -20.0, 10.0).unwrap().into(),
        Labelled::with_ratio(2.0).unwrap().into(),
        ErrorRate::new(0.02).unwrap().into(),
        ErrorRate::new(0.4).unwrap().into(),
        QuantileRatio::new(0.8, 1.1).and_then(|test| test.warmup(50)).unwrap().into(),
        MeanDifference::new(0.7, -3.0, 4.0).unwrap().into(),
        MeanDifference::new(0.1, 0.0, 1.3).unwrap().lower_is_better().unwrap().into(),
    ]
}

/// One observation, or a window of them, of a canary that does this harm; 0 is the null's bound, below 0 is better.
fn observe(test: &mut AnyTest, random: &mut Random, harm: f64) {
    let many = if random.bernoulli(0.1) { random.below(20) } else { 1 };
    let bound = test.bound();
    match test {
        // Tested by its own tests.
        AnyTest::RateRatio(_) => {}
        AnyTest::QuantileRatio(test) => {
            for _ in 0..5 * many {
                let canary = random.bernoulli(0.3);
                let slower = if canary { bound * (1.0 + harm) } else { 1.0 };
                test.observe(0, 0.3, canary, Some(slower * random.log_normal(3.0, 0.4))).unwrap();
            }
        }
        AnyTest::Agreement(test) => {
            let different = random.binomial(many, (1.0 - bound) * (1.0 + harm));
            test.observe_counts(many - different, different);
        }
        AnyTest::Labelled(test) => {
            let discordant = random.binomial(many, 0.3);
            let null = test.ratio() / (1.0 + test.ratio());
            let only_stable = random.binomial(discordant, null * (1.0 + harm));
            test.observe_counts(only_stable, discordant - only_stable, many - discordant);
        }
        AnyTest::ErrorRate(test) => {
            let many = if bound < 0.1 { 3 * many } else { many };
            let failed = random.binomial(many, bound * (1.0 + harm));
            test.observe_counts(failed, many - failed);
        }
        AnyTest::Split(test) => {
            let canary = random.binomial(many, bound * (1.0 + harm));
            test.observe_counts(canary, many - canary);
        }
        AnyTest::Drift(test) => {
            let shift = bound - 0.1 * harm;
            test.observe((0.2 * random.normal() + shift).clamp(-1.0, 1.0)).unwrap();
        }
        AnyTest::BoundedMean(test) => {
            let (low, high) = test.range();
            let fall = (high - bound) / (high - low) * (1.0 + 0.5 * harm);
            let falls = random.bernoulli(0.5);
            let x = if falls { random.beta(0.4, 0.4) } else { f64::from(random.bernoulli(0.5)) };
            // x has the mean ½, and is 0 instead so often that u has the mean `fall`.
            let u = if random.bernoulli(2.0 * fall.min(0.5)) { x } else { 0.0 };
            test.observe(high - (high - low) * u).unwrap();
        }
        AnyTest::MeanDifference(test) => {
            let (low, high) = test.range();
            let share = [0.05, 0.3, 0.3, 0.5][random.below(4) as usize];
            let canary = random.bernoulli(share);
            let fall = test.margin() / (high - low) + 0.4 * harm;
            let good = random.bernoulli(if canary { 0.5 - fall } else { 0.5 });
            let value = if good == test.is_lower_better() { low } else { high };
            test.observe(share, canary, value).unwrap();
        }
    }
}

/// Returns true when the bound lies beyond the end that belongs to the alarm. (It may also lie beyond the other end, if
/// the canary is better than required.)
fn bound_outside(test: &AnyTest, interval: Interval) -> bool {
    match test {
        AnyTest::RateRatio(_) | AnyTest::QuantileRatio(_) | AnyTest::ErrorRate(_) => {
            test.bound() < interval.low
        }
        AnyTest::Split(_) => !interval.contains(test.bound()),
        AnyTest::MeanDifference(mean) if mean.is_lower_better() => test.bound() < interval.low,
        _ => test.bound() > interval.high,
    }
}

/// Returns true when the test has alarmed and its interval keeps excluding what the alarm excluded.
fn keeps_alarm(test: &AnyTest, alpha: Alpha) -> bool {
    let keeps =
        matches!(test, AnyTest::Agreement(_) | AnyTest::Labelled(_) | AnyTest::ErrorRate(_));
    keeps && test.alarm(alpha)
}

/// Returns true when the bound is to lie beyond the end: of some tests while E is above the threshold, of others from an
/// alarm on.
fn bound_excluded(test: &AnyTest, alpha: Alpha) -> bool {
    keeps_alarm(test, alpha) || test.ln_e() >= alpha.ln_threshold()
}

/// Returns true when the margin lies outside of the interval, on the side of harm.
fn margin_outside(test: &AnyTest, interval: Interval, margin: f64) -> bool {
    match test {
        AnyTest::RateRatio(_) | AnyTest::QuantileRatio(_) | AnyTest::ErrorRate(_) => {
            margin > interval.high
        }
        AnyTest::Agreement(_) | AnyTest::BoundedMean(_) => margin < interval.low,
        AnyTest::MeanDifference(mean) if mean.is_lower_better() => margin > interval.high,
        AnyTest::Labelled(_) | AnyTest::Drift(_) | AnyTest::MeanDifference(_) => {
            -margin < interval.low
        }
        AnyTest::Split(test) => {
            test.weight() - margin < interval.low && test.weight() + margin > interval.high
        }
    }
}

/// A margin to test: near the estimate, or anywhere.
fn margin(test: &AnyTest, random: &mut Random) -> f64 {
    let near = test.estimate().unwrap_or(0.5) + 0.1 * random.normal();
    match test {
        AnyTest::RateRatio(_) => 1.0,
        AnyTest::QuantileRatio(_) => (1.3 * near).clamp(0.01, 10.0),
        AnyTest::Agreement(_) | AnyTest::ErrorRate(_) => near.clamp(0.001, 0.999),
        AnyTest::Labelled(_) | AnyTest::Drift(_) => near.abs().clamp(0.0, 0.99),
        AnyTest::Split(_) => 0.5 * random.uniform() + 1e-3,
        AnyTest::MeanDifference(_) => 1.2 * random.uniform(),
        AnyTest::BoundedMean(test) => {
            let (low, high) = test.range();
            (low + (high - low) * near.abs()).clamp(low, high - 1e-6)
        }
    }
}

fn levels() -> [Alpha; 3] {
    [0.3, 0.05, 0.001].map(|alpha| Alpha::new(alpha).unwrap())
}

/// Runs every test on many streams and looks at each at many moments, at one of the levels.
fn on_every_stream(mut look: impl FnMut(&AnyTest, Alpha, &mut Random)) {
    for (kind, start) in all().into_iter().enumerate() {
        for (run, harm) in [-0.5, -0.2, 0.0, 0.1, 0.3, 0.6, 0.9].into_iter().enumerate() {
            let mut random = Random::of_run(61, (100 * kind + run) as u64);
            let mut test = start.clone();
            for step in 0..300 {
                observe(&mut test, &mut random, harm);
                if step < 10 || step % 10 == 0 {
                    let alpha = levels()[random.below(3) as usize];
                    look(&test, alpha, &mut random);
                }
            }
        }
    }
}

#[test]
fn the_bound_lies_outside_exactly_when_the_alarm_sounds() {
    let mut seen = std::collections::BTreeMap::<_, [u32; 2]>::new();
    on_every_stream(|test, alpha, _| {
        let interval = test.interval(alpha);
        let outside = bound_outside(test, interval);
        let alarming = match test {
            // Once beyond the end, the bound stays there.
            AnyTest::Drift(_)
            | AnyTest::BoundedMean(_)
            | AnyTest::MeanDifference(_)
            | AnyTest::QuantileRatio(_) => test.alarm(alpha),
            _ => bound_excluded(test, alpha),
        };
        assert_eq!(outside, alarming, "{test:?} {alpha:?}: {interval:?}, ln E {}", test.ln_e());
        seen.entry(test.quantity()).or_default()[usize::from(alarming)] += 1;
    });
    assert!(seen.len() == 9 && seen.values().flatten().all(|&times| times > 15), "{seen:?}");
}

#[test]
fn no_first_alarm_stands_beside_an_interval_that_contains_the_bound() {
    let mut alarms = 0;
    for (kind, start) in all().into_iter().enumerate() {
        for run in 0..30 {
            let mut random = Random::of_run(62, 100 * kind as u64 + run);
            let mut test = start.clone();
            let alpha = levels()[run as usize % 3];
            let before = (0..3000).find_map(|_| {
                let before = test.clone();
                observe(&mut test, &mut random, if run % 5 == 0 { 0.0 } else { 0.6 });
                test.alarm(alpha).then_some(before)
            });
            if let Some(before) = before {
                let outside = |test: &AnyTest| bound_outside(test, test.interval(alpha));
                assert!(!outside(&before) && outside(&test), "{before:?} {test:?}");
                assert!(!test.interval(alpha).contains(test.bound()), "{test:?}");
                alarms += 1;
            }
        }
    }
    assert!(alarms > 200, "{alarms} of 300");
}

#[test]
fn harm_is_excluded_exactly_when_its_margin_lies_outside() {
    let mut seen = std::collections::BTreeMap::<_, [u32; 2]>::new();
    on_every_stream(|test, alpha, random| {
        let margin = margin(test, random);
        let excluded = test.excludes_harm(margin, alpha).unwrap();
        let interval = test.interval(alpha);
        let outside = margin_outside(test, interval, margin);
        assert_eq!(excluded, outside, "{test:?} {alpha:?} {margin}: {interval:?}");
        seen.entry(test.quantity()).or_default()[usize::from(excluded)] += 1;
    });
    assert!(seen.len() == 9 && seen.values().flatten().all(|&times| times > 15), "{seen:?}");
}

/// The cached decision changes no result.
#[test]
fn a_test_that_was_read_decides_as_one_that_was_not() {
    for (kind, start) in all().into_iter().enumerate() {
        let mut random = Random::of_run(63, kind as u64);
        let alpha = levels()[1];
        let mut test = start;
        let margins = [margin(&test, &mut random), margin(&test, &mut random)];
        for step in 0..400 {
            observe(&mut test, &mut random, -0.3);
            for _ in 0..random.below(3) {
                let margin = margins[random.below(2) as usize];
                let stored = serde_json::to_string(&test).unwrap();
                let fresh: AnyTest = serde_json::from_str(&stored).unwrap();
                assert_eq!(test, fresh);
                let (asked, wanted) =
                    (test.excludes_harm(margin, alpha), fresh.excludes_harm(margin, alpha));
                assert_eq!(asked.unwrap(), wanted.unwrap(), "{step} {margin} {test:?}");
            }
        }
    }
}

#[test]
fn the_estimate_lies_between_the_ends() {
    on_every_stream(|test, alpha, random| {
        if random.bernoulli(0.5) {
            let Interval { low, high } = test.interval(alpha);
            let estimate = test.estimate().unwrap_or(low);
            let slack = 1e-9 * estimate.abs();
            let inside = low - slack <= estimate && estimate <= high + slack;
            // An end that never moves back may have passed the truth, and the estimate of later data.
            let kept = matches!(
                test,
                AnyTest::Drift(_)
                    | AnyTest::BoundedMean(_)
                    | AnyTest::MeanDifference(_)
                    | AnyTest::QuantileRatio(_)
            );
            assert!(inside || kept || keeps_alarm(test, alpha), "{test:?}: {low} {high}");
            assert!(low <= high, "{test:?}: {low} {high}");
            let half = Alpha::new(0.5).unwrap();
            let narrower = test.interval(half);
            let nested = low <= narrower.low && narrower.high <= high;
            // Where nothing is left at the lower level the interval is one of its ends.
            let nothing = narrower.low == narrower.high;
            assert!(nested || nothing || keeps_alarm(test, half), "{test:?}");
        }
    });
}

/// The end on the alarm's side is where the same test with another bound would begin to alarm.
#[test]
fn the_alarms_end_is_the_inversion_of_the_alarm() {
    let near = |a: f64, b: f64| a == b || (a - b).abs() < 1e-11 * a;
    let mut random = Random::new(64);
    for round in 0..300 {
        let alpha = levels()[round % 3];
        let mut agreement = Agreement::new(0.9).unwrap();
        let (same_pairs, different) = (random.below(400), random.below(40));
        let other_p = 0.02 + 0.96 * random.uniform();
        let mut moved_agreement = Agreement::new(other_p).unwrap();
        agreement.observe_counts(same_pairs, different);
        moved_agreement.observe_counts(same_pairs, different);
        let alarming = |test: &dyn EProcess| test.ln_e() >= alpha.ln_threshold();
        let interval = agreement.interval(alpha);
        assert_eq!(alarming(&moved_agreement), other_p > interval.high, "{agreement:?} {other_p}");
        let moved = moved_agreement.interval(alpha).high;
        assert!(near(moved, interval.high), "{agreement:?} {other_p}");
    }
}

/// Where E is not flat, every bound beyond an excluded one is excluded: the set is an interval.
#[test]
fn the_evidence_is_monotone_in_its_bound() {
    let mut random = Random::new(65);
    for _ in 0..60 {
        let counts: Vec<(u64, u64)> =
            (0..3).map(|_| (random.below(60), random.below(60))).collect();
        let mut before = f64::NEG_INFINITY;
        for step in 1..200 {
            let mut agreement = Agreement::new(0.005 * f64::from(step)).unwrap();
            for &(one, two) in &counts {
                agreement.observe_counts(one, two);
            }
            let slack = |ln_e: f64| 1e-9 * (1.0 + ln_e.abs());
            assert!(agreement.ln_e() >= before - slack(before.max(-1e9)), "{agreement:?}");
            before = agreement.ln_e();
        }
    }
}

/// Each end alone is on the right side of the truth, looked at all the time, in all except α of the runs.
#[test]
fn each_end_holds_its_own_level() {
    let alpha = Alpha::new(0.1).unwrap();
    let runs = 100;
    let mut missed = [[0_u32; 2]; 5];
    for run in 0..runs {
        let mut random = Random::of_run(66, run);
        // Bounds away from the truth, so that both ends are tried elsewhere.
        let mut tests: [AnyTest; 5] = [
            Agreement::new(0.95).unwrap().into(),
            Labelled::new().into(),
            Drift::new(0.05).unwrap().into(),
            BoundedMean::new(0.5, 0.0, 1.0).unwrap().into(),
            ErrorRate::new(0.1).unwrap().into(),
        ];
        let truths = [0.85, 0.04, 0.02, 0.3, 0.12];
        let mut out = [[false; 2]; 5];
        for step in 1..=600 {
            for (kind, test) in tests.iter_mut().enumerate() {
                match test {
                    AnyTest::Agreement(test) => test.observe(random.bernoulli(truths[kind])),
                    AnyTest::Labelled(test) => {
                        let u = random.uniform();
                        test.observe(u < 0.08, u > 0.88);
                    }
                    AnyTest::Drift(test) => {
                        let sign = if random.bernoulli(0.55) { 1.0 } else { -1.0 };
                        test.observe(0.2 * sign).unwrap();
                    }
                    AnyTest::BoundedMean(test) => {
                        test.observe(f64::from(random.bernoulli(0.3))).unwrap();
                    }
                    AnyTest::ErrorRate(test) => test.observe(random.bernoulli(truths[kind])),
                    AnyTest::Split(_)
                    | AnyTest::RateRatio(_)
                    | AnyTest::QuantileRatio(_)
                    | AnyTest::MeanDifference(_) => {}
                }
                if [3, 6, 10, 20, 40, 80, 150, 300, 600].contains(&step) {
                    let Interval { low, high } = test.interval(alpha);
                    out[kind][0] |= low > truths[kind];
                    out[kind][1] |= high < truths[kind];
                }
            }
        }
        for (missed, out) in missed.iter_mut().zip(out) {
            missed[0] += u32::from(out[0]);
            missed[1] += u32::from(out[1]);
        }
    }
    // 10 expected at most, and three standard deviations.
    assert!(missed.iter().flatten().all(|&missed| missed <= 19), "{missed:?} of {runs}");
    assert!(missed.iter().flatten().sum::<u32>() > 5, "{missed:?}: the ends are nowhere near");
}
