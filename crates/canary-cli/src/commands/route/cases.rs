//! The file of test cases, and the check of one case.

use std::collections::BTreeMap;

use canary_core::{
    Decision, Mesh, Request,
    route::{Cluster, Outcome, Share},
};
use serde::Deserialize;
use serde_json::Value;

/// The JSON schema of a file of cases.
pub(crate) const SCHEMA: &str = include_str!("../../schemas/cases.json");

/// A file of cases.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CasesFile {
    pub(super) cases: Vec<Case>,
}

/// A request and its expected destination.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    #[serde(default)]
    name: Option<String>,
    request: Sent,
    expect: Expected,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    url: String,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    gateway: Option<String>,
    #[serde(default)]
    port: Option<u16>,
    #[serde(default)]
    namespace: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    claims: Option<Value>,
}

/// The expected destination. Each stated field has to match; for a weighted rule, it has to match each destination that
/// receives requests.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Expected {
    host: Option<String>,
    subset: Option<String>,
    port: Option<u16>,
    /// Percent by subset, or by host for a destination without a subset.
    shares: Option<BTreeMap<String, f64>>,
    /// The status that the proxy itself answers with.
    status: Option<u16>,
    /// The path that the destination gets.
    path: Option<String>,
    /// The authority that the destination gets.
    authority: Option<String>,
    /// The name of the rule.
    rule: Option<String>,
}

impl Case {
    /// The name, or the request if it has none.
    pub(super) fn name(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.request().to_string())
    }

    fn request(&self) -> Request {
        let Sent { url, method, headers, gateway, port, namespace, labels, claims } = &self.request;
        let mut request = Request::new(method.as_deref().unwrap_or("GET"), url);
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.clone()));
        request.headers.extend(headers);
        request.gateway.clone_from(gateway);
        request.port = *port;
        request.source_namespace.clone_from(namespace);
        request.source_labels.clone_from(labels);
        request.claims.clone_from(claims);
        request
    }

    /// The reason why this case is invalid.
    pub(super) fn problem(&self) -> Option<&'static str> {
        (self.expect == Expected::default())
            .then_some("expect states nothing; state at least a subset")
    }

    /// The expectations that are not met, one line each, and the decision in one line.
    pub(super) fn judge(&self, mesh: &Mesh) -> (Vec<String>, String) {
        let request = self.request();
        let decision = mesh.route(&request);
        let mut broken = Vec::new();
        self.expect.destinations(&decision, &mut broken);
        self.expect.rest(&decision, &mut broken);
        (broken, decision.why().to_string())
    }
}

impl Expected {
    fn destinations(&self, decision: &Decision<&Request>, broken: &mut Vec<String>) {
        let shares = decision.shares();
        let reached: Vec<&Cluster> =
            shares.iter().filter(|share| share.weight > 0).map(|share| &*share.cluster).collect();
        let names = reached.iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(", ");
        let found = if names.is_empty() { decision.outcome().to_string() } else { names };
        let mut hold = |what: &str, wanted: &str, fits: &dyn Fn(&Cluster) -> bool| {
            if reached.is_empty() || !reached.iter().all(|one| fits(one)) {
                broken.push(format!("expected {what} {wanted}, found {found}"));
            }
        };
        if let Some(host) = &self.host {
            hold("host", host, &|one| is_host(one, host));
        }
        if let Some(subset) = &self.subset {
            hold("subset", subset, &|one| one.subset.as_deref() == Some(subset.as_str()));
        }
        if let Some(port) = self.port {
            hold("port", &port.to_string(), &|one| one.port == port);
        }
        let Some(wanted) = &self.shares else { return };
        for (name, percent) in wanted {
            let of_name = shares.iter().filter(|share| is_named(&share.cluster, name));
            let actual = 100.0 * of_name.map(Share::fraction).sum::<f64>().abs();
            if (actual - percent).abs() > 0.005 {
                broken.push(format!("expected {percent} % for {name}, found {actual:.2} %"));
            }
        }
        for share in shares.iter().filter(|share| share.weight > 0) {
            if !wanted.keys().any(|name| is_named(&share.cluster, name)) {
                broken.push(format!("expected no other destination, found {share}"));
            }
        }
    }

    fn rest(&self, decision: &Decision<&Request>, broken: &mut Vec<String>) {
        if let Some(status) = self.status
            && decision.outcome().status() != Some(status)
        {
            let found = decision.outcome();
            broken.push(format!("expected status {status} of the proxy, found {found}"));
        }
        let forwarded = matches!(decision.outcome(), Outcome::Forward(_) | Outcome::Passthrough);
        let path = decision.path();
        let rule = decision.rule().map(|rule| rule.name.as_str()).unwrap_or_default();
        let sent = |value| if forwarded { value } else { "no request that is sent on" };
        for (what, wanted, found) in [
            ("path", &self.path, sent(&*path)),
            ("authority", &self.authority, sent(decision.authority())),
            // Istio names a route after rule and match.
            ("rule", &self.rule, rule),
        ] {
            let Some(wanted) = wanted else { continue };
            let of_match = what == "rule" && found.starts_with(&format!("{wanted}."));
            if wanted != found && !of_match {
                broken.push(format!("expected {what} {wanted}, found {found}"));
            }
        }
    }
}

/// The host itself, or its name without the namespace and the domain.
fn is_host(cluster: &Cluster, host: &str) -> bool {
    cluster.host.strip_prefix(host).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn is_named(cluster: &Cluster, name: &str) -> bool {
    match &cluster.subset {
        Some(subset) => subset == name,
        None => is_host(cluster, name),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::{Case, CasesFile, Expected, SCHEMA, Sent};
    use crate::commands::schema::tests::same;

    #[test]
    fn the_schema_has_the_fields_that_are_read() {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        let of = |name: &str| &schema["$defs"][name];
        same::<CasesFile>(&schema);
        same::<Case>(of("case"));
        same::<Sent>(of("request"));
        same::<Expected>(of("expect"));
        assert_eq!(schema["$defs"].as_object().unwrap().len(), 3);
    }
}
