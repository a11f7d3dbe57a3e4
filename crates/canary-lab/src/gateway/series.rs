//! The requests of one destination and outcome, counted.
//!
//! Source: Istio's "Istio Standard Metrics" page; the buckets are those of its Envoy.

use std::time::Duration;

/// Upper bounds of the buckets, in milliseconds.
const BUCKETS: [f64; 19] = [
    0.5,
    1.0,
    5.0,
    10.0,
    25.0,
    50.0,
    100.0,
    250.0,
    500.0,
    1000.0,
    2500.0,
    5000.0,
    10_000.0,
    30_000.0,
    60_000.0,
    300_000.0,
    600_000.0,
    1_800_000.0,
    3_600_000.0,
];

/// The labels of a series: the destination and the outcome of requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Series {
    /// The fully qualified service; empty when none was reached.
    pub service: String,
    /// The subset of the DestinationRule; empty when the destination named none.
    pub subset: String,
    /// The Deployment of the pod that answered; empty when none did.
    pub workload: String,
    /// The label `version` of the pod that answered, or of the subset; empty when there is none.
    pub version: String,
    /// The HTTP status that the client received.
    pub code: u16,
    /// Envoy's response flags, such as `NR` or `UF,URX`; empty when there is none.
    pub flags: String,
    /// `true` when the request was divided by weights: its rule has several destinations. Requests of other rules, such
    /// as a route by header, say nothing about the split.
    pub divided: bool,
}

/// The number of requests of a series, and their durations.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Count {
    /// The number of requests.
    pub requests: u64,
    /// The sum of their durations.
    pub total: Duration,
    buckets: [u64; BUCKETS.len()],
}

impl Count {
    /// Counts a request.
    pub(super) fn record(&mut self, took: Duration) {
        self.requests += 1;
        self.total += took;
        let milliseconds = took.as_secs_f64() * 1000.0;
        if let Some(bucket) = BUCKETS.iter().position(|bound| milliseconds <= *bound) {
            self.buckets[bucket] += 1;
        }
    }

    /// Adds the requests of another series.
    pub(super) fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.total += other.total;
        for (bucket, more) in self.buckets.iter_mut().zip(other.buckets) {
            *bucket += more;
        }
    }

    /// The number of requests of each bucket with its upper bound in milliseconds, the last one without bound.
    pub(super) fn buckets(&self) -> Vec<(f64, u64)> {
        let bounded: u64 = self.buckets.iter().sum();
        let bounds = BUCKETS.into_iter().chain([f64::INFINITY]);
        bounds.zip(self.buckets.into_iter().chain([self.requests - bounded])).collect()
    }
}
