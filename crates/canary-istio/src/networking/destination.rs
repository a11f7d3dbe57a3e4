//! A service, subset and port that traffic goes to.

use serde::{Deserialize, Serialize};

/// A service of the registry, with the subset and the port that traffic goes to.
///
/// Istio's [`Destination`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#Destination).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Destination {
    /// The name of the service in the registry; a short name is completed with the namespace of the
    /// object, not of the service. Required.
    pub host: String,
    /// The subset of the service, as a `DestinationRule` for the same host declares it. Default:
    /// all endpoints.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subset: Option<String>,
    /// The port of the service. May be absent when the service has one port only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<PortSelector>,
}

/// A port by number.
///
/// Istio's [`PortSelector`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#PortSelector).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PortSelector {
    /// The port number, 1 to 65535.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<u32>,
}

impl Destination {
    /// A service as a whole.
    pub fn new(host: impl Into<String>) -> Self {
        Self { host: host.into(), ..Self::default() }
    }

    /// Sets the subset.
    #[must_use]
    pub fn subset(mut self, subset: impl Into<String>) -> Self {
        self.subset = Some(subset.into());
        self
    }

    /// Sets the port.
    #[must_use]
    pub fn port(mut self, number: u32) -> Self {
        self.port = Some(PortSelector::new(number));
        self
    }
}

impl PortSelector {
    /// The port with this number.
    pub fn new(number: u32) -> Self {
        Self { number: Some(number) }
    }
}
