//! The rules of a plan whose versions are in the same model servers.

use super::{super::plan::Plan, names::name_of};
use canary_istio::{Finding, Findings};

use crate::evidence::Kind;

pub(super) fn check(plan: &Plan, findings: &mut Findings) {
    let Some(target) = plan.target.version_labels() else { return };
    let at = |field: &str| format!("target.versionLabels.{field}");
    name_of("target.namespace", &target.namespace, findings);
    name_of(&at("deployment"), &target.deployment, findings);
    name_of(&at("service"), &target.service, findings);
    name_of(&at("configMap"), &target.config_map, findings);
    if target.model.is_empty() {
        findings.push(
            Finding::error("C101", at("model"), "the name is empty")
                .help("give the model's name in the model config file"),
        );
    }
    if target.version < 0 {
        findings.push(
            Finding::error("C134", at("version"), "not a version number")
                .found(target.version)
                .help("give the name of the version's folder, which is a number from 0 on"),
        );
    }
    steps(plan, findings);
    evidence(plan, findings);
    settings(plan, findings);
}

/// A mesh cannot weight labels: in a path the label is part of a rewrite, which is per route and not per weighted
/// destination, and over gRPC it is in the message.
fn steps(plan: &Plan, findings: &mut Findings) {
    for (index, step) in plan.steps.iter().enumerate() {
        if step.weight.is_part() {
            findings.push(
                Finding::error(
                    "C134",
                    format!("steps[{index}].weight"),
                    "a mesh cannot divide traffic between the labels of one server",
                )
                .found(step.weight)
                .help("hold steps of weight 0 by pairs, and end with 100, which moves all clients at once"),
            );
        }
        if step.mirror > 0 {
            findings.push(
                Finding::error(
                    "C134",
                    format!("steps[{index}].mirror"),
                    "a mesh cannot mirror traffic to a label of the same server",
                )
                .found(step.mirror)
                .help("leave the mirror out: the rollout itself asks both labels"),
            );
        }
        if step.weight == 100 && !step.hold.is_empty() {
            findings.push(
                Finding::error(
                    "C134",
                    format!("steps[{index}].hold"),
                    "at weight 100 all clients are at the new version, and nothing is left to compare",
                )
                .help("leave the hold of this step out"),
            );
        }
    }
}

/// Evidence that needs divided traffic has no place here.
fn evidence(plan: &Plan, findings: &mut Findings) {
    for (index, guardrail) in plan.guardrails.iter().enumerate() {
        let kind = guardrail.check.needs();
        if !matches!(kind, Kind::Requests | Kind::Latency | Kind::Values) {
            continue;
        }
        let message = if kind == Kind::Latency {
            "both versions share the CPU and the batches of one server, so their latencies cannot be told apart"
        } else {
            "no traffic is divided between the labels of one server, so there is nothing to compare"
        };
        findings.push(
            Finding::error(
                "C134",
                format!("guardrails[{index}].{}", guardrail.check.kind()),
                message,
            )
            .help("compare pairs: agreement, pairErrors, accuracy or numericDrift"),
        );
    }
}

/// Settings of routes and pods.
fn settings(plan: &Plan, findings: &mut Findings) {
    let mut refuse = |path: &str, message: &str, help: &str| {
        findings.push(Finding::error("C134", path, message).help(help));
    };
    if plan.header.is_some() {
        refuse(
            "header",
            "a label is in the path, and no header leads to it",
            "leave the header out",
        );
    }
    if !plan.canary_matches.is_empty() {
        let message = "a label is in the path, and no condition of a route leads to it";
        refuse("canaryMatches", message, "leave canaryMatches out");
    }
    if plan.scale_down_after.is_some() {
        let message = "the old version is in the same servers, so no Deployment is left over";
        refuse("scaleDownAfter", message, "leave scaleDownAfter out");
    }
    if plan.users.is_some() {
        let message = "no user is served by the canary before the promotion";
        refuse("users", message, "leave users out");
    }
    if plan.sticky.is_some() {
        let message = "a mesh cannot divide users between the labels of one server";
        refuse("sticky", message, "leave sticky out");
    }
    if plan.aa {
        let message = "an A/A plan measures divided traffic, and between labels none is divided";
        refuse("aa", message, "measure the service with an A/A plan of routes");
    }
    if !plan.canary_labels.is_empty() {
        let message = "both versions are in the same pods";
        refuse("canaryLabels", message, "leave canaryLabels out");
    }
}
