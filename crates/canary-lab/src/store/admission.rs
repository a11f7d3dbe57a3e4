//! Admission: objects that the API server or Istio's webhook would refuse.

use canary_core::{
    DestinationRule, Gateway, VirtualService,
    cluster::ObjectRef,
    rollout::{Error, Result},
};
use serde_json::Value;

/// Checks the name of an object, and Istio's objects by Istio's rules.
pub(super) fn check(target: &ObjectRef, object: &Value) -> Result<()> {
    let valid = !target.name.is_empty()
        && target.name.len() <= 253
        && target
            .name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b));
    if !valid {
        return Err(Error::manifest(
            target.to_string(),
            format!(
                "metadata.name is {:?}; use lower-case letters, digits, '-' and '.', at most 253",
                target.name
            ),
        ));
    }
    if !target.api_version.starts_with("networking.istio.io/") {
        return Ok(());
    }
    // Read strictly: a field that Istio does not know would be lost silently.
    let findings = match target.kind.as_str() {
        "Gateway" => Gateway::from_json_value(object)?.validate(),
        "VirtualService" => VirtualService::from_json_value(object)?.validate(),
        "DestinationRule" => DestinationRule::from_json_value(object)?.validate(),
        _ => return Ok(()),
    };
    findings.into_result()?;
    Ok(())
}
