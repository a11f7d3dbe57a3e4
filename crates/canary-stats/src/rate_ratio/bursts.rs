//! The guard against bursts: bad requests that come together, such as those of one failing pod.
//!
//! The tests of rates assume that whether a request reaches the canary is independent of what came before. One pod that
//! fails for some seconds breaks this: its failures are all on one side. The guard limits the evidence that a single
//! window of time can add.
//!
//! **Construction.** Requests are grouped into windows by the time of sending. With I the sum of a component's log
//! factors in a window, the component takes
//!
//! J = I/φ⁻ if I ≤ 0, else min(I/φ⁺, c),  c = min(1.5, ln(1/q0))
//!
//! in place of I, where φ measures how much more the canary's part of the bad requests varies from window to window
//! than the split explains:
//!
//! φ = max(1, (V + 2)/(D + 2)),  V = Σ(x_w − q̂b_w)²,  D = Σ b_w q̂(1−q̂),  q̂ = (Σx + ρ)/(Σb + 1)
//!
//! with x_w the canary's bad requests of the window and b_w those of both. φ⁻ is known before the window begins, φ⁺ is
//! the larger of φ⁻ and φ with the window counted.
//!
//! **Proof of validity.** J ≤ I/φ⁻, and φ⁻ ≥ 1 is known before, so that by Jensen's inequality the mean of e^J is at
//! most the mean of e^I to the power 1/φ⁻, which is at most 1. That the guard stops bursts is measured, not proven:
//! docs/statistics-figures.md has the figures.

use serde::{Deserialize, Serialize};

use super::factors::null_probability;
use crate::{
    dispersion::{Sums, phi_of},
    exact,
    stream::Window,
};

/// The largest J of a window.
const MOST: f64 = 1.5;

/// The canary's part of the bad requests, window by window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Bursts {
    /// V and D of the shares that are no longer in force.
    #[serde(with = "exact")]
    found: f64,
    #[serde(with = "exact")]
    expected: f64,
    /// The sums under the current share.
    split: Sums,
    /// The stable version's bad requests among its requests.
    stable: Sums,
    /// Windows that had requests.
    pub(super) windows: u64,
}

impl Bursts {
    /// φ of the windows so far.
    pub(super) fn phi(&self, share: f64) -> f64 {
        let (found, expected) = self.split.about_split(share);
        phi_of(self.found + found, self.expected + expected)
    }

    /// The variance of the stable version's bad requests from window to window, as a multiple of that of independent ones.
    pub(super) fn phi_stable(&self) -> f64 {
        let (found, expected) = self.stable.about_mean();
        phi_of(found, expected)
    }

    /// φ with one more window.
    pub(super) fn with(mut self, window: &Window) -> Self {
        if window.canary + window.stable > 0 {
            self.windows = self.windows.saturating_add(1);
        }
        self.split.add(window.canary_bad, window.canary_bad.saturating_add(window.stable_bad));
        self.stable.add(window.stable_bad, window.stable);
        self
    }

    /// Adds the sums of the current share to those of earlier shares.
    pub(super) fn leave(&mut self, share: f64) {
        let split = std::mem::take(&mut self.split);
        let (found, expected) = split.about_split(share);
        self.found += found;
        self.expected += expected;
    }
}

/// The log factors of a window after the guard.
#[derive(Debug, Clone, Copy)]
pub(super) struct Damped {
    before: f64,
    with: f64,
    most: f64,
}

impl Damped {
    /// Without the guard: the log factors themselves.
    pub(super) const NONE: Self = Self { before: 1.0, with: 1.0, most: f64::INFINITY };

    pub(super) fn new(bursts: &Bursts, window: &Window, share: f64, ratio: f64) -> Self {
        let before = bursts.phi(share);
        let with = before.max(bursts.with(window).phi(share));
        Self { before, with, most: most(share, ratio) }
    }

    /// J.
    #[inline]
    pub(super) fn of(self, sum: f64) -> f64 {
        if sum <= 0.0 { sum / self.before } else { (sum / self.with).min(self.most) }
    }
}

/// c: the most that one window adds to ln E.
pub(super) fn most(share: f64, ratio: f64) -> f64 {
    MOST.min(-crate::portable::ln(null_probability(share, ratio)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Random;

    #[test]
    fn independent_failures_have_a_phi_near_one_and_bursts_have_their_size() {
        let mut random = Random::new(302);
        let (mut even, mut bursty) = (Bursts::default(), Bursts::default());
        for _ in 0..2_000 {
            let bad = random.below(9);
            let canary_bad = random.binomial(bad, 0.3);
            let window =
                Window { canary: 30, canary_bad, stable: 70, stable_bad: bad - canary_bad };
            even = even.with(&window);
            // The same failures all in one arm.
            let canary_bad = if random.bernoulli(0.3) { bad } else { 0 };
            let window =
                Window { canary: 30, canary_bad, stable: 70, stable_bad: bad - canary_bad };
            bursty = bursty.with(&window);
        }
        assert!(even.phi(0.3) < 1.15, "{}", even.phi(0.3));
        // E b²/E b of a number from 0 to 8.
        assert!((bursty.phi(0.3) - 17.0 / 3.0).abs() < 0.4, "{}", bursty.phi(0.3));
        assert!(bursty.phi_stable() > 1.5);
        let before = bursty.phi(0.3);
        bursty.leave(0.3);
        assert!((bursty.phi(0.5) - before).abs() < 0.01, "a new share forgets nothing");
    }

    #[test]
    fn a_window_says_no_more_than_its_limit() {
        let window = Window { canary: 50, canary_bad: 50, stable: 50, stable_bad: 0 };
        let damped = Damped::new(&Bursts::default(), &window, 0.5, 1.0);
        assert_eq!(damped.of(40.0), std::f64::consts::LN_2);
        assert_eq!(damped.of(-3.0), -3.0);
        let damped = Damped::new(&Bursts::default(), &window, 0.05, 1.0);
        assert_eq!(damped.of(400.0), 1.5);
        assert_eq!(Damped::NONE.of(40.0), 40.0);
    }
}
