//! The kinds of objects with which the suite of stores runs.

use canary_core::cluster::ObjectRef;
use serde_json::{Value, json};

const NAME: &str = "image-classifier";

/// A kind of object with two weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    VirtualService,
    HttpRoute,
}

impl Subject {
    pub(crate) fn group(self) -> &'static str {
        match self {
            Self::VirtualService => "networking.istio.io",
            Self::HttpRoute => "gateway.networking.k8s.io",
        }
    }

    /// The versions of the group in which the object is shown.
    pub(crate) fn versions(self) -> &'static [&'static str] {
        match self {
            Self::VirtualService => &["v1", "v1beta1", "v1alpha3"],
            Self::HttpRoute => &["v1", "v1beta1"],
        }
    }

    pub(crate) fn object(self, namespace: &str) -> ObjectRef {
        let kind = match self {
            Self::VirtualService => "VirtualService",
            Self::HttpRoute => "HTTPRoute",
        };
        ObjectRef::new(format!("{}/v1", self.group()), kind, namespace, NAME)
    }

    /// The object with these weights; every field that the API server would fill in is there.
    pub(crate) fn split(self, namespace: &str, weights: [u64; 2]) -> Value {
        let spec = match self {
            Self::VirtualService => {
                let to = |subset: &str, weight: u64| json!({"destination": {"host": NAME, "subset": subset}, "weight": weight});
                json!({"hosts": ["*"], "gateways": ["image-classifier-gateway"], "http": [
                    {"route": [to("resnet50", weights[0]), to("resnet101", weights[1])]}]})
            }
            Self::HttpRoute => {
                let to = |service: &str, weight: u64| json!({"group": "", "kind": "Service", "name": service, "port": 8501, "weight": weight});
                let everything = json!({"path": {"type": "PathPrefix", "value": "/"}});
                json!({"hostnames": ["pets.example.com"], "rules": [{"matches": [everything],
                    "backendRefs": [to("resnet50", weights[0]), to("resnet101", weights[1])]}]})
            }
        };
        let ObjectRef { api_version, kind, .. } = self.object(namespace);
        json!({
            "apiVersion": api_version, "kind": kind,
            "metadata": {"name": NAME, "namespace": namespace}, "spec": spec,
        })
    }

    /// The place of the rules in words.
    pub(crate) fn rules(self) -> &'static str {
        match self {
            Self::VirtualService => "spec.http",
            Self::HttpRoute => "spec.rules",
        }
    }

    /// The one rule of an object.
    pub(crate) fn rule(self, object: &mut Value) -> &mut Value {
        let rules = format!("/{}/0", self.rules().replace('.', "/"));
        object.pointer_mut(&rules).unwrap()
    }

    fn entries(self) -> &'static str {
        match self {
            Self::VirtualService => "route",
            Self::HttpRoute => "backendRefs",
        }
    }

    /// The place of a weight as a JSON Pointer.
    pub(crate) fn weight(self, entry: usize) -> String {
        format!("/{}/0/{}/{entry}/weight", self.rules().replace('.', "/"), self.entries())
    }

    /// The place of a weight in words.
    pub(crate) fn weight_in_words(self, entry: usize) -> String {
        format!("{}[0].{}[{entry}].weight", self.rules(), self.entries())
    }

    /// The place of destinations that are not there, as a JSON Pointer.
    pub(crate) fn missing(self) -> String {
        format!("/{}/7/{}", self.rules().replace('.', "/"), self.entries())
    }

    /// A field of a rule, a value that it cannot have, and the path that a finding names.
    pub(crate) fn wrong_timeout(self) -> (&'static str, Value, &'static str) {
        match self {
            Self::VirtualService => ("timeout", json!("0s"), "spec.http[0].timeout"),
            Self::HttpRoute => {
                ("timeouts", json!({"request": "1x"}), "spec.rules[0].timeouts.request")
            }
        }
    }
}
