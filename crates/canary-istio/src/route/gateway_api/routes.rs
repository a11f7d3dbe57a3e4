//! Routes of both kinds, and their rules.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{
    super::{registry::Registry, rule_ref::RuleRef, sorted::full_name},
    backends::Referrer,
    grants::{Grants, RouteKind},
    matches, place,
    refusal::Refusal,
    rules::{self, Fields, RouteRule},
};
use crate::{
    gateway_api::{GrpcRoute, HttpRoute, ParentRef},
    networking::HttpMatchRequest,
};

/// A route with the defaults of the API server.
pub(super) struct Route {
    pub(super) kind: RouteKind,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) time: Option<Time>,
    content: Content,
}

enum Content {
    /// The route; the second one is as it was written.
    Http(Box<HttpRoute>, Box<HttpRoute>),
    Grpc(Box<GrpcRoute>),
}

impl Route {
    pub(super) fn http(route: &HttpRoute) -> Self {
        let (namespace, name) = full_name(&route.metadata);
        let content =
            Content::Http(Box::new(route.clone().with_defaults()), Box::new(route.clone()));
        let time = route.metadata.creation_timestamp.clone();
        Self { kind: RouteKind::Http, namespace, name, time, content }
    }

    pub(super) fn grpc(route: &GrpcRoute) -> Self {
        let (namespace, name) = full_name(&route.metadata);
        let time = route.metadata.creation_timestamp.clone();
        let content = Content::Grpc(Box::new(route.clone().with_defaults()));
        Self { kind: RouteKind::Grpc, namespace, name, time, content }
    }

    /// The route, as `HTTPRoute namespace/name`.
    pub(super) fn object(&self) -> String {
        format!("{} {}/{}", self.kind.name(), self.namespace, self.name)
    }

    pub(super) fn parents(&self) -> &[ParentRef] {
        let parents = match &self.content {
            Content::Http(route, _) => &route.spec.parent_refs,
            Content::Grpc(route) => &route.spec.parent_refs,
        };
        parents.as_deref().unwrap_or_default()
    }

    /// The host names; `*` when it names none.
    pub(super) fn hostnames(&self) -> Vec<String> {
        let hostnames = match &self.content {
            Content::Http(route, _) => &route.spec.hostnames,
            Content::Grpc(route) => &route.spec.hostnames,
        };
        match hostnames.as_deref() {
            None | Some([]) => vec!["*".to_owned()],
            Some(names) => names.iter().map(|name| name.to_ascii_lowercase()).collect(),
        }
    }

    /// The rules, one for each match. Routes at gateways need `grants` for backends of other namespaces.
    ///
    /// # Errors
    /// The reason why Istio leaves the whole route out.
    pub(super) fn rules(
        &self,
        grants: Option<&Grants>,
        registry: &Registry,
        domain: &str,
    ) -> Result<Vec<RouteRule>, Refusal> {
        let namespace = self.namespace.as_str();
        let referrer = Referrer { kind: self.kind, namespace, grants, registry, domain };
        let mut all = Vec::new();
        match &self.content {
            Content::Http(route, written) => {
                let rules = written.spec.rules.as_deref();
                for (index, rule) in route.spec.rules.iter().flatten().enumerate() {
                    let path = place::rule(rules.is_some(), index);
                    let fields = Fields {
                        filters: rule.filters.as_deref().unwrap_or_default(),
                        backends: rule.backend_refs.as_deref().unwrap_or_default(),
                        timeouts: rule.timeouts.as_ref(),
                        retry: rule.retry.as_ref(),
                    };
                    let own = rules.and_then(|rules| rules.get(index)?.matches.as_ref());
                    let found = rule.matches.iter().flatten().map(|one| Ok(matches::http(one)));
                    let place = self.place(rule.name.as_deref(), index);
                    add(&mut all, &fields, found, &place, &path, own.is_some(), referrer)?;
                }
            }
            Content::Grpc(route) => {
                for (index, rule) in route.spec.rules.iter().flatten().enumerate() {
                    let path = place::rule(true, index);
                    let fields = Fields {
                        filters: rule.filters.as_deref().unwrap_or_default(),
                        backends: rule.backend_refs.as_deref().unwrap_or_default(),
                        timeouts: None,
                        retry: None,
                    };
                    let found = rule.matches.iter().flatten().map(matches::grpc);
                    let place = self.place(rule.name.as_deref(), index);
                    add(&mut all, &fields, found, &place, &path, true, referrer)?;
                }
            }
        }
        Ok(all)
    }

    /// The reference to a rule, without its path. Envoy's name of the route is the rule's, or made of its place.
    fn place(&self, name: Option<&str>, index: usize) -> RuleRef {
        let made = || format!("{}.{}.{index}", self.namespace, self.name);
        RuleRef {
            object: self.object(),
            path: String::new(),
            name: name.map_or_else(made, str::to_owned),
            delegate: None,
        }
    }
}

/// Adds a rule, once for each of its matches. `written` is true for matches that are in the text.
fn add(
    all: &mut Vec<RouteRule>,
    fields: &Fields<'_>,
    found: impl Iterator<Item = Result<HttpMatchRequest, &'static str>>,
    place: &RuleRef,
    path: &str,
    written: bool,
    referrer: Referrer<'_>,
) -> Result<(), Refusal> {
    let at = |path: &str| RuleRef { path: path.to_owned(), ..place.clone() };
    let before = all.len();
    for (index, found) in found.enumerate() {
        let match_path = place::of_match(path, written, index);
        let found = found.map_err(|reason| Refusal::new(&match_path, reason))?;
        all.push(rules::rule(fields, Some(found), at(&match_path), path, referrer)?);
    }
    if all.len() == before {
        all.push(rules::rule(fields, None, at(path), path, referrer)?);
    }
    Ok(())
}
