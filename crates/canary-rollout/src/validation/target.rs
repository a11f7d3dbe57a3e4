//! The target of a plan: names, objects given twice, and what its kinds of routes cannot do.

use std::collections::BTreeSet;

use super::{
    super::plan::{Arms, Plan, Protocol, Route, RouteKind},
    names::name_of,
};
use canary_istio::{Finding, Findings};

pub(super) fn check(plan: &Plan, findings: &mut Findings) {
    let Some(target) = plan.target.routes() else { return };
    let short = matches!(&target.routes[..], [Route { kind: RouteKind::VirtualService, .. }]);
    name_of("target.namespace", &target.namespace, findings);
    let mut seen = BTreeSet::new();
    for (index, route) in target.routes.iter().enumerate() {
        let field = match route.kind {
            RouteKind::VirtualService => "virtualService",
            RouteKind::HttpRoute => "httpRoute",
            RouteKind::GrpcRoute => "grpcRoute",
        };
        let at = format!("target.routes[{index}]");
        let path = if short { format!("target.{field}") } else { format!("{at}.{field}") };
        name_of(&path, &route.name, findings);
        if let Some(namespace) = &route.namespace {
            name_of(&format!("{at}.namespace"), namespace, findings);
        }
        let object = target.object(route);
        if !seen.insert(object.clone()) {
            findings.push(
                Finding::error("C131", path, "the same object is named twice")
                    .found(object)
                    .help("name it once, with all rules that move in rules"),
            );
        }
        if route.kind.is_gateway_api() && target.arms == Arms::Subsets {
            findings.push(
                Finding::error("C132", "target.arms", "the Gateway API has no subsets")
                    .found(target.object(route))
                    .help("make one Service for each version, and name the Services as stable and canary"),
            );
        }
    }
    if plan.header.is_some() && target.routes.iter().all(|route| route.protocol != Protocol::Http) {
        findings.push(
            Finding::error(
                "C133",
                "header",
                "rules for TLS and TCP are chosen before any header is read",
            )
            .help("add the HTTP rules to target.routes, or leave the header out"),
        );
    }
    let mirrored = plan.steps.iter().position(|step| step.mirror > 0);
    let connections = target.routes.iter().any(|route| route.protocol != Protocol::Http);
    if let Some(step) = mirrored.filter(|_| connections) {
        findings.push(
            Finding::error(
                "C133",
                format!("steps[{step}].mirror"),
                "rules for TLS and TCP mirror no requests",
            )
            .help("mirror in a plan of HTTP rules, or leave the mirror out"),
        );
    }
}
