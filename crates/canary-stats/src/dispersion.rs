//! The dispersion of bad requests: how much more the canary's part of them varies from one window of time to the next
//! than the split explains.
//!
//! With x_w the canary's bad requests of a window and b_w those of both versions, under the share ρ in force,
//!
//! φ = max(1, (V + 2)/(D + 2)),  V = Σ(x_w − q̂b_w)²,  D = Σ b_w q̂(1−q̂),  q̂ = (Σx + ρ)/(Σb + 1)
//!
//! V and D add over shares. Where bad requests reach either version independently of each other, φ is near 1; where they
//! come in bursts of b that are all at one version, it is near E b²/E b. The guard of
//! [`RateRatio`](crate::RateRatio) divides its evidence by φ; [`Dispersion`] measures φ at three lengths of the windows,
//! which determines how long the guard's windows have to be: φ stops growing once a window holds a whole burst.

use serde::{Deserialize, Serialize};

use crate::{
    error::{Result, check, closed_unit},
    exact,
    stream::Window,
};

/// The sums over windows from which a variance about a proportion is computed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sums {
    /// The sums of the part, of the whole, and of their squares and products.
    #[serde(with = "exact")]
    part: f64,
    #[serde(with = "exact")]
    whole: f64,
    #[serde(with = "exact")]
    part_part: f64,
    #[serde(with = "exact")]
    part_whole: f64,
    #[serde(with = "exact")]
    whole_whole: f64,
}

impl Sums {
    /// Adds a window.
    pub(crate) fn add(&mut self, part: u64, whole: u64) {
        let (part, whole) = (part as f64, whole as f64);
        self.part += part;
        self.whole += whole;
        self.part_part += part * part;
        self.part_whole += part * whole;
        self.whole_whole += whole * whole;
    }

    /// The squared deviations about the proportion `p`, and their expectation if every bad request were independent.
    fn about(&self, p: f64) -> (f64, f64) {
        let found = self.part_part - 2.0 * p * self.part_whole + p * p * self.whole_whole;
        (found, self.whole * p * (1.0 - p))
    }

    /// V and D under the share `share`.
    pub(crate) fn about_split(&self, share: f64) -> (f64, f64) {
        self.about((self.part + share) / (self.whole + 1.0))
    }

    /// The squared deviations about the proportion of the sums themselves, and their expectation; zeros without data.
    pub(crate) fn about_mean(&self) -> (f64, f64) {
        if self.whole > 0.0 { self.about(self.part / self.whole) } else { (0.0, 0.0) }
    }
}

/// φ of V and D.
pub(crate) fn phi_of(found: f64, expected: f64) -> f64 {
    ((found + 2.0) / (expected + 2.0)).max(1.0)
}

/// The dispersion of bad requests over windows of three lengths: a given one, and four and sixteen times as long.
///
/// A window begins with the first request after the one before has ended. A window that a change of the share cuts
/// short is left out, and so is the one that is still open. A window without a bad request carries no information and
/// is not counted.
///
/// ```
/// use canary_core::stats::{Dispersion, Window};
///
/// let mut errors = Dispersion::new(15_000)?;
/// // Every second window of 15 s has six errors, all of one version.
/// for n in 0..400_u64 {
///     let (canary_bad, stable_bad) = [(6, 0), (0, 0), (0, 6), (0, 0)][n as usize % 4];
///     errors.observe_counts(n * 15_000, 0.5, &Window { canary: 50, canary_bad, stable: 50, stable_bad })?;
/// }
/// let [short, _, _] = errors.levels();
/// assert_eq!((short.millis, short.windows), (15_000, 200));
/// assert!(short.phi > 5.0);
/// # Ok::<(), canary_core::stats::StatsError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dispersion {
    /// The current share; none before the first request.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "exact::option")]
    share: Option<f64>,
    levels: [Level; 3],
}

/// φ at one length of the windows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DispersionLevel {
    /// The length of the windows, in milliseconds.
    pub millis: u64,
    /// The dispersion, at least 1.
    pub phi: f64,
    /// The whole windows that had a bad request.
    pub windows: u64,
}

/// The windows of one length.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Level {
    millis: u64,
    /// When the open window began; none before its first request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    opened: Option<u64>,
    /// The bad requests of the open window: the canary's, and all.
    #[serde(default)]
    open: [u64; 2],
    /// The sums under the current share.
    sums: Sums,
    /// V and D of the shares before.
    #[serde(with = "exact")]
    found: f64,
    #[serde(with = "exact")]
    expected: f64,
    windows: u64,
}

impl Level {
    fn new(millis: u64) -> Self {
        let sums = Sums::default();
        Self { millis, opened: None, open: [0; 2], sums, found: 0.0, expected: 0.0, windows: 0 }
    }

    fn take(&mut self, at: u64, counts: &Window) {
        let opened = *self.opened.get_or_insert(at);
        if at >= opened.saturating_add(self.millis) {
            let [canary, both] = std::mem::take(&mut self.open);
            if both > 0 {
                self.sums.add(canary, both);
                self.windows = self.windows.saturating_add(1);
            }
            self.opened = Some(at);
        }
        let [canary, both] = &mut self.open;
        *canary = canary.saturating_add(counts.canary_bad);
        *both = both.saturating_add(counts.canary_bad).saturating_add(counts.stable_bad);
    }

    /// Adds the sums of the current share to those of earlier shares.
    fn leave(&mut self, share: f64) {
        let (found, expected) = std::mem::take(&mut self.sums).about_split(share);
        self.found += found;
        self.expected += expected;
        (self.opened, self.open) = (None, [0; 2]);
    }

    fn measured(&self, share: Option<f64>) -> DispersionLevel {
        let (found, expected) = share.map_or((0.0, 0.0), |share| self.sums.about_split(share));
        let phi = phi_of(self.found + found, self.expected + expected);
        DispersionLevel { millis: self.millis, phi, windows: self.windows }
    }
}

impl Dispersion {
    /// Measures over windows of `millis` milliseconds, of four times and of sixteen times as many.
    ///
    /// # Errors
    /// When `millis` is 0.
    pub fn new(millis: u64) -> Result<Self> {
        check("millis", millis as f64, "a number of milliseconds of at least 1", millis > 0)?;
        let levels = [1, 4, 16].map(|factor| Level::new(millis.saturating_mul(factor)));
        Ok(Self { share: None, levels })
    }

    /// Adds one request that was sent at `at` milliseconds: `share` is the canary's share of the traffic then, `canary`
    /// whether the canary served it, `bad` whether it was bad. Requests come in the order of sending.
    ///
    /// # Errors
    /// When `share` is not from 0 to 1; then nothing is added.
    pub fn observe(&mut self, at: u64, share: f64, canary: bool, bad: bool) -> Result<()> {
        let (canary, stable, bad) = (u64::from(canary), u64::from(!canary), u64::from(bad));
        let window = Window { canary, canary_bad: canary * bad, stable, stable_bad: stable * bad };
        self.observe_counts(at, share, &window)
    }

    /// Adds a batch of requests that were sent from `at` on; all are counted in the window of that moment. A share of 0
    /// or 1 divides nothing and is not measured.
    ///
    /// # Errors
    /// When `share` is not from 0 to 1, or there are more bad requests than requests; then nothing is added.
    pub fn observe_counts(&mut self, at: u64, share: f64, counts: &Window) -> Result<()> {
        let holds = counts.canary_bad <= counts.canary && counts.stable_bad <= counts.stable;
        let bad = counts.canary_bad as f64;
        check("canary_bad", bad, "no more bad requests than requests", holds)?;
        closed_unit("share", share)?;
        self.take(at, share, counts);
        Ok(())
    }

    /// Adds counts that have been validated.
    pub(crate) fn take(&mut self, at: u64, share: f64, counts: &Window) {
        if self.share != Some(share) {
            if let Some(before) = self.share {
                self.levels.iter_mut().for_each(|level| level.leave(before));
            }
            self.share = Some(share).filter(|share| *share > 0.0 && *share < 1.0);
        }
        if self.share.is_some() {
            self.levels.iter_mut().for_each(|level| level.take(at, counts));
        }
    }

    /// φ at the three lengths, shortest first.
    pub fn levels(&self) -> [DispersionLevel; 3] {
        self.levels.each_ref().map(|level| level.measured(self.share))
    }
}

#[cfg(test)]
mod tests;
