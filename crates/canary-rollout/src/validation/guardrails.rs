//! The guardrails of a plan: their number, their names and the numbers of their tests.

use std::collections::BTreeSet;

use super::super::{
    guardrail::{Accuracy, Check, Guardrail, PairErrors},
    on_alarm::OnAlarm,
    plan::Plan,
};
use canary_istio::{Finding, Findings};

/// The largest number of guardrails, so that a state always fits its annotation.
const MAX_GUARDRAILS: usize = 12;

/// Room for the tests in a state, in bytes; the rest of the annotation is for the inputs seen and the verdict.
const TESTS_BYTES: usize = 50_000;

pub(super) fn check(plan: &Plan, findings: &mut Findings) {
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
    if !plan.guardrails.iter().any(Guardrail::rolls_back) {
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
    // A test of rates keeps sixteen rows of evidence, and counts for each weight and each guess of the stable rate.
    let weights: BTreeSet<u32> = plan.steps.iter().map(|step| step.weight % 100).collect();
    let bytes: usize = plan
        .guardrails
        .iter()
        .map(|g| {
            match g.check {
                Check::ErrorRatio(_) | Check::SlowRatio(_) => {
                    let measured = 1_000 * usize::from(plan.aa);
                    measured + 4_000 + 75 * (20 + weights.len()).min(64)
                }
                // Capitals for each of 33 means, and those that leave the range of numbers.
                Check::NumericDrift(_) | Check::Custom(_) => 8_000,
                _ => 450,
            }
        })
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
        if splits(guardrail) && guardrail.on_alarm != OnAlarm::Rollback {
            findings.push(
                Finding::error(
                    "C117",
                    path("action"),
                    "while the observed split alarms no rate can be believed: it is always inconclusive",
                )
                .found(guardrail.on_alarm.name())
                .help("leave the action of the observed split out"),
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
        test(guardrail, &|field| path(&format!("{}.{field}", guardrail.check.kind())), findings);
    }
}

/// Checks the numbers of one test.
fn test(guardrail: &Guardrail, path: &dyn Fn(&str) -> String, findings: &mut Findings) {
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
            range("harm", check.harm.unwrap_or(1e9), check.at_most, largest, above);
            range("atMost", check.at_most, 0.0, 1e3, "a ratio lies between 0 and 1000");
            range("provenBelow", check.proven_below.unwrap_or(1e9), check.at_most, largest, above);
        }
        Check::SlowRatio(check) => {
            range("harm", check.harm.unwrap_or(1e9), check.at_most, largest, above);
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
        Check::ErrorRate(check) => {
            range("atMost", check.at_most, 0.0, 1.0, unit);
            let bound = check.proven_below.unwrap_or(f64::midpoint(check.at_most, 1.0));
            range("provenBelow", bound, check.at_most, 1.0, above);
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
