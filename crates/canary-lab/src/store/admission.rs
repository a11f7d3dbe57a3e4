//! Admission: objects that the API server or Istio's webhook would refuse.

use canary_core::{
    DestinationRule, Gateway, Manifest, VirtualService,
    cluster::ObjectRef,
    names::is_subdomain,
    rollout::{Error, Result},
    validate::{Options, Validate},
};
use serde_json::Value;

/// Returns `true` for a name that Kubernetes accepts for a Service: a label of RFC 1035, because it is part of its DNS
/// name.
fn is_service_name(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase();
    name.len() <= 63
        && !name.contains('.')
        && is_subdomain(name)
        && name.bytes().next().is_some_and(letter)
}

/// Checks the name of an object, and Istio's objects by Istio's rules.
pub(super) fn check(target: &ObjectRef, object: &Value) -> Result<()> {
    let (valid, form) = match target.kind.as_str() {
        "Service" => (
            is_service_name(&target.name),
            "the name of a Service has lower-case letters, digits and '-', a letter first, no '-' last, 63 at most",
        ),
        _ => (
            is_subdomain(&target.name),
            "use lower-case letters, digits, '-' and '.', a letter or digit first and last, at most 253",
        ),
    };
    if !valid {
        return Err(Error::manifest(
            target.to_string(),
            format!("metadata.name is {:?}; {form}", target.name),
        ));
    }
    if target.api_version.starts_with("gateway.networking.k8s.io/") {
        return check_gateway_api(object);
    }
    if !target.api_version.starts_with("networking.istio.io/") {
        return Ok(());
    }
    // Read strictly, because a field that Istio does not know would be lost silently.
    let findings = match target.kind.as_str() {
        "Gateway" => Gateway::from_json_value(object)?.validate(),
        "VirtualService" => VirtualService::from_json_value(object)?.validate(),
        "DestinationRule" => DestinationRule::from_json_value(object)?.validate(),
        _ => return Ok(()),
    };
    findings.into_result()?;
    Ok(())
}

/// Checks an object of the Gateway API by the schema and the rules of its definition.
fn check_gateway_api(object: &Value) -> Result<()> {
    // A controller writes `status`, so the object's author does not answer for it.
    let mut written = object.clone();
    if let Some(fields) = written.as_object_mut() {
        fields.remove("status");
    }
    for object in Manifest::read(&written.to_string())?.objects {
        object.validate_with(&Options::default()).into_result()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_those_that_a_cluster_takes() {
        let check = |kind: &str, name: &str| {
            let target = ObjectRef::new("v1", kind, "default", name);
            check(&target, &json!({})).is_ok()
        };
        for name in ["pets", "pets-v1", "a.b", "1st"] {
            assert!(check("ConfigMap", name), "{name}");
        }
        for name in ["", "Pets", "-pets", "pets-", "a..b", ".a", "a_b"] {
            assert!(!check("ConfigMap", name), "{name}");
        }
        assert!(check("Service", "pets-1"));
        for name in ["1st", "a.b", "pets-", &"a".repeat(64)] {
            assert!(!check("Service", name), "{name}");
        }
    }
}
