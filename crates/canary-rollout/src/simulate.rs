//! What a plan would do: many runs of the same state machine on simulated traffic.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    event::{Action, Event},
    gate::GateOutcome,
    guardrail::Check,
    machine::{MAX_STRIDE, Machine},
    plan::Plan,
    scenario::Scenario,
    state::{Phase, State},
    summary::{Chance, Summary},
    verdict::Verdict,
};
use crate::{
    Error, Result,
    evidence::{Answer, Counts, Observation, Pair, ScoreValue, Seen, Timestamp, Window},
};
use canary_stats::Random;

/// While the split is tested, the evidence is looked at after at most so many requests.
const LOOK: u64 = 64;

/// A run that has not ended after so many requests is given up with an error.
const MAX_REQUESTS: u64 = 10_000_000_000;

/// How many runs of a plan ended how, and what they cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Simulation {
    /// The number of runs.
    pub runs: u64,
    /// The seed: the same plan, scenario, runs and seed give the same numbers on every platform.
    pub seed: u64,
    /// The chance of a rollback.
    pub rollback: Chance,
    /// The chance of a promotion.
    pub promote: Chance,
    /// The chance of no decision.
    pub inconclusive: Chance,
    /// How many runs each guardrail rolled back.
    pub rolled_back_by: BTreeMap<String, u64>,
    /// Why runs were inconclusive, and how many.
    pub inconclusive_because: BTreeMap<String, u64>,
    /// Requests until the verdict, over all runs.
    pub requests: Summary,
    /// Requests until the rollback, over the runs that were rolled back.
    pub requests_to_rollback: Summary,
    /// Seconds until the verdict, over all runs.
    pub seconds: Summary,
    /// Requests that the canary served until the verdict, over all runs.
    pub exposure: Summary,
}

/// How one simulated run ended.
#[derive(Clone, Debug, PartialEq)]
struct Outcome {
    verdict: Verdict,
    requests: u64,
    exposure: u64,
    seconds: f64,
}

/// Refuses no runs, and more than anybody waits for.
pub(super) fn check_runs(runs: u64) -> Result<()> {
    if runs == 0 || runs > 10_000_000 {
        return Err(Error::Plan(format!("{runs} runs, expected 1 to 10000000")));
    }
    Ok(())
}

impl Plan {
    /// Tries the plan out in `scenario`, `runs` times, with the same state machine that a real run uses.
    ///
    /// Between two bad requests nothing changes for a test of rates, so the gap is drawn at once. Where the observed
    /// split is tested, the evidence is looked at every 64 requests at the latest; a real run looks after each. Gates
    /// are taken as passed and the canary as reachable.
    ///
    /// ```
    /// use canary_core::{Plan, rollout::{Guardrail, Hold, Scenario}};
    ///
    /// let plan = Plan::new("image-classifier", "resnet50", "resnet101")
    ///     .weights([10, 100], Hold::requests(5_000))
    ///     .guardrail(Guardrail::error_ratio(1.0));
    /// let broken = Scenario::new(100.0).errors(0.01, 0.10);
    /// let simulation = plan.simulate(&broken, 100, 7)?;
    /// assert!(simulation.rollback.p > 0.95);
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] when the plan has an error; [`Error::Plan`] when a number of the scenario is out of range,
    /// when there are no runs, or when a run would not end.
    pub fn simulate(&self, scenario: &Scenario, runs: u64, seed: u64) -> Result<Simulation> {
        self.simulate_while(scenario, runs, seed, || true)
    }

    /// As [`simulate`](Self::simulate), as long as `go_on` says so: it is asked before each run.
    ///
    /// # Errors
    /// As [`simulate`](Self::simulate); [`Error::Plan`] also when it was stopped.
    pub fn simulate_while(
        &self,
        scenario: &Scenario,
        runs: u64,
        seed: u64,
        go_on: impl Fn() -> bool,
    ) -> Result<Simulation> {
        scenario.check()?;
        check_runs(runs)?;
        let machine = Machine::new(with_known_threshold(self.clone()))?;
        let fresh = machine.begin(Timestamp(0))?;
        let mut outcomes = Vec::new();
        for run in 0..runs {
            if !go_on() {
                return Err(Error::Plan(format!("the simulation was stopped after {run} runs")));
            }
            let world = World::new(&machine, *scenario, Random::of_run(seed, run));
            outcomes.push(world.run(fresh.clone())?);
        }
        Ok(summarise(&outcomes, seed))
    }
}

/// Slow requests are drawn, not latencies, so the threshold must be one that counts refer to.
fn with_known_threshold(mut plan: Plan) -> Plan {
    for guardrail in &mut plan.guardrails {
        if let Check::SlowRatio(check) = &mut guardrail.check {
            check.threshold.get_or_insert(Duration::from_secs(1));
        }
    }
    plan
}

fn summarise(outcomes: &[Outcome], seed: u64) -> Simulation {
    let runs = outcomes.len() as u64;
    let mut rolled_back_by = BTreeMap::new();
    let mut inconclusive_because = BTreeMap::new();
    let (mut promoted, mut rolled_back) = (0, 0);
    for outcome in outcomes {
        match &outcome.verdict {
            Verdict::Promote { .. } => promoted += 1,
            Verdict::Rollback { guardrail, .. } => {
                rolled_back += 1;
                *rolled_back_by.entry(guardrail.clone()).or_default() += 1;
            }
            Verdict::Inconclusive { why } => {
                *inconclusive_because.entry(why.name().to_owned()).or_default() += 1;
            }
            _ => {}
        }
    }
    let rollback = |outcome: &&Outcome| matches!(outcome.verdict, Verdict::Rollback { .. });
    #[expect(clippy::cast_precision_loss, reason = "requests are far below 2^53")]
    let requests = |outcome: &Outcome| outcome.requests as f64;
    #[expect(clippy::cast_precision_loss, reason = "requests are far below 2^53")]
    let exposure = |outcome: &Outcome| outcome.exposure as f64;
    Simulation {
        runs,
        seed,
        rollback: Chance::of(rolled_back, runs),
        promote: Chance::of(promoted, runs),
        inconclusive: Chance::of(runs - promoted - rolled_back, runs),
        rolled_back_by,
        inconclusive_because,
        requests: Summary::of(outcomes.iter().map(requests)),
        requests_to_rollback: Summary::of(outcomes.iter().filter(rollback).map(requests)),
        seconds: Summary::of(outcomes.iter().map(|outcome| outcome.seconds)),
        exposure: Summary::of(outcomes.iter().map(exposure)),
    }
}

/// One run: the machine, the traffic and the clock.
struct World<'a> {
    machine: &'a Machine,
    scenario: Scenario,
    random: Random,
    source: Arc<str>,
    actions: Vec<Action>,
    /// Seconds since the beginning.
    clock: f64,
    /// Good requests before the next bad one.
    gap: Option<u64>,
    /// Seconds since the last request.
    waited: f64,
    /// Seconds at which the next pair comes.
    next_pair: f64,
    requests: u64,
    traffic: Traffic,
    look: u64,
}

/// The probabilities of a request at the split in force.
#[derive(Clone, Copy, Default)]
struct Traffic {
    /// The canary's true share.
    share: f64,
    /// That a request is bad.
    bad: f64,
    /// That a good request, or a bad one, is the canary's.
    canary_if_good: f64,
    canary_if_bad: f64,
}

impl Traffic {
    fn new(scenario: &Scenario, weight: u32) -> Self {
        let configured = f64::from(weight) / 100.0;
        let inside = weight > 0 && weight < 100;
        let share = configured + if inside { scenario.split_error / 100.0 } else { 0.0 };
        let share = share.clamp(0.0, 1.0);
        let bad = |errors: f64, slow: f64| 1.0 - (1.0 - errors) * (1.0 - slow);
        let stable = (1.0 - share) * bad(scenario.errors.stable, scenario.slow.stable);
        let canary = share * bad(scenario.errors.canary, scenario.slow.canary);
        let part =
            |part: f64, whole: f64| if whole > 0.0 { (part / whole).clamp(0.0, 1.0) } else { 0.0 };
        Self {
            share,
            bad: (stable + canary).clamp(0.0, 1.0),
            canary_if_good: part(share - canary, 1.0 - stable - canary),
            canary_if_bad: part(canary, stable + canary),
        }
    }
}

impl<'a> World<'a> {
    fn new(machine: &'a Machine, scenario: Scenario, random: Random) -> Self {
        let tests_split =
            machine.plan().guardrails.iter().any(|g| matches!(g.check, Check::ObservedSplit(_)));
        Self {
            machine,
            scenario,
            random,
            source: "simulation".into(),
            actions: Vec::new(),
            clock: 0.0,
            gap: None,
            waited: 0.0,
            next_pair: f64::INFINITY,
            requests: 0,
            traffic: Traffic::default(),
            look: if tests_split { LOOK } else { 1 << 20 },
        }
    }

    fn now(&self) -> Timestamp {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "never negative"
        )]
        let millis = (self.clock * 1e3) as u64;
        Timestamp(millis)
    }

    fn run(mut self, mut state: State) -> Result<Outcome> {
        self.tell(&mut state, Event::Started(Timestamp(0)));
        self.next_pair = self.following_pair();
        while !state.is_done() {
            if self.requests > MAX_REQUESTS {
                return Err(Error::Plan(format!(
                    "a simulated run has not ended after {MAX_REQUESTS} requests; lower the plan's patience"
                )));
            }
            if let Some(action) = self.actions.pop() {
                self.answer(&mut state, action);
            } else {
                self.advance(&mut state);
            }
        }
        Ok(Outcome {
            verdict: state.verdict(),
            requests: self.requests,
            exposure: state.totals().canary,
            seconds: self.clock,
        })
    }

    fn tell(&mut self, state: &mut State, event: Event) {
        self.machine.advance(state, event, &mut self.actions);
    }

    fn answer(&mut self, state: &mut State, action: Action) {
        let event = match action {
            Action::Inspect => Event::Inspected(Ok(())),
            Action::Prepare => {
                Event::Prepared { header_route: self.machine.plan().header.is_some() }
            }
            Action::Probe => Event::Probed(Ok(())),
            Action::AskGate(gate) => {
                Event::GateJudged { gate, outcome: GateOutcome::Passed { right: 1, of: 1 } }
            }
            Action::Leave => Event::Written,
            Action::Write { split, .. } => {
                self.traffic = Traffic::new(&self.scenario, split.canary);
                self.gap = None;
                Event::Written
            }
            Action::RemoveSubset => Event::SubsetRemoved,
            Action::Save | Action::CleanUp => return,
        };
        self.tell(state, event);
        if state.phase == Phase::Holding {
            self.settle(state);
        }
    }

    /// The requests of the settling time: they are served and count for nothing.
    fn settle(&mut self, state: &mut State) {
        let settle = self.machine.plan().settle.as_secs_f64();
        if settle > 0.0 {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "not negative"
            )]
            let requests = (settle * self.scenario.rate) as u64;
            let canary = self.random.binomial(requests, self.traffic.share);
            let since = state.since;
            self.clock += settle;
            self.requests += requests;
            let window = Window {
                since,
                stable: Counts::good(requests - canary),
                canary: Counts::good(canary),
                ..Window::default()
            };
            self.observe(state, Seen::Window(window));
            self.pass(state);
        }
    }

    fn observe(&mut self, state: &mut State, what: Seen) {
        let at = self.now();
        let source = Arc::clone(&self.source);
        self.tell(state, Event::Observed(Observation { source, sequence: None, at, what }));
    }

    /// Tells the time, in strides that count whole.
    fn pass(&mut self, state: &mut State) {
        let now = self.now();
        while now.since(state.now) > MAX_STRIDE && !state.is_done() {
            let step = state.now.plus(MAX_STRIDE);
            self.tell(state, Event::Tick(step));
        }
        self.tell(state, Event::Tick(now));
    }

    /// When the pair after the present one comes.
    fn following_pair(&self) -> f64 {
        if self.scenario.pairs_per_second > 0.0 {
            self.clock + 1.0 / self.scenario.pairs_per_second
        } else {
            f64::INFINITY
        }
    }

    /// The next thing that happens: good requests and perhaps a bad one, a pair, or time alone.
    fn advance(&mut self, state: &mut State) {
        let stride = MAX_STRIDE.as_secs_f64();
        let until_pair = (self.next_pair - self.clock).max(0.0);
        let rate = self.scenario.rate;
        let reach = until_pair.min(stride).min(self.left_of_time_hold(state));
        // Requests that come before the next pair and before the clock must be told.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative")]
        let room = ((reach + self.waited) * rate) as u64;
        if room == 0 {
            let to_request = if rate > 0.0 { 1.0 / rate - self.waited } else { f64::INFINITY };
            if until_pair <= to_request.min(stride) {
                self.waited += until_pair;
                self.clock = self.clock.max(self.next_pair);
                self.pass(state);
                self.pair(state);
                self.next_pair = self.following_pair();
                return;
            }
            if to_request > stride {
                self.waited += stride;
                self.clock += stride;
                self.pass(state);
                return;
            }
        }
        let room = room.max(1).min(self.look).min(self.left_of_request_hold(state));
        let gap = match self.gap {
            Some(gap) => gap,
            None if self.traffic.bad > 0.0 => self.random.geometric(self.traffic.bad),
            None => u64::MAX,
        };
        let good = gap.min(room);
        let with_bad = gap < room;
        self.gap = if with_bad { None } else { Some(gap.saturating_sub(good)) };
        self.requests(state, good, with_bad);
    }

    fn requests(&mut self, state: &mut State, good: u64, with_bad: bool) {
        let canary = self.random.binomial(good, self.traffic.canary_if_good);
        let mut window = Window {
            since: self.now(),
            stable: Counts::good(good - canary),
            canary: Counts::good(canary),
            ..Window::default()
        };
        if with_bad {
            let by_canary = self.random.bernoulli(self.traffic.canary_if_bad);
            let (errors, slow) = if by_canary {
                (self.scenario.errors.canary, self.scenario.slow.canary)
            } else {
                (self.scenario.errors.stable, self.scenario.slow.stable)
            };
            let (failed, slow) = self.kind_of_bad(errors, slow);
            let counts = if by_canary { &mut window.canary } else { &mut window.stable };
            counts.requests += 1;
            counts.failed += u64::from(failed);
            counts.slow += u64::from(slow);
        }
        let count = good + u64::from(with_bad);
        self.requests += count;
        #[expect(clippy::cast_precision_loss, reason = "at most 2^20")]
        let count = count as f64;
        self.clock += (count / self.scenario.rate - self.waited).max(0.0);
        self.waited = 0.0;
        self.observe(state, Seen::Window(window));
        self.pass(state);
    }

    /// Whether a bad request failed, was slow, or both.
    fn kind_of_bad(&mut self, errors: f64, slow: f64) -> (bool, bool) {
        let either = errors + slow - errors * slow;
        let u = self.random.uniform() * either;
        if u < errors * (1.0 - slow) {
            (true, false)
        } else if u < errors {
            (true, true)
        } else {
            (false, true)
        }
    }

    fn left_of_request_hold(&self, state: &State) -> u64 {
        let hold = self.machine.plan().steps[state.step].hold;
        let seen = state.seen_at_step();
        let left = |wanted: Option<u64>, seen: u64| {
            wanted.map(|wanted| wanted.saturating_sub(seen)).filter(|left| *left > 0)
        };
        // The canary serves at most all of them.
        let of_canary = left(hold.requests, seen.canary.requests);
        let of_both = left(hold.total_requests, seen.stable.requests + seen.canary.requests);
        // After the hold only a proof is waited for, and what proves comes with a bad request, a pair or a score.
        let after = if self.machine.lacks_evidence(state) { LOOK } else { u64::MAX };
        of_canary.into_iter().chain(of_both).min().unwrap_or(after)
    }

    fn left_of_time_hold(&self, state: &State) -> f64 {
        let wanted = self.machine.plan().steps[state.step].hold.time;
        let left = wanted.map(|wanted| wanted.saturating_sub(state.held()).as_secs_f64());
        left.filter(|left| *left > 0.0).unwrap_or(f64::INFINITY)
    }

    fn pair(&mut self, state: &mut State) {
        let answer = |class: &str, score| Answer::new(class, score);
        let agrees = self.random.bernoulli(self.scenario.agreement);
        let up = self.random.bernoulli(0.5);
        let deviation = self.scenario.drift_deviation;
        let difference = self.scenario.drift + if up { deviation } else { -deviation };
        // Two scores with this difference, both from 0 to 1.
        let (stable, canary) = (0.5 - difference / 2.0, 0.5 + difference / 2.0);
        let only = self.scenario.only_right;
        let u = self.random.uniform();
        let (label, stable_class, canary_class) = if u < only.stable {
            ("a", "a", "b")
        } else if u < only.stable + only.canary {
            ("b", "a", "b")
        } else {
            ("a", "a", if agrees { "a" } else { "b" })
        };
        // Agreement and accuracy are drawn apart: a guardrail sees the pair that is its own.
        let labelled = only.stable + only.canary > 0.0;
        let canary_class = if labelled {
            canary_class
        } else if agrees {
            "a"
        } else {
            "b"
        };
        let pair = Pair {
            input: None,
            name: None,
            stable: answer(stable_class, Some(stable)),
            canary: answer(canary_class, Some(canary)),
            label: labelled.then(|| label.to_owned()),
        };
        self.observe(state, Seen::Pair(pair));
        for guardrail in &self.machine.plan().guardrails {
            if matches!(guardrail.check, Check::Custom(_)) {
                let value = f64::from(u8::from(self.random.bernoulli(self.scenario.custom)));
                let score = ScoreValue { guardrail: guardrail.name.as_str().into(), value };
                self.observe(state, Seen::Score(score));
            }
        }
    }
}

#[cfg(test)]
#[path = "simulate_tests.rs"]
#[expect(clippy::float_cmp, reason = "these numbers are exact")]
mod tests;
