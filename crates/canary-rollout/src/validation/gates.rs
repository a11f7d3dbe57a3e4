//! The gates of a plan, and the steps that name them.

use std::collections::BTreeSet;

use super::super::plan::Plan;
use canary_istio::{Finding, Findings};

pub(super) fn check(plan: &Plan, findings: &mut Findings) {
    let mut names = BTreeSet::new();
    for (index, gate) in plan.gates.iter().enumerate() {
        let path = |field: &str| format!("gates[{index}].{field}");
        if gate.name.is_empty() || !names.insert(gate.name.as_str()) {
            findings.push(
                Finding::error("C119", path("name"), "the name is empty or taken by another gate")
                    .found(&gate.name),
            );
        }
        if gate.golden.is_empty() {
            findings.push(
                Finding::error("C119", path("golden"), "a gate without images always passes")
                    .help("add an input and its expected answer"),
            );
        }
        if !(gate.at_least > 0.0 && gate.at_least <= 1.0) {
            findings.push(
                Finding::error(
                    "C119",
                    path("atLeast"),
                    "a part of the answers lies above 0 and up to 1",
                )
                .found(gate.at_least),
            );
        }
        if !plan.reaches_canary() {
            findings.push(
                Finding::error(
                    "C119",
                    format!("gates[{index}]"),
                    "a gate needs a route to the canary by header",
                )
                .help("give the plan a header, such as user-group: canary"),
            );
        }
        if !plan.steps.iter().any(|step| step.gates.contains(&gate.name)) {
            findings.push(
                Finding::warning(
                    "C119",
                    path("name"),
                    "no step names this gate, so it is never evaluated",
                )
                .found(&gate.name)
                .help(format!("write gates: [{}] at the first step", gate.name)),
            );
        }
    }
    for (step, gate) in
        plan.steps.iter().enumerate().flat_map(|(i, step)| step.gates.iter().map(move |g| (i, g)))
    {
        if !names.contains(gate.as_str()) {
            findings.push(
                Finding::error("C120", format!("steps[{step}].gates"), "no gate has this name")
                    .found(gate)
                    .help("define it under gates"),
            );
        }
    }
}
