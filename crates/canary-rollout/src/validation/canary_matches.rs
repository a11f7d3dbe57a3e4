//! The further conditions of a plan that lead requests to the canary.

use super::{
    super::plan::{CanaryMatch, Plan, Route, RouteKind},
    names::is_header,
};
use canary_istio::{
    Finding, Findings,
    networking::StringMatch,
    validate::{is_full_match, literal},
};

/// The largest number of conditions. Each is a match beside every match of the rule, and a rule of the Gateway API has 64.
const MOST: usize = 16;

pub(super) fn check(plan: &Plan, findings: &mut Findings) {
    if plan.canary_matches.is_empty() {
        return;
    }
    if plan.header.is_none() && plan.target.routes().is_some() {
        findings.push(
            Finding::error(
                "C136",
                "canaryMatches",
                "the plan has no header, by which the driver asks the canary and marks these requests",
            )
            .help("give the plan a header too, such as user-group: canary"),
        );
    }
    if plan.canary_matches.len() > MOST {
        findings.push(
            Finding::error("C136", "canaryMatches", format!("a plan has {MOST} at most"))
                .found(plan.canary_matches.len())
                .help("put the values of one header into one regex"),
        );
    }
    for (index, one) in plan.canary_matches.iter().enumerate() {
        let path = format!("canaryMatches[{index}]");
        parts(one, &path, findings);
        kinds(plan, one, &path, findings);
    }
}

fn parts(one: &CanaryMatch, path: &str, findings: &mut Findings) {
    let mut refuse = |at: String, message: &str, found: &str, help: &str| {
        findings.push(Finding::error("C136", at, message).found(found).help(help));
    };
    if one.is_empty() {
        let help = "give headers, a cookie, queryParams or sourceLabels, or leave it out";
        refuse(path.to_owned(), "every request would fulfil it", "{}", help);
    }
    for name in one.headers.keys() {
        if !is_header(name) {
            let at = format!("{path}.headers.{name}");
            refuse(at, "not a header name that Istio matches", name, "write it in lower case");
        }
    }
    if let Some(cookie) = &one.cookie {
        if one.headers.contains_key("cookie") {
            let help = "put both into one regex on the header cookie, or use two conditions";
            let message = "a request has one header cookie, and it already has a condition";
            refuse(format!("{path}.cookie"), message, &cookie.name, help);
        }
        // RFC 6265, section 4.1.1: a token, and octets without white space, quotes, commas, semicolons and backslashes.
        let token = |c: char| c.is_ascii_graphic() && !"()<>@,;:\\\"/[]?={}".contains(c);
        let octet = |c: char| c.is_ascii_graphic() && !"\",;\\".contains(c);
        for (field, text, fits) in [
            ("name", &cookie.name, cookie.name.chars().all(token)),
            ("value", &cookie.value, cookie.value.chars().all(octet)),
        ] {
            if text.is_empty() || !fits {
                let message = format!("not a {field} of a cookie");
                let help = "write it as it stands in the header cookie, such as beta and 1";
                refuse(format!("{path}.cookie.{field}"), &message, text, help);
            }
        }
    }
    let query = one.query_params.iter().map(|(name, condition)| ("queryParams", name, condition));
    let headers = one.headers.iter().map(|(name, condition)| ("headers", name, condition));
    for (field, name, condition) in headers.chain(query) {
        let (what, text) = match condition {
            StringMatch::Exact(text) => ("exact", text),
            StringMatch::Prefix(text) => ("prefix", text),
            StringMatch::Regex(text) => ("regex", text),
            StringMatch::Present => continue,
        };
        let at = format!("{path}.{field}.{name}.{what}");
        if text.is_empty() {
            let help = "give a text, or {} for any value";
            refuse(at, "it is empty", text, help);
        } else if what == "regex" && is_full_match(text, "").is_none() {
            refuse(at, "not an expression in RE2 syntax", text, "correct the expression");
        } else if what == "prefix" && is_full_match(&format!("{}.*", literal(text)), "").is_none() {
            refuse(at, "the prefix is too long to be matched", text, "give a shorter one");
        }
    }
    for (name, value) in &one.source_labels {
        if name.is_empty() || value.is_empty() {
            let at = format!("{path}.sourceLabels");
            refuse(at, "a label has a name and a value", name, "name a label of the calling pods");
        }
    }
}

fn kinds(plan: &Plan, one: &CanaryMatch, path: &str, findings: &mut Findings) {
    let routes = plan.target.routes().map_or(&[][..], |target| &target.routes);
    let object = |route: &Route| format!("{} {}", route.kind.as_str(), route.name);
    if let Some(route) = routes.iter().find(|route| route.kind.is_gateway_api())
        && !one.source_labels.is_empty()
    {
        findings.push(
            Finding::error(
                "C136",
                format!("{path}.sourceLabels"),
                "a route of the Gateway API does not know who sends a request",
            )
            .found(object(route))
            .help("match a header that the caller sends"),
        );
    }
    if let Some(route) = routes.iter().find(|route| route.kind.is_gateway_api())
        && plan.sticky.is_some()
        && one.headers.is_empty()
        && one.cookie.is_none()
    {
        findings.push(
            Finding::error(
                "C136",
                format!("{path}.queryParams"),
                "a user whom sticky keeps with a version would not come to the canary: the Gateway API tries a rule with a \
                 header, such as that of the cookie, before one with a query parameter",
            )
            .found(object(route))
            .help("match a header or a cookie too, or leave sticky out"),
        );
    }
    if let Some(route) = routes.iter().find(|route| route.kind == RouteKind::GrpcRoute)
        && !one.query_params.is_empty()
    {
        findings.push(
            Finding::error(
                "C136",
                format!("{path}.queryParams"),
                "a call over gRPC has no query, and a GRPCRoute does not match one",
            )
            .found(object(route))
            .help("match a header, which clients of gRPC send as metadata"),
        );
    }
}
