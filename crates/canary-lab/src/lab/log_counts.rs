//! The requests that an Envoy beside the lab logs, counted as those of the lab's own gateway.

use std::time::Duration;

use crate::{
    envoy::LogLine,
    gateway::{Proxy, Series},
};

/// Counts a request as the lab's own gateway does.
pub(super) fn count(proxy: &Proxy, line: &LogLine) {
    let snapshot = proxy.snapshot.load();
    let upstream = line.upstream.as_deref().and_then(|address| address.parse().ok());
    let endpoint = upstream.and_then(|address| snapshot.endpoint_at(address));
    // outbound|port|subset|host
    let mut parts = line.cluster.as_deref().unwrap_or_default().splitn(4, '|').skip(2);
    let (subset, service) = (parts.next(), parts.next());
    let label = |name: &str| {
        endpoint.and_then(|endpoint| endpoint.labels.get(name).cloned()).unwrap_or_default()
    };
    let series = Series {
        service: service.unwrap_or_default().to_owned(),
        subset: subset.unwrap_or_default().to_owned(),
        workload: endpoint.map(|endpoint| endpoint.workload.clone()).unwrap_or_default(),
        version: label("version"),
        code: line.status,
        flags: line.flags.clone().unwrap_or_default(),
        divided: snapshot.divides(line.route.as_deref().unwrap_or_default()),
    };
    proxy.metrics.record(series, Duration::from_millis(line.milliseconds));
}
