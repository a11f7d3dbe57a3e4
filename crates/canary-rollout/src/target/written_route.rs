//! A route as text: the object by its kind, and its rules.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::route::{Protocol, Route, RouteKind, RuleSelector, Rules};

/// The fields of a route.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenRoute {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    virtual_service: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    http_route: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    grpc_route: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    #[serde(default, skip_serializing_if = "Protocol::is_http")]
    protocol: Protocol,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rules: Option<WrittenRules>,
}

/// `all`, or a list of rules.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum WrittenRules {
    Listed(Vec<RuleSelector>),
    Word(String),
}

impl Serialize for Route {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        WrittenRoute::from(self.clone()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Route {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::try_from(WrittenRoute::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl From<Route> for WrittenRoute {
    fn from(route: Route) -> Self {
        let name = |kind| (route.kind == kind).then(|| route.name.clone());
        Self {
            virtual_service: name(RouteKind::VirtualService),
            http_route: name(RouteKind::HttpRoute),
            grpc_route: name(RouteKind::GrpcRoute),
            namespace: route.namespace,
            protocol: route.protocol,
            rules: match route.rules {
                Rules::Only => None,
                Rules::All => Some(WrittenRules::Word("all".to_owned())),
                Rules::Listed(listed) => Some(WrittenRules::Listed(listed)),
            },
        }
    }
}

impl TryFrom<WrittenRoute> for Route {
    type Error = String;

    fn try_from(written: WrittenRoute) -> Result<Self, String> {
        let mut named = [
            (written.virtual_service, Self::virtual_service as fn(String) -> Self),
            (written.http_route, Self::http_route),
            (written.grpc_route, Self::grpc_route),
        ]
        .into_iter()
        .filter_map(|(name, make)| Some(make(name?)));
        let (Some(mut route), None) = (named.next(), named.next()) else {
            return Err(
                "a route of target.routes must have exactly one of virtualService, httpRoute and grpcRoute, with the object's \
                 name"
                    .to_owned(),
            );
        };
        let what = format!("the route {} of target.routes", route.name);
        if !written.protocol.is_http() && route.kind != RouteKind::VirtualService {
            return Err(format!(
                "{what} has a protocol, which chooses a list of rules in a VirtualService; {} has one list only",
                route.kind.as_str()
            ));
        }
        (route.namespace, route.protocol) = (written.namespace, written.protocol);
        route.rules = match written.rules {
            None => Rules::Only,
            Some(WrittenRules::Listed(listed)) if listed.is_empty() => {
                return Err(format!(
                    "rules is empty in {what}; name the rules, write all, or leave the field out for the only rule that \
                     leads to the stable version"
                ));
            }
            Some(WrittenRules::Listed(listed)) => Rules::Listed(listed),
            Some(WrittenRules::Word(word)) if word == "all" => Rules::All,
            Some(WrittenRules::Word(word)) => {
                return Err(format!(
                    "rules is {word:?} in {what}; write all, or a list of names and matches"
                ));
            }
        };
        Ok(route)
    }
}
