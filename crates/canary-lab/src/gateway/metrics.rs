//! Counters of the gateway, with the names of Istio's standard metrics.
//!
//! Source: Istio's "Istio Standard Metrics" page; the buckets are those of its Envoy.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::exposition;

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

/// The counters of one gateway.
#[derive(Debug, Default)]
pub struct Metrics(Mutex<BTreeMap<Series, Count>>);

impl Metrics {
    pub(crate) fn record(&self, series: Series, took: Duration) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = all.entry(series).or_default();
        count.requests += 1;
        count.total += took;
        let milliseconds = took.as_secs_f64() * 1000.0;
        if let Some(bucket) = BUCKETS.iter().position(|bound| milliseconds <= *bound) {
            count.buckets[bucket] += 1;
        }
    }

    /// Every series with its count, in order.
    pub fn counts(&self) -> Vec<(Series, Count)> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().map(|(series, count)| (series.clone(), count.clone())).collect()
    }

    /// The number of requests in the series that `filter` accepts.
    pub fn requests(&self, filter: impl Fn(&Series) -> bool) -> u64 {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().filter(|(series, _)| filter(series)).map(|(_, count)| count.requests).sum()
    }

    /// The counters in Prometheus' text format.
    pub fn to_prometheus(&self) -> String {
        exposition::text([exposition::counters(&self.counts())])
    }
}

impl Count {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_has_istios_names_and_cumulative_buckets() {
        let metrics = Metrics::default();
        let series = Series {
            service: "image-classifier.default.svc.cluster.local".to_owned(),
            subset: "canary".to_owned(),
            workload: "image-classifier-v2".to_owned(),
            version: "v2".to_owned(),
            code: 200,
            flags: String::new(),
            divided: true,
        };
        metrics.record(series.clone(), Duration::from_millis(7));
        // The text has one series for a destination, whether or not weights led to it.
        metrics.record(Series { divided: false, ..series }, Duration::from_millis(40));
        metrics.record(
            Series { code: 404, flags: "NR".to_owned(), ..Series::default() },
            Duration::ZERO,
        );
        let text = metrics.to_prometheus();
        assert!(text.contains("destination_version=\"v2\""), "{text}");
        assert!(text.contains("destination_subset=\"canary\""), "{text}");
        assert!(text.contains("destination_service_name=\"image-classifier\""), "{text}");
        assert!(text.contains("response_code=\"404\",response_flags=\"NR\""), "{text}");
        let bucket = |bound: &str, count: u64| {
            let (bound, end) = (format!("le=\"{bound}\""), format!("}} {count}"));
            let mut lines = text.lines().filter(|line| line.contains(&bound));
            lines.any(|line| line.contains("\"v2\"") && line.ends_with(&end))
        };
        assert!(
            bucket("5", 0) && bucket("10", 1) && bucket("50", 2) && bucket("+Inf", 2),
            "{text}"
        );
        assert_eq!(metrics.requests(|series| series.code == 200), 2);
    }
}
