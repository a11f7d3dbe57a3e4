//! The rules of users as observations, and of planned looks.

use super::{
    super::{
        bursts::Bursts,
        guardrail::{Check, Guardrail},
        looks,
        plan::Plan,
        room,
    },
    seconds::seconds,
};
use canary_istio::{Finding, Findings};
use canary_stats::Known;

pub(super) fn check(plan: &Plan, findings: &mut Findings) {
    users(plan, findings);
    sequential(plan, findings);
}

fn users(plan: &Plan, findings: &mut Findings) {
    let Some(users) = plan.users else { return };
    let counts_users = |one: &Guardrail| {
        match one.check {
            Check::ErrorRatio(_) | Check::SlowRatio(_) | Check::ErrorRate(_) | Check::Mean(_) => {
                true
            }
            // Sticky users are divided, and not their requests.
            Check::ObservedSplit(_) => plan.sticky.is_some(),
            _ => false,
        }
    };
    if !plan.guardrails.iter().any(counts_users) {
        findings.push(
            Finding::error("C129", "users", "no guardrail counts users")
                .help("add errorRatio, slowRatio, errorRate or mean, or leave users out"),
        );
    }
    let quantile = |one: &Guardrail| matches!(one.check, Check::QuantileRatio(_));
    if plan.guardrails.iter().any(quantile) {
        findings.push(
            Finding::error(
                "C129",
                "users",
                "quantileRatio compares the latencies of requests, and users are counted",
            )
            .help(
                "use slowRatio, which counts a user with a slow request once, or leave users out",
            ),
        );
    }
    if plan.scores_requests() {
        findings.push(
            Finding::error("C129", "users", "a custom score of requests cannot be used with users")
                .help("use the guardrail mean, which takes the mean of each user's values"),
        );
    }
    if users.within.is_zero() {
        findings.push(
            Finding::error("C129", "users.within", "users.within is zero")
                .help("give the time in which requests belong to one observation, such as 30m"),
        );
    } else if users.within >= plan.patience {
        findings.push(
            Finding::warning(
                "C129",
                "users.within",
                "a step may end inconclusive before its first user counts",
            )
            .found(seconds(users.within))
            .help(format!("keep it below patience, which is {}", seconds(plan.patience))),
        );
    }
    let most = Known::CAPACITY;
    let stored = Known::stored_bytes(users.at_most.min(most));
    if users.at_most == 0 || users.at_most > most || stored > room::to_remember(plan) {
        findings.push(
            Finding::error(
                "C129",
                "users.atMost",
                format!(
                    "a rollout remembers from 1 to {most} users, as many as its state has room for"
                ),
            )
            .found(users.at_most)
            .help("state fewer users, or use fewer guardrails"),
        );
    }
}

fn sequential(plan: &Plan, findings: &mut Findings) {
    let Some(sequential) = plan.sequential else { return };
    let ratio = |one: &Guardrail| matches!(one.check, Check::ErrorRatio(_) | Check::SlowRatio(_));
    if !plan.guardrails.iter().any(ratio) {
        findings.push(
            Finding::error("C130", "sequential", "no guardrail is tested at looks")
                .help("add errorRatio or slowRatio, or leave sequential out"),
        );
    }
    if !(1..=200).contains(&sequential.looks) {
        findings.push(
            Finding::error("C130", "sequential.looks", "a plan has from 1 to 200 looks")
                .found(sequential.looks)
                .help("20 is usual"),
        );
    }
    let held = looks::planned(plan);
    if held.is_none_or(|planned| planned > 10_000_000) {
        findings.push(
            Finding::error(
                "C130",
                "sequential",
                "looks are planned by the number of requests, and a step's hold leaves it open",
            )
            .help("hold each step with a weight above 0 and below 100 by totalRequests, at most 10000000 in all"),
        );
    }
    if plan.bursts != Bursts::None {
        findings.push(
            Finding::error("C130", "sequential", "a test at looks has no guard against bursts")
                .help("state bursts: none, where an A/A run has shown that failures come one by one; or leave sequential out"),
        );
    }
    if plan.users.is_some() {
        findings.push(
            Finding::error(
                "C130",
                "sequential",
                "looks are planned by requests, and users are counted",
            )
            .help("leave sequential or users out"),
        );
    }
}
