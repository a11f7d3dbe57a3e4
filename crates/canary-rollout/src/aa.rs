//! A/A: the stable version on both sides, to measure whether the assumptions of the tests hold on a service.
//!
//! Nothing differs between the two arms, so everything that the tests observe comes from the service itself: bursts of
//! failures, and false alarms. The measure is the dispersion φ of the bad requests over windows of time
//! ([`canary_stats::Dispersion`]); its growth with the length of the windows determines how long the windows of the
//! guard against bursts have to be.

mod text;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{bursts::Bursts, guardrail::Guardrail, plan::Plan};
use canary_stats::Dispersion;

/// The factor by which φ may grow over windows four times as long before longer windows are needed.
const GROWTH: f64 = 1.3;

/// The largest φ, at any length of the windows, with which the guard may be switched off.
const NO_BURSTS: f64 = 1.2;

/// The least number of windows with bad requests from which φ is known.
const ENOUGH_WINDOWS: u64 = 20;

/// The measurement of an A/A run ([`Plan::aa`]).
///
/// It is the member `report` of [`Why::Aa`](crate::Why::Aa), with which such a run ends, and that of
/// [`Replay::aa`](crate::Replay::aa). As text it is some lines of plain English.
///
/// ```
/// use canary_core::{Plan, rollout::{Guardrail, Hold}};
/// use canary_core::evidence::Timestamp;
/// use canary_core::rollout::Machine;
///
/// let plan = Plan::new("image-classifier", "resnet50", "resnet50-again")
///     .weights([50, 100], Hold::requests(10_000))
///     .guardrail(Guardrail::error_ratio(1.0))
///     .aa();
/// let state = Machine::new(plan.clone())?.begin(Timestamp(0))?;
/// let report = state.aa(&plan).ok_or("no A/A plan")?;
/// assert_eq!(report.advice.window.as_secs(), 15);
/// assert!(!report.advice.enough, "nothing was seen yet");
/// assert!(report.to_string().contains("too few windows"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AaReport {
    /// The dispersion of the bad requests of each guardrail that compares rates, in the plan's order.
    pub guardrails: Vec<AaGuardrail>,
    /// The guardrails that alarmed; there is no harm in an A/A run, so each alarm is a false one.
    pub alarms: Vec<AaAlarm>,
    /// The windows that the plan needs.
    pub advice: AaAdvice,
    /// Why the run ended before all of its steps were held; none where it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub early: Option<String>,
}

/// The dispersion of one guardrail's bad requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AaGuardrail {
    /// The guardrail's name.
    pub guardrail: String,
    /// φ over windows of the plan's length T, of 4T and of 16T.
    pub levels: Vec<AaLevel>,
}

/// φ over windows of one length.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AaLevel {
    /// The length of the windows.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub window: Duration,
    /// The dispersion: near 1 where bad requests come one by one, and larger where they come in bursts.
    pub phi: f64,
    /// The whole windows that had a bad request.
    pub windows: u64,
}

/// A guardrail that alarmed in an A/A run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AaAlarm {
    /// The guardrail's name.
    pub guardrail: String,
    /// Its largest E; the largest finite number where it is beyond all bounds.
    pub e: f64,
    /// The E at which it alarms: 1 over its part of α in the plan.
    pub threshold: f64,
}

/// The recommended value of `bursts` in a plan.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AaAdvice {
    /// The length of the windows.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub window: Duration,
    /// `true` when windows of this length are long enough. `false` when the windows have to be at least this long and
    /// the run does not show whether that is enough: run A/A again with `bursts` of this length, or for longer.
    pub enough: bool,
    /// `true` when the guard may be switched off (`bursts: none`), `false` when it may not; none where that is not known,
    /// because too few of the longest windows had bad requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub none: Option<bool>,
}

impl AaReport {
    /// Returns `true` when every step of the plan below 100 was held to its end.
    pub fn is_complete(&self) -> bool {
        self.early.is_none()
    }
}

impl AaGuardrail {
    pub(crate) fn of(guardrail: &Guardrail, dispersion: &Dispersion) -> Self {
        let levels = dispersion.levels().map(|level| AaLevel {
            window: Duration::from_millis(level.millis),
            phi: level.phi,
            windows: level.windows,
        });
        Self { guardrail: guardrail.name.clone(), levels: levels.to_vec() }
    }

    /// The shortest windows over which φ no longer grows, and whether the next longer ones show it.
    fn window(&self) -> Option<(Duration, bool)> {
        for (here, longer) in self.levels.iter().zip(self.levels.iter().skip(1)) {
            if longer.windows < ENOUGH_WINDOWS {
                return Some((here.window, false));
            }
            if longer.phi <= GROWTH * here.phi {
                return Some((here.window, true));
            }
        }
        self.levels.last().map(|longest| (longest.window, false))
    }

    /// `true` when its failed requests are independent and not in bursts; `None` when too few were seen to decide.
    fn comes_one_by_one(&self) -> Option<bool> {
        if self.levels.iter().any(|level| level.phi > NO_BURSTS) {
            return Some(false);
        }
        self.levels.last().is_some_and(|level| level.windows >= ENOUGH_WINDOWS).then_some(true)
    }
}

impl AaAdvice {
    /// The advice that holds for all guardrails: the longest of their windows.
    pub(crate) fn of(planned: Duration, guardrails: &[AaGuardrail]) -> Self {
        let needed = guardrails.iter().filter_map(AaGuardrail::window);
        let (window, enough) = needed.fold((planned, true), |(window, enough), (one, known)| {
            (window.max(one), enough && known)
        });
        let each = || guardrails.iter().map(AaGuardrail::comes_one_by_one);
        let none = if each().any(|one| one == Some(false)) {
            Some(false)
        } else {
            each().all(|one| one == Some(true)).then_some(true)
        };
        Self { window, enough, none }
    }
}

/// The shortest windows that A/A measures over: those of the guard, or those that it would have.
pub(crate) fn window(plan: &Plan) -> Duration {
    let usual = Bursts::Auto.window(plan.request_timeout);
    plan.burst_window().or(usual).unwrap_or(plan.request_timeout)
}

/// The same in milliseconds.
pub(crate) fn millis(plan: &Plan) -> u64 {
    u64::try_from(window(plan).as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
