//! What the store refuses, as the API server and Istio's webhook do.

use canary_core::{DestinationRule, Error, Gateway, Result, VirtualService, cluster::ObjectRef};
use serde_json::Value;

/// Refuses what cannot be.
pub(super) fn check(target: &ObjectRef, object: &Value) -> Result<()> {
    let valid = !target.name.is_empty()
        && target.name.len() <= 253
        && target
            .name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b));
    if !valid {
        return Err(Error::Manifest {
            what: target.to_string(),
            reason: format!(
                "metadata.name is {:?}; use lower-case letters, digits, '-' and '.', at most 253",
                target.name
            ),
        });
    }
    if !target.api_version.starts_with("networking.istio.io/") {
        return Ok(());
    }
    let read = |error: serde_json::Error| Error::Manifest {
        what: target.to_string(),
        reason: error.to_string(),
    };
    match target.kind.as_str() {
        "Gateway" => {
            let object: Gateway = serde_json::from_value(object.clone()).map_err(read)?;
            object.validate().into_result()?;
        }
        "VirtualService" => {
            let object: VirtualService = serde_json::from_value(object.clone()).map_err(read)?;
            object.validate().into_result()?;
        }
        "DestinationRule" => {
            let object: DestinationRule = serde_json::from_value(object.clone()).map_err(read)?;
            object.validate().into_result()?;
        }
        _ => {}
    }
    Ok(())
}
