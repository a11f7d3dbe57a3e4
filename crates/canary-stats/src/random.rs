//! A seeded random generator whose sequence is part of the contract.
//!
//! xoshiro256++ (D. Blackman and S. Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS 47(4),
//! 2021), its 256 bits of state filled by SplitMix64 (G. Steele, D. Lea, C. Flood, "Fast splittable
//! pseudorandom number generators", OOPSLA 2014) as its authors advise. The distributions use integers, IEEE
//! arithmetic and [`portable`](super::portable) alone: the same seed gives the same numbers on every platform,
//! and a change would be listed in the changelog.

use rand_xoshiro::{
    SplitMix64, Xoshiro256PlusPlus,
    rand_core::{Rng, SeedableRng},
};

use super::portable::{exp, ln, ln_1p};

/// 2^−53.
const UNIT: f64 = 1.0 / 9_007_199_254_740_992.0;

/// A generator of reproducible random numbers; not for secrets.
///
/// ```
/// use canary_core::stats::Random;
///
/// let mut random = Random::new(7);
/// let first = random.uniform();
/// assert_eq!(Random::new(7).uniform(), first);
/// assert!((0.0..1.0).contains(&first));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Random {
    generator: Xoshiro256PlusPlus,
}

/// The first number of SplitMix64 with this seed.
fn split_mix(seed: u64) -> u64 {
    SplitMix64::seed_from_u64(seed).next_u64()
}

impl Random {
    /// The generator with this seed.
    pub fn new(seed: u64) -> Self {
        Self { generator: Xoshiro256PlusPlus::seed_from_u64(seed) }
    }

    /// The generator of one run of a simulation: the runs of one seed are independent of each other, and each
    /// can be repeated alone.
    pub fn of_run(seed: u64, run: u64) -> Self {
        let (a, b) = (split_mix(seed), split_mix(run ^ 0x6a09_e667_f3bc_c908));
        Self::new(a ^ b.rotate_left(32))
    }

    /// 64 random bits.
    #[inline]
    pub fn bits(&mut self) -> u64 {
        self.generator.next_u64()
    }

    /// Uniform on [0, 1), a multiple of 2^−53.
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * UNIT
    }

    /// Uniform on (0, 1), ends excluded.
    #[inline]
    pub fn open_uniform(&mut self) -> f64 {
        ((self.bits() >> 12) as f64 + 0.5) * (2.0 * UNIT)
    }

    /// A whole number from 0 to `bound` − 1, all equally likely; 0 for a bound of 0.
    ///
    /// Lemire's multiplication with rejection (ACM TOMACS 29(1), 2019).
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 {
            return 0;
        }
        let threshold = bound.wrapping_neg() % bound;
        loop {
            let product = u128::from(self.bits()) * u128::from(bound);
            if product as u64 >= threshold {
                return (product >> 64) as u64;
            }
        }
    }

    /// True with probability `p`; never for p ≤ 0, always for p ≥ 1.
    #[inline]
    pub fn bernoulli(&mut self, p: f64) -> bool {
        self.uniform() < p
    }

    /// The number of failures before the first success, each trial succeeding with probability `p`.
    ///
    /// `u64::MAX` when p ≤ 0 or the number is larger than that.
    #[inline]
    pub fn geometric(&mut self, p: f64) -> u64 {
        if p >= 1.0 {
            return 0;
        }
        if p.is_nan() || p <= 0.0 {
            return u64::MAX;
        }
        // A conversion from f64 saturates.
        (ln(self.open_uniform()) / ln_1p(-p)) as u64
    }

    /// The number of successes among `n` trials, each with probability `p` (taken into [0, 1]).
    ///
    /// Exact in distribution. Counts geometric gaps while n·min(p, 1 − p) < 10, otherwise W. Hörmann's
    /// transformed rejection BTRS ("The generation of binomial random variates", J. Statist. Comput. Simul. 46,
    /// 1993), whose cost does not grow with n.
    pub fn binomial(&mut self, n: u64, p: f64) -> u64 {
        if n == 0 || p.is_nan() || p <= 0.0 {
            return 0;
        }
        if p >= 1.0 {
            return n;
        }
        if p > 0.5 {
            return n - self.binomial(n, 1.0 - p);
        }
        if n as f64 * p < 10.0 {
            let mut left = n;
            let mut successes = 0;
            loop {
                let gap = self.geometric(p);
                if gap >= left {
                    return successes;
                }
                left -= gap + 1;
                successes += 1;
            }
        }
        self.binomial_by_rejection(n as f64, p) as u64
    }

    fn binomial_by_rejection(&mut self, n: f64, p: f64) -> f64 {
        let spread = (n * p * (1.0 - p)).sqrt();
        let b = 1.15 + 2.53 * spread;
        let a = -0.0873 + 0.0248 * b + 0.01 * p;
        let centre = n * p + 0.5;
        let sure = 0.92 - 4.2 / b;
        let odds = p / (1.0 - p);
        let alpha = (2.83 + 5.1 / b) * spread;
        let mode = ((n + 1.0) * p).floor();
        loop {
            let u = self.uniform() - 0.5;
            let v = self.open_uniform();
            let us = 0.5 - u.abs();
            let k = ((2.0 * a / us + b) * u + centre).floor();
            if us >= 0.07 && v <= sure {
                return k;
            }
            if !(0.0..=n).contains(&k) {
                continue;
            }
            let height = ln(v * alpha / (a / (us * us) + b));
            let bound = (mode + 0.5) * ln((mode + 1.0) / (odds * (n - mode + 1.0)))
                + (n + 1.0) * ln((n - mode + 1.0) / (n - k + 1.0))
                + (k + 0.5) * ln(odds * (n - k + 1.0) / (k + 1.0))
                + factorial_remainder(mode)
                + factorial_remainder(n - mode)
                - factorial_remainder(k)
                - factorial_remainder(n - k);
            if height <= bound {
                return k;
            }
        }
    }

    /// Standard normal, by G. Marsaglia's polar method.
    pub fn normal(&mut self) -> f64 {
        loop {
            let x = 2.0 * self.uniform() - 1.0;
            let y = 2.0 * self.uniform() - 1.0;
            let square = x * x + y * y;
            if square > 0.0 && square < 1.0 {
                return x * (-2.0 * ln(square) / square).sqrt();
            }
        }
    }

    /// e^X for X normal with this mean and standard deviation: a usual model of latencies.
    pub fn log_normal(&mut self, mean: f64, deviation: f64) -> f64 {
        exp(mean + deviation * self.normal())
    }

    /// Gamma with this shape > 0 and scale 1; NaN for other shapes.
    ///
    /// G. Marsaglia and W. W. Tsang, "A simple method for generating gamma variables", ACM TOMS 26(3), 2000.
    pub fn gamma(&mut self, shape: f64) -> f64 {
        if shape.is_nan() || shape <= 0.0 {
            return f64::NAN;
        }
        if shape < 1.0 {
            let power = ln(self.open_uniform()) / shape;
            return self.gamma(shape + 1.0) * exp(power);
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let root = 1.0 + c * x;
            if root > 0.0 {
                let v = root * root * root;
                if ln(self.open_uniform()) < 0.5 * x * x + d * (1.0 - v + ln(v)) {
                    return d * v;
                }
            }
        }
    }

    /// Beta with parameters a, b > 0, on [0, 1].
    pub fn beta(&mut self, a: f64, b: f64) -> f64 {
        let (x, y) = (self.gamma(a), self.gamma(b));
        x / (x + y)
    }
}

/// ln k! − [(k + ½) ln(k + 1) − (k + 1) + ½ ln 2π].
fn factorial_remainder(k: f64) -> f64 {
    super::special::stirling_remainder_from_one(k + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_the_published_one() {
        let state: Vec<u8> = [1_u64, 2, 3, 4].into_iter().flat_map(u64::to_le_bytes).collect();
        let generator = Xoshiro256PlusPlus::from_seed(state.try_into().unwrap());
        let mut random = Random { generator };
        let published = [
            41_943_041,
            58_720_359,
            3_588_806_011_781_223,
            3_591_011_842_654_386,
            9_228_616_714_210_784_205,
            9_973_669_472_204_895_162,
        ];
        assert_eq!(published.map(|_| random.bits()), published);
        assert_eq!(split_mix(1_477_776_061_723_855_037), 1_985_237_415_132_408_290);
        // The seeds of recorded simulations keep their sequences.
        assert_eq!(Random::new(7).bits(), 1_021_219_803_524_665_661);
    }

    /// Mean and variance of many draws against the true ones, within five standard errors.
    fn moments(name: &str, mean: f64, variance: f64, fourth: f64, draw: impl FnMut() -> f64) {
        let n = 200_000;
        let values: Vec<f64> = std::iter::repeat_with(draw).take(n).collect();
        let found = values.iter().sum::<f64>() / n as f64;
        let spread = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n as f64;
        let error = 5.0 * (variance / n as f64).sqrt();
        assert!((found - mean).abs() < error, "{name}: mean {found}, expected {mean} ± {error}");
        let error = 5.0 * ((fourth - variance * variance) / n as f64).sqrt();
        assert!(
            (spread - variance).abs() < error,
            "{name}: variance {spread}, expected {variance} ± {error}"
        );
    }

    #[test]
    fn distributions_have_their_moments() {
        let mut r = Random::new(11);
        moments("uniform", 0.5, 1.0 / 12.0, 1.0 / 80.0, || r.uniform());
        moments("normal", 0.0, 1.0, 3.0, || r.normal());
        for shape in [0.3, 1.0, 7.5] {
            let fourth = 3.0 * shape * (shape + 2.0);
            moments("gamma", shape, shape, fourth, || r.gamma(shape));
        }
        let (a, b) = (2.0, 3.0);
        moments("beta", 0.4, 0.04, 0.04 * 0.04 * 3.0, || r.beta(a, b));
        for p in [0.001, 0.2, 0.9] {
            let q = 1.0 - p;
            let variance = q / (p * p);
            let fourth = variance * (9.0 * variance + 1.0 + variance * p * p / q * 0.0) + variance;
            moments("geometric", q / p, variance, fourth, || r.geometric(p) as f64);
        }
        for (n, p) in [(1, 0.3), (20, 0.1), (40, 0.5), (1000, 0.02), (100_000, 0.3), (90, 0.97)] {
            let trials = n as f64;
            let variance = trials * p * (1.0 - p);
            let fourth = variance * (1.0 + 3.0 * variance);
            moments("binomial", trials * p, variance, fourth, || r.binomial(n, p) as f64);
        }
        moments(
            "log-normal",
            exp(0.125),
            exp(0.25) * (exp(0.25) - 1.0),
            exp(0.5)
                * (exp(0.25) - 1.0).powi(2)
                * (exp(1.0) + 2.0 * exp(0.75) + 3.0 * exp(0.5) - 3.0),
            || r.log_normal(0.0, 0.5),
        );
    }

    #[test]
    fn binomial_has_its_probabilities() {
        // Both methods, against the exact probabilities: Pearson's χ² with a bound far in its tail.
        for (n, p) in [(30_u64, 0.2), (40, 0.4), (2000, 0.5)] {
            let mut random = Random::new(5);
            let draws = 200_000;
            let mut counts = vec![0.0; n as usize + 1];
            for _ in 0..draws {
                counts[random.binomial(n, p) as usize] += 1.0;
            }
            let (mut statistic, mut cells, mut rest) = (0.0, 0.0, (0.0, 0.0));
            for (k, count) in counts.iter().enumerate() {
                let (k, n) = (k as f64, n as f64);
                let ln_choose = -ln(n + 1.0) - super::super::special::ln_beta(k + 1.0, n - k + 1.0);
                let expected = f64::from(draws) * exp(ln_choose + k * ln(p) + (n - k) * ln_1p(-p));
                if expected > 20.0 {
                    statistic += (count - expected) * (count - expected) / expected;
                    cells += 1.0;
                } else {
                    rest = (rest.0 + count, rest.1 + expected);
                }
            }
            statistic += (rest.0 - rest.1) * (rest.0 - rest.1) / rest.1.max(1.0);
            assert!(
                statistic < cells + 5.0 * (2.0_f64 * cells).sqrt(),
                "n = {n}: χ² = {statistic} over {cells} cells"
            );
        }
    }

    #[test]
    fn edges() {
        let mut random = Random::new(1);
        assert!(!random.bernoulli(0.0) && random.bernoulli(1.0));
        assert_eq!(random.geometric(0.0), u64::MAX);
        assert_eq!(random.geometric(1.0), 0);
        assert_eq!(random.geometric(f64::NAN), u64::MAX);
        assert_eq!(random.binomial(0, 0.5), 0);
        assert_eq!((random.binomial(9, 0.0), random.binomial(9, 1.0)), (0, 9));
        assert!(random.binomial(u64::MAX, 0.5) > 0);
        assert_eq!((random.below(0), random.below(1)), (0, 0));
        assert!((0..1000).all(|_| random.below(7) < 7));
        assert!(random.gamma(0.0).is_nan());
        assert_ne!(Random::of_run(1, 2), Random::of_run(2, 1));
    }
}
