//! The rules of users who stay with the version met first.

use std::time::Duration;

use super::{
    super::{
        guardrail::Guardrail,
        plan::{Plan, Protocol, Route, RouteKind},
        sticky::Sticky,
    },
    seconds::seconds,
};
use crate::evidence::Kind;
use canary_istio::{Finding, Findings};

/// The longest time for which browsers keep a cookie, 400 days (RFC 6265bis, 5.5).
const LONGEST: Duration = Duration::from_secs(400 * 86_400);

pub(super) fn check(plan: &Plan, findings: &mut Findings) {
    // A target of labels refuses all of it, with its own reason.
    let Some(sticky) = plan.sticky.as_ref().filter(|_| plan.target.routes().is_some()) else {
        return;
    };
    name(&sticky.cookie, findings);
    age(plan, sticky, findings);
    routes(plan, findings);
    units(plan, findings);
    if plan.header.as_ref().is_some_and(|header| header.name.eq_ignore_ascii_case("cookie")) {
        findings.push(
            Finding::error("C135", "header.name", "the header that leads to the canary is cookie")
                .help("choose another header, because the rules of sticky match the cookies"),
        );
    }
    if !plan.steps.iter().any(|step| step.weight.is_part()) {
        findings.push(
            Finding::error("C135", "sticky", "no step divides the traffic, so no user is drawn")
                .help("add a step with a weight between 1 and 99, or leave sticky out"),
        );
    }
}

fn name(cookie: &str, findings: &mut Findings) {
    let token = |letter: char| letter.is_ascii_alphanumeric() || "!#$&'*+-.^_`|~".contains(letter);
    if cookie.is_empty() || cookie.len() > 64 || !cookie.chars().all(token) {
        findings.push(
            Finding::error("C135", "sticky.cookie", "not a name that a cookie can have (RFC 6265), or one with '%', which Envoy takes for a variable")
                .found(cookie)
                .help(
                    "use letters, digits, '-' and '_', at most 64 characters, such as canary-pets",
                ),
        );
    }
    let lower = cookie.to_ascii_lowercase();
    if lower.starts_with("__host-") || lower.starts_with("__secure-") {
        findings.push(
            Finding::error(
                "C135",
                "sticky.cookie",
                "browsers keep a cookie of this name only with the attribute Secure, which it does not have",
            )
            .found(cookie)
            .help("leave the prefix out"),
        );
    }
}

fn age(plan: &Plan, Sticky { max_age, .. }: &Sticky, findings: &mut Findings) {
    let path = "sticky.maxAge";
    let whole = max_age.subsec_nanos() == 0;
    if max_age.is_zero() || !whole || *max_age > LONGEST {
        findings.push(
            Finding::error(
                "C135",
                path,
                "a cookie is kept from 1 second to 400 days, in whole seconds",
            )
            .found(seconds(*max_age))
            .help("24h is usual"),
        );
        return;
    }
    let counted = plan.users.map(|users| users.within.saturating_add(plan.settle));
    if let Some(counted) = counted.filter(|counted| max_age < counted) {
        findings.push(
            Finding::error(
                "C135",
                path,
                "a client drops the cookie before its user's observation is over, and is drawn again",
            )
            .found(seconds(*max_age))
            .help(format!("keep it for users.within and settle together, {}, or longer", seconds(counted))),
        );
    } else if *max_age < plan.patience {
        findings.push(
            Finding::warning("C135", path, "a user may be drawn again while the weights stay")
                .found(seconds(*max_age))
                .help(format!(
                    "keep it for the longest step, {} (patience)",
                    seconds(plan.patience)
                )),
        );
    }
}

fn routes(plan: &Plan, findings: &mut Findings) {
    let routes = plan.target.routes().into_iter().flat_map(|target| &target.routes);
    for (index, Route { kind, protocol, .. }) in routes.enumerate() {
        let what = match (kind, protocol) {
            (RouteKind::GrpcRoute, _) => "gRPC clients keep no cookies",
            (_, Protocol::Http) => continue,
            _ => "connections for TLS and TCP have no cookies",
        };
        findings.push(
            Finding::error("C135", format!("target.routes[{index}]"), what)
                .help("take the route out of the target, or leave sticky out"),
        );
    }
}

/// The requests of a user who stays with a version are no independent draws.
fn units(plan: &Plan, findings: &mut Findings) {
    if plan.users.is_some() {
        return;
    }
    for (index, Guardrail { check, .. }) in plan.guardrails.iter().enumerate() {
        let of_requests = matches!(check.needs(), Kind::Requests | Kind::Latency | Kind::Values)
            || check.needs() == Kind::Custom && plan.scores_requests();
        if of_requests {
            findings.push(
                Finding::error(
                    "C135",
                    format!("guardrails[{index}].{}", check.kind()),
                    "sticky users are drawn, and not their requests, so a test of requests counts one unlucky user many \
                     times and rolls healthy canaries back",
                )
                .help(
                    "count users, with users: {within: 10m} (the time of one observation) and a source that names the \
                     user of each request; or use guardrails of pairs only",
                ),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Check, Hold, Routes};

    fn plan() -> Plan {
        Plan::new("pets", "v1", "v2")
            .weights([30, 100], Hold::total_requests(2_000))
            .guardrail(Guardrail::error_ratio(1.0))
            .users_within(Duration::from_secs(600))
            .sticky(Sticky::cookie("canary-pets"))
    }

    fn aged(seconds: f64) -> Plan {
        plan().sticky(Sticky::cookie("pets").max_age(Duration::from_secs_f64(seconds)))
    }

    #[test]
    fn what_keeps_no_user_with_a_version_is_refused() {
        assert!(plan().validate().is_empty(), "{}", plan().validate());
        let named = |name: &str| plan().sticky(Sticky::cookie(name));
        let routes = |route: Route| plan().target(Routes::of([route]).services());
        for (plan, path) in [
            (named(""), "sticky.cookie"),
            (named("a b"), "sticky.cookie"),
            (named("a%20b"), "sticky.cookie"),
            (named("__Host-pets"), "sticky.cookie"),
            (aged(0.0), "sticky.maxAge"),
            (aged(7_200.5), "sticky.maxAge"),
            (aged(401.0 * 86_400.0), "sticky.maxAge"),
            (aged(601.0), "sticky.maxAge"),
            (plan().header("cookie", "canary"), "header.name"),
            (routes(Route::grpc_route("pets")), "target.routes[0]"),
            (routes(Route::virtual_service("pets").protocol(Protocol::Tcp)), "target.routes[0]"),
        ] {
            let findings = plan.validate();
            let errors: Vec<_> = findings.errors().collect();
            assert!(errors.iter().any(|one| one.code == "C135"), "{findings}");
            assert!(errors.iter().any(|one| one.path == path), "{path}: {findings}");
        }
        let findings = aged(1_800.0).validate();
        assert!(
            !findings.has_errors() && findings.to_string().contains("drawn again"),
            "{findings}"
        );
    }

    #[test]
    fn requests_of_sticky_users_are_judged_by_user() {
        let by_requests = Plan { users: None, ..plan() };
        let findings = by_requests.validate();
        let paths: Vec<_> = findings.errors().map(|one| one.path.clone()).collect();
        assert_eq!(paths, ["guardrails[0].observedSplit", "guardrails[1].errorRatio"]);
        assert!(findings.to_string().contains("users: {within: 10m}"), "{findings}");
        let mut pairs = Plan { users: None, ..plan() }.header("user-group", "canary");
        pairs.guardrails = vec![Guardrail::agreement(0.95)];
        assert!(!pairs.validate().has_errors(), "{}", pairs.validate());
        // The split counts users, so that a plan of pairs may keep it.
        let mut both = plan().header("user-group", "canary").guardrail(Guardrail::agreement(0.95));
        both.guardrails.retain(|one| !matches!(one.check, Check::ErrorRatio(_)));
        assert!(!both.validate().has_errors(), "{}", both.validate());
    }
}
