//! Retries of a route, with Istio's defaults.

use std::time::Duration;

use serde::Serialize;

use crate::networking::HttpRetry;

/// The number and the conditions of retries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RetryPolicy {
    /// Attempts after the first one.
    pub attempts: u32,
    /// Envoy's conditions, such as `connect-failure`.
    pub retry_on: Vec<String>,
    /// The statuses of `retriable-status-codes`.
    pub retriable_status_codes: Vec<u16>,
    /// The time that one attempt may take; `None` leaves it to the timeout of the route.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "seconds_option")]
    pub per_try_timeout: Option<Duration>,
    /// The base of the exponential pause before an attempt; Envoy draws from 0 to it, doubling it up to tenfold.
    #[serde(serialize_with = "seconds")]
    pub backoff: Duration,
    /// True when endpoints tried before are avoided.
    pub ignore_previous_hosts: bool,
    /// True when an attempt may go to other localities.
    pub remote_localities: bool,
}

/// The failures that Istio retries by default.
const DEFAULT_RETRY_ON: [&str; 5] =
    ["connect-failure", "refused-stream", "unavailable", "cancelled", "retriable-status-codes"];

impl Default for RetryPolicy {
    /// Istio's own policy, in force when neither route nor mesh says anything: 2 attempts after the first.
    fn default() -> Self {
        Self {
            attempts: 2,
            retry_on: DEFAULT_RETRY_ON.map(str::to_owned).to_vec(),
            retriable_status_codes: Vec::new(),
            per_try_timeout: None,
            backoff: Duration::from_millis(25),
            ignore_previous_hosts: true,
            remote_localities: false,
        }
    }
}

impl RetryPolicy {
    /// The policy of a route: `None` when the route switches retries off, which `attempts: 0` and an object without
    /// `attempts` both do.
    pub fn of(written: Option<&HttpRetry>) -> Option<Self> {
        let Some(written) = written else {
            return Some(Self::default());
        };
        let attempts = u32::try_from(written.attempts.unwrap_or(0)).ok().filter(|n| *n > 0)?;
        let mut policy = Self { attempts, ..Self::default() };
        if let Some(retry_on) = written.retry_on.as_deref().filter(|text| !text.is_empty()) {
            policy.retry_on.clear();
            for part in retry_on.split(',').map(str::trim).filter(|part| !part.is_empty()) {
                match part.parse() {
                    Ok(status) => policy.retriable_status_codes.push(status),
                    Err(_) => policy.retry_on.push(part.to_owned()),
                }
            }
            let named = policy.retry_on.iter().any(|part| part == "retriable-status-codes");
            if !policy.retriable_status_codes.is_empty() && !named {
                policy.retry_on.push("retriable-status-codes".to_owned());
            }
        }
        policy.per_try_timeout =
            written.per_try_timeout.as_ref().and_then(crate::networking::Duration::as_std);
        if let Some(backoff) =
            written.backoff.as_ref().and_then(crate::networking::Duration::as_std)
        {
            policy.backoff = backoff;
        }
        policy.ignore_previous_hosts = written.retry_ignore_previous_hosts.unwrap_or(true);
        policy.remote_localities = written.retry_remote_localities.unwrap_or(false);
        Some(policy)
    }
}

/// The retries of a route, for destinations of both kinds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Retries {
    /// For most destinations.
    pub(super) usual: Option<RetryPolicy>,
    /// For a single destination with consistent hashing, whose endpoints tried before are avoided only where the route
    /// says so (`ConvertPolicy` of `pilot/pkg/networking/core/route/retry/retry.go`).
    pub(super) hashed: Option<RetryPolicy>,
}

impl Retries {
    /// The retries that a rule, or the mesh, writes; Istio's own when none are written.
    pub(super) fn of(written: Option<&HttpRetry>) -> Self {
        let usual = RetryPolicy::of(written);
        let said = written.and_then(|written| written.retry_ignore_previous_hosts);
        let hashed = usual
            .clone()
            .map(|policy| RetryPolicy { ignore_previous_hosts: said.unwrap_or(false), ..policy });
        Self { usual, hashed }
    }

    /// No retries.
    pub(super) fn none() -> Self {
        Self { usual: None, hashed: None }
    }
}

/// Writes a time as Istio does, in seconds.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
pub(super) fn seconds<S: serde::Serializer>(
    duration: &Duration,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&crate::networking::Duration::from(*duration))
}

/// Writes a time that may be absent.
#[allow(clippy::ref_option, reason = "serde gives a reference")]
pub(super) fn seconds_option<S: serde::Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match duration {
        Some(duration) => seconds(duration, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_is_the_default_and_zero_is_off() {
        assert_eq!(RetryPolicy::of(None).map(|policy| policy.attempts), Some(2));
        assert_eq!(RetryPolicy::of(Some(&HttpRetry::default())), None);
        let zero = HttpRetry { attempts: Some(0), ..HttpRetry::default() };
        assert_eq!(RetryPolicy::of(Some(&zero)), None);
        let negative = HttpRetry { attempts: Some(-1), ..HttpRetry::default() };
        assert_eq!(RetryPolicy::of(Some(&negative)), None);
    }

    #[test]
    fn statuses_among_the_conditions_become_codes() {
        let written = HttpRetry {
            attempts: Some(3),
            retry_on: Some("5xx, 429,503".to_owned()),
            per_try_timeout: Some("2s".parse().unwrap()),
            ..HttpRetry::default()
        };
        let policy = RetryPolicy::of(Some(&written)).unwrap();
        assert_eq!(policy.retry_on, ["5xx", "retriable-status-codes"]);
        assert_eq!(policy.retriable_status_codes, [429, 503]);
        assert_eq!(policy.per_try_timeout, Some(Duration::from_secs(2)));
        assert_eq!(policy.backoff, Duration::from_millis(25));
    }
}
