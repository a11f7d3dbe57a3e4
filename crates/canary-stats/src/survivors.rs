//! The distribution of a count among the runs of a group-sequential test that have not stopped.

/// A part of a distribution this far below its largest one is lost in rounding.
const LOST: f64 = 1e-20;

/// P(the count is x and no look has stopped the run), for every x that may be.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Survivors {
    /// The x of the first probability.
    first: u64,
    parts: Vec<f64>,
}

impl Survivors {
    /// The distribution before any trial: the count is 0.
    pub(super) fn new() -> Self {
        Self { first: 0, parts: vec![1.0] }
    }

    /// Adds the successes of `trials` trials, each with a probability `p` strictly between 0 and 1.
    pub(super) fn add(&mut self, trials: u64, p: f64) {
        if trials == 0 || self.parts.is_empty() {
            return;
        }
        let (lowest, masses) = binomial(trials, p);
        let mut sums = vec![0.0; self.parts.len() + masses.len() - 1];
        for (i, part) in self.parts.iter().enumerate() {
            for (sum, mass) in sums[i..].iter_mut().zip(&masses) {
                *sum += part * mass;
            }
        }
        let largest = sums.iter().copied().fold(0.0, f64::max);
        let kept = |part: &f64| *part > LOST * largest;
        let begin = sums.iter().position(kept).unwrap_or(0);
        let end = sums.iter().rposition(kept).map_or(0, |last| last + 1);
        self.parts = sums[begin..end].to_vec();
        self.first += lowest + begin as u64;
    }

    /// Stops the runs with the largest counts, whose probabilities add up to at most `allowed`.
    ///
    /// Returns the least count that stops, and the probability of those that do.
    pub(super) fn stop(&mut self, allowed: f64) -> (u64, f64) {
        let mut stopped = 0.0;
        let mut left = self.parts.len();
        while let Some(part) = self.parts[..left].last() {
            if stopped + part > allowed {
                break;
            }
            stopped += part;
            left -= 1;
        }
        self.parts.truncate(left);
        (self.first + left as u64, stopped)
    }
}

/// The binomial distribution without the parts that rounding loses: the least count, and the probabilities from there
/// on.
///
/// They are computed from the ratio of neighbours, starting at the mode, and divided by their sum.
fn binomial(trials: u64, p: f64) -> (u64, Vec<f64>) {
    let n = trials as f64;
    let mode = (((n + 1.0) * p) as u64).min(trials);
    let odds = p / (1.0 - p);
    let mut below = Vec::new();
    let mut mass = 1.0;
    let mut count = mode as f64;
    while count > 0.0 {
        mass *= count / (n - count + 1.0) / odds;
        if mass < LOST {
            break;
        }
        below.push(mass);
        count -= 1.0;
    }
    let lowest = mode - below.len() as u64;
    let mut masses: Vec<f64> = below.into_iter().rev().collect();
    masses.push(1.0);
    mass = 1.0;
    count = mode as f64;
    while count < n {
        mass *= (n - count) / (count + 1.0) * odds;
        if mass < LOST {
            break;
        }
        masses.push(mass);
        count += 1.0;
    }
    let total: f64 = masses.iter().sum();
    for mass in &mut masses {
        *mass /= total;
    }
    (lowest, masses)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{portable::exp, special::ln_beta};

    #[test]
    fn the_probabilities_are_binomial() {
        for (n, p) in [(1, 0.5), (3, 0.9), (40, 0.05), (700, 0.3), (100_000, 0.01)] {
            let (lowest, masses) = binomial(n, p);
            for (i, mass) in masses.iter().enumerate() {
                let k = (lowest + i as u64) as f64;
                let rest = n as f64 - k;
                let ln_choose = -ln_beta(k + 1.0, rest + 1.0) - (n as f64 + 1.0).ln();
                let wanted = exp(ln_choose + k * p.ln() + rest * (-p).ln_1p());
                assert!((mass - wanted).abs() < 1e-9 * wanted, "{n} {p} {k}: {mass} {wanted}");
            }
        }
    }

    /// Against every sequence of outcomes: the runs that stop are those that reach the least count at a look.
    #[test]
    fn the_stopped_ones_are_those_of_an_enumeration() {
        let (looks, allowed) = ([3, 4, 5], [0.02, 0.05, 0.2]);
        let p = [0.2, 0.35, 0.35];
        let mut survivors = Survivors::new();
        let mut least = Vec::new();
        let mut spent = Vec::new();
        for ((trials, allowed), p) in looks.into_iter().zip(allowed).zip(p) {
            survivors.add(trials, p);
            let (count, stopped) = survivors.stop(allowed);
            assert!(stopped <= allowed);
            least.push(count);
            spent.push(stopped);
        }
        let mut found = [0.0; 3];
        for outcomes in 0_u32..1 << 12 {
            let mut probability = 1.0;
            let (mut trial, mut count, mut stopped_at) = (0, 0, None);
            for (look, trials) in looks.into_iter().enumerate() {
                for _ in 0..trials {
                    let one = outcomes >> trial & 1 == 1;
                    probability *= if one { p[look] } else { 1.0 - p[look] };
                    count += u64::from(one);
                    trial += 1;
                }
                if count >= least[look] {
                    stopped_at.get_or_insert(look);
                }
            }
            if let Some(look) = stopped_at {
                found[look] += probability;
            }
        }
        for (found, spent) in found.into_iter().zip(spent) {
            assert!((found - spent).abs() < 1e-14, "{found} {spent}");
        }
    }

    #[test]
    fn one_count_less_would_be_too_many() {
        for allowed in [0.0, 1e-6, 0.01, 0.3, 1.0] {
            let mut survivors = Survivors::new();
            survivors.add(50, 0.2);
            let mut again = survivors.clone();
            let (least, stopped) = survivors.stop(allowed);
            let next = survivors.parts.last().copied().unwrap_or(2.0);
            assert!(stopped <= allowed && stopped + next > allowed, "{allowed}: {least}");
            assert_eq!(again.stop(allowed), (least, stopped));
        }
        // Nothing is left after all have stopped.
        let mut survivors = Survivors::new();
        assert_eq!(survivors.stop(1.0), (0, 1.0));
        survivors.add(5, 0.5);
        assert_eq!(survivors.stop(1.0), (0, 0.0));
    }
}
