//! The rules of a plan; every finding is listed with its path.

mod aa;
mod evidence;
mod gates;
mod guardrails;
mod names;
mod seconds;
mod steps;
#[cfg(test)]
mod tests;
mod units;

use super::plan::Plan;
use canary_istio::Findings;

pub(super) fn validate(plan: &Plan) -> Findings {
    let mut findings = Findings::new();
    names::check(plan, &mut findings);
    steps::check(plan, &mut findings);
    guardrails::check(plan, &mut findings);
    evidence::check(plan, &mut findings);
    units::check(plan, &mut findings);
    gates::check(plan, &mut findings);
    aa::check(plan, &mut findings);
    findings
}
