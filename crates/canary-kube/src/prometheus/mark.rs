//! A mark on the driver's own requests, so that they are not counted as traffic that the weights divide.

use std::{collections::BTreeMap, fmt::Write as _};

use serde_json::{Value, json};

use super::metrics::{HEADER_MARK, Reporter};

/// The `Telemetry` object by which Istio marks the requests with a header in its standard metrics.
///
/// Pairs and gates send requests to the canary by the plan's header. Where these pass the proxies whose counts are used,
/// they would be taken for traffic that the weights gave to the canary. With this object the proxies count them under
/// another value of the label [`HEADER_MARK`], and [`super::Metrics::unmarked`] leaves them out. The label has two
/// values at most for each series, whatever clients send.
///
/// `pods` are the labels of the proxies that report, in their namespace: those of the ingress gateway for
/// [`Reporter::Source`], those of the model's pods for [`Reporter::Destination`].
///
/// Source: Istio's reference of `Telemetry`, `MetricsOverrides.TagOverride`; the value is an expression of CEL over
/// Envoy's attributes, and one that cannot be evaluated, as without the header, gives `unknown`.
///
/// ```
/// use canary_core::evidence::prometheus::{Reporter, mark_header};
///
/// let pods = [("istio".to_owned(), "ingressgateway".to_owned())].into();
/// let object = mark_header(("user-group", "canary"), Reporter::Source, "istio-system", &pods);
/// assert_eq!(
///     object.pointer("/spec/metrics/0/overrides/0/tagOverrides/canary_header/value").unwrap(),
///     "request.headers['user-group'] == 'canary' ? 'yes' : 'no'",
/// );
/// ```
pub fn mark_header(
    (name, value): (&str, &str),
    reporter: Reporter,
    namespace: &str,
    pods: &BTreeMap<String, String>,
) -> Value {
    let expression = format!(
        "request.headers[{}] == {} ? 'yes' : 'no'",
        literal(&name.to_ascii_lowercase()),
        literal(value)
    );
    let mode = match reporter {
        Reporter::Source => "CLIENT",
        Reporter::Destination => "SERVER",
    };
    let overrides: Vec<Value> = ["REQUEST_COUNT", "REQUEST_DURATION"]
        .iter()
        .map(|metric| {
            json!({
                "match": {"metric": metric, "mode": mode},
                "tagOverrides": {HEADER_MARK: {"operation": "UPSERT", "value": expression}},
            })
        })
        .collect();
    json!({
        "apiVersion": "telemetry.istio.io/v1",
        "kind": "Telemetry",
        "metadata": {"name": "canary-header", "namespace": namespace},
        "spec": {
            "selector": {"matchLabels": pods},
            "metrics": [{"providers": [{"name": "prometheus"}], "overrides": overrides}],
        },
    })
}

/// A string literal of CEL.
fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('\'');
    for c in text.chars() {
        match c {
            '\'' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                // Writing to memory cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_cannot_leave_its_literal() {
        assert_eq!(literal("it's \\ \n"), "'it\\'s \\\\ \\u000a'");
    }
}
