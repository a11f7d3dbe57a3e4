//! Plain outages: a canary that fails nearly every request or is reached by none, and a service that fails as a whole.
//!
//! These rules need no guardrail: a plan that only watches latencies must still not promote a canary that answers no
//! request. Each rule counts; comparing similar rates is left to the guardrails.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    counted::counted,
    tally::{MOST_OF_AT_LEAST, Tally},
    verdict::{Cause, Why},
};
use crate::evidence::{Answer, Arm, Counts, Pair, Request, Window};

/// The amount that one failure adds to an [`Outage`] and one success subtracts: 1000·ln of the likelihood of a failure
/// rate of 90 % over one of 50 %.
const FAILURE: u64 = 588;
const SUCCESS: u64 = 1_609;

/// The size from which an [`Outage`] counts: 1000·ln 10⁶, which is 24 failures in a row.
const LIMIT: u64 = 13_816;

/// Failures of unknown version in a row before the service as a whole is taken to fail.
const UNKNOWN_IN_A_ROW: u64 = 24;

/// Windows counted at the pods, in a row, in which the canary serves nothing, before it is taken to be unreachable.
const ALONE_IN_A_ROW: u64 = 3;

/// Bound on the probability that a reachable canary is taken for one that is not.
const UNREACHABLE_ALPHA: f64 = 1e-3;

/// The longest text that is kept of a failure.
const PROBLEM_CHARS: usize = 160;

/// A CUSUM statistic of failures (E. S. Page, "Continuous inspection schemes", Biometrika 41, 1954): it grows while most
/// requests fail, and falls to 0 soon after they are served again.
///
/// A version that fails at most 30 % of its requests crosses the limit with a probability of about 10⁻¹² in an
/// excursion from 0, because the likelihood ratio to the power of 2 is a supermartingale there; one that begins to fail
/// all of them after a long time crosses it after 24.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
struct Outage(u64);

impl Outage {
    /// Adds a batch, failures first, so that an unknown order cannot look like an outage.
    fn take(&mut self, served: u64, failed: u64) {
        self.0 = self.0.saturating_add(failed.saturating_mul(FAILURE));
        self.0 = self.0.saturating_sub(served.saturating_mul(SUCCESS));
    }

    fn is_over_limit(self) -> bool {
        self.0 >= LIMIT
    }

    /// Returns `true` when the last requests failed.
    fn is_growing(self) -> bool {
        self.0 > 0
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
    fn is_none(&self) -> bool {
        self.0 == 0
    }
}

/// The part that plainly fails.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Broken {
    /// The canary alone: the release goes back.
    Canary(Cause),
    /// The service as a whole: the canary cannot be judged.
    Service(Why),
}

/// Requests since the last one that the canary is known to have served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct SinceCanary {
    /// The number of requests that the canary has served before, at this step.
    before: u64,
    /// Requests that the stable version served since.
    stable: u64,
    /// Requests of unknown version that failed since.
    failed: u64,
}

/// Counts of a step by version, and the outages that are under way.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Health {
    /// The counts at the current step.
    #[serde(skip_serializing_if = "Tally::is_empty")]
    pub(super) stable: Tally,
    #[serde(skip_serializing_if = "Tally::is_empty")]
    pub(super) canary: Tally,
    /// Requests of unknown version.
    #[serde(skip_serializing_if = "Tally::is_empty")]
    pub(super) unknown: Tally,
    /// The halves of the pairs at the step.
    #[serde(skip_serializing_if = "Tally::is_empty")]
    pub(super) stable_half: Tally,
    #[serde(skip_serializing_if = "Tally::is_empty")]
    pub(super) canary_half: Tally,
    #[serde(skip_serializing_if = "Outage::is_none")]
    stable_outage: Outage,
    #[serde(skip_serializing_if = "Outage::is_none")]
    canary_outage: Outage,
    #[serde(skip_serializing_if = "Outage::is_none")]
    stable_half_outage: Outage,
    #[serde(skip_serializing_if = "Outage::is_none")]
    canary_half_outage: Outage,
    since_canary: SinceCanary,
    /// Windows in a row that were counted at the pods and in which the stable version alone served.
    #[serde(skip_serializing_if = "is_zero")]
    stable_alone: u64,
    /// Failures of unknown version since anything was served by a known one.
    unknown_in_a_row: u64,
    /// The reason of the last failure of each.
    #[serde(skip_serializing_if = "Option::is_none")]
    stable_problem: Option<Arc<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    canary_problem: Option<Arc<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown_problem: Option<Arc<str>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Health {
    /// Begins a step: its counts are its own, an outage that is under way continues.
    pub(super) fn begin_step(&mut self) {
        let Self { stable_outage, canary_outage, stable_half_outage, canary_half_outage, .. } =
            *self;
        let (stable_problem, canary_problem, unknown_problem) =
            (self.stable_problem.take(), self.canary_problem.take(), self.unknown_problem.take());
        *self = Self {
            stable_outage,
            canary_outage,
            stable_half_outage,
            canary_half_outage,
            stable_problem,
            canary_problem,
            unknown_problem,
            ..Self::default()
        };
    }

    /// Adds one request of the divided traffic.
    #[inline]
    pub(super) fn request(&mut self, request: &Request) {
        let failed = u64::from(request.failed);
        let mut window = Window::default();
        match request.arm {
            Arm::Stable => window.stable = Counts { requests: 1, failed, slow: 0 },
            Arm::Canary => window.canary = Counts { requests: 1, failed, slow: 0 },
            Arm::Unknown => (window.unknown, window.unknown_failed) = (1, failed),
        }
        if request.failed {
            let place = match request.arm {
                Arm::Stable => &mut self.stable_problem,
                Arm::Canary => &mut self.canary_problem,
                Arm::Unknown => &mut self.unknown_problem,
            };
            keep(place, request.problem.as_ref());
        }
        self.window(&window);
    }

    /// Adds the counts of a window.
    #[inline]
    pub(super) fn window(&mut self, window: &Window) {
        let Window { stable, canary, unknown, unknown_failed, apart, .. } = *window;
        self.stable.add(stable.requests, stable.failed);
        self.canary.add(canary.requests, canary.failed);
        self.unknown.add(unknown, unknown_failed);
        self.stable_outage.take(stable.requests.saturating_sub(stable.failed), stable.failed);
        self.canary_outage.take(canary.requests.saturating_sub(canary.failed), canary.failed);
        if stable.requests + canary.requests > 0 {
            self.unknown_in_a_row = 0;
        } else {
            self.unknown_in_a_row = self.unknown_in_a_row.saturating_add(unknown_failed);
        }
        if canary.requests > 0 {
            let before = self.since_canary.before.saturating_add(canary.requests);
            self.since_canary = SinceCanary { before, ..SinceCanary::default() };
            self.stable_alone = 0;
        } else {
            let since = &mut self.since_canary;
            since.stable = since.stable.saturating_add(stable.requests);
            since.failed = since.failed.saturating_add(unknown_failed);
            self.stable_alone += u64::from(apart && stable.requests > 0);
        }
    }

    /// Adds both halves of a pair.
    pub(super) fn pair(&mut self, pair: &Pair) {
        let mut half = |half: &Answer, arm: Arm| {
            let failed = u64::from(!half.is_served());
            let (tally, outage, problem) = match arm {
                Arm::Stable => {
                    (&mut self.stable_half, &mut self.stable_half_outage, &mut self.stable_problem)
                }
                _ => {
                    (&mut self.canary_half, &mut self.canary_half_outage, &mut self.canary_problem)
                }
            };
            tally.add(1, failed);
            outage.take(1 - failed, failed);
            if half.failed {
                keep(problem, Some(&Arc::from(half.class.as_str())));
            } else if failed > 0 {
                keep(
                    problem,
                    Some(&Arc::from(format!("the probability of class {} is NaN", half.class))),
                );
            }
        };
        half(&pair.stable, Arm::Stable);
        half(&pair.canary, Arm::Canary);
    }

    /// The part that plainly fails at the canary's current share, if any.
    #[inline]
    pub(super) fn broken(&self, share: f64) -> Option<Broken> {
        let fails = |outage: Outage, tally: Tally| {
            outage.is_over_limit() || tally.mostly_fails() && tally.requests >= MOST_OF_AT_LEAST
        };
        let quiet = !(fails(self.stable_outage, self.stable)
            || fails(self.canary_outage, self.canary)
            || fails(self.stable_half_outage, self.stable_half)
            || fails(self.canary_half_outage, self.canary_half))
            && self.unknown_in_a_row < UNKNOWN_IN_A_ROW
            && self.unknown.failed < 3
            && self.stable_alone < ALONE_IN_A_ROW;
        if quiet { None } else { self.diagnose(share) }
    }

    #[cold]
    fn diagnose(&self, share: f64) -> Option<Broken> {
        let fails =
            |outage: Outage, tally: Tally| outage.is_over_limit() || tally.surely_mostly_fails();
        let stable_problem = self.stable_problem.as_ref();
        if share < 1.0 && fails(self.stable_outage, self.stable) {
            return Some(service_fails(self.stable, "requests", stable_problem));
        }
        if fails(self.stable_half_outage, self.stable_half) {
            return Some(service_fails(self.stable_half, "pairs", stable_problem));
        }
        // A canary whose failures the stable version shares is not to blame yet: one of the two recovers, or both are
        // found to fail.
        if fails(self.canary_outage, self.canary) && self.stable_serves(share) {
            return Some(self.canary_fails(self.canary, self.stable, "requests"));
        }
        if fails(self.canary_half_outage, self.canary_half)
            && !self.stable_half_outage.is_growing()
            && !self.stable_half.mostly_fails()
        {
            return Some(self.canary_fails(self.canary_half, self.stable_half, "pairs"));
        }
        if share >= 1.0 {
            // Only the canary can have served them.
            return (self.unknown_in_a_row >= UNKNOWN_IN_A_ROW).then(|| self.unreachable());
        }
        if self.is_unreachable(share) {
            return Some(self.unreachable());
        }
        if share <= 0.5 && self.with_unknown().surely_mostly_fails() {
            // More failures than the canary's share can explain.
            return Some(self.unserved());
        }
        // Too many failures in a row to be the canary's share alone.
        let alone = share.powi(i32::try_from(self.unknown_in_a_row).unwrap_or(i32::MAX));
        (self.unknown_in_a_row >= UNKNOWN_IN_A_ROW && alone <= 1e-6).then(|| self.unserved())
    }

    /// Returns `true` when the stable version is known to serve requests while the canary fails its own.
    fn stable_serves(&self, share: f64) -> bool {
        if share >= 1.0 || self.canary_outage.0 >= 2 * LIMIT && self.stable.requests == 0 {
            return true;
        }
        self.stable.requests > 0 && !self.stable_outage.is_growing() && !self.stable.mostly_fails()
    }

    /// Returns `true` when the canary serves nothing of its share while requests of unknown version fail.
    ///
    /// After the k-th request that the canary served, the number of requests of the stable version until the next is
    /// geometric when the canary can be reached, whatever fails on the way: P(at least m) = (1 − share)^m. With the
    /// bound α/((k+1)(k+2)) for it the probability of a mistake is at most α over the whole step. Failures of at least
    /// half as many requests as are missing distinguish an unreachable canary from a mesh that does not split as
    /// configured.
    fn is_unreachable(&self, share: f64) -> bool {
        let SinceCanary { before, stable, failed } = self.since_canary;
        // Counted at the pods, a request that finds none is not counted at all. Pods are scraped one after the other,
        // so that one window may show the stable version alone; several do not.
        let unseen = self.stable_alone >= ALONE_IN_A_ROW;
        if share <= 0.0 || failed < 3 && !unseen {
            return false;
        }
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        let (before, stable, failed) = (before as f64, stable as f64, failed as f64);
        let missing = stable * share / (1.0 - share);
        let bound = UNREACHABLE_ALPHA / ((before + 1.0) * (before + 2.0));
        (2.0 * failed >= missing || unseen)
            && stable * canary_stats::portable::ln(1.0 - share) <= canary_stats::portable::ln(bound)
    }

    /// The version whose missing requests failed without a version, if the observed split is wrong: at least half of
    /// its missing requests failed, and not many more.
    pub(super) fn missing_share(&self, share: f64) -> Option<Broken> {
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        let (stable, canary, failed) =
            (self.stable.requests as f64, self.canary.requests as f64, self.unknown.failed as f64);
        let all = stable + canary + failed;
        let fits = |missing: f64| {
            missing > 0.0 && failed <= 2.0 * missing + 3.0 && 2.0 * failed >= missing
        };
        if failed < 3.0 {
            None
        } else if fits(share * all - canary) {
            Some(self.unreachable())
        } else if fits((1.0 - share) * all - stable) {
            Some(self.unserved())
        } else {
            None
        }
    }

    /// All requests of the step, with those that failed without a version as the failed ones.
    fn with_unknown(&self) -> Tally {
        let Self { stable, canary, unknown, .. } = self;
        let requests = stable.requests.saturating_add(canary.requests);
        Tally { requests: requests.saturating_add(unknown.requests), failed: unknown.failed }
    }

    fn unserved(&self) -> Broken {
        service_fails(self.with_unknown(), "requests", self.unknown_problem.as_ref())
    }

    /// The reason why a step cannot end although its counts are reached.
    pub(super) fn obstacle(&self, share: f64) -> Option<String> {
        let described = |who: &str, tally: Tally, what: &str, problem: Option<&Arc<str>>| {
            let failed =
                format!("{who} failed {} of {}", tally.failed, counted(tally.requests, what));
            problem.map_or_else(|| failed.clone(), |problem| format!("{failed} ({problem})"))
        };
        let (stable, canary) = (self.stable_problem.as_ref(), self.canary_problem.as_ref());
        for (tally, what) in [(self.canary, "requests"), (self.canary_half, "pairs")] {
            if tally.mostly_fails() {
                return Some(described("the canary", tally, what, canary));
            }
        }
        for (tally, what) in [(self.stable, "requests"), (self.stable_half, "pairs")] {
            if tally.mostly_fails() {
                return Some(described("the stable version", tally, what, stable));
            }
        }
        let lost = self.unknown.failed;
        if share > 0.0 && lost >= 3 && lost > self.canary.requests {
            let requests = counted(lost, "requests");
            return Some(format!(
                "{requests} failed without a version{}",
                reason(self.unknown_problem.as_ref())
            ));
        }
        None
    }

    /// The reason of the canary's last failure at the step, where it failed any.
    pub(super) fn canary_problem(&self) -> Option<String> {
        let fails = self.canary.failed > 0 || self.canary_half.failed > 0;
        owned(self.canary_problem.as_ref().filter(|_| fails))
    }

    fn canary_fails(&self, canary: Tally, stable: Tally, of: &str) -> Broken {
        Broken::Canary(Cause::CanaryFails {
            canary,
            stable,
            of: of.to_owned(),
            problem: owned(self.canary_problem.as_ref()),
        })
    }

    fn unreachable(&self) -> Broken {
        Broken::Canary(Cause::Unreachable {
            failed: self.unknown.failed,
            canary: self.canary.requests,
            stable: self.stable.requests,
            problem: owned(self.unknown_problem.as_ref()),
        })
    }
}

fn service_fails(failed: Tally, of: &str, problem: Option<&Arc<str>>) -> Broken {
    Broken::Service(Why::ServiceFails { failed, of: of.to_owned(), problem: owned(problem) })
}

fn owned(problem: Option<&Arc<str>>) -> Option<String> {
    problem.map(ToString::to_string)
}

fn reason(problem: Option<&Arc<str>>) -> String {
    problem.map_or_else(String::new, |problem| format!(" ({problem})"))
}

/// Keeps the beginning of a text; a failure without one leaves the last reason.
fn keep(place: &mut Option<Arc<str>>, problem: Option<&Arc<str>>) {
    let Some(problem) = problem else { return };
    if place.as_ref() == Some(problem) {
        return;
    }
    *place = Some(match problem.char_indices().nth(PROBLEM_CHARS) {
        Some((end, _)) => Arc::from(&problem[..end]),
        None => Arc::clone(problem),
    });
}

#[cfg(test)]
#[path = "health_tests.rs"]
mod tests;
