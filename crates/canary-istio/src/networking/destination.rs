//! A service, subset and port that traffic goes to.

use serde::{Deserialize, Serialize};

/// A service of the registry, with the subset and the port that traffic goes to.
///
/// Istio's [`Destination`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#Destination).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "DestinationWire", into = "DestinationWire")]
pub struct Destination {
    /// The name of the service in the registry; a short name is completed with the namespace of the
    /// object, not of the service. Required.
    pub host: String,
    /// The subset of the service, as a `DestinationRule` for the same host declares it. Default:
    /// all endpoints.
    pub subset: Option<String>,
    /// The port of the service. May be absent when the service has one port only.
    pub port: Option<PortSelector>,
    /// The part of it that was read, which is written back even if it is empty.
    pub(crate) given: Given,
}

/// The form in which an empty destination was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Given {
    /// Nothing.
    #[default]
    Nothing,
    /// An object, `{}`.
    Object,
    /// An object with an empty host.
    Host,
}

/// Destinations are equal when they name the same.
impl PartialEq for Destination {
    fn eq(&self, other: &Self) -> bool {
        self.host == other.host && self.subset == other.subset && self.port == other.port
    }
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct DestinationWire {
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subset: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<PortSelector>,
}

impl From<DestinationWire> for Destination {
    fn from(wire: DestinationWire) -> Self {
        let DestinationWire { host, subset, port } = wire;
        let given = if host.is_some() { Given::Host } else { Given::Object };
        Self { host: host.unwrap_or_default(), subset, port, given }
    }
}

impl From<Destination> for DestinationWire {
    fn from(destination: Destination) -> Self {
        let Destination { host, subset, port, given } = destination;
        let host = (!host.is_empty() || given == Given::Host).then_some(host);
        Self { host, subset, port }
    }
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
    /// Returns true for a destination that was not given and is not written.
    pub(super) fn is_absent(&self) -> bool {
        self.given == Given::Nothing && *self == Self::default()
    }

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
