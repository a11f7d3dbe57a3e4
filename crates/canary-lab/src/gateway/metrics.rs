//! Counters of the gateway, with the names of Istio's standard metrics.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::{
    exposition,
    series::{Count, Series},
};

/// The counters of one gateway.
#[derive(Debug, Default)]
pub struct Metrics(Mutex<BTreeMap<Series, Count>>);

impl Metrics {
    pub(crate) fn record(&self, series: Series, took: Duration) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(series).or_default().record(took);
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
