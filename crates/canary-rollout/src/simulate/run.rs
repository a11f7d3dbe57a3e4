//! One simulated run: the machine on traffic, pairs and time that are drawn from a scenario.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::super::{
    event::{Action, Event},
    guardrail::{Check, Guardrail},
    machine::Machine,
    offline,
    plan::Percent,
    scenario::Scenario,
    state::{MAX_STRIDE, Phase, State},
    verdict::Verdict,
};
use crate::{
    Error, Result,
    evidence::{
        Answer, Arm, Counts, Observation, Pair, Request, ScoreValue, Seen, Timestamp, Window,
    },
};
use canary_stats::Random;

/// While the split is tested, the evidence is checked after at most this number of requests.
const LOOK: u64 = 64;

/// The latency of a simulated slow request.
const SLOWEST: Duration = Duration::from_secs(86_400);
/// The deviation of the logarithm of simulated latencies.
const DEVIATION: f64 = 0.4;

/// The number of requests after which a run that has not ended is an error.
const MAX_REQUESTS: u64 = 10_000_000_000;

/// The outcome of one simulated run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Outcome {
    pub(super) verdict: Verdict,
    pub(super) requests: u64,
    pub(super) exposure: u64,
    pub(super) seconds: f64,
}

/// One run: the machine, the traffic and the clock.
pub(super) struct SimulatedRun<'a> {
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
    /// `true` when requests come one by one, with values or users.
    one_by_one: bool,
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
    fn new(scenario: &Scenario, weight: Percent) -> Self {
        let share =
            weight.share() + if weight.is_part() { scenario.split_error / 100.0 } else { 0.0 };
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

impl<'a> SimulatedRun<'a> {
    pub(super) fn new(machine: &'a Machine, scenario: Scenario, random: Random) -> Self {
        let needs_each =
            |one: &Guardrail| matches!(one.check, Check::Mean(_) | Check::QuantileRatio(_));
        let one_by_one =
            machine.plan().users.is_some() || machine.plan().guardrails.iter().any(needs_each);
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
            look: if tests_split || one_by_one { LOOK } else { 1 << 20 },
            one_by_one,
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

    pub(super) fn run(mut self, mut state: State) -> Result<Outcome> {
        self.handle(&mut state, Event::Started(Timestamp(0)));
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

    fn handle(&mut self, state: &mut State, event: Event) {
        offline::advance(self.machine, state, event, &mut self.actions);
    }

    fn answer(&mut self, state: &mut State, action: Action) {
        if let Action::Write { split, .. } = &action {
            self.traffic = Traffic::new(&self.scenario, split.canary);
            self.gap = None;
        }
        let Some(event) = offline::outcome(self.machine, action) else { return };
        self.handle(state, event);
        if state.phase == Phase::Holding {
            self.settle(state);
        }
    }

    /// The requests of the settling time, which are served but not used.
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
        self.handle(state, Event::Observed(Observation { source, sequence: None, at, what }));
    }

    /// Advances the time, in strides that count in full.
    fn pass(&mut self, state: &mut State) {
        let now = self.now();
        while now.since(state.now) > MAX_STRIDE && !state.is_done() {
            let step = state.now.plus(MAX_STRIDE);
            self.handle(state, Event::Tick(step));
        }
        self.handle(state, Event::Tick(now));
    }

    /// The time of the next pair.
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
        // Requests that come before the next pair and before the next tick of the clock.
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
        if self.one_by_one {
            for _ in 0..good {
                let canary = self.random.bernoulli(self.traffic.canary_if_good);
                self.request(state, canary, (false, false));
            }
            if with_bad {
                let (canary, bad) = self.bad();
                self.request(state, canary, bad);
            }
        } else {
            let canary = self.random.binomial(good, self.traffic.canary_if_good);
            let mut window = Window {
                since: self.now(),
                stable: Counts::good(good - canary),
                canary: Counts::good(canary),
                ..Window::default()
            };
            if with_bad {
                let (by_canary, (failed, slow)) = self.bad();
                let counts = if by_canary { &mut window.canary } else { &mut window.stable };
                counts.requests += 1;
                counts.failed += u64::from(failed);
                counts.slow += u64::from(slow);
            }
            let count = good + u64::from(with_bad);
            self.requests += count;
            self.elapse(count);
            self.observe(state, Seen::Window(window));
        }
        self.pass(state);
    }

    /// The time that so many requests take.
    fn elapse(&mut self, count: u64) {
        #[expect(clippy::cast_precision_loss, reason = "at most 2^20")]
        let count = count as f64;
        self.clock += (count / self.scenario.rate - self.waited).max(0.0);
        self.waited = 0.0;
    }

    /// One request with its values, of a user of its own.
    fn request(&mut self, state: &mut State, canary: bool, (failed, slow): (bool, bool)) {
        let arm = if canary { Arm::Canary } else { Arm::Stable };
        let latency = self.latency(canary, slow);
        let of = self.scenario.mean;
        let mut numbers = BTreeMap::new();
        for guardrail in &self.machine.plan().guardrails {
            if let Check::Mean(mean) = &guardrail.check {
                let high = self.random.bernoulli(if canary { of.canary } else { of.stable });
                let value = mean.range[usize::from(high)];
                numbers.insert(guardrail.name.as_str().into(), Some(value));
            }
        }
        let user = Some(self.requests.to_string().into());
        self.requests += 1;
        self.elapse(1);
        let request = Request { failed, numbers, user, ..Request::served(arm, latency) };
        self.observe(state, Seen::Request(request));
    }

    /// The latency of a request: a slow one is above every threshold, another one below those that are stated.
    fn latency(&mut self, canary: bool, slow: bool) -> Duration {
        let guardrails = &self.machine.plan().guardrails;
        if slow {
            return SLOWEST;
        }
        if !guardrails.iter().any(|one| matches!(one.check, Check::QuantileRatio(_))) {
            return Duration::ZERO;
        }
        let stated = guardrails.iter().filter_map(|one| match &one.check {
            Check::SlowRatio(slow) => slow.threshold,
            _ => None,
        });
        let median = stated.min().unwrap_or(Duration::from_secs(1)).as_secs_f64() / 100.0;
        let ratio = if canary { self.scenario.latency_ratio } else { 1.0 };
        Duration::from_secs_f64(ratio * median * self.random.log_normal(0.0, DEVIATION))
    }

    /// Draws a bad request: who served it, and whether it failed and was slow.
    fn bad(&mut self) -> (bool, (bool, bool)) {
        let by_canary = self.random.bernoulli(self.traffic.canary_if_bad);
        let (errors, slow) = if by_canary {
            (self.scenario.errors.canary, self.scenario.slow.canary)
        } else {
            (self.scenario.errors.stable, self.scenario.slow.stable)
        };
        (by_canary, self.kind_of_bad(errors, slow))
    }

    /// Draws whether a bad request failed, was slow, or both.
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
        // After the hold only a proof is awaited, and it comes with a bad request, a pair or a score.
        let after = if self.machine.lacks_evidence(state) { LOOK } else { u64::MAX };
        of_canary.into_iter().chain(of_both).min().unwrap_or(after)
    }

    fn left_of_time_hold(&self, state: &State) -> f64 {
        let wanted = self.machine.plan().steps[state.step].hold.time;
        let left = wanted.map(|wanted| wanted.saturating_sub(state.held()).as_secs_f64());
        left.filter(|left| *left > 0.0).unwrap_or(f64::INFINITY)
    }

    /// A half fails as a request to its version does, whatever happens to the other.
    fn half(&mut self, errors: f64, answer: Answer) -> Answer {
        // Draw nothing if nothing fails, so that such a scenario keeps the random sequence of its seed.
        if errors > 0.0 && self.random.bernoulli(errors) {
            Answer::failure("simulated failure")
        } else {
            answer
        }
    }

    fn pair(&mut self, state: &mut State) {
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
        let errors = self.scenario.errors;
        let stable = self.half(errors.stable, Answer::new(stable_class, Some(stable)));
        let canary = self.half(errors.canary, Answer::new(canary_class, Some(canary)));
        let served = (stable.is_served(), canary.is_served());
        let label = labelled.then(|| label.to_owned());
        self.observe(state, Seen::Pair(Pair { input: None, name: None, stable, canary, label }));
        for guardrail in &self.machine.plan().guardrails {
            if matches!(guardrail.check, Check::Custom(_)) {
                let drawn = f64::from(u8::from(self.random.bernoulli(self.scenario.custom)));
                // As the driver scores failed halves.
                let value = match served {
                    (false, _) => continue,
                    (true, false) => 0.0,
                    (true, true) => drawn,
                };
                let guardrail = guardrail.name.as_str().into();
                self.observe(state, Seen::Score(ScoreValue { guardrail, value, given: None }));
            }
        }
    }
}
