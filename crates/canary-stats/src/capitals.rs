//! The capitals of gamblers who stake fixed fractions, over any range of numbers.

use super::{
    betting::{FRACTIONS, GAMBLERS},
    error::{Result, StatsError, check},
    portable::{exp, ln, ln_1p, ln_sum_exp},
};

/// 2^±512: the factor by which capitals are brought back into range.
const RESCALE: f64 = power_of_two(512);
const LN_RESCALE: f64 = 512.0 * std::f64::consts::LN_2;
/// A capital below this has a scale of its own: the sum, at least 2^−512, does not notice it, and it would soon be
/// smaller than a number can be.
const LEAST: f64 = power_of_two(-900);
/// A capital on a scale of its own goes back by one factor from here on; it is then well above [`LEAST`].
const BACK: f64 = power_of_two(512 - 800);
/// A capital falls by less than 2^−107 in so many observations: looked at so often, none below [`LEAST`] loses digits.
const LOOK: u64 = 32;

const fn power_of_two(exponent: i64) -> f64 {
    #[allow(clippy::cast_sign_loss, reason = "exponents are above −1023")]
    f64::from_bits(((1023 + exponent) as u64) << 52)
}

/// The capital of each gambler of [`FRACTIONS`], which began with 1.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Capitals {
    /// Over RESCALE^(scale + below).
    each: [f64; GAMBLERS],
    /// The scale of all.
    scale: i32,
    /// The distance of a gambler's own scale below that; 0 but for those who are lost beside the others.
    below: [i32; GAMBLERS],
    /// 1 for a gambler on the scale of all, 0 for the others.
    counts: [f64; GAMBLERS],
}

impl Capitals {
    pub(super) fn new() -> Self {
        Self { each: [1.0; GAMBLERS], scale: 0, below: [0; GAMBLERS], counts: [1.0; GAMBLERS] }
    }

    /// Those that [`saved`](Self::saved) gave, after `values` observations.
    ///
    /// # Errors
    /// When they are not what so many observations can lead to.
    pub(super) fn restore(
        capitals: &[f64],
        scale: i32,
        below: &[i32],
        values: u64,
    ) -> Result<Self> {
        let wrong = |name, value, expected| StatsError { name, value, expected };
        let found = capitals.len() as f64;
        let each: [f64; GAMBLERS] =
            capitals.try_into().map_err(|_| wrong("capitals", found, "a list of 12 numbers"))?;
        for capital in each {
            let holds = capital >= 0.0 && capital.is_finite();
            check("capitals", capital, "finite numbers of at least 0", holds)?;
        }
        let found = below.len() as f64;
        let below = if below.is_empty() {
            [0; GAMBLERS]
        } else {
            below.try_into().map_err(|_| wrong("below", found, "a list of 12 numbers, or none"))?
        };
        // One observation changes a capital by less than a factor of 2^32.
        let most = 1.0 + values as f64 / 16.0;
        let holds = f64::from(scale).abs() <= most;
        check("scale", f64::from(scale), "at most 1 + values/16 in size", holds)?;
        for own in below {
            let holds = own <= 0 && f64::from(own).abs() <= 2.0 * most;
            check("below", f64::from(own), "at most 0 and 2 + values/8 in size", holds)?;
        }
        let mut restored = Self { each, scale, below, counts: [0.0; GAMBLERS] };
        restored.count();
        Ok(restored)
    }

    /// The capitals, their scale, and the scales of their own of those that have one.
    pub(super) fn saved(&self) -> (Vec<f64>, i32, Vec<i32>) {
        let apart = self.below.iter().any(|below| *below < 0);
        let below = if apart { self.below.to_vec() } else { Vec::new() };
        (self.each.to_vec(), self.scale, below)
    }

    /// Lets every gambler win or lose on an observation that pays `bet` for a stake of 1; returns the sum of the
    /// capitals on the scale of all.
    #[inline]
    pub(super) fn play(&mut self, bet: f64) -> f64 {
        let mut total = 0.0;
        for ((capital, counts), fraction) in self.each.iter_mut().zip(self.counts).zip(FRACTIONS) {
            *capital *= 1.0 - fraction + fraction * bet;
            total += *capital * counts;
        }
        total
    }

    /// Brings the capitals back into range after [`play`](Self::play) gave `total`, where they left it; whether the
    /// scale of all has changed.
    #[inline]
    pub(super) fn settle(&mut self, total: f64, values: u64) -> bool {
        let out = !(1.0 / RESCALE..RESCALE).contains(&total) && total != 0.0;
        if out {
            self.rescale(total < 1.0);
        }
        if values.is_multiple_of(LOOK) {
            self.part();
        }
        out
    }

    #[cold]
    fn rescale(&mut self, up: bool) {
        for (capital, below) in self.each.iter_mut().zip(&mut self.below) {
            if up && *below < 0 {
                *below += 1;
            } else if up {
                *capital *= RESCALE;
            } else if *below < 0 || *capital < LEAST * RESCALE {
                *below -= 1;
            } else {
                *capital *= 1.0 / RESCALE;
            }
        }
        self.scale = self.scale.saturating_add(if up { -1 } else { 1 });
        self.count();
    }

    /// Gives a scale of their own to those who are lost beside the others, and takes it away again.
    fn part(&mut self) {
        let mut changed = false;
        for (capital, below) in self.each.iter_mut().zip(&mut self.below) {
            if *capital < LEAST && *capital > 0.0 {
                *capital *= RESCALE;
                *below -= 1;
                changed = true;
            }
            while *below < 0 && *capital >= BACK {
                *capital *= 1.0 / RESCALE;
                *below += 1;
                changed = true;
            }
        }
        if changed {
            self.count();
        }
    }

    fn count(&mut self) {
        self.counts = self.below.map(|below| f64::from(u8::from(below == 0)));
    }

    /// The sum, on the scale of all, at which the mean of the capitals is e^`ln_mean`.
    pub(super) fn sum_of(&self, ln_mean: f64) -> f64 {
        exp(ln_mean - f64::from(self.scale) * LN_RESCALE) * GAMBLERS as f64
    }

    /// ln of the mean of the capitals.
    pub(super) fn ln_mean(&self) -> f64 {
        let total: f64 =
            self.each.iter().zip(self.counts).map(|(each, counts)| each * counts).sum();
        ln(total / GAMBLERS as f64) + f64::from(self.scale) * LN_RESCALE
    }

    /// The same, with each capital divided by what the fraction would have made of a bet of 1 + `change` in `values`
    /// observations.
    pub(super) fn ln_mean_beside(&self, change: f64, values: u64) -> f64 {
        let mut terms = self.each;
        for ((term, below), fraction) in terms.iter_mut().zip(self.below).zip(FRACTIONS) {
            let own = f64::from(below) * LN_RESCALE;
            *term = ln(*term) + own - values as f64 * ln_1p(fraction * change);
        }
        ln_sum_exp(&terms) - ln(GAMBLERS as f64) + f64::from(self.scale) * LN_RESCALE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Random;

    /// Down, up and down again by thousands of orders of magnitude: each capital is the product of its factors.
    #[test]
    fn every_capital_keeps_its_digits_over_any_range() {
        let mut random = Random::new(91);
        let mut capitals = Capitals::new();
        let mut ln_each = [0.0; GAMBLERS];
        let mut apart = 0;
        for values in 1..=20_000_u64 {
            let bet = match values / 4000 {
                0 | 2 => 0.4 * random.uniform(),
                1 => 60.0 * random.uniform(),
                3 => 1e8 * random.uniform(),
                _ => 0.0,
            };
            let total = capitals.play(bet);
            capitals.settle(total, values);
            for (ln_capital, fraction) in ln_each.iter_mut().zip(FRACTIONS) {
                *ln_capital += (1.0 - fraction + fraction * bet).ln();
            }
            if values % 97 == 0 {
                let (each, scale, below) = capitals.saved();
                apart += usize::from(!below.is_empty());
                assert!(each.iter().all(|capital| *capital >= f64::MIN_POSITIVE), "{capitals:?}");
                let restored = Capitals::restore(&each, scale, &below, values).unwrap();
                assert_eq!(restored, capitals);
                let near = |found: f64, wanted: f64| {
                    assert!(
                        (found - wanted).abs() < 1e-10 * (1.0 + wanted.abs()),
                        "{found} {wanted}"
                    );
                };
                near(capitals.ln_mean(), ln_sum_exp(&ln_each) - ln(GAMBLERS as f64));
                // For other bets other gamblers lead.
                for change in [-0.999, -0.5, 0.0, 3.0, 900.0] {
                    let mut beside = ln_each;
                    for (term, fraction) in beside.iter_mut().zip(FRACTIONS) {
                        *term -= values as f64 * (fraction * change).ln_1p();
                    }
                    let wanted = ln_sum_exp(&beside) - ln(GAMBLERS as f64);
                    near(capitals.ln_mean_beside(change, values), wanted);
                }
            }
        }
        assert!(apart > 50, "{apart}");
    }

    #[test]
    fn damaged_capitals_are_refused() {
        let each = [1.0; GAMBLERS];
        let refused = |capitals: &[f64], scale, below: &[i32]| {
            Capitals::restore(capitals, scale, below, 16).unwrap_err().name
        };
        assert_eq!(refused(&each[..5], 0, &[]), "capitals");
        assert_eq!(refused(&[-1.0; GAMBLERS], 0, &[]), "capitals");
        assert_eq!(refused(&each, 3, &[]), "scale");
        assert_eq!(refused(&each, 0, &[-1]), "below");
        assert_eq!(refused(&each, 0, &[1; GAMBLERS]), "below");
        assert_eq!(refused(&each, 0, &[-5; GAMBLERS]), "below");
    }
}
