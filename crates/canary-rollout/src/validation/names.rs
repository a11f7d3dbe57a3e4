//! The names in a plan: objects, subsets and the header.

use super::super::plan::Plan;
use canary_istio::{Finding, Findings};

/// Checks that a name can be that of an object.
pub(super) fn name_of(path: &str, name: &str, findings: &mut Findings) {
    if name.is_empty() {
        findings.push(Finding::error("C101", path, "the name is empty").help("name it"));
    } else if !is_dns_label(name) {
        findings.push(
            Finding::error("C101", path, "not a name that Kubernetes accepts")
                .found(name)
                .help("use lower-case letters, digits, '-' and '.', at most 63 characters"),
        );
    }
}

pub(super) fn check(plan: &Plan, findings: &mut Findings) {
    for (path, name) in [("stable", &plan.stable), ("canary", &plan.canary)] {
        name_of(path, name, findings);
    }
    if plan.stable == plan.canary && !plan.stable.is_empty() {
        findings.push(
            Finding::error("C102", "canary", "stable and canary are the same subset")
                .found(&plan.canary)
                .help("name the subset that is to be tested"),
        );
    }
    if let Some(header) = &plan.header {
        if !is_header(&header.name) {
            findings.push(
                Finding::error("C103", "header.name", "not a header name that Istio matches")
                    .found(&header.name)
                    .help("write it in lower case, such as user-group"),
            );
        }
        if header.value.is_empty() {
            findings.push(
                Finding::error(
                    "C103",
                    "header.value",
                    "the value is empty, which every request would match",
                )
                .help("give the value that leads to the canary, such as canary"),
            );
        }
    }
}

/// Checks that a name can be that of a header in Istio's conditions, which are in lower case.
pub(super) fn is_header(name: &str) -> bool {
    let token = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    !name.is_empty() && name.chars().all(token)
}

fn is_dns_label(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    name.len() <= 63
        && name.chars().all(inner)
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.ends_with(|c: char| c.is_ascii_alphanumeric())
}
