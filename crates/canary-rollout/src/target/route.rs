//! One object with routing rules, and those of its rules that a rollout moves.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An object with routing rules, and those of its rules whose weights are moved.
///
/// ```
/// use canary_core::rollout::{Route, Rules};
///
/// let rest = Route::virtual_service("pets").rules(["rest"]);
/// let edge = Route::http_route("pets-edge").namespace("edge").all_rules();
/// assert_eq!(edge.rules, Rules::All);
/// # let _ = rest;
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// The kind of the object.
    pub kind: RouteKind,
    /// The object's name.
    pub name: String,
    /// The object's namespace; without it, that of the [`Routes`](super::Routes).
    pub namespace: Option<String>,
    /// The list of a `VirtualService` in which the rules are; [`Protocol::Http`] for other kinds.
    pub protocol: Protocol,
    /// The rules.
    pub rules: Rules,
}

impl Route {
    fn new(kind: RouteKind, name: impl Into<String>) -> Self {
        Self {
            kind,
            name: name.into(),
            namespace: None,
            protocol: Protocol::Http,
            rules: Rules::Only,
        }
    }

    /// The HTTP rule (`spec.http`) of an Istio `VirtualService` that leads to the stable version.
    pub fn virtual_service(name: impl Into<String>) -> Self {
        Self::new(RouteKind::VirtualService, name)
    }

    /// The rule of a Gateway API `HTTPRoute` that leads to the stable version.
    pub fn http_route(name: impl Into<String>) -> Self {
        Self::new(RouteKind::HttpRoute, name)
    }

    /// The rule of a Gateway API `GRPCRoute` that leads to the stable version.
    pub fn grpc_route(name: impl Into<String>) -> Self {
        Self::new(RouteKind::GrpcRoute, name)
    }

    /// Sets the namespace.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Takes the rules of a `VirtualService` from this list. Rules for TLS and TCP have no names; choose them by
    /// [`matching`](Self::matching), or [all](Self::all_rules).
    #[must_use]
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// Moves the rules of these names together.
    #[must_use]
    pub fn rules<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        let each = names.into_iter().map(|name| RuleSelector::Named(name.into()));
        self.rules = Rules::Listed(each.collect());
        self
    }

    /// Moves a rule too that has this match among its own, as the object writes it.
    #[must_use]
    pub fn matching(mut self, one: Value) -> Self {
        let selector = RuleSelector::Matching { matching: one };
        match &mut self.rules {
            Rules::Listed(listed) => listed.push(selector),
            rules => *rules = Rules::Listed(vec![selector]),
        }
        self
    }

    /// Moves every rule that leads to the stable version.
    #[must_use]
    pub fn all_rules(mut self) -> Self {
        self.rules = Rules::All;
        self
    }
}

/// The kinds of objects whose weights a rollout can move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RouteKind {
    /// `VirtualService` of Istio.
    VirtualService,
    /// `HTTPRoute` of the Gateway API.
    HttpRoute,
    /// `GRPCRoute` of the Gateway API.
    GrpcRoute,
}

impl RouteKind {
    /// The kind's name in Kubernetes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VirtualService => "VirtualService",
            Self::HttpRoute => "HTTPRoute",
            Self::GrpcRoute => "GRPCRoute",
        }
    }

    /// The group and version under which objects of the kind are read and written.
    pub fn api_version(self) -> &'static str {
        match self {
            Self::VirtualService => "networking.istio.io/v1",
            Self::HttpRoute | Self::GrpcRoute => "gateway.networking.k8s.io/v1",
        }
    }

    /// `true` for the kinds of the Gateway API.
    pub fn is_gateway_api(self) -> bool {
        self != Self::VirtualService
    }
}

/// The lists of rules in a `VirtualService`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Protocol {
    /// `spec.http`.
    #[default]
    Http,
    /// `spec.tls`: connections by server name.
    Tls,
    /// `spec.tcp`: connections by port and address.
    Tcp,
}

impl Protocol {
    /// The field of `spec`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Tls => "tls",
            Self::Tcp => "tcp",
        }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    pub(super) fn is_http(&self) -> bool {
        *self == Self::Http
    }
}

/// The rules of a route that are moved together.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Rules {
    /// The only rule that leads to the stable version.
    Only,
    /// Every rule that leads to the stable version.
    All,
    /// These rules.
    Listed(Vec<RuleSelector>),
}

/// The choice of one rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RuleSelector {
    /// The rule of this name (`spec.http[].name`, `spec.rules[].name`).
    Named(String),
    /// The rule that has this match among its own, as the object writes it.
    Matching {
        /// The match (`spec.http[].match[]`, `spec.rules[].matches[]`).
        #[serde(rename = "match")]
        matching: Value,
    },
}
