//! The gateway's metrics as text: its counters under the names of Istio's standard metrics, and the weights in force.
//!
//! Source: Istio's "Istio Standard Metrics" page. `destination_subset` is the lab's own label: a mesh has it where a
//! Telemetry adds it.

use std::{collections::BTreeMap, fmt, sync::Arc};

use canary_core::VirtualService;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, prometheus_text},
    metrics::{MetricType, exemplar::Exemplar},
    registry::Registry,
};

use super::{
    series::{Count, Series},
    snapshot::Snapshot,
};

pub(super) use prometheus_text::CONTENT_TYPE;

/// The labels of a sample.
type Labels = Vec<(&'static str, String)>;

/// The text of these families.
pub(super) fn text(all: impl IntoIterator<Item = Box<dyn Collector>>) -> String {
    let mut registry = Registry::default();
    all.into_iter().for_each(|one| registry.register_collector(one));
    let mut out = String::new();
    // Writing to memory cannot fail.
    let _ = prometheus_text::encode(&mut out, &registry);
    out
}

/// The requests of the gateway and their durations.
pub(super) fn counters(counts: &[(Series, Count)]) -> Box<dyn Collector> {
    let mut all: BTreeMap<Labels, Count> = BTreeMap::new();
    for (series, count) in counts {
        all.entry(labels(series)).or_default().add(count);
    }
    Box::new(Counters(all))
}

/// The weights of the routes in force.
pub(super) fn weights(snapshot: Arc<Snapshot>) -> Box<dyn Collector> {
    Box::new(Weights(snapshot))
}

#[derive(Debug)]
struct Counters(BTreeMap<Labels, Count>);

impl Collector for Counters {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Requests at the gateway.";
        let mut requests =
            encoder.encode_descriptor("istio_requests", help, None, MetricType::Counter)?;
        for (labels, count) in &self.0 {
            let none = None::<&Exemplar<Labels, f64>>;
            requests.encode_family(labels)?.encode_counter(&count.requests, none)?;
        }
        let help = "Durations of the requests at the gateway, in milliseconds.";
        let name = "istio_request_duration_milliseconds";
        let mut durations = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
        for (labels, count) in &self.0 {
            let total = count.total.as_secs_f64() * 1000.0;
            let mut one = durations.encode_family(labels)?;
            one.encode_histogram::<Labels>(total, count.requests, &count.buckets(), None)?;
        }
        Ok(())
    }
}

fn labels(series: &Series) -> Labels {
    let known = |text: &str| if text.is_empty() { "unknown" } else { text }.to_owned();
    let mut parts = series.service.split('.');
    let name = parts.next().unwrap_or_default();
    let namespace = parts.next().unwrap_or_default();
    let flags = if series.flags.is_empty() { "-" } else { &series.flags };
    vec![
        ("reporter", "source".to_owned()),
        ("source_workload", "istio-ingressgateway".to_owned()),
        ("source_workload_namespace", "istio-system".to_owned()),
        ("source_app", "istio-ingressgateway".to_owned()),
        ("destination_workload", known(&series.workload)),
        ("destination_workload_namespace", known(namespace)),
        ("destination_version", known(&series.version)),
        ("destination_subset", known(&series.subset)),
        ("destination_service", known(&series.service)),
        ("destination_service_name", known(name)),
        ("destination_service_namespace", known(namespace)),
        ("request_protocol", "http".to_owned()),
        ("response_code", series.code.to_string()),
        ("response_flags", flags.to_owned()),
        ("connection_security_policy", "unknown".to_owned()),
    ]
}

struct Weights(Arc<Snapshot>);

impl fmt::Debug for Weights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Weights")
    }
}

impl Collector for Weights {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Weight of a destination of a route in force; 100 for a single destination without a weight.";
        let name = "canary_lab_route_weight";
        let mut weights = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, weight) in self.0.inventory.virtual_services().iter().flat_map(of_routes) {
            weights.encode_family(&labels)?.encode_gauge(&weight)?;
        }
        Ok(())
    }
}

/// The destinations of an object's HTTP routes, each with its weight; those that differ by their port alone are one.
fn of_routes(service: &VirtualService) -> BTreeMap<Labels, i64> {
    let metadata = &service.metadata;
    let mut found = BTreeMap::new();
    for (index, route) in service.spec.http.iter().flatten().enumerate() {
        let destinations = route.route.as_deref().unwrap_or_default();
        let alone = if destinations.len() == 1 { 100 } else { 0 };
        for entry in destinations {
            let labels = vec![
                ("namespace", metadata.namespace.clone().unwrap_or_else(|| "default".to_owned())),
                ("object", metadata.name.clone().unwrap_or_default()),
                ("route", format!("spec.http[{index}]")),
                ("destination", entry.destination.host.clone()),
                ("subset", entry.destination.subset.clone().unwrap_or_default()),
            ];
            *found.entry(labels).or_default() += entry.weight.map_or(alone, i64::from);
        }
    }
    found
}
