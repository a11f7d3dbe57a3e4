//! Requests to an API server, by verb and by class of answer.

use std::time::Duration;

use canary_rollout::Error;

/// Upper bounds of the histogram of durations, in seconds.
pub(crate) const BOUNDS: [f64; 11] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0];

/// The verb of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    List,
    Apply,
    Patch,
    PatchScale,
    Delete,
    Watch,
}

impl Verb {
    pub(crate) const ALL: [Self; 7] = [
        Self::Get,
        Self::List,
        Self::Apply,
        Self::Patch,
        Self::PatchScale,
        Self::Delete,
        Self::Watch,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Apply => "apply",
            Self::Patch => "patch",
            Self::PatchScale => "patch_scale",
            Self::Delete => "delete",
            Self::Watch => "watch",
        }
    }
}

/// The class of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Ok,
    NotFound,
    Conflict,
    Forbidden,
    Invalid,
    Expired,
    Unavailable,
    Refused,
}

impl Answer {
    pub(crate) const ALL: [Self; 8] = [
        Self::Ok,
        Self::NotFound,
        Self::Conflict,
        Self::Forbidden,
        Self::Invalid,
        Self::Expired,
        Self::Unavailable,
        Self::Refused,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::Forbidden => "forbidden",
            Self::Invalid => "invalid",
            Self::Expired => "expired",
            Self::Unavailable => "unavailable",
            Self::Refused => "refused",
        }
    }

    pub(crate) fn of(error: &Error) -> Self {
        match error {
            Error::NotFound { .. } | Error::Unserved { .. } => Self::NotFound,
            Error::Conflict { .. } => Self::Conflict,
            Error::Forbidden { .. } => Self::Forbidden,
            Error::Istio(_) => Self::Invalid,
            Error::Expired { .. } => Self::Expired,
            error if error.is_retryable() => Self::Unavailable,
            _ => Self::Refused,
        }
    }
}

/// The number of requests of each verb and class, and the durations of each verb.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calls {
    counts: [[u64; Answer::ALL.len()]; Verb::ALL.len()],
    durations: [Durations; Verb::ALL.len()],
}

impl Calls {
    pub(crate) fn add(&mut self, verb: Verb, answer: Answer, took: Option<Duration>) {
        self.counts[verb as usize][answer as usize] += 1;
        if let Some(took) = took {
            self.durations[verb as usize].add(took);
        }
    }

    pub(crate) fn count(&self, verb: Verb, answer: Answer) -> u64 {
        self.counts[verb as usize][answer as usize]
    }

    pub(crate) fn durations(&self, verb: Verb) -> Durations {
        self.durations[verb as usize]
    }
}

/// A histogram of durations.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Durations {
    total: Duration,
    /// One count for each of [`BOUNDS`], and one for longer requests.
    counts: [u64; BOUNDS.len() + 1],
}

impl Durations {
    fn add(&mut self, took: Duration) {
        self.total += took;
        let seconds = took.as_secs_f64();
        let bucket = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
        self.counts[bucket] += 1;
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.total.as_secs_f64()
    }

    pub(crate) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The count of each bucket with its upper bound, the last one without bound.
    pub(crate) fn buckets(&self) -> Vec<(f64, u64)> {
        let bounds = BOUNDS.into_iter().chain([f64::INFINITY]);
        bounds.zip(self.counts).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_each_kind_has_its_class() {
        let cluster = |retryable| Error::Cluster {
            action: String::new(),
            reason: String::new(),
            retryable,
            source: None,
        };
        let text = String::new;
        for (error, class) in [
            (Error::conflict("a", "b"), Answer::Conflict),
            (Error::NotFound { object: text(), help: text() }, Answer::NotFound),
            (Error::Unserved { action: text(), reason: text() }, Answer::NotFound),
            (Error::Forbidden { action: text(), reason: text() }, Answer::Forbidden),
            (Error::manifest("a", "b"), Answer::Invalid),
            (Error::Expired { action: text(), reason: text() }, Answer::Expired),
            (cluster(true), Answer::Unavailable),
            (cluster(false), Answer::Refused),
        ] {
            assert_eq!(Answer::of(&error), class, "{error:?}");
        }
    }

    #[test]
    fn a_duration_is_in_the_bucket_whose_bound_it_reaches() {
        let mut durations = Durations::default();
        for millis in [5, 6, 100_000] {
            durations.add(Duration::from_millis(millis));
        }
        let buckets = durations.buckets();
        assert_eq!(buckets[..2], [(0.005, 1), (0.01, 1)]);
        assert_eq!(buckets.last(), Some(&(f64::INFINITY, 1)));
        assert_eq!(durations.count(), 3);
        assert!((durations.seconds() - 100.011).abs() < 1e-9);
    }
}
