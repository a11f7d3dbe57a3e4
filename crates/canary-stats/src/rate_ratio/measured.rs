//! The measurement of the dispersion of the bad requests that a test observes.

use super::{Dispersion, RateRatio, Window};
use crate::error::Result;

impl RateRatio {
    /// Also measures the dispersion of the bad requests, over windows of `millis` milliseconds, of four times and of
    /// sixteen times that length. The evidence does not depend on it. Call it before the first observation.
    ///
    /// ```
    /// use canary_core::stats::RateRatio;
    ///
    /// let mut errors = RateRatio::new(1.0)?.measured(15_000)?;
    /// errors.observe(0, 0.3, true, true)?;
    /// errors.observe(15_000, 0.3, false, false)?;
    /// assert_eq!(errors.dispersion().map(|measured| measured.levels()[0].windows), Some(1));
    /// # Ok::<(), canary_core::stats::StatsError>(())
    /// ```
    ///
    /// # Errors
    /// When `millis` is 0.
    pub fn measured(mut self, millis: u64) -> Result<Self> {
        self.dispersion = Some(Box::new(Dispersion::new(millis)?));
        Ok(self)
    }

    /// The dispersion of the bad requests, where it is measured.
    pub fn dispersion(&self) -> Option<&Dispersion> {
        self.dispersion.as_deref()
    }

    /// Adds validated counts to the measurement.
    #[inline]
    pub(super) fn measure(&mut self, at: u64, share: f64, counts: &Window) {
        if let Some(dispersion) = &mut self.dispersion {
            dispersion.take(at, share, counts);
        }
    }
}
