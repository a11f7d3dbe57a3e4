//! The Gateway API's `HTTPRoute`, `GRPCRoute`, `Gateway`, `GatewayClass`, `ReferenceGrant` and `BackendTLSPolicy`, with
//! all their messages, as Istio implements them.
//!
//! A type has the name of the API's own, as in `HttpRouteRule` for `HTTPRouteRule`; messages that several kinds share
//! are one type here. Fields that the API server fills are absent until it has: [`HttpRoute::with_defaults`] and its
//! siblings fill them in the same way.
//!
//! Istio's own kinds of the same names are in [`networking`](crate::networking).
//!
//! ```
//! use canary_core::gateway_api::HttpRoute;
//!
//! let route = HttpRoute::weighted("pets", [("pets-v1", 90), ("pets-v2", 10)])
//!     .gateway("public")
//!     .host("pets.example.com")
//!     .port(80);
//! let json = route.to_json_value()?;
//! assert_eq!(json["spec"]["rules"][0]["backendRefs"][1]["weight"], 10);
//! # Ok::<(), canary_core::Error>(())
//! ```

mod any;
mod backend_object_ref;
mod backend_ref;
mod backend_tls_policy;
mod build;
mod cors;
mod defaults;
mod duration;
mod external_auth;
mod filter;
mod gateway;
mod gateway_class;
mod gateway_status;
mod gateway_tls;
mod grpc_match;
mod grpc_route;
mod header_modifier;
mod http_match;
mod http_route;
mod label_selector;
mod listener;
pub(crate) mod object;
mod object_ref;
mod owner;
mod parent_ref;
mod redirect;
mod reference_grant;
mod request_mirror;
mod retry;
mod route_status;
mod session_persistence;
mod union;

pub use any::GatewayApiObject;
pub use backend_object_ref::BackendObjectRef;
pub use backend_ref::BackendRef;
pub use backend_tls_policy::{
    BackendTlsPolicy, BackendTlsPolicySpec, BackendTlsPolicyValidation, PolicyTargetRef,
    SubjectAltName,
};
pub use cors::Cors;
pub use duration::{Duration, DurationError};
pub use external_auth::{ExternalAuth, ExternalAuthProtocol, ForwardBody, GrpcAuth, HttpAuth};
pub use filter::RouteFilter;
pub use gateway::{Gateway, GatewayAddress, GatewayInfrastructure, GatewaySpec};
pub use gateway_class::{GatewayClass, GatewayClassSpec, ParametersRef};
pub use gateway_status::{
    GatewayClassStatus, GatewayStatus, GatewayStatusAddress, ListenerStatus, SupportedFeature,
};
pub use gateway_tls::{
    BackendTls, FrontendTls, FrontendTlsConfig, FrontendTlsPort, FrontendValidation,
    FrontendValidationMode, GatewayTls,
};
pub use grpc_match::{GrpcMethodMatch, GrpcRouteMatch};
pub use grpc_route::{GrpcRoute, GrpcRouteRule, GrpcRouteSpec};
pub use header_modifier::{HeaderModifier, HttpHeader};
pub use http_match::{
    HeaderMatch, HttpMethod, HttpRouteMatch, MatchType, PathMatch, PathMatchType, QueryParamMatch,
};
pub use http_route::{HttpRoute, HttpRouteRule, HttpRouteSpec, HttpRouteTimeouts, UseDefault};
pub use label_selector::{LabelExpression, LabelSelector};
pub use listener::{
    AllowedListeners, AllowedRoutes, FromNamespaces, Listener, ListenerTls, ListenerTlsMode,
    NamespaceSelection, RouteGroupKind,
};
pub(crate) use object::{GROUP, KINDS, OTHER_KINDS, is_in_group};
pub use object_ref::{LocalObjectRef, ObjectRef, SecretRef};
pub use owner::RouteOwner;
pub use parent_ref::ParentRef;
pub use redirect::{PathModifier, RedirectScheme, RequestRedirect, UrlRewrite};
pub use reference_grant::{
    ReferenceGrant, ReferenceGrantFrom, ReferenceGrantSpec, ReferenceGrantTo,
};
pub use request_mirror::{Fraction, RequestMirror};
pub use retry::HttpRouteRetry;
pub use route_status::{Condition, RouteParentStatus, RouteStatus};
pub use session_persistence::{CookieConfig, CookieLifetime, SessionPersistence, SessionType};
