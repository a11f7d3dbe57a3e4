//! The evidence that a step still lacks: observations, the confirmation of harm, and the proof that there is none.

use canary_stats::UserUnits;

use super::{
    super::{
        counted::counted,
        evidence_steps::has_evidence_at,
        guardrail::{Check, DEFAULT_MINIMUM, Guardrail},
        monitor::Monitor,
        on_alarm::OnAlarm,
        plan::Plan,
        reading::Reading,
        state::{Phase, State},
        totals::Totals,
    },
    Machine,
    judged::{least, of_what, share_of},
};

/// Returns `true` when nothing is lacking: each guardrail that can have evidence at the step has its least number of observations, and
/// nothing is plainly wrong.
pub(super) fn nothing(machine: &Machine, state: &State) -> bool {
    guardrails(&machine.plan, state).next().is_none()
        && requests(&machine.plan, state).is_none()
        && confirmation(machine, state).is_none()
        && state.health.obstacle(share_of(state)).is_none()
}

/// The number of requests that the step has seen of a canary with a share of the traffic, and the least number,
/// if it is not reached. The observed split counts both versions together, so it does not show the canary's
/// responses.
fn requests(plan: &Plan, state: &State) -> Option<(u64, u64)> {
    let step = &plan.steps[state.step];
    if !step.weight.is_part() {
        return None;
    }
    let seen = state.health.canary.requests.max(state.pairs);
    let stated = plan.guardrails.iter().filter(|one| has_evidence_at(one, plan, step));
    let wanted = stated.map(|one| one.minimum).min().unwrap_or(DEFAULT_MINIMUM);
    (seen < wanted).then_some((seen, wanted))
}

/// The guardrails that lack observations at the step, each with how many they have of the version that has fewest.
fn guardrails<'a>(
    plan: &'a Plan,
    state: &'a State,
) -> impl Iterator<Item = (&'a Guardrail, &'a Monitor)> {
    let step = &plan.steps[state.step];
    plan.guardrails.iter().zip(&state.monitors).filter(move |(guardrail, monitor)| {
        has_evidence_at(guardrail, plan, step) && least(guardrail, monitor) < guardrail.minimum
    })
}

/// Returns `true` when a guardrail still lacks observations at the step in force.
pub(super) fn observations(plan: &Plan, state: &State) -> bool {
    guardrails(plan, state).next().is_some() || requests(plan, state).is_some()
}

/// Returns `true` when a hold or a guardrail of the step still lacks pairs.
pub(super) fn pairs(plan: &Plan, state: &State) -> bool {
    let wanted = plan.steps[state.step].hold.pairs;
    state.phase == Phase::Holding
        && (wanted.is_some_and(|wanted| state.pairs < wanted)
            || guardrails(plan, state).any(|(guardrail, _)| {
                let by_requests = guardrail.check.compares_traffic()
                    || matches!(guardrail.check, Check::ObservedSplit(_) | Check::ErrorRate(_));
                let by_labels = matches!(guardrail.check, Check::Accuracy(_));
                // Then the missing part is later labels.
                !(by_requests || by_labels && plan.labels.is_some())
            }))
}

/// The guardrails that have not yet excluded the harm that the plan wants excluded.
pub(super) fn proof(machine: &Machine, state: &State) -> Vec<Reading> {
    let of = machine.plan.guardrails.iter().zip(&state.monitors).zip(&machine.alphas);
    of.filter(|((guardrail, monitor), _)| {
        monitor.proven(&guardrail.check, machine.plan.alpha) == Some(false)
    })
    .map(|((guardrail, monitor), alpha)| monitor.reading(guardrail, *alpha, machine.plan.alpha))
    .collect()
}

/// The first guardrail whose failures are either harm or a burst, with its reading.
pub(super) fn confirmation(machine: &Machine, state: &State) -> Option<Reading> {
    let of = machine.plan.guardrails.iter().zip(&state.monitors).zip(&machine.alphas);
    let mut of = of.filter(|((guardrail, monitor), _)| {
        machine.plan.action_of(guardrail) == OnAlarm::Rollback && monitor.is_unconfirmed()
    });
    of.next()
        .map(|((guardrail, monitor), alpha)| monitor.reading(guardrail, *alpha, machine.plan.alpha))
}

/// The observations that the step still lacks, in words.
pub(super) fn in_words(machine: &Machine, state: &State) -> Option<String> {
    let hold = &machine.plan.steps[state.step].hold;
    let health = &state.health;
    let both = health.stable.requests + health.canary.requests;
    let mut parts = Vec::new();
    for (what, seen, wanted) in [
        ("requests of the canary", health.canary.requests, hold.requests),
        ("requests", both, hold.total_requests),
        ("pairs", state.pairs, hold.pairs),
    ] {
        if let Some(wanted) = wanted.filter(|wanted| seen < *wanted) {
            parts.push(format!("{seen} of {wanted} {what}"));
        }
    }
    for (guardrail, monitor) in guardrails(&machine.plan, state) {
        let (seen, wanted) = (least(guardrail, monitor), guardrail.minimum);
        let what = of_what(&guardrail.check, monitor);
        parts.push(format!("{seen} of {wanted} {what} for {}", guardrail.name));
    }
    if parts.is_empty()
        && let Some((seen, wanted)) = requests(&machine.plan, state)
    {
        parts.push(format!("{seen} of {wanted} requests of the canary"));
    }
    parts.extend(state.health.obstacle(share_of(state)));
    if let Some(reading) = confirmation(machine, state) {
        parts.push(format!("windows to tell a burst from harm for {}", reading.guardrail));
    }
    if parts.is_empty() {
        return None;
    }
    if let Some(waiting) = state.users.as_ref().map(UserUnits::waiting).filter(|n| *n > 0) {
        parts.push(counted(waiting, "users in their time"));
    }
    if !state.waiting.is_empty() {
        let waiting = counted(state.waiting.len(), "pairs waiting for labels");
        parts.push(waiting);
    }
    let Totals { late, unknown, repeated, duplicates, .. } = state.totals;
    let Totals { without_room, unlabelled, unmatched_labels, beyond_room, .. } = state.totals;
    let users = state.users.as_ref();
    let users = users.map_or((0, 0), |users| (users.in_both_arms(), users.not_taken()));
    for (what, count) in [
        ("observations sent before the step's weights had settled", late),
        ("requests of unknown origin", unknown),
        ("repeated inputs", repeated),
        ("duplicates", duplicates),
        ("pairs without a label in time", unlabelled),
        ("pairs without room to wait for a label", without_room),
        ("labels that match no waiting pair", unmatched_labels),
        ("pairs beyond those that a rollout remembers", beyond_room),
        ("users whom both versions served", users.0),
        ("requests of users beyond those that a rollout remembers", users.1),
    ] {
        if count > 0 {
            parts.push(format!("{} left out", counted(count, what)));
        }
    }
    parts.extend(state.source_problem.clone());
    parts.extend(unseen(state).map(str::to_owned));
    Some(parts.join(", "))
}

/// The message about a canary that has weight but no observations.
pub(super) fn unseen(state: &State) -> Option<&'static str> {
    let weighs = state.written.is_some_and(|split| split.canary > 0);
    (weighs && !state.has_seen_canary()).then_some(
        "nothing was observed of the canary, so all traffic goes back to the stable version",
    )
}
