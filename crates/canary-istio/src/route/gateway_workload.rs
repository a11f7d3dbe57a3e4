//! The proxies of gateways.

use std::collections::BTreeMap;

/// The proxies that take one or more Gateways.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GatewayWorkload {
    /// The Gateways that these proxies take, as `namespace/name`.
    pub gateways: Vec<String>,
    /// The namespace of the proxies' pods; it decides what is exported to them and which DestinationRules they see.
    pub namespace: String,
    /// The labels of the proxies' pods, against which `sourceLabels` of gateway rules are held.
    pub labels: BTreeMap<String, String>,
}
