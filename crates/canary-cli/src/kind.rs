//! The kinds of objects that hold a release's state.

use canary_core::{cluster::ObjectRef, rollout::RouteKind};

/// The kind of the object that holds a release's state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// Istio's VirtualService.
    #[default]
    #[value(name = "virtualservice", alias = "VirtualService")]
    VirtualService,
    /// HTTPRoute of the Gateway API.
    #[value(name = "httproute", alias = "HTTPRoute")]
    HttpRoute,
    /// GRPCRoute of the Gateway API.
    #[value(name = "grpcroute", alias = "GRPCRoute")]
    GrpcRoute,
}

impl Kind {
    /// The object of this kind.
    pub(crate) fn object(self, namespace: &str, name: &str) -> ObjectRef {
        let kind = RouteKind::from(self);
        ObjectRef::new(kind.api_version(), kind.as_str(), namespace, name)
    }
}

impl From<Kind> for RouteKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::VirtualService => Self::VirtualService,
            Kind::HttpRoute => Self::HttpRoute,
            Kind::GrpcRoute => Self::GrpcRoute,
        }
    }
}
