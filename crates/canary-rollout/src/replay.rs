//! Replays: stored observations, judged by another plan with the state machine of a run.

use serde::{Deserialize, Serialize};

use super::{
    aa::AaReport,
    event::{Action, Event},
    machine::Machine,
    offline,
    plan::{Plan, Split},
    reading::Reading,
    state::{MAX_STRIDE, State},
    totals::Totals,
    verdict::Verdict,
};
use crate::{
    Error, Result,
    evidence::{Observation, Seen, Stored, Timestamp},
};

/// The result of a plan on stored observations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Replay {
    /// The verdict.
    pub verdict: Verdict,
    /// The reading of each guardrail at the end, in the plan's order.
    pub readings: Vec<Reading>,
    /// The counts of the whole replay.
    pub totals: Totals,
    /// The step at the end, from 0.
    pub step: usize,
    /// The observations that were read until the verdict.
    pub observations: u64,
    /// Requests that were observed under another weight than that of the plan's step, and are not used.
    pub left_out: u64,
    /// The measurement, by an A/A plan ([`Plan::aa`]); also where the verdict is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aa: Option<AaReport>,
}

/// Judges stored observations by a plan; see [`Plan::replay`].
pub(crate) fn judge(
    plan: &Plan,
    stored: impl IntoIterator<Item = Result<Stored>>,
) -> Result<Replay> {
    let machine = Machine::new(plan.clone())?;
    let mut stored = stored.into_iter().peekable();
    let began = match stored.peek() {
        Some(Ok(first)) => at_of(first),
        Some(Err(_)) => Timestamp(0),
        None => return Err(Error::Plan("there are no stored observations".to_owned())),
    };
    let mut replaying = Replaying {
        state: machine.begin(began)?,
        machine,
        actions: Vec::new(),
        recorded: None,
        observations: 0,
        left_out: 0,
    };
    replaying.handle(Event::Started(began));
    for line in stored {
        replaying.take(line?)?;
        if replaying.state.is_decided() {
            break;
        }
    }
    if !replaying.state.is_decided() {
        replaying.handle(Event::SourcesEnded("the stored observations end here".to_owned()));
    }
    Ok(replaying.ended())
}

/// When a line was stored; an observation is at its sending.
fn at_of(stored: &Stored) -> Timestamp {
    match stored {
        Stored::Started { at, .. } | Stored::Split { at, .. } | Stored::Labelled { at, .. } => *at,
        Stored::Observed(observation) => observation.at,
    }
}

struct Replaying {
    machine: Machine,
    state: State,
    actions: Vec<Action>,
    /// The split in force when the next observations were stored.
    recorded: Option<Split>,
    observations: u64,
    left_out: u64,
}

impl Replaying {
    fn take(&mut self, line: Stored) -> Result<()> {
        match line {
            Stored::Started { at, stable, canary } => {
                let plan = self.machine.plan();
                if (&stable, &canary) != (&plan.stable, &plan.canary) {
                    return Err(Error::Plan(format!(
                        "the stored observations are of {stable} and {canary}, the plan is of {} and {}",
                        plan.stable, plan.canary
                    )));
                }
                self.handle(Event::Tick(at));
            }
            Stored::Split { at, split } => {
                self.pass(at);
                self.recorded = Some(split);
                self.acknowledge();
            }
            Stored::Observed(observation) => self.observe(observation),
            Stored::Labelled { at, id, truth } => {
                self.pass(at);
                self.handle(Event::Labelled { id, truth });
            }
        }
        Ok(())
    }

    fn observe(&mut self, observation: Observation) {
        self.observations += 1;
        self.pass(observation.at);
        let of_weight = match &observation.what {
            Seen::Request(_) => 1,
            Seen::Window(window) => {
                window.stable.requests + window.canary.requests + window.unknown
            }
            _ => 0,
        };
        if of_weight > 0 && !self.is_at_recorded_weight() {
            self.left_out += of_weight;
        } else {
            self.handle(Event::Observed(observation));
        }
    }

    fn is_at_recorded_weight(&self) -> bool {
        let weight = |split: Option<Split>| split.map(|split| split.canary);
        weight(self.recorded).is_some() && weight(self.recorded) == weight(self.state.split())
    }

    /// The machine's split is in force since now, where it is the recorded one.
    fn acknowledge(&mut self) {
        if self.is_at_recorded_weight() {
            let now = self.state.now();
            self.machine.advance(&mut self.state, Event::Acknowledged(now), &mut self.actions);
        }
    }

    /// Advances the time, in strides that count in full.
    fn pass(&mut self, at: Timestamp) {
        while at.since(self.state.now()) > MAX_STRIDE && !self.state.is_decided() {
            let next = self.state.now().plus(MAX_STRIDE);
            self.handle(Event::Tick(next));
        }
        self.handle(Event::Tick(at));
    }

    /// Handles an event and carries out the actions that follow.
    fn handle(&mut self, event: Event) {
        offline::advance(&self.machine, &mut self.state, event, &mut self.actions);
        while !self.actions.is_empty() {
            let action = self.actions.remove(0);
            let Some(event) = offline::outcome(&self.machine, action) else { continue };
            let written = event == Event::Written;
            self.machine.advance(&mut self.state, event, &mut self.actions);
            if written {
                self.acknowledge();
            }
        }
    }

    fn ended(self) -> Replay {
        let Self { machine, state, observations, left_out, .. } = self;
        let verdict = state.verdict();
        Replay {
            aa: verdict.aa().cloned().or_else(|| state.aa(machine.plan())),
            verdict,
            readings: state.readings(machine.plan()),
            totals: state.totals(),
            step: state.step(),
            observations,
            left_out,
        }
    }
}

/// The verdict, the reading of each guardrail, and what was left out.
impl std::fmt::Display for Replay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}", self.verdict)?;
        for reading in &self.readings {
            writeln!(f, "  {reading}")?;
        }
        if let Some(report) = &self.aa {
            writeln!(f, "{report}")?;
        }
        write!(f, "{} observations were read", self.observations)?;
        match self.left_out {
            0 => Ok(()),
            count => write!(f, "; {count} requests of other weights were left out"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Guardrail, Hold,
        evidence::{Arm, Request},
    };

    fn plan(weights: [u32; 3]) -> Plan {
        Plan::new("image-classifier", "resnet50", "resnet101")
            .weights(weights, Hold::requests(200))
            .guardrail(Guardrail::error_ratio(1.0))
            .settle(std::time::Duration::ZERO)
    }

    /// A thousand requests at each of two weights, of which the canary fails so many of a hundred.
    fn stored(failures: u64) -> Vec<Result<Stored>> {
        let (stable, canary) = ("resnet50".to_owned(), "resnet101".to_owned());
        let mut lines = vec![Ok(Stored::Started { at: Timestamp(1_000), stable, canary })];
        for (part, weight) in [(0_u64, 10_u32), (1, 50)] {
            let at = Timestamp(1_000 + part * 10_000);
            lines.push(Ok(Stored::Split { at, split: Split::new(weight) }));
            for number in 0..5_000_u64 {
                let arm =
                    if number * 37 % 100 < u64::from(weight) { Arm::Canary } else { Arm::Stable };
                let failed = arm == Arm::Canary && number * 53 % 100 < failures;
                let what = Seen::Request(Request { failed, ..Request::served(arm, None) });
                let at = at.plus(std::time::Duration::from_millis(number + 1));
                let (source, sequence) = ("log".into(), Some((part << 32) + number));
                lines.push(Ok(Stored::Observed(Observation { source, sequence, at, what })));
            }
        }
        lines
    }

    #[test]
    fn the_plan_of_the_run_says_what_it_said_and_a_longer_one_says_what_is_missing() {
        let replay = plan([10, 50, 100]).replay(stored(0)).unwrap();
        assert!(matches!(replay.verdict, Verdict::Promote { .. }), "{replay}");
        assert!(replay.totals.canary >= 400);
        let replay = plan([10, 50, 100]).replay(stored(60)).unwrap();
        assert!(matches!(replay.verdict, Verdict::Rollback { .. }), "{replay}");
        assert_eq!(replay.step, 0);
        let longer = plan([10, 50, 100]);
        let longer = Plan {
            steps: longer.clone().weights([10, 50, 100], Hold::requests(4_000)).steps,
            ..longer
        };
        let replay = longer.replay(stored(0)).unwrap();
        assert!(replay.to_string().contains("the stored observations end here"), "{replay}");
        assert_eq!(replay.left_out, 5_000, "the first step waits, and these are of another weight");
    }

    #[test]
    fn weights_that_were_never_in_force_see_nothing() {
        let replay = plan([20, 50, 100]).replay(stored(60)).unwrap();
        assert!(matches!(replay.verdict, Verdict::Inconclusive { .. }), "{replay}");
        assert_eq!(replay.left_out, 10_000);
    }

    #[test]
    fn nothing_and_the_observations_of_others_are_errors() {
        assert!(plan([10, 50, 100]).replay([]).unwrap_err().to_string().contains("no stored"));
        let other = Plan { canary: "resnet152".to_owned(), ..plan([10, 50, 100]) };
        let error = other.replay(stored(0)).unwrap_err().to_string();
        assert!(
            error.contains("are of resnet50 and resnet101, the plan is of resnet50 and resnet152")
        );
    }
}
