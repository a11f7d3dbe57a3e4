//! The guardrails of a plan: their number, their names and the numbers of their tests.

use std::collections::BTreeSet;

use super::super::{
    guardrail::{Accuracy, Check, Guardrail, Mean, PairErrors},
    on_alarm::OnAlarm,
    plan::Plan,
    room,
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
    if room::of_tests(plan) > TESTS_BYTES {
        findings.push(
            Finding::error(
                "C113",
                "guardrails",
                "the state of these tests does not fit into an annotation",
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
                "rates are compared, but the split is not tested",
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
                    .help("rename one of them; the observed split is tested once"),
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
                    "while the observed split alarms, no rate is valid: it is always inconclusive",
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
                    "a guardrail without observations shows nothing, so it must not allow a promotion",
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
            range("threshold", threshold, 0.0, largest, "a threshold is above 0");
            range("quantile", check.quantile, 0.0, 1.0, unit);
            if check.threshold.is_none() {
                learned(check.quantile, check.warmup, path, findings);
            }
        }
        Check::QuantileRatio(check) => {
            range("atMost", check.at_most, 0.0, 1e3, "a ratio lies between 0 and 1000");
            range("provenBelow", check.proven_below.unwrap_or(1e9), check.at_most, largest, above);
            range("quantile", check.quantile, 0.0, 1.0, unit);
            learned(check.quantile, check.warmup, path, findings);
        }
        Check::ErrorRate(check) => {
            range("atMost", check.at_most, 0.0, 1.0, unit);
            let ratio = check.and_worse.unwrap_or(1.0);
            range("andWorse", ratio, 0.0, 1e3, "a ratio lies between 0 and 1000");
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
        Check::Mean(check) => mean(check, path, findings),
        Check::Custom(check) => {
            range("atLeast", check.at_least, 0.0, 1.0, unit);
            let bound = check.proven_above.unwrap_or(check.at_least / 2.0);
            range("provenAbove", bound, 0.0, check.at_least, below);
        }
    }
}

fn mean(check: &Mean, path: &dyn Fn(&str) -> String, findings: &mut Findings) {
    let [low, high] = check.range;
    let width = high - low;
    if !(width > 0.0 && width.is_finite()) {
        findings.push(
            Finding::error("C117", path("range"), "a range goes from a number to a larger one")
                .found(format!("{low} to {high}"))
                .help("give the least and the largest value that is possible, such as [0, 100]"),
        );
        return;
    }
    if check.unlabelled.is_some_and(|value| !check.labelled || !(low..=high).contains(&value)) {
        let what =
            "the value of a request without a label lies in the range, and labels come later";
        findings.push(
            Finding::error("C117", path("unlabelled"), what)
                .found(check.unlabelled.unwrap_or_default())
                .help("give a value from the range, with labelled: true"),
        );
    }
    if !(0.0..width).contains(&check.margin) {
        let what = "a margin is at least 0 and less than the width of the range";
        findings.push(Finding::error("C117", path("margin"), what).found(check.margin));
    }
    if let Some(bound) =
        check.proven_within.filter(|bound| !(*bound > check.margin && *bound < width))
    {
        let what = "the margin of the proof is larger than that of the alarm, and less than the width of the range";
        findings.push(Finding::error("C117", path("provenWithin"), what).found(bound));
    }
}

/// A threshold that is learned from so many latencies at a quantile.
fn learned(quantile: f64, warmup: u64, path: &dyn Fn(&str) -> String, findings: &mut Findings) {
    if !(20..=100_000).contains(&warmup) {
        let what = "a threshold is learned from 20 to 100000 latencies";
        findings.push(
            Finding::error("C117", path("warmup"), what)
                .found(warmup)
                .help("500 is usual; a slowRatio may also state its threshold"),
        );
        return;
    }
    #[expect(clippy::cast_precision_loss, reason = "at most 100000")]
    let above = warmup as f64 * (1.0 - quantile);
    if above < 1.0 {
        findings.push(
            Finding::error(
                "C117",
                path("quantile"),
                "no latency of the warmup lies above that quantile",
            )
            .found(quantile)
            .help("raise warmup to 1/(1 - quantile) or more; a slowRatio may also state its threshold"),
        );
    }
}
