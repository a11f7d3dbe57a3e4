//! The outcomes of the machine's actions without a cluster: in simulations and replays.

use super::{
    command::{Command, Verb},
    event::{Action, Event},
    gate::GateOutcome,
    machine::Machine,
    state::State,
};

/// Handles an event; an approval is given at once, because only the evidence is simulated.
pub(super) fn advance(
    machine: &Machine,
    state: &mut State,
    event: Event,
    actions: &mut Vec<Action>,
) {
    machine.advance(state, event, actions);
    if state.awaits_approval().is_some() {
        let approve = Command::new(Verb::Approve, "");
        machine.advance(state, Event::Commanded(vec![approve.into()]), actions);
    }
}

/// The event that an action leads to where everything succeeds; none where nothing is waited for.
pub(super) fn outcome(machine: &Machine, action: Action) -> Option<Event> {
    Some(match action {
        Action::Inspect => Event::Inspected(Ok(())),
        Action::Prepare => Event::Prepared { header_route: machine.plan().reaches_canary() },
        Action::Probe => Event::Probed(Ok(())),
        Action::JudgeGate(gate) => {
            Event::GateJudged { gate, outcome: GateOutcome::Passed { right: 1, of: 1 } }
        }
        Action::Write { .. } | Action::Leave => Event::Written,
        Action::RemoveSubset => Event::SubsetRemoved,
        Action::FindOldVersion => {
            Event::OldVersionFound(Err("there is no cluster here".to_owned()))
        }
        Action::Save | Action::CleanUp | Action::ScaleDown => return None,
    })
}
