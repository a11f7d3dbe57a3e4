//! The rules of a plan: everything that is wrong is listed, with its path.

mod evidence;

use std::{collections::BTreeSet, time::Duration};

use super::{
    guardrail::{Accuracy, Check, Guardrail, PairErrors},
    plan::{Plan, Step},
};
use canary_istio::{Finding, Findings};

/// The largest number of steps and of guardrails, so that a state always fits its annotation.
const MAX_STEPS: usize = 200;
const MAX_GUARDRAILS: usize = 12;

/// Room for the tests in a state, in bytes; the rest of the annotation is for the inputs seen and the verdict.
const TESTS_BYTES: usize = 6_500;

pub(super) fn validate(plan: &Plan) -> Findings {
    let mut findings = Findings::new();
    names(plan, &mut findings);
    numbers(plan, &mut findings);
    steps(plan, &mut findings);
    guardrails(plan, &mut findings);
    evidence::check(plan, &mut findings);
    gates(plan, &mut findings);
    findings
}

fn names(plan: &Plan, findings: &mut Findings) {
    for (path, name) in [
        ("target.virtualService", &plan.target.virtual_service),
        ("target.namespace", &plan.target.namespace),
        ("stable", &plan.stable),
        ("canary", &plan.canary),
    ] {
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
    if plan.stable == plan.canary && !plan.stable.is_empty() {
        findings.push(
            Finding::error("C102", "canary", "stable and canary are the same subset")
                .found(&plan.canary)
                .help("name the subset that is to be tried"),
        );
    }
    if let Some(header) = &plan.header {
        let token = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        if header.name.is_empty() || !header.name.chars().all(token) {
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

fn is_dns_label(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    name.len() <= 63
        && name.chars().all(inner)
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.ends_with(|c: char| c.is_ascii_alphanumeric())
}

fn numbers(plan: &Plan, findings: &mut Findings) {
    if !(plan.alpha > 0.0 && plan.alpha < 1.0) {
        findings.push(
            Finding::error(
                "C104",
                "alpha",
                "a bound on a probability lies between 0 and 1, both excluded",
            )
            .found(plan.alpha)
            .help("with 0 no guardrail could ever alarm; 0.05 is usual"),
        );
    } else if plan.alpha > 0.2 {
        findings.push(
            Finding::warning(
                "C104",
                "alpha",
                "more than one healthy canary in five may be rolled back",
            )
            .found(plan.alpha)
            .help("0.05 is usual"),
        );
    }
    if plan.patience.is_zero() {
        findings.push(
            Finding::error("C105", "patience", "no step can end in no time")
                .help("give the longest time that a step may take, such as 1h"),
        );
    }
    if plan.settle >= plan.patience && !plan.patience.is_zero() {
        findings.push(
            Finding::error("C105", "settle", "every request of a step would be ignored")
                .found(seconds(plan.settle))
                .help("keep it below patience; 2s is usual"),
        );
    }
}

fn steps(plan: &Plan, findings: &mut Findings) {
    if plan.steps.is_empty() || plan.steps.len() > MAX_STEPS {
        findings.push(
            Finding::error("C106", "steps", format!("a plan has 1 to {MAX_STEPS} steps"))
                .found(plan.steps.len())
                .help("give the weights, such as 5, 30 and 100"),
        );
    }
    let last = plan.steps.len().saturating_sub(1);
    let mut before: Option<&Step> = None;
    for (index, step) in plan.steps.iter().enumerate() {
        let path = |field: &str| format!("steps[{index}].{field}");
        for (field, percent) in [("weight", step.weight), ("mirror", step.mirror)] {
            if percent > 100 {
                findings.push(
                    Finding::error("C107", path(field), "a percentage is at most 100")
                        .found(percent),
                );
            }
        }
        if let Some(before) = before {
            if step.weight < before.weight {
                findings.push(
                    Finding::error("C108", path("weight"), "weights may not go down")
                        .found(step.weight)
                        .help(format!(
                            "the step before has {}; a rollout only adds traffic, and a rollback is the engine's to decide",
                            before.weight
                        )),
                );
            } else if step.split() == before.split() && step.gates.is_empty() {
                findings.push(
                    Finding::warning("C108", path("weight"), "the step changes nothing")
                        .found(step.weight)
                        .help("lengthen the hold of the step before instead"),
                );
            }
        }
        before = Some(step);
        hold(plan, step, index == last, &path, findings);
    }
}

fn hold(
    plan: &Plan,
    step: &Step,
    last: bool,
    path: &dyn Fn(&str) -> String,
    findings: &mut Findings,
) {
    let hold = &step.hold;
    for (field, zero) in [
        ("hold.requests", hold.requests == Some(0)),
        ("hold.totalRequests", hold.total_requests == Some(0)),
        ("hold.pairs", hold.pairs == Some(0)),
        ("hold.time", hold.time.is_some_and(|time| time.is_zero())),
    ] {
        if zero {
            findings.push(
                Finding::error("C109", path(field), "a hold of zero shows nothing")
                    .found(0)
                    .help("give what the step has to see, or leave it out at the last step"),
            );
        }
    }
    if hold.is_empty() && !(last && step.weight == 100) {
        findings.push(Finding::error("C109", path("hold"), "the step is held for nothing").help(
            "state requests, totalRequests, pairs or time; only a last step at 100 needs none",
        ));
    }
    if let Some(time) = hold.time
        && time >= plan.patience
    {
        findings.push(
            Finding::error("C110", path("hold.time"), "the hold is not shorter than the patience")
                .found(seconds(time))
                .help(format!("raise patience above it; it is {} now", seconds(plan.patience))),
        );
    }
    if hold.pairs.is_some() && plan.header.is_none() && step.mirror == 0 {
        findings.push(
            Finding::error(
                "C111",
                path("hold.pairs"),
                "pairs need a route to the canary by header, or a mirror",
            )
            .help("give the plan a header, such as user-group: canary"),
        );
    }
    if hold.requests.is_some() && step.weight == 0 {
        findings.push(
            Finding::error(
                "C112",
                path("hold.requests"),
                "no request reaches the canary at weight 0, so the step never ends",
            )
            .found(hold.requests.unwrap_or_default())
            .help("hold by pairs, by time or by totalRequests, or give the step a weight"),
        );
    }
}

fn guardrails(plan: &Plan, findings: &mut Findings) {
    if plan.guardrails.len() > MAX_GUARDRAILS {
        findings.push(
            Finding::error(
                "C113",
                "guardrails",
                format!("a plan has at most {MAX_GUARDRAILS} guardrails"),
            )
            .found(plan.guardrails.len()),
        );
    }
    if !plan.guardrails.iter().any(|guardrail| guardrail.check.spends_alpha()) {
        findings.push(
            Finding::warning(
                "C114",
                "guardrails",
                "nothing is tested: the plan can never roll back",
            )
            .help(
                "add a guardrail, such as errorRatio: {atMost: 1.0} or agreement: {atLeast: 0.95}",
            ),
        );
    }
    // A test of rates keeps counts for each weight that divides the traffic, at most 32 of them.
    let weights: BTreeSet<u32> = plan.steps.iter().map(|step| step.weight % 100).collect();
    let bytes: usize = plan
        .guardrails
        .iter()
        .map(|g| if g.check.compares_traffic() { 150 + 70 * weights.len().min(32) } else { 450 })
        .sum();
    if bytes > TESTS_BYTES {
        findings.push(
            Finding::error(
                "C113",
                "guardrails",
                "the state of so many tests does not fit an annotation",
            )
            .help("use fewer guardrails, or fewer different weights"),
        );
    }
    let compares = plan.guardrails.iter().any(|guardrail| guardrail.check.compares_traffic());
    let splits = |g: &Guardrail| matches!(g.check, Check::ObservedSplit(_));
    if compares && !plan.guardrails.iter().any(splits) {
        findings.push(
            Finding::warning(
                "C114",
                "guardrails",
                "rates are compared, but the split that they rest on is not tested",
            )
            .help("add observedSplit: {}"),
        );
    }
    let mut seen = BTreeSet::new();
    for (index, guardrail) in plan.guardrails.iter().enumerate() {
        let path = |field: &str| format!("guardrails[{index}].{field}");
        if guardrail.name.is_empty() || guardrail.name.len() > 63 {
            findings.push(
                Finding::error("C115", path("name"), "a guardrail's name has 1 to 63 characters")
                    .found(&guardrail.name),
            );
        }
        let unique = if splits(guardrail) { guardrail.check.kind() } else { &guardrail.name };
        if !seen.insert(unique) {
            findings.push(
                Finding::error("C115", path("name"), "two guardrails have this name")
                    .found(&guardrail.name)
                    .help("name one of them otherwise; the observed split is tested once"),
            );
        }
        if !(guardrail.share > 0.0 && guardrail.share.is_finite()) {
            findings.push(
                Finding::error("C116", path("share"), "a share of α is above 0")
                    .found(guardrail.share)
                    .help(
                        "a guardrail without α could never alarm; leave the guardrail out instead",
                    ),
            );
        }
        if guardrail.minimum == 0 {
            findings.push(
                Finding::error(
                    "C121",
                    path("minimum"),
                    "a guardrail without observations says nothing, and must not look like consent",
                )
                .found(0)
                .help("give the least number of observations of each version, such as 20"),
            );
        }
        check(guardrail, &|field| path(&format!("{}.{field}", guardrail.check.kind())), findings);
    }
}

fn check(guardrail: &Guardrail, path: &dyn Fn(&str) -> String, findings: &mut Findings) {
    let mut range = |field: &str, value: f64, low: f64, high: f64, what: &str| {
        if !(value > low && value < high) {
            findings.push(Finding::error("C117", path(field), what).found(value));
        }
    };
    let unit = "lies between 0 and 1, both excluded";
    let (above, below) =
        ("lies above atMost", "the value to be excluded lies below the null's bound");
    let largest = f64::INFINITY;
    match &guardrail.check {
        Check::ErrorRatio(check) => {
            range("atMost", check.at_most, 0.0, 1e3, "a ratio lies between 0 and 1000");
            range("provenBelow", check.proven_below.unwrap_or(1e9), check.at_most, largest, above);
        }
        Check::SlowRatio(check) => {
            range("atMost", check.at_most, 0.0, 1e3, "a ratio lies between 0 and 1000");
            range("provenBelow", check.proven_below.unwrap_or(1e9), check.at_most, largest, above);
            let threshold = check.threshold.map_or(1.0, |threshold| threshold.as_secs_f64());
            range("threshold", threshold, 0.0, largest, "a threshold is longer than nothing");
            range("quantile", check.quantile, 0.0, 1.0, unit);
            if check.threshold.is_none() && !(20..=100_000).contains(&check.warmup) {
                findings.push(
                    Finding::error(
                        "C117",
                        path("warmup"),
                        "a threshold is learned from 20 to 100000 latencies",
                    )
                    .found(check.warmup)
                    .help("500 is usual; or state the threshold"),
                );
            }
            #[expect(clippy::cast_precision_loss, reason = "at most 100000 by the rule before")]
            let above = check.warmup as f64 * (1.0 - check.quantile);
            if check.threshold.is_none() && check.warmup >= 20 && above < 1.0 {
                findings.push(
                    Finding::error(
                        "C117",
                        path("quantile"),
                        "no latency of the warmup lies above that quantile",
                    )
                    .found(check.quantile)
                    .help("raise warmup to 1/(1 - quantile) or more, or state the threshold"),
                );
            }
        }
        Check::Agreement(check) => {
            range("atLeast", check.at_least, 0.0, 1.0, unit);
            let bound = check.proven_above.unwrap_or(check.at_least / 2.0);
            range("provenAbove", bound, 0.0, check.at_least, below);
        }
        Check::Accuracy(Accuracy { proven_above })
        | Check::PairErrors(PairErrors { proven_above }) => {
            let bound = proven_above.unwrap_or(-0.5);
            range("provenAbove", bound, -1.0, 0.0, below);
        }
        Check::ObservedSplit(check) => range("alpha", check.alpha, 0.0, 1.0, unit),
        Check::NumericDrift(check) => {
            range("margin", check.margin, 0.0, 1.0, unit);
            let bound = check.proven_above.unwrap_or(f64::midpoint(-1.0, -check.margin));
            range("provenAbove", bound, -1.0, -check.margin, below);
        }
        Check::Custom(check) => {
            range("atLeast", check.at_least, 0.0, 1.0, unit);
            let bound = check.proven_above.unwrap_or(check.at_least / 2.0);
            range("provenAbove", bound, 0.0, check.at_least, below);
        }
    }
}

fn gates(plan: &Plan, findings: &mut Findings) {
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
                Finding::error(
                    "C119",
                    path("golden"),
                    "a gate without images lets everything pass",
                )
                .help("give an input and its agreed answer"),
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
        if plan.header.is_none() {
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
                Finding::warning("C119", path("name"), "no step names this gate, so nobody asks")
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

pub(super) fn seconds(time: Duration) -> String {
    format!("{}s", time.as_secs_f64())
}

#[cfg(test)]
mod tests;
