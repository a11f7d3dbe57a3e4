//! The configuration of Envoy's fault and CORS filters for a rule.

use canary_core::istio::{
    CorsPolicy, ErrorType, HttpDelayType, HttpFaultInjection, Percent, StringMatch,
    UnmatchedPreflights,
};
use serde_json::{Map, Value, json};

use super::{answer::grpc_status, matches::string_match, rules::seconds};

/// The name of the fault filter.
pub(super) const FAULT: &str = "envoy.filters.http.fault";
/// The name of the CORS filter.
pub(super) const CORS: &str = "envoy.filters.http.cors";

/// A share in parts of a million, truncated as istiod does.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the conversion saturates, which is what a share out of bounds should do"
)]
pub(super) fn fraction(percent: &Percent) -> Value {
    let parts = (percent.value.map_or(0.0, canary_core::istio::Double::get) * 10_000.0) as u32;
    json!({"numerator": parts, "denominator": "MILLION"})
}

/// A whole percentage.
pub(super) fn whole_fraction(percent: u32) -> Value {
    json!({"numerator": percent, "denominator": "HUNDRED"})
}

/// The fault filter's configuration for a route; `None` when it has no effect.
pub(super) fn fault(written: &HttpFaultInjection) -> Option<Value> {
    let mut out = Map::new();
    if let Some(delay) = &written.delay
        && let Some(HttpDelayType::FixedDelay(fixed)) = &delay.http_delay_type
    {
        let percentage = match &delay.percentage {
            Some(percentage) => fraction(percentage),
            None => whole_fraction(delay.percent.unwrap_or(0).try_into().unwrap_or(0)),
        };
        out.insert(
            "delay".to_owned(),
            json!({"fixed_delay": seconds(fixed), "percentage": percentage}),
        );
    }
    if let Some(abort) = &written.abort {
        let error = match &abort.error_type {
            Some(ErrorType::HttpStatus(status)) => Some(("http_status", json!(status))),
            Some(ErrorType::GrpcStatus(status)) => {
                Some(("grpc_status", json!(grpc_status(status))))
            }
            Some(ErrorType::Http2Error(_)) | None => None,
        };
        if let Some((field, value)) = error {
            let mut abort_out = json!({field: value});
            if let Some(percentage) = &abort.percentage {
                abort_out["percentage"] = fraction(percentage);
            }
            out.insert("abort".to_owned(), abort_out);
        }
    }
    if out.is_empty() {
        return None;
    }
    out.insert(
        "@type".to_owned(),
        json!("type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault"),
    );
    Some(Value::Object(out))
}

/// The CORS filter's configuration for a route.
pub(super) fn cors(written: &CorsPolicy) -> Value {
    let origins: Vec<Value> = match (&written.allow_origins, &written.allow_origin) {
        (Some(origins), _) => {
            let written = origins.iter().filter(|origin| **origin != StringMatch::Present);
            written.map(string_match).collect()
        }
        (None, Some(origins)) => origins.iter().map(|origin| json!({"exact": origin})).collect(),
        (None, None) => Vec::new(),
    };
    let forward = written.unmatched_preflights != Some(UnmatchedPreflights::Ignore);
    let mut out = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy",
        "allow_origin_string_match": origins,
        "filter_enabled": {"default_value": whole_fraction(100)},
        "forward_not_matching_preflights": forward,
    });
    for (field, list) in [
        ("allow_headers", &written.allow_headers),
        ("allow_methods", &written.allow_methods),
        ("expose_headers", &written.expose_headers),
    ] {
        out[field] = json!(list.as_deref().unwrap_or_default().join(","));
    }
    if let Some(credentials) = written.allow_credentials {
        out["allow_credentials"] = json!(credentials);
    }
    if let Some(age) = &written.max_age {
        out["max_age"] = json!((age.nanos() / 1_000_000_000).to_string());
    }
    out
}
