//! The rules of a plan; every finding is listed with its path.

mod aa;
mod canary_matches;
mod evidence;
mod gates;
mod guardrails;
mod labels;
mod names;
mod seconds;
mod steps;
mod sticky;
mod target;
#[cfg(test)]
mod tests;
mod units;

use super::plan::Plan;
use canary_istio::Findings;

pub(super) fn validate(plan: &Plan) -> Findings {
    let mut findings = Findings::new();
    names::check(plan, &mut findings);
    target::check(plan, &mut findings);
    canary_matches::check(plan, &mut findings);
    labels::check(plan, &mut findings);
    steps::check(plan, &mut findings);
    guardrails::check(plan, &mut findings);
    evidence::check(plan, &mut findings);
    units::check(plan, &mut findings);
    sticky::check(plan, &mut findings);
    gates::check(plan, &mut findings);
    aa::check(plan, &mut findings);
    findings
}
