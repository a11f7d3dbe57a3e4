//! Commands of people: pauses, approvals, aborts and promotions.

use super::{
    super::{
        command::{Command, CommandLine, CommandOutcome, CommandRecord, Verb},
        event::Action,
        state::{Phase, State},
        totals::Totals,
        verdict::{Cause, Verdict},
    },
    Machine, decision, ending, entry, hold, lacking, shortened,
};

/// The reason why the canary of an A/A run cannot be promoted.
const AA_ENDS_STABLE: &str = "it is an A/A run, whose canary is the stable version again: it always ends with \
                              everything at the stable version; abort ends it now";

/// Carries out the last of the commands that were not read before, and records all of them.
pub(super) fn take(
    machine: &Machine,
    state: &mut State,
    lines: &[CommandLine],
    actions: &mut Vec<Action>,
) {
    let mut unread = state.unread(lines);
    state.remember(lines);
    let Some(last) = unread.pop() else { return };
    for earlier in unread {
        let record = match earlier {
            CommandLine::Given(command) => command.record(state.now, CommandOutcome::Superseded),
            CommandLine::Refused(refused) => timed(refused, state),
        };
        state.record(record);
    }
    let record = match last {
        CommandLine::Given(command) => {
            let outcome = match carry_out(machine, state, &command, actions) {
                Ok(()) => CommandOutcome::Done,
                Err(why) => CommandOutcome::Refused(why),
            };
            command.record(state.now, outcome)
        }
        CommandLine::Refused(refused) => timed(refused, state),
    };
    state.record(record);
    if actions.is_empty() {
        // Every write stores the state, and with it the acknowledgement.
        actions.push(Action::Save);
    }
}

/// Carries out a command. The error is the reason why it cannot be.
fn carry_out(
    machine: &Machine,
    state: &mut State,
    command: &Command,
    actions: &mut Vec<Action>,
) -> Result<(), String> {
    match command.verb {
        Verb::Pause if !state.is_running() && !matches!(state.phase, Phase::Keeping(_)) => {
            Err(over(state))
        }
        Verb::Pause if state.paused => Err("it is paused already".to_owned()),
        Verb::Pause => {
            state.paused = true;
            Ok(())
        }
        Verb::Resume if !state.paused => Err("it is not paused".to_owned()),
        Verb::Resume => {
            state.paused = false;
            hold::check(machine, state, actions);
            Ok(())
        }
        Verb::Approve => approve(machine, state, actions),
        Verb::Abort => {
            let why = if command.why.is_empty() { "no reason given" } else { &command.why };
            let by = Some(&command.by).filter(|by| !by.is_empty());
            let by = by.map_or_else(String::new, |by| format!(" ({by})"));
            abort(machine, state, &format!("{why}{by}"), actions)
        }
        Verb::Promote => promote(machine, state, command, actions),
    }
}

fn approve(machine: &Machine, state: &mut State, actions: &mut Vec<Action>) -> Result<(), String> {
    if state.awaits_approval().is_none() {
        let now = if state.is_running() { String::new() } else { format!("; {}", over(state)) };
        return Err(format!("no step waits for approval{now}"));
    }
    if state.paused {
        return Err("it is paused; resume it first".to_owned());
    }
    state.awaited_ms = None;
    state.approved = true;
    if state.phase == Phase::Approving {
        entry::begin(machine, state, actions);
    } else {
        // Check the evidence again, because it may have changed during the wait.
        hold::check(machine, state, actions);
    }
    Ok(())
}

/// Rolls back; also where a promotion is decided and its write has not come through yet, or the old version is still
/// kept.
pub(super) fn abort(
    machine: &Machine,
    state: &mut State,
    why: &str,
    actions: &mut Vec<Action>,
) -> Result<(), String> {
    match &state.phase {
        Phase::Done(_) | Phase::CleaningUp(_) | Phase::Finishing(Verdict::Rollback { .. }) => {
            Err(over(state))
        }
        Phase::ScalingDown(_) => Err(
            "the old version is being scaled down, so it cannot serve; scale it up, and write the weights yourself"
                .to_owned(),
        ),
        _ => {
            ending::roll_back(machine, state, "a person", 1.0, Cause::Asked(shortened(why)), actions);
            Ok(())
        }
    }
}

/// Ends the release with all traffic at the canary, unless its evidence has decided otherwise or it has not been
/// seen to serve.
fn promote(
    machine: &Machine,
    state: &mut State,
    command: &Command,
    actions: &mut Vec<Action>,
) -> Result<(), String> {
    if !state.is_running() {
        return Err(over(state));
    }
    if machine.plan.aa {
        return Err(AA_ENDS_STABLE.to_owned());
    }
    if state.unanswered {
        return Err("the last write has no response yet, so nothing is decided".to_owned());
    }
    // An alarm that is due has precedence. The final write stores the evidence that decides here.
    decision::check(machine, state, actions);
    if !state.is_running() {
        return Err(format!("the evidence has decided: {}", state.verdict()));
    }
    if !has_answered(state) {
        return Err("nothing shows that the canary serves: it has answered no request yet; wait for its first answer"
            .to_owned());
    }
    let share = state.written.map_or(0.0, |split| split.canary.share());
    if let Some(obstacle) = state.health.obstacle(share) {
        return Err(format!("{obstacle}; correct that, or abort"));
    }
    let Totals { canary, stable, pairs, .. } = state.totals;
    let missing = if state.written.is_some() { lacking::in_words(machine, state) } else { None };
    let verdict = Verdict::PromotedByPerson {
        by: if command.by.is_empty() { "a person".to_owned() } else { command.by.clone() },
        why: command.why.clone(),
        step: state.step,
        missing,
        evidence: state.readings(&machine.plan),
        exposure: canary,
        stable,
        pairs,
    };
    ending::finish(machine, state, verdict, actions);
    Ok(())
}

/// Returns `true` when the canary has answered a request of the run: one of the traffic or a pair, or, before its first
/// weight, the probe's.
fn has_answered(state: &State) -> bool {
    let no_weight = state.written.is_none_or(|split| split.canary == 0);
    let probed = state.header_route
        && !matches!(state.phase, Phase::Inspecting | Phase::Preparing | Phase::Probing);
    state.has_seen_canary() || no_weight && probed
}

/// The reason why a command comes too late.
fn over(state: &State) -> String {
    match &state.phase {
        Phase::Done(verdict) => format!("the release is over: {}", verdict.name()),
        _ => format!("the release is decided: {}", state.verdict().name()),
    }
}

/// A refusal that names no time was given when it was read.
fn timed(refused: CommandRecord, state: &State) -> CommandRecord {
    let at = if refused.at.0 == 0 { state.now } else { refused.at };
    CommandRecord { at, ..refused }
}
