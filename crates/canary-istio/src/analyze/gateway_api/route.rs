//! The parts that both kinds of routes have.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::{
    analyze::index::DEFAULT,
    gateway_api::{
        BackendRef, GrpcRoute, GrpcRouteMatch, GrpcRouteRule, HttpRoute, HttpRouteMatch,
        HttpRouteRule, ParentRef, RouteFilter,
    },
    validate::object_name,
};

/// A route of either kind.
pub(super) struct Route<'o> {
    pub(super) kind: &'static str,
    pub(super) id: String,
    pub(super) namespace: &'o str,
    pub(super) metadata: &'o ObjectMeta,
    pub(super) parents: &'o [ParentRef],
    pub(super) hostnames: &'o [String],
    pub(super) rules: Rules<'o>,
}

/// The rules of a route.
#[derive(Clone, Copy)]
pub(super) enum Rules<'o> {
    Http(&'o [HttpRouteRule]),
    Grpc(&'o [GrpcRouteRule]),
}

/// The filters and backends of one rule.
pub(super) type Parts<'o> = (&'o [RouteFilter], &'o [BackendRef]);

impl<'o> Route<'o> {
    pub(super) fn http(route: &'o HttpRoute) -> Self {
        let spec = &route.spec;
        Self::new(
            "HTTPRoute",
            &route.metadata,
            spec.parent_refs.as_deref(),
            spec.hostnames.as_deref(),
            Rules::Http(spec.rules.as_deref().unwrap_or_default()),
        )
    }

    pub(super) fn grpc(route: &'o GrpcRoute) -> Self {
        let spec = &route.spec;
        Self::new(
            "GRPCRoute",
            &route.metadata,
            spec.parent_refs.as_deref(),
            spec.hostnames.as_deref(),
            Rules::Grpc(spec.rules.as_deref().unwrap_or_default()),
        )
    }

    fn new(
        kind: &'static str,
        metadata: &'o ObjectMeta,
        parents: Option<&'o [ParentRef]>,
        hostnames: Option<&'o [String]>,
        rules: Rules<'o>,
    ) -> Self {
        let namespace = metadata.namespace.as_deref().unwrap_or(DEFAULT);
        Self {
            kind,
            id: object_name(kind, namespace, metadata.name.as_deref().unwrap_or_default()),
            namespace,
            metadata,
            parents: parents.unwrap_or_default(),
            hostnames: hostnames.unwrap_or_default(),
            rules,
        }
    }

    /// The filters and backends of each rule.
    pub(super) fn parts(&self) -> Vec<Parts<'o>> {
        fn parts<'o>(
            filters: Option<&'o Vec<RouteFilter>>,
            backends: Option<&'o Vec<BackendRef>>,
        ) -> Parts<'o> {
            (
                filters.map(Vec::as_slice).unwrap_or_default(),
                backends.map(Vec::as_slice).unwrap_or_default(),
            )
        }
        match self.rules {
            Rules::Http(rules) => rules
                .iter()
                .map(|rule| parts(rule.filters.as_ref(), rule.backend_refs.as_ref()))
                .collect(),
            Rules::Grpc(rules) => rules
                .iter()
                .map(|rule| parts(rule.filters.as_ref(), rule.backend_refs.as_ref()))
                .collect(),
        }
    }

    /// The namespace of a parent.
    pub(super) fn namespace_of(&self, parent: &'o ParentRef) -> &'o str {
        parent.namespace.as_deref().unwrap_or(self.namespace)
    }

    /// Every match of every rule.
    pub(super) fn matches(&self) -> Vec<Placed<'o>> {
        let mut all = Vec::new();
        match self.rules {
            Rules::Http([]) => all.push(Placed { rule: 0, position: None, of: Match::AnyHttp }),
            Rules::Http(rules) => {
                for (rule, one) in rules.iter().enumerate() {
                    let Some(matches) = &one.matches else {
                        all.push(Placed { rule, position: None, of: Match::AnyHttp });
                        continue;
                    };
                    all.extend(matches.iter().enumerate().map(|(position, one)| Placed {
                        rule,
                        position: Some(position),
                        of: Match::Http(one),
                    }));
                }
            }
            Rules::Grpc(rules) => {
                for (rule, one) in rules.iter().enumerate() {
                    let matches = one.matches.as_deref().unwrap_or_default();
                    if matches.is_empty() {
                        all.push(Placed { rule, position: None, of: Match::AnyGrpc });
                    }
                    all.extend(matches.iter().enumerate().map(|(position, one)| Placed {
                        rule,
                        position: Some(position),
                        of: Match::Grpc(one),
                    }));
                }
            }
        }
        all
    }
}

/// A match of a rule, with its position.
pub(super) struct Placed<'o> {
    pub(super) rule: usize,
    /// The position in the list; `None` for the match that the API server adds.
    pub(super) position: Option<usize>,
    pub(super) of: Match<'o>,
}

/// A match of either kind of routes.
#[derive(Clone, Copy)]
pub(super) enum Match<'o> {
    Http(&'o HttpRouteMatch),
    Grpc(&'o GrpcRouteMatch),
    /// The match that the API server or Istio adds where there is none.
    AnyHttp,
    AnyGrpc,
}

impl Placed<'_> {
    /// The path of the match, or of its rule when the match is not in the text.
    pub(super) fn path(&self) -> String {
        match self.position {
            Some(position) => format!("spec.rules[{}].matches[{position}]", self.rule),
            None => format!("spec.rules[{}]", self.rule),
        }
    }
}
