//! A share in percent.

use serde::{Deserialize, Serialize};

use super::number::Double;

/// A share in percent, 0 to 100.
///
/// Istio's [`Percent`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#Percent).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Percent {
    /// The share; Envoy keeps four decimals. Default 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Double>,
}

impl Percent {
    /// This share.
    pub fn new(value: impl Into<Double>) -> Self {
        Self { value: Some(value.into()) }
    }
}
