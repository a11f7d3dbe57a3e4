//! The state of a test: the same in batches, after a restart, and at the extremes.

use super::{
    Agreement, Alpha, AnyTest, BoundedMean, Drift, EProcess, ErrorRate, Labelled, MeanDifference,
    QuantileRatio, Random, RateRatio, Split, Window,
};

/// Bad requests of both versions.
fn bad(canary: u64, stable: u64) -> Window {
    Window { canary, canary_bad: canary, stable, stable_bad: stable }
}

/// One random observation into any test; the kind and the shares vary.
fn observe(test: &mut AnyTest, random: &mut Random, harm: f64) {
    match test {
        AnyTest::RateRatio(test) => {
            let share = [0.05, 0.3, 0.3, 0.3, 0.5][random.below(5) as usize];
            let odds = share * harm;
            let canary = random.bernoulli(odds / (odds + 1.0 - share));
            test.observe(0, share, canary, true).unwrap();
        }
        AnyTest::QuantileRatio(test) => {
            let share = [0.0, 0.3, 0.3, 0.3, 0.5][random.below(5) as usize];
            let canary = random.bernoulli(share);
            let slower = if canary { harm } else { 1.0 };
            let latency = slower * random.log_normal(3.0, 0.4);
            let served = random.bernoulli(0.99);
            test.observe(0, share, canary, served.then_some(latency)).unwrap();
        }
        AnyTest::Agreement(test) => test.observe(random.bernoulli(1.0 - 0.1 * harm)),
        AnyTest::ErrorRate(test) => test.observe(random.bernoulli(0.02 * harm)),
        AnyTest::Labelled(test) => {
            let stable = random.bernoulli(0.9);
            test.observe(stable, random.bernoulli(1.0 - 0.1 * harm));
        }
        AnyTest::Split(test) => test.observe(random.bernoulli(0.1 * harm)),
        AnyTest::Drift(test) => {
            test.observe((0.1 * random.normal() - 0.05 * (harm - 1.0)).clamp(-1.0, 1.0)).unwrap();
        }
        AnyTest::BoundedMean(test) => test.observe(20.0 * random.beta(9.0, harm)).unwrap(),
        AnyTest::MeanDifference(test) => {
            let share = [0.0, 0.1, 0.3, 0.3, 0.5][random.below(5) as usize];
            let canary = random.bernoulli(share);
            let harm = if canary { harm } else { 1.0 };
            test.observe(share, canary, 3.0 * random.beta(2.0, 2.0 * harm)).unwrap();
        }
    }
}

fn all() -> Vec<AnyTest> {
    vec![
        RateRatio::new(1.2).unwrap().bad_only().into(),
        QuantileRatio::new(0.8, 1.0).and_then(|test| test.warmup(50)).unwrap().into(),
        Agreement::new(0.9).unwrap().into(),
        Labelled::new().into(),
        Labelled::with_ratio(1.3).unwrap().into(),
        ErrorRate::new(0.02).unwrap().into(),
        Split::new(0.1).unwrap().into(),
        Drift::new(0.01).unwrap().into(),
        BoundedMean::new(18.0, 0.0, 20.0).unwrap().into(),
        Drift::new(0.01).unwrap().with_margin(0.03).unwrap().into(),
        MeanDifference::new(0.1, 0.0, 3.0).unwrap().into(),
        MeanDifference::new(0.0, 0.0, 3.0)
            .and_then(MeanDifference::lower_is_better)
            .and_then(|test| test.with_margin(0.2))
            .unwrap()
            .into(),
    ]
}

/// The checks that avoid the closed form never miss a maximum.
#[test]
fn the_maximum_is_the_largest_evidence_of_all_moments() {
    for harm in [0.7, 1.0, 1.3, 2.0] {
        for (kind, start) in all().into_iter().enumerate() {
            if matches!(start, AnyTest::QuantileRatio(_)) {
                // It is looked at when a request is bad; good ones of the stable version raise E a little as well.
                continue;
            }
            let mut random = Random::of_run(51, kind as u64);
            let mut test = start;
            let mut largest: f64 = 0.0;
            for i in 0..4000 {
                observe(&mut test, &mut random, harm);
                largest = largest.max(test.ln_e());
                let gap = largest - test.max_ln_e();
                assert!(gap.abs() <= 1e-9 * (1.0 + largest), "{test:?} {i}: {largest}");
            }
        }
    }
}

/// Every result of a test, exactly.
fn bits(test: &AnyTest) -> Vec<u64> {
    let mut said = vec![test.ln_e(), test.max_ln_e(), test.p_value(), test.bound()];
    said.extend(test.estimate());
    for alpha in [0.05, 0.001] {
        let alpha = Alpha::new(alpha).unwrap();
        let interval = test.interval(alpha);
        said.extend([interval.low, interval.high]);
        let excluded = test.excludes_harm(0.2, alpha).unwrap();
        said.push(f64::from(excluded));
    }
    said.into_iter().map(f64::to_bits).collect()
}

/// Written and read back: the same value, and the same text again.
fn restored(test: &AnyTest) -> AnyTest {
    let stored = serde_json::to_string(test).unwrap();
    let read: AnyTest = serde_json::from_str(&stored).unwrap();
    assert_eq!(&read, test);
    assert_eq!(serde_json::to_string(&read).unwrap(), stored);
    read
}

#[test]
fn a_restored_test_goes_on_with_the_same_bits() {
    for harm in [0.8, 1.0, 1.5] {
        for (kind, start) in all().into_iter().enumerate() {
            let mut random = Random::of_run(52, kind as u64);
            let mut kills = Random::of_run(57, kind as u64);
            let mut straight = start.clone();
            let mut killed = start;
            for i in 0..1000 {
                let mut twin = random.clone();
                observe(&mut straight, &mut random, harm);
                observe(&mut killed, &mut twin, harm);
                // In some rounds at every observation, so that each observation is the first after a restart.
                if kills.bernoulli(if i % 500 < 20 { 1.0 } else { 0.02 }) {
                    killed = restored(&killed);
                    let text = serde_json::to_string(&killed).unwrap();
                    let most = match killed {
                        AnyTest::RateRatio(_) | AnyTest::QuantileRatio(_) => 40_000,
                        // Matrices of 33 nodes, and the scales of what leaves the range of numbers.
                        AnyTest::Drift(_) | AnyTest::BoundedMean(_) => 7_500,
                        AnyTest::MeanDifference(_) => 9_000,
                        _ => 600,
                    };
                    assert!(text.len() < most, "{} bytes: {text}", text.len());
                }
                assert_eq!(straight.max_ln_e().to_bits(), killed.max_ln_e().to_bits(), "{i}");
                assert_eq!(straight.ln_e().to_bits(), killed.ln_e().to_bits(), "{i}");
                if i % 150 == 0 {
                    assert_eq!(bits(&straight), bits(&killed), "{i}: {straight:?}");
                }
            }
            assert_eq!(straight, killed);
            assert_eq!(bits(&straight), bits(&restored(&killed)), "{straight:?}");
        }
    }
}

/// Far beyond the range of numbers and back, where capitals are scaled.
#[test]
fn a_restored_mean_goes_on_with_the_same_bits_beyond_all_bounds() {
    let mut straight = BoundedMean::new(0.99, 0.0, 1.0).unwrap();
    let mut killed: AnyTest = straight.clone().into();
    let mut random = Random::new(59);
    for i in 0..4000 {
        let value = if i < 1500 { 0.3 * random.uniform() } else { 1.0 - 1e-3 * random.uniform() };
        straight.observe(value).unwrap();
        let AnyTest::BoundedMean(mean) = &mut killed else { panic!() };
        mean.observe(value).unwrap();
        if i % 37 == 0 {
            killed = restored(&killed);
            assert_eq!(bits(&straight.clone().into()), bits(&killed), "{i}");
        }
    }
    assert!(straight.max_ln_e() > 1500.0 && straight.ln_e() <= straight.max_ln_e());
}

#[test]
fn batches_give_the_evidence_of_their_observations() {
    let mut random = Random::new(53);
    let mut single = (
        RateRatio::new(1.0).unwrap().bad_only(),
        Agreement::new(0.9).unwrap(),
        Labelled::new(),
        Split::new(0.3).unwrap(),
    );
    let mut batch = single.clone();
    for window in 0..60 {
        let share = if window < 30 { 0.1 } else { 0.3 };
        let size = random.below(30);
        let (mut k, mut l) = (0, 0);
        for _ in 0..size {
            let (one, two) = (random.bernoulli(0.4), random.bernoulli(0.8));
            (k, l) = (k + u64::from(one), l + u64::from(two));
            single.0.observe(0, share, one, true).unwrap();
            single.1.observe(two);
            single.2.observe(one, !one);
            single.3.observe(one);
        }
        batch.0.observe_counts(0, share, &bad(k, size - k)).unwrap();
        batch.1.observe_counts(l, size - l);
        batch.2.observe_counts(k, size - k, 0);
        batch.3.observe_counts(k, size - k);
        let pairs: [(&dyn EProcess, &dyn EProcess); 4] = [
            (&single.0, &batch.0),
            (&single.1, &batch.1),
            (&single.2, &batch.2),
            (&single.3, &batch.3),
        ];
        for (one, many) in pairs {
            assert_eq!(one.ln_e().to_bits(), many.ln_e().to_bits());
            assert!(many.max_ln_e() <= one.max_ln_e());
            assert_eq!(one.counts(), many.counts());
        }
    }
}

#[test]
fn without_observations_nothing_is_known() {
    let alpha = Alpha::new(0.05).unwrap();
    for test in all() {
        assert_eq!((test.ln_e(), test.e(), test.p_value()), (0.0, 1.0, 1.0), "{test:?}");
        assert!(!test.alarm(alpha));
        assert_eq!(test.estimate(), None);
        assert!(test.counts().iter().all(|(_, count)| *count == 0));
        let interval = test.interval(alpha);
        let all = match test {
            AnyTest::RateRatio(_) | AnyTest::QuantileRatio(_) => (0.0, f64::INFINITY),
            AnyTest::Agreement(_) | AnyTest::ErrorRate(_) | AnyTest::Split(_) => (0.0, 1.0),
            AnyTest::Labelled(ref test) => (-1.0, test.ratio()),
            AnyTest::Drift(_) => (-1.0, 1.0),
            AnyTest::BoundedMean(_) => (0.0, 20.0),
            AnyTest::MeanDifference(_) => (-3.0, 3.0),
        };
        assert_eq!((interval.low, interval.high), all, "{test:?}");
        let text = serde_json::to_string(&interval).unwrap();
        assert_eq!(serde_json::from_str::<super::Interval>(&text).unwrap(), interval);
    }
}

#[test]
fn billions_of_observations() {
    let alpha = Alpha::new(0.05).unwrap();
    let billion = 1_000_000_000;
    let mut ratio = RateRatio::new(1.0).unwrap().bad_only();
    ratio.observe_counts(0, 0.1, &bad(billion / 10, billion / 10 * 9)).unwrap();
    let mut agreement = Agreement::new(0.95).unwrap();
    agreement.observe_counts(950_000_000, 50_000_000);
    let mut labelled = Labelled::new();
    labelled.observe_counts(billion, billion, billion);
    let mut rate = ErrorRate::new(0.02).unwrap();
    rate.observe_counts(20_000_000, 980_000_000);
    let mut split = Split::new(0.3).unwrap();
    split.observe_counts(300_000_000, 700_000_000);
    for test in [&ratio as &dyn EProcess, &agreement, &labelled, &rate, &split] {
        let (ln_e, interval) = (test.ln_e(), test.interval(alpha));
        assert!(ln_e.is_finite() && ln_e < 0.0, "{ln_e}");
        assert!(!test.alarm(alpha));
        assert!(interval.contains(test.estimate().unwrap()), "{interval:?}");
        // The ratio's low end is one of sixteen.
        assert!(interval.width() < 0.12, "{interval:?}");
    }
    let mut bad = Agreement::new(0.95).unwrap();
    bad.observe_counts(0, billion);
    // The largest factor of the prior is e^3.2.
    let most = 3.2 - (1.0 + 0.05 * (3.2_f64.exp() - 1.0)).ln();
    assert!((bad.ln_e() / (1e9 * most) - 1.0).abs() < 1e-6 && bad.e().is_infinite());
    assert_eq!(bad.p_value(), 0.0);
    let mut most = Split::new(0.5).unwrap();
    most.observe_counts(u64::MAX, u64::MAX);
    most.observe(true);
    most.observe_counts(1, 1);
    assert!(!most.ln_e().is_nan());
}

#[test]
fn drift_keeps_its_digits_over_long_runs() {
    // Rises beyond the range of f64, falls back below it: ln E is the sum of the logarithms. The largest fixed fraction
    // and the largest λν, from the fourth pair on, are the ones that matter.
    let mut drift = Drift::new(0.0).unwrap();
    for _ in 0..3000 {
        drift.observe(-0.9).unwrap();
    }
    let up = drift.ln_e();
    let most = 3000.0 * (1.0_f64 + 0.99 * 0.9).ln();
    assert!(most - 6.0 < up && up < most, "{up} {most}");
    assert!(drift.e().is_infinite() && drift.p_value() < 1e-300);
    let mut good = Drift::new(0.1).unwrap();
    for _ in 0..20_000 {
        good.observe(0.2).unwrap();
    }
    // λ is 0 from the third pair on: half of the capital stays.
    assert!(good.ln_e() > -1.0 && good.ln_e() < 0.5, "{}", good.ln_e());
    for _ in 0..20_000 {
        good.observe(-0.9).unwrap();
    }
    assert!(good.ln_e() > 4_000.0 && good.ln_e().is_finite(), "{}", good.ln_e());
    let text = serde_json::to_string(&drift).unwrap();
    assert_eq!(serde_json::from_str::<Drift>(&text).unwrap(), drift);
}

#[test]
fn weights_at_the_ends() {
    let alpha = Alpha::new(0.01).unwrap();
    let mut split = Split::new(0.0).unwrap();
    split.observe(false);
    assert_eq!((split.ln_e(), split.alarm(alpha)), (0.0, false));
    split.observe(true);
    assert_eq!((split.ln_e(), split.p_value(), split.alarm(alpha)), (f64::INFINITY, 0.0, true));
    let text = serde_json::to_string(&split).unwrap();
    assert_eq!(serde_json::from_str::<Split>(&text).unwrap(), split);
    split.set_weight(1.0).unwrap();
    split.observe_counts(500, 0);
    assert!(!split.alarm(alpha) && split.interval(alpha).low > 0.9);
    split.set_weight(1.0).unwrap();
    assert_eq!(split.requests(), 500, "the same weight is not a restart");

    let mut ratio = RateRatio::new(1.0).unwrap();
    ratio.observe(0, 0.1, true, true).unwrap();
    let before = ratio.ln_e();
    ratio.observe(0, 0.0, true, true).unwrap();
    ratio.observe_counts(0, 1.0, &bad(3, 0)).unwrap();
    assert_eq!(ratio.ln_e(), before);
    assert_eq!(ratio.counts()[2], ("bad requests at 0 or 100 %", 4));
    ratio.observe(0, 0.1, true, true).unwrap();
    assert_eq!(ratio.counts()[0].1, 2);
    let text = serde_json::to_string(&ratio).unwrap();
    assert_eq!(serde_json::from_str::<RateRatio>(&text).unwrap(), ratio);
}

#[test]
fn parameters_outside_their_range_are_named() {
    let name = |error: super::StatsError| error.name;
    for bad in [0.0, 1.0, -1.0, 2.0, f64::NAN] {
        assert_eq!(Agreement::new(bad).map_err(name).unwrap_err(), "p0");
        assert_eq!(ErrorRate::new(bad).map_err(name).unwrap_err(), "at_most");
    }
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(RateRatio::new(bad).map_err(name).unwrap_err(), "ratio");
        assert_eq!(QuantileRatio::new(0.9, bad).map_err(name).unwrap_err(), "at_most");
        assert_eq!(Labelled::with_ratio(bad).map_err(name).unwrap_err(), "ratio");
    }
    for bad in [-0.1, 1.1, f64::NAN] {
        assert_eq!(Split::new(bad).map_err(name).unwrap_err(), "weight");
        let mut ratio = RateRatio::new(1.0).unwrap();
        assert_eq!(ratio.observe(0, bad, true, true).map_err(name).unwrap_err(), "share");
        assert_eq!(ratio, RateRatio::new(1.0).unwrap());
    }
    for bad in [-0.1, 1.0, f64::NAN] {
        assert_eq!(Drift::new(bad).map_err(name).unwrap_err(), "margin");
    }
    for (at_least, low, high, name) in [
        (0.5, f64::NAN, 1.0, "low"),
        (0.5, 0.0, f64::INFINITY, "high"),
        (0.5, 1.0, 1.0, "high"),
        (0.0, 0.0, 1.0, "at_least"),
        (1.0, 0.0, 1.0, "at_least"),
        (f64::NAN, 0.0, 1.0, "at_least"),
    ] {
        assert_eq!(BoundedMean::new(at_least, low, high).unwrap_err().name, name);
    }
    let mut mean = BoundedMean::new(0.999_999, 0.0, 1.0).unwrap();
    assert_eq!(mean.observe(1.5).map_err(name).unwrap_err(), "value");
    for _ in 0..2000 {
        mean.observe(0.0).unwrap();
    }
    assert!(
        (mean.ln_e() / (2000.0 * (0.1_f64 + 0.9e6).ln()) - 1.0).abs() < 1e-3,
        "{}",
        mean.ln_e()
    );
    let mut drift = Drift::new(0.1).unwrap();
    for bad in [-1.1, 1.1, f64::NAN] {
        assert_eq!(drift.observe(bad).map_err(name).unwrap_err(), "difference");
    }
    assert_eq!(drift, Drift::new(0.1).unwrap());
    assert!(drift.observe_all(&[0.1, -0.2, 3.0, 0.1]).is_err());
    assert_eq!(drift.pairs(), 2);
    let alpha = Alpha::new(0.05).unwrap();
    for test in all() {
        for bad in [-1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(test.excludes_harm(bad, alpha).map_err(name).unwrap_err(), "margin");
        }
    }
    for damaged in [
        r#"{"test":"agreement","p0":"1.5","same":1,"different":0,"peak":[0,0]}"#,
        r#"{"test":"agreement","p0":"0.5","same":1,"different":0,"peak":[0,1]}"#,
        r#"{"test":"error_rate","at_most":"0","failed":1,"good":0,"peak":[0,0]}"#,
        r#"{"test":"error_rate","at_most":"0.5","failed":1,"good":0,"peak":[0,0]}"#,
        r#"{"test":"split","weight":"x","canary":1,"stable":0,"max_ln_e":"0"}"#,
        r#"{"test":"rate_ratio","ratio":"0"}"#,
        r#"{"test":"labelled","ratio":"NaN","only_stable":0,"only_canary":1,"concordant":0,"peak":[0,0,0]}"#,
        r#"{"test":"labelled","ratio":"1","only_stable":0,"only_canary":1,"concordant":2,"peak":[0,0,3]}"#,
        r#"{"test":"oracle"}"#,
    ] {
        assert!(serde_json::from_str::<AnyTest>(damaged).is_err(), "{damaged}");
    }
    let whole = serde_json::to_value(AnyTest::from(MeanDifference::new(0.1, 0.0, 3.0).unwrap()));
    for (field, value) in [
        ("allowed", serde_json::json!("3")),
        ("high", "0".into()),
        ("margin", "-1".into()),
        ("canary", serde_json::json!({"count": 1, "sum": "2", "variation": "0"})),
        ("sum", "inf".into()),
        ("undivided", (-1).into()),
        ("proof", serde_json::json!({"capitals": "", "most": ""})),
    ] {
        let mut damaged = whole.as_ref().unwrap().clone();
        damaged[field] = value;
        let text = damaged.to_string();
        assert!(serde_json::from_str::<AnyTest>(&text).is_err(), "{field}: {text}");
    }
    let whole = serde_json::to_value(AnyTest::from(Drift::new(0.0).unwrap())).unwrap();
    assert!(serde_json::from_value::<AnyTest>(whole.clone()).is_ok());
    for (field, value) in [
        ("at_least", serde_json::json!("0.1")),
        ("low", "0".into()),
        ("high", "2".into()),
        ("margin", "x".into()),
        ("margin", "1".into()),
        ("values", (-1).into()),
        ("sum", "0.5".into()),
        ("variation", "NaN".into()),
        ("alarm", serde_json::json!({"capitals": "", "most": ""})),
        ("proof", serde_json::json!({"capitals": "AAAA", "most": "AAAA"})),
    ] {
        let mut damaged = whole.clone();
        damaged[field] = value;
        let text = damaged.to_string();
        assert!(serde_json::from_str::<AnyTest>(&text).is_err(), "{field}: {text}");
    }
}
