//! That the promises hold: exact enumerations of short runs, exact recursions over counts, long simulated runs.

use super::{
    Agreement, Alpha, BoundedMean, Drift, EProcess, ErrorRate, Interval, Labelled, QuantileRatio,
    Random, RateRatio, Split, Window, bernoulli,
};

/// The test that bad requests alone count for.
fn bad_only(ratio: f64) -> RateRatio {
    RateRatio::new(ratio).unwrap().bad_only()
}

/// Bad requests of both versions.
fn bad(canary: u64, stable: u64) -> Window {
    Window { canary, canary_bad: canary, stable, stable_bad: stable }
}

fn alpha(value: f64) -> Alpha {
    Alpha::new(value).unwrap()
}

/// Runs over every sequence of `length` outcomes; `chance` gives the probability of the outcome 1 after the
/// test so far, `take` feeds it. Returns Σ P·E and Σ P·[E ever reached 1/α] at α = 0.2.
fn enumerate<T: EProcess + Clone>(
    start: &T,
    length: u32,
    chance: &impl Fn(&T, u32) -> f64,
    take: &impl Fn(&mut T, u32, bool),
) -> (f64, f64) {
    fn walk<T: EProcess + Clone>(
        test: &T,
        step: u32,
        length: u32,
        weight: f64,
        chance: &impl Fn(&T, u32) -> f64,
        take: &impl Fn(&mut T, u32, bool),
        sums: &mut (f64, f64),
    ) {
        if step == length {
            sums.0 += weight * test.e();
            sums.1 += if test.alarm(alpha(0.2)) { weight } else { 0.0 };
            return;
        }
        let p = chance(test, step);
        for (outcome, probability) in [(true, p), (false, 1.0 - p)] {
            let mut next = test.clone();
            take(&mut next, step, outcome);
            walk(&next, step + 1, length, weight * probability, chance, take, sums);
        }
    }
    let mut sums = (0.0, 0.0);
    walk(start, 0, length, 1.0, chance, take, &mut sums);
    sums
}

/// A share of the traffic that depends on what was seen, as a plan's does.
fn adaptive_share(test: &RateRatio, step: u32) -> f64 {
    match (test.max_ln_e() > 0.7, step) {
        (true, _) => 0.05,
        (false, 0..4) => 0.1,
        (false, _) => 0.5,
    }
}

#[test]
fn the_rate_ratio_is_a_martingale_at_its_boundary_and_falls_inside() {
    for (ratio, truth, exact) in [(1.0, 1.0, true), (1.5, 1.5, true), (1.5, 1.0, false)] {
        let test = bad_only(ratio);
        let chance = |test: &RateRatio, step| {
            let share = adaptive_share(test, step);
            share * truth / (share * truth + 1.0 - share)
        };
        let (mean, alarms) = enumerate(&test, 11, &chance, &|test, step, canary| {
            let share = adaptive_share(test, step);
            test.observe(0, share, canary, true).unwrap();
        });
        assert!(if exact { (mean - 1.0).abs() < 1e-12 } else { mean < 1.0 }, "{ratio}: {mean}");
        assert!(alarms <= 0.2, "{ratio}: {alarms}");
    }
}

/// Over every sequence of `length` requests, each to the canary or not and bad or not: Σ P·E and Σ P·[E ever reached 1/α]
/// at α = 0.2. The rates change from request to request; the canary's is `part` of the stable version's.
fn enumerate_quantiles(test: &QuantileRatio, length: u32, part: f64) -> (f64, f64) {
    if length == 0 {
        return (test.e(), f64::from(u8::from(test.alarm(alpha(0.2)))));
    }
    let (share, stable) = (
        if test.max_ln_e() > 0.3 { 0.1 } else { 0.5 },
        if length.is_multiple_of(2) { 0.3 } else { 0.7 },
    );
    let mut sums = (0.0, 0.0);
    for (canary, bad) in [(false, false), (false, true), (true, false), (true, true)] {
        let of_arm = if canary { share } else { 1.0 - share };
        let rate = if canary { part * stable } else { stable };
        let mut next = test.clone();
        let latency = if bad { 40.0 } else { 1.0 };
        next.observe(0, share, canary, (!bad || length > 2).then_some(latency)).unwrap();
        let (e, alarm) = enumerate_quantiles(&next, length - 1, part);
        let weight = of_arm * if bad { rate } else { 1.0 - rate };
        sums = (sums.0 + weight * e, sums.1 + weight * alarm);
    }
    sums
}

#[test]
fn the_quantile_ratio_is_a_martingale_at_its_boundary_and_falls_inside() {
    let mut test = QuantileRatio::new(0.8, 1.3).unwrap().warmup(5).unwrap();
    for at in 1..=5_u32 {
        test.observe(0, 0.0, false, Some(f64::from(at))).unwrap();
    }
    assert_eq!(test.missing(), 0);
    let (mean, alarms) = enumerate_quantiles(&test, 7, 1.0);
    assert!((mean - 1.0).abs() < 1e-12 && alarms <= 0.2, "{mean} {alarms}");
    let (mean, alarms) = enumerate_quantiles(&test, 7, 0.8);
    assert!(mean < 1.0 - 1e-6 && alarms <= 0.2, "{mean} {alarms}");
}

#[test]
fn agreement_is_a_martingale_at_its_boundary_and_falls_inside() {
    for (truth, exact) in [(0.8, true), (0.9, false)] {
        let test = Agreement::new(0.8).unwrap();
        let (mean, alarms) =
            enumerate(&test, 11, &|_, _| truth, &|test, _, same| test.observe(same));
        assert!(if exact { (mean - 1.0).abs() < 1e-12 } else { mean < 1.0 }, "{truth}: {mean}");
        assert!(alarms <= 0.2, "{alarms}");
    }
}

#[test]
fn labelled_is_a_martingale_at_its_boundary_and_falls_inside() {
    for (canary, exact) in [(0.5, true), (0.6, false)] {
        let (mean, alarms) = enumerate(&Labelled::new(), 11, &|_, _| canary, &|test, _, right| {
            test.observe(!right, right);
        });
        assert!(if exact { (mean - 1.0).abs() < 1e-12 } else { mean < 1.0 }, "{canary}: {mean}");
        assert!(alarms <= 0.2, "{alarms}");
    }
}

#[test]
fn the_split_is_a_martingale() {
    for weight in [0.05, 0.3, 0.5] {
        let test = Split::new(weight).unwrap();
        let (mean, alarms) =
            enumerate(&test, 11, &|_, _| weight, &|test, _, canary| test.observe(canary));
        assert!((mean - 1.0).abs() < 1e-12, "{weight}: {mean}");
        assert!(alarms <= 0.2, "{alarms}");
    }
}

#[test]
fn drift_is_a_martingale_at_its_boundary_and_falls_inside() {
    // Two values whose mean is −margin, the extremes −1 and 1 among them.
    for (margin, low, high) in [(0.0, -1.0, 1.0), (0.05, -0.3, 0.2), (0.1, -1.0, 0.1)] {
        let test = Drift::new(margin).unwrap();
        let falls = (high + margin) / (high - low);
        let take =
            |test: &mut Drift, _, falls| test.observe(if falls { low } else { high }).unwrap();
        let (mean, alarms) = enumerate(&test, 11, &|_, _| falls, &take);
        assert!((mean - 1.0).abs() < 1e-12, "{margin}: {mean}");
        assert!(alarms <= 0.2, "{alarms}");
        let (mean, _) = enumerate(&test, 11, &|_, _| 0.9 * falls, &take);
        assert!(mean < 1.0, "{margin}: {mean}");
    }
}

#[test]
fn the_bounded_mean_is_a_martingale_at_its_boundary_and_falls_inside() {
    // Two values of which the lower one comes so often that the mean is the one asked for.
    for (at_least, low, high) in [(0.9, 0.0, 1.0), (0.5, 0.3, 0.9), (0.95, 0.9, 1.0)] {
        let test = BoundedMean::new(at_least, 0.0, 1.0).unwrap();
        let falls = (high - at_least) / (high - low);
        let take = |test: &mut BoundedMean, _, falls| {
            test.observe(if falls { low } else { high }).unwrap();
        };
        let (mean, alarms) = enumerate(&test, 11, &|_, _| falls, &take);
        assert!((mean - 1.0).abs() < 1e-12, "{at_least}: {mean}");
        assert!(alarms <= 0.2, "{alarms}");
        let (mean, _) = enumerate(&test, 11, &|_, _| 0.9 * falls, &take);
        assert!(mean < 1.0, "{at_least}: {mean}");
    }
}

/// P(stop(successes, failures) at any time up to `length`), by recursion over the counts.
fn exact_crossing(length: usize, p: f64, stop: impl Fn(u64, u64) -> bool) -> f64 {
    let mut crossed = 0.0;
    let mut alive = vec![1.0];
    for n in 1..=length {
        let mut next = vec![0.0; n + 1];
        for (s, mass) in alive.into_iter().enumerate() {
            next[s + 1] += mass * p;
            next[s] += mass * (1.0 - p);
        }
        for (s, mass) in next.iter_mut().enumerate() {
            if *mass > 1e-12 && stop(s as u64, (n - s) as u64) {
                crossed += std::mem::take(mass);
            }
        }
        alive = next;
    }
    crossed
}

#[test]
fn exact_false_alarms_of_proportions_stay_below_alpha() {
    let threshold = alpha(0.05).ln_threshold();
    for p in [0.5, 0.8, 0.95] {
        let q = 1.0 - p;
        let rate = exact_crossing(500, p, |s, f| bernoulli::ln_e_at_least(s, f, p, q) >= threshold);
        assert!(rate > 0.005 && rate <= 0.05, "at least {p}: {rate}");
        let rate = exact_crossing(500, p, |s, f| bernoulli::ln_e_at_most(s, f, p, q) >= threshold);
        assert!(rate > 0.005 && rate <= 0.05, "at most {p}: {rate}");
        let interval = |prior| move |s, f| bernoulli::ln_e_equal(s, f, prior, (p, q)) >= threshold;
        let rate = exact_crossing(500, p, interval((1.0, 1.0)));
        assert!(rate > 0.005 && rate <= 0.05, "equal to {p}: {rate}");
        let rate = exact_crossing(500, p, interval((100.0 * p, 100.0 * q)));
        assert!(rate > 0.005 && rate <= 0.05, "split of {p}: {rate}");
    }
}

#[test]
fn exact_coverage_of_the_ratio_at_a_constant_share() {
    // Given errors in both arms at a ratio of 2, the canary serves each with this probability.
    let (share, truth) = (0.2, 2.0);
    let q = share * truth / (share * truth + 1.0 - share);
    let level = alpha(0.1);
    let missed = |outside: &dyn Fn(Interval) -> bool| {
        exact_crossing(100, q, |canary, stable| {
            let mut test = bad_only(1.0);
            test.observe_counts(0, share, &bad(canary, stable)).unwrap();
            outside(test.interval(level))
        })
    };
    // Each end holds the level alone.
    let above = missed(&|interval| interval.low > truth);
    assert!(above > 0.01 && above <= 0.1, "{above}");
    let below = missed(&|interval| interval.high < truth);
    assert!(below > 0.01 && below <= 0.1, "{below}");
    let excluded = exact_crossing(200, q, |canary, stable| {
        let mut test = bad_only(1.0);
        test.observe_counts(0, share, &bad(canary, stable)).unwrap();
        test.excludes_harm(truth, level).unwrap()
    });
    assert!(excluded > 0.01 && excluded <= 0.1, "{excluded}");
}

/// The weights are raised while the evidence is low and lowered while it is high, the rate of errors of both
/// arms swings, and the run stops at its worst moment: false alarms still stay below α.
#[test]
fn false_alarms_under_changing_weights_and_optional_stopping() {
    let level = alpha(0.05);
    let runs = 1000;
    let mut alarms = 0;
    for run in 0..runs {
        let mut random = Random::of_run(41, run);
        let mut test = bad_only(1.0);
        let shares = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75];
        let mut at: usize = 0;
        for error in 0..600 {
            if error % 20 == 19 {
                let up = test.ln_e() < 0.0;
                at = if up { (at + 1).min(5) } else { at.saturating_sub(1) };
            }
            let share = shares[at];
            // The canary is as good as the stable version at first, better later: inside the null.
            let ratio = if error < 300 { 1.0 } else { 0.9 };
            let canary = random.bernoulli(share * ratio / (share * ratio + 1.0 - share));
            test.observe(0, share, canary, true).unwrap();
        }
        alarms += u32::from(test.alarm(level));
    }
    // 50 expected at most; three standard deviations above that.
    assert!(alarms <= 71, "{alarms} of {runs}");
}

#[test]
fn sequences_cover_at_all_times_and_shrink() {
    let level = alpha(0.1);
    let runs = 100;
    let mut missed = [[0; 2]; 3];
    let mut widths = [0.0; 3];
    for run in 0..runs {
        let mut random = Random::of_run(42, run);
        let mut ratio = bad_only(1.0);
        let mut labelled = Labelled::new();
        let mut drift = Drift::new(0.0).unwrap();
        let mut out = [[false; 2]; 3];
        for i in 1..=1500 {
            let share = if i < 500 { 0.1 } else { 0.4 };
            let q = share * 1.5 / (share * 1.5 + 1.0 - share);
            ratio.observe(0, share, random.bernoulli(q), true).unwrap();
            let pair = random.uniform();
            labelled.observe(!(0.1..0.9).contains(&pair) && pair < 0.1, pair > 0.94);
            drift.observe(random.beta(4.0, 2.0) - random.beta(3.0, 2.0)).unwrap();
            if [5, 10, 20, 50, 100, 200, 500, 1000, 1500].contains(&i) {
                let tests: [(&dyn EProcess, f64); 3] =
                    [(&ratio, 1.5), (&labelled, -0.04), (&drift, 4.0 / 6.0 - 3.0 / 5.0)];
                for (out, (test, truth)) in out.iter_mut().zip(tests) {
                    let interval = test.interval(level);
                    out[0] |= interval.low > truth;
                    out[1] |= interval.high < truth;
                }
            }
        }
        for (missed, out) in missed.iter_mut().flatten().zip(out.iter().flatten()) {
            *missed += u32::from(*out);
        }
        for (width, test) in widths.iter_mut().zip([&ratio as &dyn EProcess, &labelled, &drift]) {
            *width += test.interval(level).width() / f64::from(runs as u32);
        }
    }
    // Each end holds the level alone.
    assert!(missed.iter().flatten().all(|&missed| missed <= 10), "{missed:?} of {runs}");
    // Average widths after 1500 observations.
    assert!(widths[0] < 0.75, "ratio: {widths:?}");
    assert!(widths[1] < 0.07, "labelled: {widths:?}");
    // Its ends are nodes: a gap between two of them on either side.
    assert!(widths[2] < 0.13, "drift: {widths:?}");
}

#[test]
fn the_split_alarms_exactly_when_its_interval_leaves_the_weight_out() {
    let level = alpha(0.05);
    let mut random = Random::new(12);
    let mut test = Split::new(0.3).unwrap();
    let mut both = [0, 0];
    for _ in 0..2500 {
        test.observe(random.bernoulli(0.26));
        let inside = test.interval(level).contains(0.3);
        assert_eq!(test.alarming_now(level), !inside);
        both[usize::from(inside)] += 1;
    }
    assert!(both[0] > 100 && both[1] > 100, "{both:?}");
}

#[test]
fn better_canaries_are_promoted_and_worse_ones_are_not() {
    let level = alpha(0.05);
    let mut random = Random::new(13);
    let mut ratio = bad_only(1.0);
    let mut agreement = Agreement::new(0.95).unwrap();
    let mut labelled = Labelled::new();
    let mut drift = Drift::new(0.01).unwrap();
    let mut split = Split::new(0.5).unwrap();
    for _ in 0..4000 {
        ratio.observe(0, 0.5, random.bernoulli(0.5), true).unwrap();
        agreement.observe(random.bernoulli(0.97));
        let pair = random.uniform();
        labelled.observe(pair < 0.05, pair > 0.95);
        drift.observe((0.1 * random.normal()).clamp(-1.0, 1.0)).unwrap();
        split.observe(random.bernoulli(0.5));
    }
    let tests: [(&dyn EProcess, f64, f64); 5] = [
        (&ratio, 1.3, 1.01),
        (&agreement, 0.95, 0.969),
        (&labelled, 0.03, 0.001),
        (&drift, 0.02, 0.0),
        (&split, 0.05, 0.001),
    ];
    for (test, excluded, open) in tests {
        assert!(test.excludes_harm(excluded, level).unwrap(), "{:?}", test.interval(level));
        assert!(!test.excludes_harm(open, level).unwrap(), "{:?}", test.interval(level));
        assert!(!test.alarm(level) && test.p_value() > 0.05);
        assert!(test.interval(level).contains(test.estimate().unwrap()));
    }
}

/// The formulas, evaluated apart with 40 digits.
#[test]
fn evidence_has_the_values_of_its_formula() {
    let near = |test: &dyn EProcess, wanted: f64| {
        assert!((test.e() / wanted - 1.0).abs() < 1e-12, "{} {wanted}", test.e());
    };
    for (same, different, wanted) in [
        (0, 1, 3.219_301_222_092_395),
        (90, 10, 3.219_071_525_068_741),
        (1900, 150, 3_616.736_651_525_831),
    ] {
        let mut test = Agreement::new(0.95).unwrap();
        test.observe_counts(same, different);
        near(&test, wanted);
    }
    for (only_stable, only_canary, wanted) in [
        (1, 0, 1.420_848_505_900_876_6),
        (7, 2, 2.741_472_930_104_810_3),
        (60, 100, 0.022_095_690_069_114_23),
    ] {
        let mut test = Labelled::new();
        test.observe_counts(only_stable, only_canary, 5);
        near(&test, wanted);
    }
    for (failed, good, wanted) in [
        (1, 0, 3.806_414_283_162_832),
        (30, 970, 2.616_981_697_830_624),
        (5, 200, 0.478_833_246_678_383),
    ] {
        let mut test = ErrorRate::new(0.02).unwrap();
        test.observe_counts(failed, good);
        near(&test, wanted);
    }
    for (canary, stable, wanted) in
        [(1, 0, 1.0), (20, 30, 1.169_763_093_306_292_8), (200, 800, 4_017_927_121.514_554_7)]
    {
        let mut test = Split::new(0.3).unwrap();
        test.observe_counts(canary, stable);
        near(&test, wanted);
    }
    // Differences of which the last ones meet the largest λ.
    for (differences, wanted) in [
        (&[-0.5, 0.25, -0.125, 0.0, -1.0][..], 1.047_100_117_601_878_3),
        (&[-0.5, 0.25, -1.0, -0.75, -1.0, -1.0], 3.939_800_705_263_875_6),
    ] {
        let mut test = Drift::new(0.0625).unwrap();
        test.observe_all(differences).unwrap();
        near(&test, wanted);
    }
}
