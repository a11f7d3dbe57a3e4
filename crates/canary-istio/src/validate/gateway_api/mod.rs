//! The rules of the Gateway API's kinds: its schemas and CEL rules, and what Istio makes of an admitted object.

mod addresses;
mod backend;
mod backend_tls_policy;
mod cors;
mod external_auth;
mod filters;
mod forms;
mod gateway;
mod gateway_class;
mod grpc_route;
mod headers;
mod http_match;
mod http_route;
mod istio;
mod limits;
mod listeners;
mod owners;
mod parents;
mod path_modifier;
mod precedence;
mod reference_grant;
mod references;
mod session;
mod total;

pub(crate) use precedence::{
    Rank, Tie, grpc_rank, grpc_tie, http_rank, http_tie, is_regex, severity, takes_all,
};

use super::{Options, Validate, metadata, object_name, sink::Sink};
use crate::{
    finding::Findings,
    gateway_api::{
        BackendTlsPolicy, Gateway, GatewayApiObject, GatewayClass, GrpcRoute, HttpRoute,
        ReferenceGrant,
    },
    resource::Kind,
};

/// Checks the metadata, then the spec with the defaults of the API server.
fn check<K>(
    object: &K,
    options: &Options,
    spec: impl FnOnce(&K, &mut Sink<'_>),
    with_defaults: impl FnOnce(K) -> K,
) -> Findings
where
    K: Kind
        + Clone
        + k8s_openapi::Metadata<Ty = k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta>,
{
    let meta = object.metadata();
    let namespace = meta.namespace.as_deref().unwrap_or(&options.namespace);
    let mut sink = Sink::new(options, namespace);
    metadata::check_stored(meta, &mut sink);
    spec(&with_defaults(object.clone()), &mut sink);
    sink.finish(|| object_name(K::KIND, namespace, meta.name.as_deref().unwrap_or_default()))
}

macro_rules! validate {
    ($($kind:ident $module:ident;)*) => {$(
        impl Validate for $kind {
            fn validate_with(&self, options: &Options) -> Findings {
                check(self, options, |object, sink| $module::check(object, sink), $kind::with_defaults)
            }
        }
    )*};
}

validate! {
    HttpRoute http_route;
    GrpcRoute grpc_route;
    Gateway gateway;
    GatewayClass gateway_class;
    ReferenceGrant reference_grant;
    BackendTlsPolicy backend_tls_policy;
}

impl Validate for GatewayApiObject {
    fn validate_with(&self, options: &Options) -> Findings {
        match self {
            Self::GatewayClass(object) => object.validate_with(options),
            Self::Gateway(object) => object.validate_with(options),
            Self::HttpRoute(object) => object.validate_with(options),
            Self::GrpcRoute(object) => object.validate_with(options),
            Self::ReferenceGrant(object) => object.validate_with(options),
            Self::BackendTlsPolicy(object) => object.validate_with(options),
        }
    }
}
