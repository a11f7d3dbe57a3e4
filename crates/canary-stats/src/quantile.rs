//! Quantiles of a stream of latencies: confidence sequences, and the threshold that makes a request slow.
//!
//! **Assumption.** The values of one arm are independent with one distribution, which may be any (ties
//! included). If the traffic drifts, compare the arms by the ratio of slow requests instead, which does not need this
//! assumption.
//!
//! **One quantile** ([`Quantiles::interval`]). At the true p-quantile x, the number of values ≤ x counts
//! Bernoulli trials with a probability of at least p, and the number < x with at most p. So x is excluded once
//! the e-process of either one-sided null, a mixture over the probabilities on the other side of p, reaches 2/α
//! (the inversion of S. Howard and A. Ramdas, "Sequential estimation of quantiles with applications to A/B
//! testing and best-arm identification", Bernoulli 28(3), 2022, section 3).
//!
//! **All quantiles at once** ([`Quantiles::band`]). The Dvoretzky–Kiefer–Wolfowitz inequality made uniform over
//! time, corollary 2 of the same paper: P(sup over t and x of |F_t(x) − F(x)| / g(t) > 1) ≤ α with
//! g(t) = 0.85 √((ln ln(e·t) + 0.8 ln(1612/α)) / t).
//!
//! **Memory.** Values are counted in buckets whose edges are 2^(k/16) apart, 4.4 % wide. Every interval is
//! rounded outwards to the edges, so the coverage holds for the values as they are.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    bernoulli,
    e_process::{Alpha, Interval},
    error::{Result, StatsError, check, open_unit},
    portable::ln,
};

/// Buckets to a doubling of the value.
const PER_DOUBLING: usize = 16;

/// 2^(k/16) for k = 0..15.
const EDGES: [f64; PER_DOUBLING] = [
    1.0,
    1.044_273_782_427_413_8,
    1.090_507_732_665_257_7,
    1.138_788_634_756_691_6,
    1.189_207_115_002_721,
    1.241_857_812_073_484,
    1.296_839_554_651_009_6,
    1.354_255_546_936_892_7,
    std::f64::consts::SQRT_2,
    1.476_826_145_939_499_3,
    1.542_210_825_407_940_7,
    1.610_490_331_949_254_3,
    1.681_792_830_507_429,
    1.756_252_160_373_299_5,
    1.834_008_086_409_342_4,
    1.915_206_561_397_147_3,
];

/// Values below 2^−30 (a nanosecond, in seconds) share the bucket of 0; those above 2^30 the last one.
const LEAST: i16 = -30 * PER_DOUBLING as i16;
const LARGEST: i16 = 30 * PER_DOUBLING as i16;

/// The bucket [edge(k), edge(k + 1)) of a value ≥ 0.
#[inline]
fn bucket(value: f64) -> i16 {
    let exponent = (value.to_bits() >> 52) as i64 - 1023;
    if exponent < -30 {
        return LEAST - 1;
    }
    if exponent >= 30 {
        return LARGEST;
    }
    let mantissa = f64::from_bits((value.to_bits() & 0x000f_ffff_ffff_ffff) | (1023 << 52));
    let mut place = 0;
    for step in [8, 4, 2, 1] {
        if mantissa >= EDGES[place + step] {
            place += step;
        }
    }
    exponent as i16 * PER_DOUBLING as i16 + place as i16
}

/// The lower edge of a bucket, 2^(bucket/16): 0 for the least, infinite above the last.
pub(super) fn edge(bucket: i16) -> f64 {
    if bucket < LEAST {
        return 0.0;
    }
    if bucket > LARGEST {
        return f64::INFINITY;
    }
    let (doublings, place) = (bucket.div_euclid(16), bucket.rem_euclid(16));
    f64::from_bits(((i64::from(doublings) + 1023) as u64) << 52) * EDGES[place as usize]
}

/// The upper edge of a bucket.
pub(super) fn upper_edge(bucket: i16) -> f64 {
    edge(bucket + 1)
}

/// The bucket of a stored state.
///
/// # Errors
/// When there is no such bucket.
pub(super) fn check_bucket(bucket: i16) -> Result<i16> {
    let holds = (LEAST - 1..=LARGEST).contains(&bucket);
    check("bucket", f64::from(bucket), "a number from -481 to 480", holds).map(|_| bucket)
}

/// The middle of a bucket.
fn middle(bucket: i16) -> f64 {
    let upper = bucket.min(LARGEST - 1) + 1;
    0.5 * (edge(bucket) + edge(upper))
}

/// The values of one arm, counted in buckets.
///
/// ```
/// use canary_core::stats::{Alpha, Quantiles};
///
/// let mut latencies = Quantiles::new();
/// for i in 0..2000 {
///     latencies.observe(0.020 + f64::from(i % 100) * 0.001)?; // seconds
/// }
/// let p95 = latencies.interval(0.95, Alpha::new(0.05)?)?;
/// assert!(p95.low < 0.115 && 0.115 < p95.high && p95.width() < 0.02);
/// # Ok::<(), canary_core::stats::StatsError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<(i16, u64)>", into = "Vec<(i16, u64)>")]
pub struct Quantiles {
    counts: BTreeMap<i16, u64>,
    total: u64,
}

impl From<Quantiles> for Vec<(i16, u64)> {
    fn from(quantiles: Quantiles) -> Self {
        quantiles.counts.into_iter().collect()
    }
}

impl TryFrom<Vec<(i16, u64)>> for Quantiles {
    type Error = StatsError;

    fn try_from(counts: Vec<(i16, u64)>) -> Result<Self> {
        let mut quantiles = Self::default();
        for (bucket, count) in counts {
            quantiles.add(check_bucket(bucket)?, count);
        }
        Ok(quantiles)
    }
}

impl Quantiles {
    /// No values yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn add(&mut self, bucket: i16, count: u64) {
        let held = self.counts.entry(bucket).or_default();
        *held = held.saturating_add(count);
        self.total = self.total.saturating_add(count);
    }

    /// Adds one value, in any unit.
    ///
    /// # Errors
    /// When `value` is not a finite number of at least 0.
    pub fn observe(&mut self, value: f64) -> Result<()> {
        let holds = value >= 0.0 && value.is_finite();
        check("value", value, "a finite number of at least 0", holds)?;
        // −0 has a sign bit.
        self.add(bucket(value.abs()), 1);
        Ok(())
    }

    /// Adds all values that another instance has counted.
    pub fn merge(&mut self, other: &Self) {
        for (&bucket, &count) in &other.counts {
            self.add(bucket, count);
        }
    }

    /// The number of values in the bucket of `value` and in those above.
    pub(super) fn from(&self, value: f64) -> u64 {
        self.counts
            .range(bucket(value)..)
            .fold(0, |sum, (_, count)| u64::saturating_add(sum, *count))
    }

    /// The number of values.
    pub fn len(&self) -> u64 {
        self.total
    }

    /// Returns true when there are no values yet.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// The observed p-quantile, as the middle of its bucket; `None` while there are no values.
    ///
    /// # Errors
    /// When `p` is not strictly between 0 and 1.
    pub fn estimate(&self, p: f64) -> Result<Option<f64>> {
        open_unit("p", p)?;
        Ok(self.bucket_of(p * self.total as f64).map(middle))
    }

    /// The bucket up to which there are at least `rank` values.
    fn bucket_of(&self, rank: f64) -> Option<i16> {
        let mut seen = 0;
        let found = self.counts.iter().find(|(_, count)| {
            seen = u64::saturating_add(seen, **count);
            seen as f64 >= rank
        });
        found.map(|(bucket, _)| *bucket)
    }

    /// The observed p-quantile of these values and of `above` further values that are larger than any of them. Infinite
    /// when it is one of the further values; `None` while there are no values.
    pub(super) fn estimate_with(&self, p: f64, above: u64) -> Option<f64> {
        let all = self.total.saturating_add(above);
        (all > 0).then(|| self.bucket_of(p * all as f64).map_or(f64::INFINITY, middle))
    }

    /// The confidence sequence of the p-quantile: covers it at all times together with probability 1 − α.
    ///
    /// # Errors
    /// When `p` is not strictly between 0 and 1.
    pub fn interval(&self, p: f64, alpha: Alpha) -> Result<Interval> {
        open_unit("p", p)?;
        let (threshold, n) = (alpha.half().ln_threshold(), self.total);
        let q = 1.0 - p;
        Ok(self.between(
            |below| bernoulli::ln_e_at_least(below, n - below, p, q) >= threshold,
            |below| bernoulli::ln_e_at_most(below, n - below, p, q) >= threshold,
        ))
    }

    /// The p-quantile's part of a band that covers all quantiles at all times together with probability 1 − α.
    ///
    /// # Errors
    /// When `p` is not strictly between 0 and 1.
    pub fn band(&self, p: f64, alpha: Alpha) -> Result<Interval> {
        open_unit("p", p)?;
        let n = self.total as f64;
        let radius = self.band_radius(alpha);
        Ok(self.between(
            |below| (below as f64) < (p - radius) * n,
            |below| (below as f64) > (p + radius) * n,
        ))
    }

    /// The half-width of [`Quantiles::band`] in probability; infinite without values.
    pub fn band_radius(&self, alpha: Alpha) -> f64 {
        let n = self.total as f64;
        if self.total == 0 {
            return f64::INFINITY;
        }
        0.85 * ((ln(1.0 + ln(n)) + 0.8 * (ln(1612.0) + alpha.ln_threshold())) / n).sqrt()
    }

    /// The values that are neither too low nor too high: the number of values ≤ x decides whether x is too low
    /// for the quantile, the number < x whether it is too high; both grow with x.
    fn between(&self, too_low: impl Fn(u64) -> bool, too_high: impl Fn(u64) -> bool) -> Interval {
        let (mut low, mut high) = (0.0, f64::INFINITY);
        // `below` values are smaller than the present bucket, the largest of them smaller than `upper`.
        let (mut below, mut upper) = (0, 0.0);
        for (&bucket, &count) in &self.counts {
            if too_low(below) {
                low = edge(bucket);
            }
            if too_high(below) {
                break;
            }
            below = u64::saturating_add(below, count);
            upper = edge(bucket + 1);
        }
        if too_high(below) {
            high = upper;
        }
        Interval { low, high }
    }
}

/// A threshold over which a request is slow, frozen from the first values of the stable version.
///
/// The null of the slow ratio refers to the requests after the freeze; those before it only choose the
/// threshold and are not judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SlowThreshold {
    #[serde(with = "super::exact")]
    quantile: f64,
    wanted: u64,
    seen: Quantiles,
}

impl SlowThreshold {
    /// The `quantile` (0.95) of the first `wanted` values (500).
    ///
    /// # Errors
    /// When `quantile` is not strictly between 0 and 1, or `wanted` is too few to have one value above it.
    pub fn new(quantile: f64, wanted: u64) -> Result<Self> {
        let quantile = open_unit("quantile", quantile)?;
        let enough = wanted as f64 * (1.0 - quantile) >= 1.0 - 1e-9;
        check("wanted", wanted as f64, "at least 1/(1 - quantile) values", enough)?;
        Ok(Self { quantile, wanted, seen: Quantiles::new() })
    }

    /// Adds a value of the stable version; does nothing once the threshold is frozen.
    ///
    /// # Errors
    /// When `value` is not a finite number of at least 0.
    pub fn observe(&mut self, value: f64) -> Result<()> {
        if self.seen.len() < self.wanted { self.seen.observe(value) } else { Ok(()) }
    }

    /// The threshold in the values' unit, once enough values are seen: the upper edge of the quantile's bucket.
    pub fn get(&self) -> Option<f64> {
        self.bucket().map(upper_edge)
    }

    /// The bucket whose upper edge is the threshold.
    pub(super) fn bucket(&self) -> Option<i16> {
        if self.seen.len() < self.wanted {
            return None;
        }
        self.seen.bucket_of(self.quantile * self.seen.len() as f64)
    }

    /// The values seen.
    pub(super) fn seen(&self) -> &Quantiles {
        &self.seen
    }

    /// Starts with these values.
    ///
    /// # Errors
    /// When they are not fewer than the number that freezes the threshold.
    pub(super) fn with_seen(mut self, seen: Quantiles) -> Result<Self> {
        let holds = seen.len() < self.wanted;
        check("seen", seen.len() as f64, "fewer values than the threshold wants", holds)?;
        self.seen = seen;
        Ok(self)
    }

    /// The number of values still to come before the threshold is frozen.
    pub fn missing(&self) -> u64 {
        self.wanted.saturating_sub(self.seen.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Random;

    #[test]
    fn buckets_hold_their_values() {
        let mut value = 1.1e-9;
        while value < 1e9 {
            let place = bucket(value);
            assert!(edge(place) <= value && value < edge(place + 1), "{value} in bucket {place}");
            value *= 1.003;
        }
        for k in LEAST..LARGEST {
            assert_eq!(bucket(edge(k)), k);
            assert!((ln(edge(k)) * 16.0 / std::f64::consts::LN_2 - f64::from(k)).abs() < 1e-9);
        }
        assert_eq!((bucket(0.0), edge(LEAST - 1)), (LEAST - 1, 0.0));
        assert_eq!((bucket(f64::MAX), edge(LARGEST + 1)), (LARGEST, f64::INFINITY));
    }

    #[test]
    fn refuses_what_is_no_latency() {
        let mut quantiles = Quantiles::new();
        for bad in [-1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(quantiles.observe(bad).unwrap_err().name, "value");
        }
        quantiles.observe(-0.0).unwrap();
        assert_eq!(quantiles.len(), 1);
        let alpha = Alpha::new(0.05).unwrap();
        assert_eq!(quantiles.interval(1.0, alpha).unwrap_err().name, "p");
        assert_eq!(quantiles.band(0.0, alpha).unwrap_err().name, "p");
        assert!(quantiles.estimate(f64::NAN).is_err());
        let all = Interval { low: 0.0, high: f64::INFINITY };
        assert_eq!(Quantiles::new().interval(0.5, alpha).unwrap(), all);
        assert_eq!(Quantiles::new().band(0.5, alpha).unwrap(), all);
        let mut one_value = Quantiles::new();
        for _ in 0..1000 {
            one_value.observe(1.0).unwrap();
        }
        assert_eq!(one_value.interval(0.5, alpha).unwrap(), Interval { low: 1.0, high: EDGES[1] });
        assert!(serde_json::from_str::<Quantiles>("[[900,1]]").is_err());
    }

    /// Over 200 runs of 3000 values, the share whose intervals leave the true quantile out at any time.
    fn misses(p: f64, take: impl Fn(&Quantiles) -> Interval) -> usize {
        let truth = super::super::portable::exp(
            -3.0 + 0.4 * super::super::special::normal_upper_quantile(1.0 - p),
        );
        (0..200)
            .filter(|&run| {
                let mut random = Random::of_run(31, run);
                let mut quantiles = Quantiles::new();
                (1..=3000).any(|i| {
                    quantiles.observe(random.log_normal(-3.0, 0.4)).unwrap();
                    (i < 20 || i < 200 && i % 10 == 0 || i % 200 == 0)
                        && !take(&quantiles).contains(truth)
                })
            })
            .count()
    }

    #[test]
    fn intervals_cover_the_true_quantile_at_all_times() {
        let alpha = Alpha::new(0.1).unwrap();
        for p in [0.5, 0.95] {
            let missed = misses(p, |quantiles| quantiles.interval(p, alpha).unwrap());
            assert!(missed <= 20, "p = {p}: {missed} of 200");
            let missed = misses(p, |quantiles| quantiles.band(p, alpha).unwrap());
            assert!(missed <= 20, "p = {p}: {missed} of 200");
        }
    }

    #[test]
    fn intervals_shrink_and_the_single_one_is_the_narrower() {
        let alpha = Alpha::new(0.05).unwrap();
        let mut random = Random::new(8);
        let mut quantiles = Quantiles::new();
        let mut widths = Vec::new();
        for i in 1..=20_000 {
            quantiles.observe(random.log_normal(0.0, 0.4)).unwrap();
            if i % 5000 == 0 {
                let interval = quantiles.interval(0.95, alpha).unwrap();
                let band = quantiles.band(0.95, alpha).unwrap();
                let estimate = quantiles.estimate(0.95).unwrap().unwrap();
                assert!(interval.contains(estimate) && band.contains(estimate));
                assert!(band.low <= interval.low && interval.high <= band.high);
                widths.push(interval.width());
            }
        }
        assert!(widths.windows(2).all(|pair| pair[1] <= pair[0]), "{widths:?}");
        assert!(widths[3] < 0.35, "{widths:?}");
        // The formula, at a value of its own: n = 1000, α = 0.05.
        let thousand = Quantiles { counts: BTreeMap::new(), total: 1000 };
        assert!((thousand.band_radius(alpha) - 0.086_577).abs() < 1e-5);
    }

    #[test]
    fn restores_and_merges() {
        let mut random = Random::new(3);
        let (mut a, mut b, mut both) = (Quantiles::new(), Quantiles::new(), Quantiles::new());
        for i in 0..5000 {
            let value = random.log_normal(-3.0, 0.5);
            both.observe(value).unwrap();
            if i % 2 == 0 { a.observe(value).unwrap() } else { b.observe(value).unwrap() }
        }
        a.merge(&b);
        assert_eq!(a, both);
        let text = serde_json::to_string(&both).unwrap();
        assert!(text.len() < 1500, "{} bytes", text.len());
        assert_eq!(serde_json::from_str::<Quantiles>(&text).unwrap(), both);
    }

    #[test]
    fn the_slow_threshold_freezes() {
        let mut threshold = SlowThreshold::new(0.95, 100).unwrap();
        for i in 0..100 {
            assert_eq!(threshold.get(), None);
            assert_eq!(threshold.missing(), 100 - i);
            threshold.observe(0.010 + i as f64 * 0.001).unwrap();
        }
        let frozen = threshold.get().unwrap();
        assert!(frozen > 0.104 && frozen < 0.104 * 1.05, "{frozen}");
        threshold.observe(9.0).unwrap();
        assert_eq!(threshold.get(), Some(frozen));
        let text = serde_json::to_string(&threshold).unwrap();
        assert_eq!(serde_json::from_str::<SlowThreshold>(&text).unwrap(), threshold);
        assert_eq!(SlowThreshold::new(0.95, 19).unwrap_err().name, "wanted");
        assert!(SlowThreshold::new(0.95, 20).is_ok());
        assert_eq!(SlowThreshold::new(1.0, 100).unwrap_err().name, "quantile");
    }
}
