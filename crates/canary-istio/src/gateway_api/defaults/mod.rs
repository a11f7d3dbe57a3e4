//! The defaults of the API server, for objects that it has not yet filled.

mod gateway;
mod policies;
mod route;

use super::{BackendTlsPolicy, Gateway, GatewayClass, GrpcRoute, HttpRoute, ReferenceGrant};

/// A message whose absent fields the API server fills.
trait Fill {
    /// Fills the absent fields that have a default, in this message and in those within.
    fn fill(&mut self);
}

impl<T: Fill> Fill for Vec<T> {
    fn fill(&mut self) {
        self.iter_mut().for_each(Fill::fill);
    }
}

impl<T: Fill> Fill for Option<T> {
    fn fill(&mut self) {
        if let Some(message) = self {
            message.fill();
        }
    }
}

/// Fills one absent field.
fn fill<T>(field: &mut Option<T>, default: impl FnOnce() -> T) {
    field.get_or_insert_with(default);
}

macro_rules! with_defaults {
    ($($kind:ident $example:literal;)*) => {$(
        impl $kind {
            /// The object as the API server stores it: with the default in each absent field that has one. The
            /// `status` stays as it is.
            ///
            /// ```
            #[doc = $example]
            /// ```
            #[must_use]
            pub fn with_defaults(mut self) -> Self {
                self.spec.fill();
                self
            }
        }
    )*};
}

with_defaults! {
    HttpRoute "use canary_core::gateway_api::HttpRoute;\n\nlet route = HttpRoute::default().with_defaults();\n\
        let json = route.to_json_value()?;\nassert_eq!(json[\"spec\"][\"rules\"][0][\"matches\"][0][\"path\"][\"value\"], \"/\");\n\
        # Ok::<(), canary_core::manifest::Error>(())";
    GrpcRoute "use canary_core::gateway_api::GrpcRoute;\n\n\
        let route = GrpcRoute::weighted(\"pets\", [(\"pets-v1\", 1)]).gateway(\"public\").with_defaults();\n\
        let json = route.to_json_value()?;\nassert_eq!(json[\"spec\"][\"parentRefs\"][0][\"kind\"], \"Gateway\");\n\
        # Ok::<(), canary_core::manifest::Error>(())";
    Gateway "use canary_core::gateway_api::Gateway;\n\nlet gateway = Gateway::http(\"public\", 80).with_defaults();\n\
        let json = gateway.to_json_value()?;\n\
        assert_eq!(json[\"spec\"][\"listeners\"][0][\"allowedRoutes\"][\"namespaces\"][\"from\"], \"Same\");\n\
        # Ok::<(), canary_core::manifest::Error>(())";
    GatewayClass "use canary_core::gateway_api::GatewayClass;\n\nlet class = GatewayClass::istio();\n\
        assert_eq!(class.clone().with_defaults(), class);";
    ReferenceGrant "use canary_core::gateway_api::ReferenceGrant;\n\nlet grant = ReferenceGrant::default();\n\
        assert_eq!(grant.clone().with_defaults(), grant);";
    BackendTlsPolicy "use canary_core::gateway_api::BackendTlsPolicy;\n\nlet policy = BackendTlsPolicy::default();\n\
        assert_eq!(policy.clone().with_defaults(), policy);";
}
