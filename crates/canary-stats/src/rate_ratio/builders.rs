//! Constructors and setters of the test.

use super::{
    Plain, RateRatio,
    bursts::Bursts,
    counts::Counts,
    factors::Conditions,
    proof::Segments,
    rows::{Nodes, Rows, WIDTH},
};
use crate::{
    dispersion::Dispersion,
    e_process::Alpha,
    error::{Result, check, positive},
    portable::ln,
};

impl RateRatio {
    /// The test of the null "the canary's rate is at most `ratio` times the stable version's".
    ///
    /// Every request of both versions is observed; harm is looked for from the beginning; without a guard against
    /// bursts.
    ///
    /// # Errors
    /// When `ratio` is not a finite number greater than 0.
    pub fn new(ratio: f64) -> Result<Self> {
        Ok(Self::of_nodes(Nodes::Ratios(positive("ratio", ratio)?)))
    }

    /// The test of the ratio 1 whose rows differ in the latency above which the canary's requests are bad; `rate` is the
    /// guess of the stable rate until `known` of its requests are observed.
    pub(crate) fn of_levels(rate: f64, known: u64) -> Self {
        let mut test = Self::of_nodes(Nodes::Levels);
        (test.conditions.rate, test.guessed_at) = (rate, known.div_ceil(2));
        test
    }

    fn of_nodes(nodes: Nodes) -> Self {
        Self {
            rows: Rows::new(nodes, None, 0.0),
            starts: 1,
            begun: 1,
            window_millis: None,
            bad_only: false,
            margin: None,
            conditions: Conditions { share: f64::NAN, rate: 0.0 },
            opened: 0,
            open: Counts::default(),
            bursts: Bursts::default(),
            stable: 0,
            stable_bad: 0,
            guessed_at: 0,
            of_step: 0,
            lost: 0,
            segments: Segments::default(),
            plain: None,
            uninformative: 0,
            dispersion: None,
        }
    }

    /// Counts only bad requests, for data in which some good requests are missing.
    #[must_use]
    pub fn bad_only(mut self) -> Self {
        self.bad_only = true;
        self
    }

    /// Looks for harm that begins at any of `steps` steps; [`begin_step`](Self::begin_step) begins one. Call it before
    /// the first observation.
    #[must_use]
    pub fn starts(mut self, steps: u32) -> Self {
        self.starts = steps.max(1);
        self.rows = Rows::new(self.rows.nodes(), self.rows.harm(), ln(self.weight_of(1)));
        self.forget_plain();
        self
    }

    /// Puts nine tenths of the weight on harm near `harm`, a ratio of the rates. Call it before the first observation.
    ///
    /// # Errors
    /// When `harm` is not a finite number above the ratio of the null.
    pub fn tuned(mut self, harm: f64) -> Result<Self> {
        let holds = harm > self.rows.ratio() && harm.is_finite();
        check("harm", harm, "a finite number above the ratio that is not harm", holds)?;
        self.rows = Rows::new(self.rows.nodes(), Some(harm), ln(self.weight_of(1)));
        self.forget_plain();
        Ok(self)
    }

    /// States the margin of the promotion: the high end of the interval is then below it exactly when
    /// [`excludes_harm`](crate::EProcess::excludes_harm) says so.
    ///
    /// # Errors
    /// When `margin` is not a finite number greater than 0.
    pub fn margin(mut self, margin: f64) -> Result<Self> {
        self.margin = Some(positive("margin", margin)?);
        Ok(self)
    }

    /// Limits the evidence that the requests of any `millis` milliseconds can add, so that bursts of failures are not
    /// taken for harm. Harm is suspected ([`is_unconfirmed`](Self::is_unconfirmed)) at the level `alpha`. Call it
    /// before the first observation.
    ///
    /// # Errors
    /// When `millis` is 0.
    pub fn bursts(mut self, millis: u64, alpha: Alpha) -> Result<Self> {
        check("millis", millis as f64, "a number of milliseconds of at least 1", millis > 0)?;
        self.window_millis = Some(millis);
        let ln_threshold = alpha.ln_threshold();
        self.plain = Some(Plain { sums: [0.0; WIDTH], ln_threshold, until: None });
        self.forget_plain();
        Ok(self)
    }

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
}
