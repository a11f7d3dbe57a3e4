use super::*;
use crate::{RateRatio, random::Random};

/// An hour and more of a request every 10 ms at a share of 0.3; one in a thousand begins a burst of requests at one
/// version that fail for `millis` milliseconds.
fn traffic(seed: u64, millis: u64, mut each: impl FnMut(u64, bool, bool)) {
    let mut random = Random::new(seed);
    let mut burst: Option<(u64, bool)> = None;
    for n in 0..600_000_u64 {
        let (at, canary) = (n * 10, random.bernoulli(0.3));
        if burst.is_none_or(|(until, _)| at >= until) && random.bernoulli(0.001) {
            burst = Some((at + millis, canary));
        }
        let bad = match burst {
            Some((until, arm)) if at < until => arm == canary,
            _ => false,
        };
        each(at, canary, bad);
    }
}

fn measured(seed: u64, burst: u64, window: u64) -> [DispersionLevel; 3] {
    let mut dispersion = Dispersion::new(window).unwrap();
    traffic(seed, burst, |at, canary, bad| dispersion.observe(at, 0.3, canary, bad).unwrap());
    dispersion.levels()
}

#[test]
fn failures_one_by_one_have_a_dispersion_near_one_at_every_length() {
    for seed in 0..5 {
        for level in measured(seed, 10, 5_000) {
            assert!(level.windows > 50, "{level:?}");
            // Three and a half standard deviations of a mean of squares of so many windows.
            assert!(level.phi < 1.0 + 3.5 * (2.0 / level.windows as f64).sqrt(), "{level:?}");
        }
    }
}

#[test]
fn the_dispersion_grows_until_a_window_holds_a_burst() {
    for seed in 0..5 {
        // Bursts of two seconds in windows of a half, two and eight: two of them are too short.
        let [short, middle, long] = measured(seed, 2_000, 500);
        assert!(middle.phi > 1.3 * short.phi, "{short:?} {middle:?}");
        assert!(long.phi > 1.3 * middle.phi, "{middle:?} {long:?}");
        // In windows of eight seconds nearly every burst is whole.
        let [short, middle, _] = measured(seed, 2_000, 8_000);
        assert!(middle.phi <= 1.3 * short.phi, "{short:?} {middle:?}");
        assert!(short.phi > 20.0, "{short:?}");
    }
}

/// E b²/E b of bursts with a geometric number of failures of mean m is 2m − 1, at whatever version each burst is.
#[test]
fn bursts_of_geometric_size_have_the_dispersion_of_the_formula() {
    let mut random = Random::new(77);
    let mut dispersion = Dispersion::new(1_000).unwrap();
    for n in 0..40_000_u64 {
        let size = 1 + random.geometric(0.2);
        let bad = if random.bernoulli(0.3) { [size, 0] } else { [0, size] };
        let [canary_bad, stable_bad] = bad;
        let window =
            Window { canary: canary_bad + 3, canary_bad, stable: stable_bad + 7, stable_bad };
        dispersion.observe_counts(n * 1_000, 0.3, &window).unwrap();
    }
    for level in dispersion.levels() {
        assert!((level.phi - 9.0).abs() < 0.9, "{level:?}");
    }
}

#[test]
fn it_is_restored_to_the_bit_and_a_change_of_the_share_forgets_nothing() {
    let mut straight = Dispersion::new(500).unwrap();
    let mut killed = straight.clone();
    let mut test = RateRatio::new(1.0).unwrap().measured(500).unwrap();
    let mut random = Random::new(5);
    traffic(3, 700, |at, canary, bad| {
        let share = if at < 3_000_000 { 0.3 } else { 0.1 + 0.2 };
        for one in [&mut straight, &mut killed] {
            one.observe(at, share, canary, bad).unwrap();
        }
        test.observe(at, share, canary, bad).unwrap();
        if random.bernoulli(0.001) {
            let stored = serde_json::to_string(&killed).unwrap();
            killed = serde_json::from_str(&stored).unwrap();
            assert_eq!(serde_json::to_string(&killed).unwrap(), stored);
            let stored = serde_json::to_string(&test).unwrap();
            test = serde_json::from_str(&stored).unwrap();
        }
    });
    assert_eq!(straight, killed);
    assert_eq!(test.dispersion(), Some(&straight));
    let whole = measured(3, 700, 500);
    for (one, other) in straight.levels().iter().zip(whole) {
        assert!((one.phi - other.phi).abs() < 0.05 * other.phi, "{one:?} {other:?}");
    }
}

#[test]
fn windows_that_are_cut_short_or_say_nothing_are_not_counted() {
    let bad = Window { canary: 1, canary_bad: 1, stable: 1, stable_bad: 0 };
    let good = Window { canary_bad: 0, ..bad };
    let mut dispersion = Dispersion::new(1_000).unwrap();
    let windows = |dispersion: &Dispersion| dispersion.levels().map(|level| level.windows);
    dispersion.observe_counts(0, 0.1, &bad).unwrap();
    dispersion.observe_counts(1_000, 0.1, &good).unwrap();
    dispersion.observe_counts(2_000, 0.1, &bad).unwrap();
    assert_eq!(windows(&dispersion), [1, 0, 0], "an open window, and one without a bad request");
    dispersion.observe_counts(2_500, 0.5, &bad).unwrap();
    dispersion.observe_counts(6_500, 0.5, &bad).unwrap();
    assert_eq!(windows(&dispersion), [2, 1, 0], "the share changed in the middle of a window");
    dispersion.observe_counts(7_000, 1.0, &bad).unwrap();
    dispersion.observe_counts(90_000, 1.0, &bad).unwrap();
    assert_eq!(windows(&dispersion), [2, 1, 0], "nothing is divided");
    assert!(dispersion.observe_counts(0, 1.5, &bad).is_err());
    assert!(dispersion.observe_counts(0, 0.5, &Window { canary: 0, ..bad }).is_err());
    assert!(Dispersion::new(0).is_err());
}
