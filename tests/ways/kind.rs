//! The kinds of targets. In each, the versions are called v1 and v2, and the same Deployments are behind them.

use canary_core::{
    DestinationRule, Gateway, VirtualService,
    cluster::ObjectRef,
    gateway_api::{self, HttpRoute},
    predict::Client,
    rollout::{Route, Routes},
};
use serde_json::{Value, json};

use crate::stage::APP;

/// A kind of target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A `VirtualService` between two subsets.
    Subsets,
    /// A `VirtualService` between two Services.
    Services,
    /// An `HTTPRoute`.
    HttpRoute,
}

/// All of them.
pub(crate) const EVERY: &[Kind] = &[Kind::Subsets, Kind::Services, Kind::HttpRoute];
/// Those whose versions are Services.
pub(crate) const SERVICES: &[Kind] = &[Kind::Services, Kind::HttpRoute];
/// Those whose route is a `VirtualService`.
pub(crate) const VIRTUAL_SERVICES: &[Kind] = &[Kind::Subsets, Kind::Services];

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Subsets => "VirtualService, subsets",
            Self::Services => "VirtualService, Services",
            Self::HttpRoute => "HTTPRoute",
        }
    }

    pub(crate) fn target(self) -> Routes {
        match self {
            Self::Subsets => Routes::of([Route::virtual_service(APP)]),
            Self::Services => Routes::of([Route::virtual_service(APP)]).services(),
            Self::HttpRoute => Routes::of([Route::http_route(APP)]),
        }
    }

    /// The reference of the route.
    pub(crate) fn object(self) -> ObjectRef {
        let target = self.target();
        target.object(target.first())
    }

    /// The place of the rules in the route.
    pub(crate) fn rules(self) -> &'static str {
        if self == Self::HttpRoute { "/spec/rules" } else { "/spec/http" }
    }

    /// The field of a rule with its destinations.
    pub(crate) fn entries(self) -> &'static str {
        if self == Self::HttpRoute { "backendRefs" } else { "route" }
    }

    /// A destination of a rule, without a weight.
    pub(crate) fn entry(self, version: &str) -> Value {
        match self {
            Self::HttpRoute => json!({"name": version, "port": 8501}),
            Self::Services => json!({"destination": {"host": version, "port": {"number": 8501}}}),
            Self::Subsets => {
                json!({"destination": {"host": APP, "subset": version, "port": {"number": 8501}}})
            }
        }
    }

    /// The route: everything to the stable version.
    pub(crate) fn route(self) -> Value {
        let to = match self {
            Self::HttpRoute => {
                let route = HttpRoute::weighted(APP, [("v1", 100)]).gateway("door").port(8501);
                return value(route.stamp_backend(Client::SUBSET_HEADER));
            }
            Self::Services => "v1",
            Self::Subsets => APP,
        };
        let split = VirtualService::weighted(APP, [("v1", 100)]).hosts(["*"]).gateway("door");
        let mut route = value(split.port(8501).stamp_subset(Client::SUBSET_HEADER));
        let destination = &mut route["spec"]["http"][0]["route"][0]["destination"];
        destination["host"] = to.into();
        if self == Self::Services {
            destination.as_object_mut().unwrap().remove("subset");
        }
        route
    }

    /// The objects that define the versions.
    pub(crate) fn definitions(self) -> Vec<Value> {
        if self == Self::Subsets {
            return vec![value(DestinationRule::subsets(APP, ["v1"]))];
        }
        let service = |version: &str| {
            json!({
                "apiVersion": "v1", "kind": "Service",
                "metadata": {"name": version, "namespace": "default"},
                "spec": {"selector": {"app": APP, "version": version},
                    "ports": [{"name": "http", "port": 8501}]},
            })
        };
        ["v1", "v2"].map(service).to_vec()
    }

    /// The objects that define the versions, by reference.
    pub(crate) fn definition_refs(self) -> Vec<ObjectRef> {
        self.definitions().iter().map(|object| ObjectRef::of(object).unwrap()).collect()
    }

    pub(crate) fn gateway(self) -> Value {
        match self {
            Self::HttpRoute => value(gateway_api::Gateway::http("door", 80)),
            Self::Subsets | Self::Services => value(Gateway::http("door", 80, ["*"])),
        }
    }

    /// The reference of the Gateway API's Gateway.
    pub(crate) fn gateway_ref() -> ObjectRef {
        ObjectRef::new("gateway.networking.k8s.io/v1", "Gateway", "default", "door")
    }

    /// Gives a rule a timeout.
    pub(crate) fn time_out(self, rule: &mut Value) {
        match self {
            Self::HttpRoute => rule["timeouts"] = json!({"request": "400ms"}),
            Self::Subsets | Self::Services => rule["timeout"] = "0.4s".into(),
        }
    }

    /// Returns `true` when a rule copies requests.
    pub(crate) fn mirrors(self, rule: &Value) -> bool {
        let filled = |field: &str| rule[field].as_array().is_some_and(|all| !all.is_empty());
        match self {
            Self::HttpRoute => {
                let filters = rule["filters"].as_array();
                filters.into_iter().flatten().any(|filter| filter["type"] == "RequestMirror")
            }
            Self::Subsets | Self::Services => !rule["mirror"].is_null() || filled("mirrors"),
        }
    }
}

fn value(object: impl serde::Serialize) -> Value {
    serde_json::to_value(object).unwrap()
}
