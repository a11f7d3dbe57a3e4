//! The objects of the seed's lab in both APIs.

use canary_core::{
    DestinationRule, Gateway, VirtualService, gateway_api::HttpRoute, predict::Client,
};
use serde_json::Value;

use crate::{
    forms::{Form, parent, public, value},
    stage::{APP, CANARY, GATEWAY, STABLE, Stage, split, workload},
};

/// The API of the routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Api {
    /// `VirtualService`, with subsets of one Service.
    Istio,
    /// `HTTPRoute`, with a Service for each version.
    Gateway,
}

impl Api {
    /// The name by which answers call a version.
    pub(crate) fn arm(self, version: &str) -> String {
        match self {
            Self::Istio => version.to_owned(),
            Self::Gateway => Form::Http.arm(version),
        }
    }

    /// The gateway on port 80, and the words about it.
    pub(crate) fn gateway(self) -> (Value, String) {
        match self {
            Self::Istio => {
                let said = format!("{GATEWAY} on port 80 for every host");
                (value(Gateway::http(GATEWAY, 80, ["*"])), said)
            }
            Self::Gateway => {
                let gateway = public();
                let said = format!("{} on port 80 for every host", parent());
                (value(gateway), said)
            }
        }
    }

    /// Everything to the Service of every version.
    pub(crate) fn everything(self) -> Value {
        match self {
            Self::Istio => value(VirtualService::to(APP).hosts(["*"]).gateway(GATEWAY).port(8501)),
            Self::Gateway => value(HttpRoute::to(APP).gateway(parent()).port(8501)),
        }
    }

    /// The address of the gateway.
    pub(crate) async fn url(self, stage: &Stage) -> String {
        match self {
            Self::Istio => stage.url().await,
            Self::Gateway => stage.url_of_pods().await,
        }
    }

    /// The definition of both versions, and the words about it.
    pub(crate) fn versions(self) -> (Vec<Value>, (&'static str, &'static str)) {
        match self {
            Self::Istio => (
                vec![value(DestinationRule::subsets(APP, [CANARY, STABLE]))],
                ("DestinationRule", "subsets resnet101 and resnet50 by the label version"),
            ),
            Self::Gateway => {
                let own = |version| workload(version).own_service().version_service().unwrap();
                (
                    [CANARY, STABLE].map(|version| value(own(version))).to_vec(),
                    ("Services", "one for resnet101 and one for resnet50 by the label version"),
                )
            }
        }
    }

    /// The weights of the stable version and of the canary.
    pub(crate) fn split(self, stable: i32, canary: i32) -> Value {
        match self {
            Self::Istio => value(split(stable, canary)),
            Self::Gateway => Form::Http.routes(CANARY, canary).remove(0),
        }
    }

    /// Everything to the stable version, and requests with the header to the canary.
    pub(crate) fn focused(self) -> Value {
        let (header, group) = ("user-group", "canary");
        match self {
            Self::Istio => value(
                VirtualService::to(APP)
                    .subset(STABLE)
                    .hosts(["*"])
                    .gateway(GATEWAY)
                    .port(8501)
                    .when_header(header, group, CANARY)
                    .stamp_subset(Client::SUBSET_HEADER),
            ),
            Self::Gateway => {
                let to = [(self.arm(STABLE), 100)];
                value(
                    HttpRoute::weighted(APP, to)
                        .gateway(parent())
                        .port(8501)
                        .when_header(header, group, self.arm(CANARY))
                        .stamp_backend(Client::SUBSET_HEADER),
                )
            }
        }
    }

    /// The name of a version's cluster in Envoy.
    pub(crate) fn envoy_cluster(self, version: &str) -> String {
        let (subset, service) = match self {
            Self::Istio => (version, APP.to_owned()),
            Self::Gateway => ("", self.arm(version)),
        };
        format!("outbound|8501|{subset}|{service}.default.svc.cluster.local")
    }
}
