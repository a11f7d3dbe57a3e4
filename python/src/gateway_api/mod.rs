//! Objects of the Gateway API: their classes.

mod arguments;
pub(crate) mod backend_tls_policy;
pub(crate) mod gateway;
pub(crate) mod gateway_class;
pub(crate) mod grpc_route;
pub(crate) mod http_route;
pub(crate) mod reference_grant;

/// Declares the class of one kind of the Gateway API; see [`kind_class`](crate::istio::kind::kind_class).
macro_rules! gateway_api_class {
    ($class:ident, $kind:ident, $named:literal, $spec:literal, $doc:literal, { $($own:tt)* }) => {
        $crate::istio::kind::kind_class!(
            @class $class [], $spec, $doc,
            canary_core::gateway_api::$kind, $named, "canary.gateway_api", "canary._gateway_api_html",
            |object| match object {
                canary_core::Object::GatewayApi(
                    canary_core::gateway_api::GatewayApiObject::$kind(object),
                ) => Some(object),
                _ => None,
            },
            {
                fn with_defaults(&self) -> Self {
                    self.0.clone().with_defaults().into()
                }

                $($own)*
            }
        );
    };
}

use gateway_api_class;
