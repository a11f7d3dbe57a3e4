//! The rules of one object: what Istio and the API server refuse, and what has no effect or an unexpected one.
//!
//! An error means that the object is not admitted: by Istio's webhook (`V…`) or by the API server (`S…`, and `G…` for
//! objects of the Gateway API). An object without errors is admitted. Warnings with these codes, and with `IST…`, are Istio's own; `C…` are this library's,
//! for mistakes that Istio does not detect. [`CATALOGUE`] lists every code.
//!
//! ```
//! use canary_core::{VirtualService, validate::Options};
//!
//! let service: VirtualService = serde_json::from_value(serde_json::json!({
//!     "metadata": {"name": "image-classifier"},
//!     "spec": {"hosts": ["image-classifier"], "http": [{"route": [
//!         {"destination": {"host": "image-classifier", "subset": "resnet50"}, "weight": 101},
//!         {"destination": {"host": "image-classifier", "subset": "resnet101"}, "weight": -1},
//!     ]}]},
//! }))?;
//! let findings = service.validate();
//! let first = findings.errors().next().unwrap();
//! assert_eq!(first.code, "V073");
//! assert_eq!(first.path, "spec.http[0].route[1].weight");
//! assert_eq!(first.message, "weight is -1, must be 0 or more");
//! # Ok::<(), serde_json::Error>(())
//! ```

mod address;
mod client_tls;
mod connection_pool;
mod destination;
mod destination_rule;
mod duration;
mod export_to;
mod gateway;
pub(crate) mod gateway_api;
mod gateway_names;
mod header;
mod http_action;
mod http_route;
mod l4_route;
mod labels;
mod load_balancer;
mod locality;
mod metadata;
mod options;
mod percentage;
pub(crate) mod re2;
mod reachability;
mod server_tls;
mod sink;
mod string_match;
mod traffic_policy;
mod virtual_service;

pub use crate::finding::catalogue::{CATALOGUE, Rule, Source};
pub use options::{Channel, ChannelError, IstioVersion, IstioVersionError, Options};
pub use re2::{is_full_match, literal};

use crate::{
    finding::Findings,
    manifest::{Manifest, Object, locate},
    networking::{DestinationRule, Gateway, VirtualService},
};

/// An object with rules.
pub trait Validate {
    /// The findings about the object, in the order of its fields.
    fn validate_with(&self, options: &Options) -> Findings;
}

/// The findings about `object`, in the order of its fields.
///
/// ```
/// use canary_core::{DestinationRule, validate::{Options, validate}};
///
/// let rule = DestinationRule::default();
/// let codes: Vec<_> = validate(&rule, &Options::default()).iter().map(|finding| finding.code.clone()).collect();
/// assert_eq!(codes, ["S001", "V083"]);
/// ```
pub fn validate<T: Validate + ?Sized>(object: &T, options: &Options) -> Findings {
    object.validate_with(options)
}

/// An object of a manifest; one of another kind has no rules here.
impl Validate for Object {
    fn validate_with(&self, options: &Options) -> Findings {
        match self {
            Self::Gateway(gateway) => gateway.validate_with(options),
            Self::VirtualService(service) => service.validate_with(options),
            Self::DestinationRule(rule) => rule.validate_with(options),
            Self::GatewayApi(object) => object.validate_with(options),
            Self::Other(_) => Findings::new(),
        }
    }
}

/// Every object of a manifest, in order, each by itself; see [`analyze`](crate::analyze) for the rules between them.
/// Findings about objects that were read from text have their place in it.
impl Validate for Manifest {
    fn validate_with(&self, options: &Options) -> Findings {
        let mut all = Findings::new();
        for (position, object) in self.iter().enumerate() {
            let mut findings = object.validate_with(options);
            if let Some(source) = self.source(position) {
                findings.0.iter_mut().for_each(|finding| source.locate(finding));
            }
            all.extend(findings);
        }
        locate(self.sources(), &mut all);
        all
    }
}

macro_rules! validate_method {
    ($($kind:path),*) => {$(
        impl $kind {
            /// The findings here, for the newest known control plane.
            pub fn validate(&self) -> Findings {
                self.validate_with(&Options::default())
            }
        }
    )*};
}

validate_method!(Gateway, VirtualService, DestinationRule, Manifest);
validate_method!(
    crate::gateway_api::GatewayApiObject,
    crate::gateway_api::GatewayClass,
    crate::gateway_api::Gateway,
    crate::gateway_api::HttpRoute,
    crate::gateway_api::GrpcRoute,
    crate::gateway_api::ReferenceGrant,
    crate::gateway_api::BackendTlsPolicy
);

/// The name that a finding gives its object.
pub(crate) fn object_name(kind: &str, namespace: &str, name: &str) -> String {
    format!("{kind} {namespace}/{name}")
}

#[cfg(test)]
mod tests;
