//! The capitals of several bets against each of several null hypotheses, without overflow or underflow.
//!
//! A *row* belongs to one null hypothesis. Its first bet holds half of the capital, the others hold the other half in
//! equal parts; each bet's capital is the product of its factors. The row's evidence E is their sum, which is an
//! e-process because a mean of e-processes with fixed weights is one. The running maximum of E is kept for every row.
//!
//! Products are far cheaper than logarithms, but leave the range of numbers: a capital is kept as a number and a count
//! of powers of 2^512, brought back into range every few observations.

use serde::{Deserialize, Serialize};

use super::{
    error::{Result, StatsError, check},
    matrix,
    portable::ln,
};

/// The power of two of one unit of scale.
const POWER: i64 = 512;
const UP: f64 = power_of_two(POWER);
const DOWN: f64 = power_of_two(-POWER);
const LN_UP: f64 = 512.0 * std::f64::consts::LN_2;
/// The range into which a capital is brought back.
const LARGE: f64 = power_of_two(POWER / 2);
const SMALL: f64 = power_of_two(-POWER / 2);
/// The number of observations between two rescalings. A factor lies between 2^−7 and 2^80 (see [`Row::play`]), so that
/// between two rescalings a capital stays between 2^−312 and 2^896 and is a normal number.
const EVERY: u64 = 8;

const fn power_of_two(exponent: i64) -> f64 {
    #[allow(clippy::cast_sign_loss, reason = "exponents are above −1023")]
    f64::from_bits(((1023 + exponent) as u64) << 52)
}

/// 2^(512·`scale`); 0 and infinity beyond one unit, which is right beside numbers from [`SMALL`] to [`LARGE`].
fn scaled(scale: i32) -> f64 {
    match scale {
        0 => 1.0,
        1 => UP,
        -1 => DOWN,
        2.. => f64::INFINITY,
        _ => 0.0,
    }
}

/// The capitals of the K bets against one null hypothesis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row<const K: usize> {
    /// Each capital, over 2^(512·scale), as a multiple of its initial value.
    each: [f64; K],
    scale: [i32; K],
    /// The largest sum of the weighted capitals, over 2^(512·most_scale).
    most: f64,
    most_scale: i32,
    /// The largest scale, the weights of the capitals on it, and `most` on it; all derived from the other fields.
    top: i32,
    weight: [f64; K],
    bar: f64,
}

impl<const K: usize> Row<K> {
    /// The sum of the weights: they are whole numbers, so that their sum is exact.
    const WHOLE: f64 = 2.0 * (K as f64 - 1.0);

    fn new() -> Self {
        Self::restored([1.0; K], [0; K], (Self::WHOLE, 0))
    }

    fn restored(each: [f64; K], scale: [i32; K], (most, most_scale): (f64, i32)) -> Self {
        let mut row = Self { each, scale, most, most_scale, top: 0, weight: [0.0; K], bar: 0.0 };
        row.refresh();
        row
    }

    fn refresh(&mut self) {
        self.top = self.scale.iter().copied().fold(i32::MIN, i32::max);
        for (k, (weight, scale)) in self.weight.iter_mut().zip(self.scale).enumerate() {
            let whole = if k == 0 { K as f64 - 1.0 } else { 1.0 };
            *weight = whole * scaled(scale.saturating_sub(self.top));
        }
        self.bar = self.most * scaled(self.most_scale.saturating_sub(self.top));
    }

    fn total(&self) -> f64 {
        self.each.iter().zip(self.weight).map(|(capital, weight)| capital * weight).sum()
    }

    /// Multiplies each capital by its factor, from 2^−7 to 2^80.
    #[inline]
    pub(super) fn play(&mut self, factors: [f64; K]) {
        for (capital, factor) in self.each.iter_mut().zip(factors) {
            *capital *= factor;
        }
        let total = self.total();
        if total > self.bar {
            (self.most, self.most_scale, self.bar) = (total, self.top, total);
        }
    }

    fn settle(&mut self) {
        if self.each.iter().all(|capital| (SMALL..=LARGE).contains(capital)) {
            return;
        }
        for (capital, scale) in self.each.iter_mut().zip(&mut self.scale) {
            while *capital > LARGE {
                *capital *= DOWN;
                *scale = scale.saturating_add(1);
            }
            while *capital < SMALL {
                *capital *= UP;
                *scale = scale.saturating_sub(1);
            }
        }
        self.refresh();
    }

    /// ln E now.
    pub(super) fn ln_e(&self) -> f64 {
        ln(self.total() / Self::WHOLE) + f64::from(self.top) * LN_UP
    }

    /// The largest ln E up to now, at least 0.
    pub(super) fn max_ln_e(&self) -> f64 {
        ln(self.most / Self::WHOLE) + f64::from(self.most_scale) * LN_UP
    }
}

/// A row for each of several null hypotheses.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Capitals<const K: usize>(Vec<Row<K>>);

impl<const K: usize> Capitals<K> {
    /// `rows` rows before any observation.
    pub(super) fn new(rows: usize) -> Self {
        Self(vec![Row::new(); rows])
    }

    pub(super) fn row(&self, index: usize) -> &Row<K> {
        &self.0[index]
    }

    /// The rows, each to be given its factors.
    pub(super) fn rows_mut(&mut self) -> impl Iterator<Item = &mut Row<K>> {
        self.0.iter_mut()
    }

    /// Brings the capitals back into range after the factors of an observation, the `observations`th.
    #[inline]
    pub(super) fn settle(&mut self, observations: u64) {
        if observations.is_multiple_of(EVERY) {
            self.0.iter_mut().for_each(Row::settle);
        }
    }

    /// The capitals that `saved` holds, for `rows` rows after `observations` observations.
    ///
    /// # Errors
    /// When that many observations cannot lead to them.
    pub(super) fn restore(saved: &Saved, rows: usize, observations: u64) -> Result<Self> {
        let wrong = |value, expected| StatsError { name: "most", value, expected };
        let capitals = matrix::decode("capitals", &saved.capitals, rows * K)?;
        let most = matrix::decode("most", &saved.most, rows)?;
        let whole = |scales: &[i32], wanted: usize| match scales.len() {
            0 => Ok(vec![0; wanted]),
            found if found == wanted => Ok(scales.to_vec()),
            found => Err(StatsError {
                name: "scales",
                value: found as f64,
                expected: "as many numbers as the test has, or none",
            }),
        };
        let (scales, most_scales) =
            (whole(&saved.scales, rows * K)?, whole(&saved.most_scales, rows)?);
        let least = power_of_two(-POWER / 2 - 7 * EVERY as i64);
        let largest = power_of_two(POWER / 2 + 80 * EVERY as i64);
        for &number in capitals.iter().chain(&most) {
            check("capitals", number, "within their range", (least..=largest).contains(&number))?;
        }
        // An observation changes a capital by a factor of at most 2^80.
        let reach = 1.0 + observations as f64 / 6.0;
        for &scale in scales.iter().chain(&most_scales) {
            let scale = f64::from(scale);
            check("scales", scale, "what the observations can lead to", scale.abs() <= reach)?;
        }
        let (each, _) = capitals.as_chunks::<K>();
        let (scale, _) = scales.as_chunks::<K>();
        let most = most.into_iter().zip(most_scales);
        let restored = each.iter().zip(scale).zip(most).map(|((each, scale), most)| {
            let row = Row::restored(*each, *scale, most);
            if row.max_ln_e() < 0.0 || row.total() > row.bar {
                return Err(wrong(row.most, "maxima of at least the evidence and 1"));
            }
            Ok(row)
        });
        restored.collect::<Result<_>>().map(Self)
    }
}

/// The state of [`Capitals`]: matrices of bits, the scales left out while all are 0.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Saved {
    capitals: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    scales: Vec<i32>,
    most: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    most_scales: Vec<i32>,
}

impl<const K: usize> From<&Capitals<K>> for Saved {
    fn from(Capitals(rows): &Capitals<K>) -> Self {
        let unless_all_zero = |scales: Vec<i32>| {
            if scales.iter().all(|scale| *scale == 0) { Vec::new() } else { scales }
        };
        Self {
            capitals: matrix::encode(rows.iter().flat_map(|row| row.each)),
            scales: unless_all_zero(rows.iter().flat_map(|row| row.scale).collect()),
            most: matrix::encode(rows.iter().map(|row| row.most)),
            most_scales: unless_all_zero(rows.iter().map(|row| row.most_scale).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Random, portable::ln_sum_exp};

    /// Down, up and down again by thousands of orders of magnitude: each capital is the product of its factors.
    #[test]
    fn the_evidence_keeps_its_digits_over_any_range() {
        let mut random = Random::new(91);
        let mut capitals = Capitals::<4>::new(2);
        let mut ln_each = [[0.0_f64; 4]; 2];
        let mut most = [0.0_f64; 2];
        let mut scaled = 0;
        for n in 1..=20_000_u64 {
            for ((row, ln_each), most) in capitals.rows_mut().zip(&mut ln_each).zip(&mut most) {
                let factors: [f64; 4] = std::array::from_fn(|k| {
                    let up = (n / 4000 + k as u64).is_multiple_of(2);
                    if up { 0.2 + 30.0 * random.uniform() } else { 0.02 + random.uniform() }
                });
                row.play(factors);
                for (ln_capital, factor) in ln_each.iter_mut().zip(factors) {
                    *ln_capital += factor.ln();
                }
                let [a, b, c, d] = *ln_each;
                let wanted = ln_sum_exp(&[a + ln(3.0), b, c, d]) - ln(6.0);
                *most = most.max(wanted);
                let near = |found: f64, wanted: f64| {
                    let error = (found - wanted).abs() / (1.0 + wanted.abs());
                    assert!(error < 1e-10, "{n}: {found} {wanted}");
                };
                near(row.ln_e(), wanted);
                near(row.max_ln_e(), *most);
            }
            capitals.settle(n);
            if n % 97 == 0 {
                let saved = Saved::from(&capitals);
                scaled += usize::from(!saved.scales.is_empty());
                assert_eq!(Capitals::restore(&saved, 2, n).unwrap(), capitals);
            }
        }
        assert!(scaled > 100 && most.iter().all(|most| *most > 2000.0), "{scaled} {most:?}");
    }

    #[test]
    fn damaged_capitals_are_refused() {
        let good = Saved::from(&Capitals::<4>::new(3));
        assert_eq!(Capitals::<4>::restore(&good, 3, 0).unwrap(), Capitals::new(3));
        let refused = |saved: Saved, name| {
            assert_eq!(Capitals::<4>::restore(&saved, 3, 5).unwrap_err().name, name, "{saved:?}");
        };
        let with = |capitals: &[f64], most: &[f64]| Saved {
            capitals: matrix::encode(capitals.iter().copied()),
            most: matrix::encode(most.iter().copied()),
            ..good.clone()
        };
        for number in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e300, 1e-300] {
            let mut capitals = [1.0; 12];
            capitals[7] = number;
            refused(with(&capitals, &[6.0; 3]), "capitals");
        }
        refused(with(&[1.0; 11], &[6.0; 3]), "capitals");
        refused(with(&[1.0; 12], &[6.0; 2]), "most");
        refused(with(&[1.1; 12], &[6.0; 3]), "most");
        refused(with(&[0.5; 12], &[5.0; 3]), "most");
        refused(Saved { scales: vec![0; 5], ..good.clone() }, "scales");
        refused(Saved { scales: vec![9; 12], ..good.clone() }, "scales");
        refused(Saved { most_scales: vec![i32::MIN; 3], ..good.clone() }, "scales");
    }
}
