//! A guardrail's second test, for alarms that depend on two tests.

use serde::{Deserialize, Serialize};

use canary_stats::{AnyTest, EProcess, GroupSequential, RateRatio, Window};

use crate::sequential::ln_kept;

/// A second test of the same requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Beside {
    /// The ratio to the stable version, beside an absolute limit: the alarm needs both. The smaller of two e-processes is
    /// one for "within the limit, or no worse than the stable version".
    Ratio {
        /// The ratio.
        ratio: Box<RateRatio>,
        /// The largest of the smaller ln E at any moment.
        #[serde(with = "canary_stats::exact")]
        both: f64,
    },
    /// Looks at planned numbers of requests, which can alarm in addition to the main test; that one then has a part of
    /// α.
    Looks(Box<GroupSequential>),
}

impl Beside {
    /// Adds a request.
    pub(super) fn observe(&mut self, at: u64, share: f64, canary: bool, bad: bool) {
        match self {
            // Only a share outside 0 to 1 is an error.
            Self::Ratio { ratio, .. } => drop(ratio.observe(at, share, canary, bad)),
            Self::Looks(looks) => {
                let (canary_bad, stable_bad) = (bad && canary, bad && !canary);
                drop(looks.observe_counts(share, 1, canary_bad.into(), stable_bad.into()));
            }
        }
    }

    /// Adds the counts of a window.
    pub(super) fn observe_counts(&mut self, at: u64, share: f64, window: &Window) {
        match self {
            Self::Ratio { ratio, .. } => drop(ratio.observe_counts(at, share, window)),
            Self::Looks(looks) => {
                let requests = window.canary.saturating_add(window.stable);
                // More requests at once than are planned in all are refused by the looks; the other test sees them.
                drop(looks.observe_counts(share, requests, window.canary_bad, window.stable_bad));
            }
        }
    }

    /// Compares the evidence of both tests after an observation.
    pub(super) fn settle(&mut self, test: &AnyTest) {
        if let Self::Ratio { ratio, both } = self {
            *both = both.max(test.ln_e().min(ratio.ln_e()));
        }
    }

    /// The largest ln E of the guardrail at any moment, where that of its own test is `max_ln_e`.
    pub(super) fn max_ln_e(&self, max_ln_e: f64) -> f64 {
        match self {
            Self::Ratio { both, .. } => *both,
            Self::Looks(looks) if looks.alarm() => f64::INFINITY,
            Self::Looks(_) => (max_ln_e - ln_kept()).max(0.0),
        }
    }

    /// ln E of the guardrail now, where that of its own test is `ln_e`.
    pub(super) fn ln_e(&self, ln_e: f64) -> f64 {
        match self {
            Self::Ratio { ratio, .. } => ln_e.min(ratio.ln_e()),
            Self::Looks(looks) if looks.alarm() => f64::INFINITY,
            Self::Looks(_) => ln_e - ln_kept(),
        }
    }

    /// Returns `true` while failures beyond an absolute limit are either harm or a burst; `ln_e` is that of the limit.
    pub(super) fn is_unconfirmed(&self, ln_e: f64) -> bool {
        matches!(self, Self::Ratio { ratio, .. } if ln_e > 0.0 && ratio.is_unconfirmed())
    }

    /// The ratio of an absolute limit.
    pub(super) fn ratio(&mut self) -> Option<&mut RateRatio> {
        match self {
            Self::Ratio { ratio, .. } => Some(ratio),
            Self::Looks(_) => None,
        }
    }

    /// Numbers for the reading.
    pub(super) fn counts(&self) -> Vec<(String, u64)> {
        match self {
            Self::Ratio { .. } => Vec::new(),
            Self::Looks(looks) => {
                let mut counts = vec![("looks".to_owned(), looks.looks_taken() as u64)];
                let critical = looks
                    .critical()
                    .map(|count| ("bad canary requests to alarm".to_owned(), count));
                counts.extend(critical);
                counts
            }
        }
    }
}
