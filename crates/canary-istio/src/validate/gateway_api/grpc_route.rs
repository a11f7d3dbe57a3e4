//! A `GRPCRoute` as a whole, with the defaults of the API server.

use super::{
    backend,
    filters::{self, Allowed},
    forms, headers, istio, limits, owners, parents, precedence, session, total,
};
use crate::{
    gateway_api::{GrpcMethodMatch, GrpcRoute, GrpcRouteRule, MatchType},
    path::Path,
    validate::sink::Sink,
};

pub(super) fn check(route: &GrpcRoute, sink: &mut Sink<'_>) {
    owners::check(&route.metadata, sink);
    let spec = &route.spec;
    let root = Path::root("spec");
    parents::check(
        spec.parent_refs.as_ref(),
        spec.use_default_gateways,
        spec.hostnames.as_ref(),
        &root,
        sink,
    );
    istio::parents(spec.parent_refs.as_ref(), &root, sink);
    let path = root.field("rules");
    let rules = spec.rules.as_deref().unwrap_or_default();
    limits::entries(rules.len(), 0..=16, &path, sink);
    total::check(rules.iter().map(|rule| rule.matches.iter().flatten().count()).sum(), &path, sink);
    session::rule_names(rules.iter().map(|rule| rule.name.as_ref()), &path, sink);
    for (index, rule) in rules.iter().enumerate() {
        check_rule(rule, &path.index(index), sink);
    }
    precedence::grpc(rules, &path, sink);
}

fn check_rule(rule: &GrpcRouteRule, path: &Path<'_>, sink: &mut Sink<'_>) {
    backend::rule_name(rule.name.as_ref(), path, sink);
    let matches = path.field("matches");
    limits::entries(rule.matches.as_ref().map_or(0, Vec::len), 0..=64, &matches, sink);
    for (index, one) in rule.matches.iter().flatten().enumerate() {
        let place = matches.index(index);
        if let Some(method) = &one.method {
            check_method(method, &place.field("method"), sink);
        }
        headers::grpc_matches(one.headers.as_ref(), &place.field("headers"), sink);
    }
    filters::check(rule.filters.as_ref(), Allowed::Grpc, &path.field("filters"), sink);
    backend::check(rule.backend_refs.as_ref(), Allowed::Grpc, &path.field("backendRefs"), sink);
    session::check(rule.session_persistence.as_ref(), path, sink);
    istio::grpc_rule(rule, path, sink);
}

fn check_method(method: &GrpcMethodMatch, path: &Path<'_>, sink: &mut Sink<'_>) {
    let GrpcMethodMatch { service, method: name, .. } = method;
    forms::optional(service.as_ref(), &forms::PATH, &path.field("service"), sink);
    forms::optional(name.as_ref(), &forms::PATH, &path.field("method"), sink);
    if service.is_none() && name.is_none() {
        sink.error("G122", path, "the match has neither service nor method")
            .help("add one of them, or remove `method`, which then takes every request");
    }
    if method.type_or_default() == MatchType::RegularExpression {
        return;
    }
    if let Some(service) = service
        && !forms::GRPC_SERVICE.fits(service)
    {
        sink.error("G123", path, "the service is not identifiers with dots between")
            .found(service)
            .help("write it with its package, such as tensorflow.serving.PredictionService");
    }
    if let Some(name) = name
        && !forms::GRPC_METHOD.fits(name)
    {
        sink.error("G124", path, "the method is not an identifier")
            .found(name)
            .help("write the method alone, such as Predict");
    }
}
