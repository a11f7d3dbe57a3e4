//! Commands of people: pauses, approvals, aborts and promotions.

use std::time::Duration;

use super::{
    super::{
        approval::{Approval, Otherwise},
        command::{Command, CommandLine, CommandOutcome, CommandRecord, Verb},
        event::Action,
        state::State,
        totals::Totals,
        verdict::{Cause, Verdict},
    },
    Machine, Phase,
    aa::AA_ENDS_STABLE,
    shortened,
};

impl Machine {
    /// Carries out the last of the commands that were not read before, and records all of them.
    pub(super) fn commanded(
        &self,
        state: &mut State,
        lines: &[CommandLine],
        actions: &mut Vec<Action>,
    ) {
        let mut unread = state.unread(lines);
        state.remember(lines);
        let Some(last) = unread.pop() else { return };
        for earlier in unread {
            let record = match earlier {
                CommandLine::Given(command) => {
                    command.record(state.now, CommandOutcome::Superseded)
                }
                CommandLine::Refused(refused) => timed(refused, state),
            };
            state.record(record);
        }
        let record = match last {
            CommandLine::Given(command) => {
                let outcome = match self.carry_out(state, &command, actions) {
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
        &self,
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
                self.check_hold(state, actions);
                Ok(())
            }
            Verb::Approve => self.approve(state, actions),
            Verb::Abort => {
                let why = if command.why.is_empty() { "no reason given" } else { &command.why };
                let by = Some(&command.by).filter(|by| !by.is_empty());
                let by = by.map_or_else(String::new, |by| format!(" ({by})"));
                self.abort(state, &format!("{why}{by}"), actions)
            }
            Verb::Promote => self.promote(state, command, actions),
        }
    }

    /// The approval that comes after the step that is held, unless it is given already.
    fn next_approval(&self, state: &State) -> Option<Approval> {
        self.plan.steps.get(state.step + 1)?.approve.filter(|_| !state.approved)
    }

    /// Returns `true` when the next step waits for approval; the waiting begins with the first such call.
    pub(super) fn waits_for_approval(&self, state: &mut State, actions: &mut Vec<Action>) -> bool {
        if self.next_approval(state).is_none() {
            return false;
        }
        await_approval(state, actions);
        true
    }

    /// The approval that is awaited.
    pub(crate) fn awaited_approval(&self, state: &State) -> Option<Approval> {
        self.plan.steps.get(state.awaits_approval()?)?.approve
    }

    /// Advances the time of a release that waits for approval.
    pub(super) fn wait_for_approval(
        &self,
        state: &mut State,
        stride: Duration,
        actions: &mut Vec<Action>,
    ) {
        let waited = state.awaited().unwrap_or_default() + stride;
        state.awaited_ms = Some(u64::try_from(waited.as_millis()).unwrap_or(u64::MAX));
        let Some((step, approval)) = state.awaits_approval().zip(self.awaited_approval(state))
        else {
            return;
        };
        if approval.otherwise == Otherwise::Rollback && approval.is_overdue(waited) {
            let cause = Cause::NotApproved { step, waited };
            self.roll_back(state, "approval", 1.0, cause, actions);
        }
    }

    fn approve(&self, state: &mut State, actions: &mut Vec<Action>) -> Result<(), String> {
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
            self.enter(state, actions);
        } else {
            // Check the evidence again, because it may have changed during the wait.
            self.check_hold(state, actions);
        }
        Ok(())
    }

    /// Rolls back; also where a promotion is decided and its write has not come through yet, or the old version is still
    /// kept.
    pub(super) fn abort(
        &self,
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
                self.roll_back(state, "a person", 1.0, Cause::Asked(shortened(why)), actions);
                Ok(())
            }
        }
    }

    /// Ends the release with all traffic at the canary, unless its evidence has decided otherwise or it has not been
    /// seen to serve.
    fn promote(
        &self,
        state: &mut State,
        command: &Command,
        actions: &mut Vec<Action>,
    ) -> Result<(), String> {
        if !state.is_running() {
            return Err(over(state));
        }
        if self.plan.aa {
            return Err(AA_ENDS_STABLE.to_owned());
        }
        if state.unanswered {
            return Err("the last write has no response yet, so nothing is decided".to_owned());
        }
        // An alarm that is due has precedence. The final write stores the evidence that decides here.
        self.decide(state, actions);
        if !state.is_running() {
            return Err(format!("the evidence has decided: {}", state.verdict()));
        }
        if !has_answered(state) {
            return Err("nothing shows that the canary serves: it has answered no request yet; wait for its first answer"
                .to_owned());
        }
        let share = state.written.map_or(0.0, |split| f64::from(split.canary) / 100.0);
        if let Some(obstacle) = state.health.obstacle(share) {
            return Err(format!("{obstacle}; correct that, or abort"));
        }
        let Totals { canary, stable, pairs, .. } = state.totals;
        let missing = if state.written.is_some() { self.missing(state) } else { None };
        let verdict = Verdict::PromotedByPerson {
            by: if command.by.is_empty() { "a person".to_owned() } else { command.by.clone() },
            why: command.why.clone(),
            step: state.step,
            missing,
            evidence: state.readings(&self.plan),
            exposure: canary,
            stable,
            pairs,
        };
        self.finish(state, verdict, actions);
        Ok(())
    }
}

/// Begins to wait for an approval, unless one is awaited already.
pub(super) fn await_approval(state: &mut State, actions: &mut Vec<Action>) {
    if state.awaited_ms.is_none() {
        state.awaited_ms = Some(0);
        actions.push(Action::Save);
    }
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
