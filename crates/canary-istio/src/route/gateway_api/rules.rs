//! Rules of routes as Istio's own rules (`convertHTTPRoute` and `convertGRPCRoute` of
//! `pilot/pkg/config/kube/gateway/conversion.go`).

use std::sync::Arc;

use super::{
    super::{
        address::Address,
        rule_ref::RuleRef,
        rules::{OfRoute, Rule, RuleCompiler, Written},
    },
    backends::{Reference, Referrer},
    cors, filters,
    grants::RouteKind,
    precedence::Precedence,
    refusal::Refusal,
};
use crate::{
    Finding,
    gateway_api::{
        BackendRef, HttpRouteRetry, HttpRouteTimeouts, PathModifier, RouteFilter, UrlRewrite,
    },
    networking::{
        Destination, HttpDirectResponse, HttpMatchRequest, HttpRetry, HttpRoute,
        HttpRouteDestination,
    },
};

/// A rule of a route with one of its matches.
pub(super) struct RouteRule {
    http: HttpRoute,
    found: Option<HttpMatchRequest>,
    place: RuleRef,
    backends: Vec<Address>,
    uri_field: &'static str,
    /// The mistakes for which Envoy would refuse the routes.
    findings: Vec<Finding>,
}

/// The fields that rules of both kinds have, and those of `HTTPRoute`.
pub(super) struct Fields<'f> {
    pub(super) filters: &'f [RouteFilter],
    pub(super) backends: &'f [BackendRef],
    pub(super) timeouts: Option<&'f HttpRouteTimeouts>,
    pub(super) retry: Option<&'f HttpRouteRetry>,
}

/// Turns a rule with one of its matches into one of Istio's. `place` is that of the match, `path` that of the rule.
///
/// # Errors
/// The reason why Istio leaves the whole route out.
pub(super) fn rule(
    fields: &Fields<'_>,
    found: Option<HttpMatchRequest>,
    place: RuleRef,
    path: &str,
    referrer: Referrer<'_>,
) -> Result<RouteRule, Refusal> {
    let mut http = HttpRoute::default();
    let mut findings = Vec::new();
    for (index, filter) in fields.filters.iter().enumerate() {
        let at = format!("{path}.filters[{index}]");
        if filters::headers(filter, &mut http.headers)
            .map_err(|reason| Refusal::new(&at, reason))?
        {
            continue;
        }
        match (referrer.kind, filter) {
            (kind, RouteFilter::RequestMirror(mirror)) => match filters::mirror(mirror, referrer) {
                Ok(mirror) => http.mirrors.get_or_insert_default().push(mirror),
                // An HTTPRoute loses the mirror alone.
                Err(reason) if kind == RouteKind::Grpc => return Err(Refusal::new(at, reason)),
                Err(_) => {}
            },
            (RouteKind::Http, RouteFilter::RequestRedirect(redirect)) => {
                http.redirect = Some(filters::redirect(redirect));
            }
            (RouteKind::Http, RouteFilter::UrlRewrite(rewrite)) => {
                findings.extend(substitution(rewrite, &at));
                http.rewrite = filters::rewrite(rewrite, found.as_ref());
            }
            (RouteKind::Http, RouteFilter::Cors(filter)) => {
                http.cors_policy = Some(cors::policy(filter));
            }
            (_, filter) => {
                let kind = filter.filter_type();
                return Err(Refusal::new(at, format!("filters of type {kind} are not supported")));
            }
        }
    }
    limits(fields, &mut http);
    findings.extend(mistakes(&http, fields.backends, path));
    let total: i64 = fields.backends.iter().map(|one| i64::from(weight(one))).sum();
    let mut backends = Vec::new();
    if total == 0 && http.redirect.is_none() {
        http.direct_response = Some(HttpDirectResponse { status: 500, body: None });
    } else {
        http.route = Some(destinations(fields.backends, path, referrer, &mut backends)?);
    }
    let uri_field = match referrer.kind {
        RouteKind::Http => "path",
        RouteKind::Grpc => "method",
    };
    Ok(RouteRule { http, found, place, backends, uri_field, findings })
}

impl RouteRule {
    /// The place among the rules of all routes. `port` is true when the reference to the parent has a port, which is then
    /// a condition of rules without a match too.
    pub(super) fn precedence(&self, port: bool) -> Precedence {
        let none = HttpMatchRequest::default();
        Precedence::of(self.found.as_ref().or(port.then_some(&none)))
    }

    /// Compiles the rule; `port` is that of a reference to a parent with its place. `None` when something is wrong with
    /// the rule, which is then among the compiler's findings.
    pub(super) fn compile(
        &self,
        port: Option<(u32, &str)>,
        namespace: &str,
        compiler: &mut RuleCompiler<'_>,
    ) -> Option<Arc<Rule>> {
        if !self.findings.is_empty() {
            let object = self.place.object.as_str();
            let findings = self.findings.iter().cloned();
            compiler.findings.extend(findings.map(|finding| finding.object(object)));
            return None;
        }
        let mut found = self.found.clone();
        if let Some((port, _)) = port {
            found.get_or_insert_default().port = Some(port);
        }
        compiler.compile(Written {
            http: self.http.clone(),
            place: self.place.clone(),
            matches: found.map(|found| (found, self.place.clone())).into_iter().collect(),
            namespace,
            object: &self.place.object,
            path: self.place.path.clone(),
            route: Some(OfRoute {
                backends: self.backends.clone(),
                uri_field: self.uri_field,
                port_field: port.map(|(_, field)| field.to_owned()),
            }),
        })
    }
}

/// The mistake of a path that Envoy reads as a substitution with groups.
fn substitution(rewrite: &UrlRewrite, at: &str) -> Option<Finding> {
    match &rewrite.path {
        Some(PathModifier::ReplaceFullPath(path)) if path.contains('\\') => {
            let field = format!("{at}.urlRewrite.path.replaceFullPath");
            let finding =
                Finding::error("V071", field, "Envoy reads a backslash as that of a group");
            Some(finding.found(path).help("write a path without a backslash"))
        }
        _ => None,
    }
}

/// Values that the API server refuses, and Envoy too.
fn mistakes(http: &HttpRoute, backends: &[BackendRef], path: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, backend) in backends.iter().enumerate().filter(|(_, one)| weight(one) < 0) {
        let field = format!("{path}.backendRefs[{index}].weight");
        let finding = Finding::error("G207", field, "a weight is below 0");
        findings.push(finding.found(weight(backend).to_string()).help("give 0 or more"));
    }
    let code = http.redirect.as_ref().and_then(|redirect| redirect.redirect_code);
    if let Some(code) = code.filter(|code| !matches!(code, 301 | 302 | 303 | 307 | 308)) {
        let field = format!("{path}.filters.requestRedirect.statusCode");
        let finding = Finding::error("G209", field, "not the status of a redirect");
        findings.push(finding.found(code.to_string()).help("Envoy has 301, 302, 303, 307 and 308"));
    }
    findings
}

/// Writes timeouts and retries.
fn limits(fields: &Fields<'_>, http: &mut HttpRoute) {
    if let Some(retry) = fields.retry {
        let attempts = retry.attempts.unwrap_or(2);
        let codes = retry.codes.iter().flatten().map(ToString::to_string);
        let conditions = ["connect-failure", "refused-stream", "unavailable", "cancelled"];
        let conditions: Vec<String> =
            conditions.map(str::to_owned).into_iter().chain(codes).collect();
        http.retries = Some(HttpRetry {
            attempts: Some(i32::try_from(attempts).unwrap_or(i32::MAX)),
            retry_on: (attempts != 0).then(|| conditions.join(",")),
            backoff: retry.backoff.as_ref().map(|backoff| backoff.as_std().into()),
            ..HttpRetry::default()
        });
    }
    let Some(timeouts) = fields.timeouts else { return };
    let length = |field: &Option<crate::gateway_api::Duration>| {
        let length = field.as_ref().map(crate::gateway_api::Duration::as_std);
        length.filter(|length| !length.is_zero())
    };
    http.timeout = length(&timeouts.request).map(Into::into);
    if let Some(of_attempt) = length(&timeouts.backend_request) {
        match &mut http.retries {
            Some(retries) => retries.per_try_timeout = Some(of_attempt.into()),
            None => http.timeout = Some(of_attempt.into()),
        }
    }
}

fn weight(backend: &BackendRef) -> i32 {
    backend.weight.unwrap_or(1)
}

/// The destinations of a rule. Those without weight are listed, and their references are not followed.
fn destinations(
    all: &[BackendRef],
    path: &str,
    referrer: Referrer<'_>,
    backends: &mut Vec<Address>,
) -> Result<Vec<HttpRouteDestination>, Refusal> {
    let mut destinations = Vec::new();
    for (index, backend) in all.iter().enumerate() {
        let at = format!("{path}.backendRefs[{index}]");
        let weight = weight(backend);
        let reference = Reference {
            group: backend.group.as_deref().unwrap_or_default(),
            kind: backend.kind.as_deref().unwrap_or("Service"),
            namespace: backend.namespace.as_deref(),
            name: &backend.name,
            port: backend.port,
        };
        let address = match referrer.follow(reference) {
            Ok(address) => address,
            // Istio does not look at it.
            Err(_) if weight == 0 => continue,
            Err(reason) => return Err(Refusal::new(at, reason)),
        };
        let mut headers = None;
        for (index, filter) in backend.filters.iter().flatten().enumerate() {
            let at = format!("{at}.filters[{index}]");
            let kind = filter.filter_type();
            match filters::headers(filter, &mut headers) {
                Ok(true) => {}
                _ if weight == 0 => {}
                Ok(false) => {
                    let reason = format!("filters of type {kind} are not supported in a backend");
                    return Err(Refusal::new(at, reason));
                }
                Err(reason) => return Err(Refusal::new(at, reason)),
            }
        }
        destinations.push(HttpRouteDestination {
            destination: Destination::new(&address.host),
            weight: Some(weight),
            headers,
        });
        backends.push(address);
    }
    Ok(destinations)
}
