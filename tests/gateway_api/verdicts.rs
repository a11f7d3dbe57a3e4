//! The verdict of either side about one object.

use canary_core::{
    Severity,
    cluster::{Cluster, Kubernetes},
    gateway_api::{BackendTlsPolicy, Gateway, GatewayClass, GrpcRoute, HttpRoute, ReferenceGrant},
    manifest,
    rollout::Error,
    validate::{Channel, Options, validate},
};
use serde_json::Value;

/// Our own refusal: the errors, as code, path and message.
pub(crate) fn ours(object: &Value, channel: &str) -> Vec<String> {
    let channel = if channel == "standard" { Channel::Standard } else { Channel::Experimental };
    let options = Options::default().channel(channel);
    macro_rules! judge {
        ($kind:ident) => {
            $kind::from_json_value(object).map(|object| validate(&object, &options))
        };
    }
    let found = match object["kind"].as_str().unwrap() {
        "HTTPRoute" => judge!(HttpRoute),
        "GRPCRoute" => judge!(GrpcRoute),
        "Gateway" => judge!(Gateway),
        "GatewayClass" => judge!(GatewayClass),
        "ReferenceGrant" => judge!(ReferenceGrant),
        "BackendTLSPolicy" => judge!(BackendTlsPolicy),
        other => panic!("no kind {other}"),
    };
    let findings = match found {
        Ok(findings) | Err(manifest::Error::Invalid(findings)) => findings,
        Err(error) => return vec![format!("unreadable: {error}")],
    };
    findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(|finding| format!("{} {}: {}", finding.code, finding.path, finding.message))
        .collect()
}

/// The object as we write it, and its spec with the defaults of the API server, as we fill it in.
pub(crate) fn written(object: &Value) -> (Value, Value) {
    macro_rules! filled {
        ($kind:ident) => {{
            let read = $kind::from_json_value(object).unwrap();
            (read.to_json_value().unwrap(), read.with_defaults().to_json_value().unwrap())
        }};
    }
    let (same, filled) = match object["kind"].as_str().unwrap() {
        "HTTPRoute" => filled!(HttpRoute),
        "GRPCRoute" => filled!(GrpcRoute),
        "Gateway" => filled!(Gateway),
        "GatewayClass" => filled!(GatewayClass),
        "ReferenceGrant" => filled!(ReferenceGrant),
        _ => filled!(BackendTlsPolicy),
    };
    (same, filled["spec"].clone())
}

/// The server's verdict about an object that it checks and does not store: the object with its defaults, or the reason
/// of the refusal.
pub(crate) async fn theirs(cluster: &Kubernetes, object: &Value) -> Result<Value, String> {
    match cluster.apply(object).await {
        Ok(stored) => Ok(stored),
        Err(error @ Error::Istio(_)) => Err(error.to_string()),
        Err(error) => panic!("{error}: {object}"),
    }
}
