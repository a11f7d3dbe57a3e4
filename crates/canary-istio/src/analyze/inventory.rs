//! The known objects of other kinds in the cluster.

use k8s_openapi::api::core::v1::{Namespace, Pod, Secret, Service};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::validate::Channel;

/// The objects of other kinds; `None` for a kind that is not known, which is different from an empty list.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Inventory {
    /// All Services.
    pub services: Option<Vec<Service>>,
    /// All `ServiceEntry` objects of Istio, as far as hosts and ports are concerned.
    pub service_entries: Option<Vec<ServiceEntry>>,
    /// All Pods.
    pub pods: Option<Vec<Pod>>,
    /// All Secrets; only their names are used.
    pub secrets: Option<Vec<Secret>>,
    /// All Namespaces.
    pub namespaces: Option<Vec<Namespace>>,
    /// The channel of the Gateway API's definitions, for the rules of its objects.
    pub channel: Channel,
}

impl Inventory {
    /// Declares these to be all Services.
    #[must_use]
    pub fn services(mut self, services: impl IntoIterator<Item = Service>) -> Self {
        self.services = Some(services.into_iter().collect());
        self
    }

    /// Declares these to be all `ServiceEntry` objects.
    #[must_use]
    pub fn service_entries(mut self, entries: impl IntoIterator<Item = ServiceEntry>) -> Self {
        self.service_entries = Some(entries.into_iter().collect());
        self
    }

    /// Declares these to be all Pods.
    #[must_use]
    pub fn pods(mut self, pods: impl IntoIterator<Item = Pod>) -> Self {
        self.pods = Some(pods.into_iter().collect());
        self
    }

    /// Declares these to be all Secrets.
    #[must_use]
    pub fn secrets(mut self, secrets: impl IntoIterator<Item = Secret>) -> Self {
        self.secrets = Some(secrets.into_iter().collect());
        self
    }

    /// Declares these to be all Namespaces.
    #[must_use]
    pub fn namespaces(mut self, namespaces: impl IntoIterator<Item = Namespace>) -> Self {
        self.namespaces = Some(namespaces.into_iter().collect());
        self
    }

    /// Declares the channel of the Gateway API's definitions; without it, the standard one.
    #[must_use]
    pub fn channel(mut self, channel: Channel) -> Self {
        self.channel = channel;
        self
    }
}

/// The part of a `ServiceEntry` that an analysis needs.
///
/// See <https://istio.io/latest/docs/reference/config/networking/service-entry/>.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ServiceEntry {
    /// Its namespace.
    pub namespace: String,
    /// The hosts it adds; the first label may be `*`.
    pub hosts: Vec<String>,
    /// The numbers of its ports.
    pub ports: Vec<u32>,
    /// The namespaces it is visible in; empty for all of them.
    pub export_to: Vec<String>,
}

impl ServiceEntry {
    /// The part of an object of Istio's that an analysis needs.
    pub fn from_json_value(object: &Value) -> Self {
        let texts = |list: &Value| {
            let entries = list.as_array().into_iter().flatten();
            entries.filter_map(|entry| entry.as_str().map(str::to_owned)).collect()
        };
        let spec = &object["spec"];
        let ports = spec["ports"].as_array().into_iter().flatten();
        Self {
            namespace: object["metadata"]["namespace"].as_str().unwrap_or("default").to_owned(),
            hosts: texts(&spec["hosts"]),
            ports: ports
                .filter_map(|port| {
                    port["number"].as_u64().and_then(|port| u32::try_from(port).ok())
                })
                .collect(),
            export_to: texts(&spec["exportTo"]),
        }
    }
}
