use super::*;
use crate::{
    Cause, Gate, GateOutcome, Guardrail, Hold, Missing, OnInconclusive, Step,
    evidence::{Answer, Arm, Counts, Observation, Pair, Request, ScoreValue, Seen, Window},
};

const ALPHA_OF_ONE: f64 = 0.05;

pub(super) fn plan() -> Plan {
    Plan::new("image-classifier", "resnet50", "resnet101")
        .bursts(crate::Bursts::None)
        .header("user-group", "canary")
        .weights([10, 50, 100], Hold::total_requests(200))
        .settle(Duration::ZERO)
        .guardrail(Guardrail::error_ratio(1.0))
}

/// A machine with its state, driven by hand.
#[derive(Clone)]
pub(super) struct Run {
    pub(super) machine: Machine,
    pub(super) state: State,
    pub(super) actions: Vec<Action>,
    sequence: u64,
}

impl Run {
    /// Up to the preparation.
    pub(super) fn new(plan: Plan) -> Self {
        let mut run = Self::new_unprepared(plan);
        run.handle(Event::Inspected(Ok(())));
        run
    }

    pub(super) fn new_unprepared(plan: Plan) -> Self {
        let machine = Machine::new(plan).unwrap();
        let state = machine.begin(Timestamp(1_000)).unwrap();
        let mut run = Self { machine, state, actions: Vec::new(), sequence: 0 };
        run.handle(Event::Started(Timestamp(1_000)));
        assert_eq!(run.actions, [Action::Inspect]);
        run
    }

    /// Applies an event and keeps the actions that answer it.
    pub(super) fn handle(&mut self, event: Event) -> &[Action] {
        let (state, actions) = self.machine.step(self.state.clone(), event);
        self.state = state;
        self.actions = actions;
        // A state is restored from its annotation at every moment: its tests to the last bit, the numbers that a final
        // verdict reports to the last but one.
        let text = self.state.encode().unwrap();
        let stored = State::decode(&text, self.machine.plan()).unwrap();
        let exact = |state: &State| serde_json::to_string(&state.monitors).unwrap();
        assert_eq!(exact(&stored), exact(&self.state));
        let phase = self.state.phase.clone();
        if self.state.is_running() {
            assert_eq!(stored.phase, phase);
        }
        assert_eq!(State { phase, monitors: self.state.monitors.clone(), ..stored }, self.state);
        &self.actions
    }

    /// Applies an event of a moment that is never stored.
    pub(super) fn handle_raw(&mut self, event: Event) {
        let (state, actions) = self.machine.step(self.state.clone(), event);
        (self.state, self.actions) = (state, actions);
    }

    pub(super) fn request_raw(&mut self, arm: Arm, failed: bool) {
        self.observe_raw(Seen::Request(Request { failed, ..Request::served(arm, None) }));
    }

    pub(super) fn observe_raw(&mut self, what: Seen) {
        let (sequence, at) = (Some(self.sequence), self.state.now);
        self.sequence += 1;
        self.handle_raw(Event::Observed(Observation { source: "test".into(), sequence, at, what }));
    }

    /// Up to the first hold.
    pub(super) fn holding(plan: Plan) -> Self {
        let mut run = Self::new(plan);
        run.handle(Event::Prepared { header_route: true });
        run.handle(Event::Probed(Ok(())));
        assert_eq!(
            run.actions,
            [Action::Write { split: run.machine.plan().steps[0].split(), last: false }]
        );
        run.handle(Event::Written);
        run
    }

    pub(super) fn observe(&mut self, what: Seen) {
        let (sequence, at) = (Some(self.sequence), self.state.now);
        self.sequence += 1;
        self.handle(Event::Observed(Observation { source: "test".into(), sequence, at, what }));
    }

    pub(super) fn request(&mut self, arm: Arm, failed: bool) {
        self.observe(Seen::Request(Request { failed, ..Request::served(arm, None) }));
    }

    /// Good requests in the proportion of the split in force.
    pub(super) fn good(&mut self, requests: u64) {
        let share = self.state.split().unwrap().canary.thousandths();
        let all = Percent::ALL.thousandths();
        for n in 0..requests {
            let canary = (n + 1) * share / all > n * share / all;
            self.request(if canary { Arm::Canary } else { Arm::Stable }, false);
            if !self.actions.is_empty() {
                break;
            }
        }
    }

    pub(super) fn pair(&mut self, input: Option<u64>, agrees: bool) {
        let canary = if agrees { "cat" } else { "dog" };
        let (stable, canary) = (Answer::new("cat", None), Answer::new(canary, None));
        self.observe(Seen::Pair(Pair { input, name: None, stable, canary, label: None }));
    }

    pub(super) fn tick(&mut self, seconds: u64) {
        let now = self.state.now.plus(Duration::from_secs(seconds));
        self.handle(Event::Tick(now));
    }
}

#[test]
fn a_good_canary_goes_through_every_step_and_is_promoted() {
    let mut run = Run::new(plan());
    assert_eq!(run.actions, [Action::Save, Action::Prepare]);
    assert_eq!(run.handle(Event::Prepared { header_route: true }), [Action::Probe]);
    assert_eq!(run.handle(Event::Probed(Err(Missing::yet("503")))), [Action::Probe]);
    let write = |canary, last| Action::Write { split: Split::new(canary), last };
    assert_eq!(run.handle(Event::Probed(Ok(()))), [write(10, false)]);
    assert_eq!(run.handle(Event::Written), []);
    run.good(200);
    assert_eq!(run.actions, [write(50, false)]);
    run.handle(Event::Written);
    run.good(200);
    assert_eq!(run.actions, [write(100, false)]);
    assert_eq!(run.handle(Event::Written), [write(100, true)], "nothing is waited for at 100");
    assert_eq!(run.handle(Event::Written), []);
    assert!(run.state.is_done());
    let verdict = run.state.verdict();
    assert!(
        matches!(&verdict, Verdict::Promote { evidence, exposure: 120, stable: 280, pairs: 0 } if evidence.len() == 2)
    );
    assert_eq!(verdict.to_json()["sentence"], verdict.to_string());
}

#[test]
fn a_failing_canary_is_rolled_back_routes_first() {
    let mut run = Run::holding(plan());
    let mut errors = 0;
    while run.actions.is_empty() {
        run.request(Arm::Canary, true);
        errors += 1;
    }
    assert!(errors < 10, "{errors}");
    assert_eq!(run.actions, [Action::Write { split: Split::STABLE, last: true }]);
    let Verdict::Rollback { guardrail, e, exposure, .. } = run.state.verdict() else { panic!() };
    assert_eq!((guardrail.as_str(), exposure), ("errorRatio", errors));
    assert!(e >= 1.0 / ALPHA_OF_ONE);
    run.request(Arm::Canary, true);
    assert_eq!(run.actions, [], "what is decided stays decided");
    assert_eq!(run.handle(Event::Written), [Action::RemoveSubset]);
    assert_eq!(run.handle(Event::SubsetRemoved), [Action::Save]);
    assert!(run.state.is_done());
    assert_eq!(run.state.split(), Some(Split::STABLE));
}

#[test]
fn a_wrong_split_makes_every_rate_unbelievable() {
    let mut run = Run::holding(plan().weights([10, 100], Hold::total_requests(100_000)));
    while run.actions.is_empty() {
        run.request(Arm::Canary, false);
        if run.actions.is_empty() {
            run.request(Arm::Stable, false);
        }
    }
    assert_eq!(run.actions, [Action::Leave], "the weights stay as they are");
    let verdict = run.state.verdict();
    assert!(matches!(&verdict, Verdict::Inconclusive { why: Why::Split { .. } }), "{verdict}");
    let mut plan = plan();
    plan.on_inconclusive = OnInconclusive::Rollback;
    let mut run = Run::holding(plan);
    while run.actions.is_empty() {
        run.request(Arm::Canary, false);
    }
    assert_eq!(run.actions, [Action::Write { split: Split::STABLE, last: true }]);
}

#[test]
fn the_split_is_believed_first_when_both_alarm_at_once() {
    let mut run = Run::holding(plan().weights([10, 100], Hold::total_requests(100_000)));
    let good = Counts::good(500);
    let bad = Counts { requests: 500, failed: 250, slow: 0 };
    let since = run.state.now;
    run.observe(Seen::Window(Window {
        since,
        stable: good,
        canary: bad,
        unknown: 3,
        ..Window::default()
    }));
    assert_eq!(run.state.totals().unknown, 3);
    assert!(matches!(run.state.verdict(), Verdict::Inconclusive { why: Why::Split { .. } }));
}

#[test]
fn sides_that_were_counted_apart_say_nothing_of_the_split() {
    let hold = Hold::total_requests(100_000);
    for apart in [false, true] {
        let mut run = Run::holding(plan().weights([10, 100], hold));
        let (stable, canary) = (Counts::good(500), Counts::good(500));
        let since = run.state.now;
        run.observe(Seen::Window(Window { since, stable, canary, apart, ..Window::default() }));
        let why = run.state.verdict();
        let split = matches!(why, Verdict::Inconclusive { why: Why::Split { .. } });
        assert_eq!(split, !apart, "{why}");
        // Errors are still compared.
        let canary = Counts { requests: 500, failed: 250, slow: 0 };
        run.observe(Seen::Window(Window { since, stable, canary, apart, ..Window::default() }));
        assert_eq!(matches!(run.state.verdict(), Verdict::Rollback { .. }), apart);
    }
}

#[test]
fn missing_data_is_neither_failure_nor_success() {
    let mut run = Run::holding(plan().patience(Duration::from_secs(90)));
    run.good(150);
    run.request(Arm::Unknown, true);
    run.tick(60);
    assert!(!run.state.is_done());
    run.tick(60);
    let verdict = run.state.verdict().to_string();
    assert_eq!(
        verdict,
        "inconclusive: step 0 observed only 150 of 200 requests, 15 of 20 requests of the canary for errorRatio, 1 request of \
         unknown origin left out"
    );
    assert_eq!(run.actions, [Action::Leave]);
    run.handle(Event::Written);
    assert!(run.state.is_done());
}

#[test]
fn duplicates_late_and_repeated_observations_count_for_nothing() {
    let mut run =
        Run::holding(plan().settle(Duration::from_secs(2)).guardrail(Guardrail::agreement(0.9)));
    let failed = Seen::Request(Request { failed: true, ..Request::served(Arm::Canary, None) });
    let early = run.state.since.plus(Duration::from_millis(1_999));
    let at = run.state.since.plus(Duration::from_secs(2));
    let observed = |sequence, at, what: &Seen| {
        Event::Observed(Observation { source: "log".into(), sequence, at, what: what.clone() })
    };
    for _ in 0..50 {
        run.handle(observed(None, early, &failed));
        run.handle(observed(Some(7), at, &failed));
        run.handle(observed(Some(3), at, &failed));
        run.pair(Some(42), false);
    }
    let totals = run.state.totals();
    assert_eq!((totals.late, totals.duplicates, totals.repeated), (50, 99, 49));
    assert_eq!((totals.canary, totals.pairs, run.state.seen_at_step().pairs), (51, 1, 1));
    assert_eq!(run.state.seen_at_step().requests(), 1);
    assert!(!run.state.verdict().is_final());
    for _ in 0..50 {
        run.pair(None, false);
    }
    assert!(run.state.verdict().is_final(), "pairs without a digest are new inputs");
}

#[test]
fn clocks_that_jump_do_not_shorten_a_hold() {
    let hold = Hold::time(Duration::from_secs(100));
    let mut run = Run::holding(plan().weights([10, 100], hold));
    let start = run.state.now;
    run.handle(Event::Tick(start.plus(Duration::from_secs(1_000_000))));
    assert_eq!(run.state.held(), MAX_STRIDE);
    run.handle(Event::Tick(start));
    run.handle(Event::Tick(Timestamp(0)));
    assert_eq!(run.state.held(), MAX_STRIDE, "time does not go back, and does not pass twice");
    run.handle(Event::Started(start.plus(Duration::from_secs(2_000_000))));
    assert_eq!(run.state.held(), MAX_STRIDE, "an interruption is not a time of the hold");
    run.good(300);
    run.tick(39);
    assert_eq!(run.actions, []);
    run.tick(1);
    assert!(matches!(run.actions[..], [Action::Write { split, .. }] if split.canary == 100));
}

#[test]
fn a_paused_rollout_waits_but_still_guards() {
    let mut run = Run::holding(plan());
    assert_eq!(run.handle(Event::Pause), [Action::Save]);
    assert_eq!(run.handle(Event::Pause), []);
    run.good(300);
    run.tick(60);
    assert_eq!((run.state.held(), run.state.step()), (Duration::ZERO, 0));
    let mut resumed =
        Run { state: run.state.clone(), machine: run.machine.clone(), ..Run::new(plan()) };
    let actions = resumed.handle(Event::Resume);
    assert!(matches!(actions, [Action::Save, Action::Write { split, .. }] if split.canary == 50));
    for _ in 0..20 {
        run.request(Arm::Canary, true);
    }
    assert!(matches!(run.state.verdict(), Verdict::Rollback { .. }));
}

#[test]
fn gates_are_evaluated_before_the_weight_and_may_stop_it() {
    let gated = || {
        let mut plan = plan().gate(Gate::new("golden").image("a.jpg", "cat"));
        plan.steps[0] = Step::new(10).hold(Hold::total_requests(200)).gate("golden");
        let mut run = Run::new(plan);
        run.handle(Event::Prepared { header_route: true });
        assert_eq!(run.handle(Event::Probed(Ok(()))), [Action::JudgeGate("golden".into())]);
        run
    };
    let judged = |outcome| Event::GateJudged { gate: "golden".into(), outcome };
    let passed = GateOutcome::Passed { right: 1, of: 1 };
    let mut run = gated();
    let other = Event::GateJudged { gate: "other".into(), outcome: passed.clone() };
    assert_eq!(run.handle(other), [], "an answer to another gate is not an answer");
    assert!(matches!(run.handle(judged(passed)), [Action::Write { last: false, .. }]));
    let mut run = gated();
    run.handle(judged(GateOutcome::Failed { right: 0, of: 1, wrong: vec!["a.jpg".into()] }));
    assert!(matches!(run.state.verdict(), Verdict::Rollback { evidence: Cause::Gate(_), .. }));
    assert_eq!(run.actions, [Action::Leave], "no weight was written");
    let mut run = gated();
    run.handle(judged(GateOutcome::Unanswered { why: "no answer".into() }));
    assert!(matches!(
        run.state.verdict(),
        Verdict::Inconclusive { why: Why::GateUnanswered { .. } }
    ));
}

#[test]
fn an_unreachable_canary_never_gets_a_weight() {
    let mut run = Run::new(plan().patience(Duration::from_secs(50)));
    run.handle(Event::Prepared { header_route: true });
    run.handle(Event::Probed(Err(Missing::yet("503 no healthy upstream"))));
    run.tick(60);
    let verdict = run.state.verdict().to_string();
    assert!(verdict.contains("503 no healthy upstream"), "{verdict}");
    assert_eq!(run.state.split(), None);
}

#[test]
fn promotion_waits_until_harm_is_excluded() {
    let mut plan =
        plan().weights([50, 100], Hold::total_requests(100)).patience(Duration::from_secs(100));
    plan.guardrails[1] = Guardrail::error_ratio(1.0).proven(1.5);
    let mut run = Run::holding(plan.clone());
    run.good(3_000);
    assert_eq!(run.actions, [], "without an error nothing excludes a ratio");
    let mut slow = Run { state: run.state.clone(), machine: run.machine.clone(), ..Run::new(plan) };
    while run.actions.is_empty() {
        for failed in [Arm::Stable, Arm::Canary, Arm::Stable] {
            if run.actions.is_empty() {
                run.request(failed, true);
            }
        }
        if run.actions.is_empty() {
            run.request(Arm::Canary, false);
        }
    }
    assert!(matches!(run.actions[..], [Action::Write { split, .. }] if split.canary == 100));
    slow.tick(60);
    slow.tick(60);
    let verdict = slow.state.verdict().to_string();
    assert_eq!(verdict, "inconclusive: harm could not be excluded by errorRatio");
}

#[test]
fn an_edit_by_somebody_else_ends_it_without_a_write() {
    let mut run = Run::holding(plan());
    let diff = crate::patch::Differences::default();
    assert_eq!(run.handle(Event::Edited(diff.clone())), [Action::CleanUp]);
    assert_eq!(run.state.verdict(), Verdict::ExternalEdit { diff });
    assert_eq!(run.handle(Event::Written), []);
    assert_eq!(run.handle(Event::Abort("late".into())), []);
}

#[test]
fn a_person_may_roll_back_and_sources_may_end() {
    let mut run = Run::holding(plan());
    run.handle(Event::Abort("wrong model".into()));
    assert!(run.state.verdict().to_string().contains("wrong model"));
    let mut run = Run::holding(plan());
    run.handle(Event::SourcesEnded("log: end of file".into()));
    assert!(run.state.verdict().to_string().contains("end of file"));
}

#[test]
fn numbers_out_of_range_are_refused_and_counted() {
    let mut run = Run::holding(plan().guardrail(Guardrail::custom("sure", 0.5)));
    let score = |guardrail: &str, value| {
        Seen::Score(ScoreValue { guardrail: guardrail.into(), value, given: None })
    };
    for what in
        [score("sure", 1.5), score("sure", f64::NAN), score("other", 0.5), score("sure", 0.9)]
    {
        run.sequence += 1;
        run.handle(Event::Observed(Observation {
            source: "t".into(),
            sequence: None,
            at: run.state.now,
            what,
        }));
    }
    assert_eq!(run.state.totals().refused, 3);
    for _ in 0..100 {
        run.observe(score("sure", 0.1));
    }
    assert!(
        matches!(run.state.verdict(), Verdict::Rollback { guardrail, .. } if guardrail == "sure")
    );
}

#[test]
fn windows_count_as_requests_do_and_late_ones_do_not() {
    let mut run = Run::holding(plan().weights([50, 100], Hold::total_requests(10_000)));
    let counts = |failed| Counts { requests: 100, failed, slow: 0 };
    let since = run.state.now;
    let mut window = Window { since, stable: counts(2), canary: counts(2), ..Window::default() };
    run.observe(Seen::Window(window));
    assert_eq!(run.state.seen_at_step().requests(), 200);
    window.since = Timestamp(since.0 - 1);
    run.observe(Seen::Window(window));
    assert_eq!((run.state.seen_at_step().requests(), run.state.totals().late), (200, 200));
    window = Window { since, stable: counts(0), canary: counts(60), ..Window::default() };
    run.observe(Seen::Window(window));
    assert!(matches!(run.state.verdict(), Verdict::Rollback { .. }));
}

#[test]
fn starting_again_repeats_what_was_not_answered() {
    let mut run = Run::new(plan());
    for event in [Event::Prepared { header_route: true }, Event::Probed(Ok(())), Event::Written] {
        let expected: Vec<Action> =
            run.actions.iter().filter(|a| **a != Action::Save).cloned().collect();
        run.handle(Event::Started(Timestamp(9_000)));
        let again: Vec<Action> =
            run.actions.iter().filter(|a| **a != Action::Save).cloned().collect();
        assert_eq!(again, expected);
        run.handle(event);
    }
    run.handle(Event::Abort(String::new()));
    for event in [Event::Written, Event::SubsetRemoved] {
        let expected = run.actions.clone();
        assert_eq!(run.handle(Event::Started(Timestamp(9_000))), expected);
        run.handle(event);
    }
}

#[test]
fn a_state_of_another_plan_or_version_is_refused() {
    let run = Run::holding(plan());
    let text = run.state.encode().unwrap();
    let message = |text: &str, plan: &Plan| State::decode(text, plan).unwrap_err().to_string();
    assert!(message(&text, &plan().alpha(0.01)).contains("the plan was changed"));
    let newer = text.replace("\"version\":4", "\"version\":5");
    assert!(message(&newer, &plan()).contains("version 5"));
    assert!(message("{", &plan()).contains("remove the annotation"));
    let cut = text.replace("\"step\":0", "\"step\":9");
    assert!(message(&cut, &plan()).contains("edited by hand"));
}

#[test]
fn the_largest_plan_fits_its_annotation_with_its_verdict() {
    let mut plan = plan()
        .weights((1..=99).step_by(4).chain([100]), Hold::total_requests(20))
        .settle(Duration::ZERO);
    plan = plan.guardrail(Guardrail::slower_than(Duration::from_millis(1), 1.0));
    for n in 0..4 {
        plan = plan.guardrail(Guardrail::numeric_drift(0.9).named(format!("drift{n}")));
    }
    let mut run = Run::holding(plan);
    while !run.state.is_done() {
        let since = run.state.now;
        let share = run.state.split().unwrap().canary.whole().unwrap();
        let huge = |percent: u64| {
            let bad = 99_999_999 * percent;
            Counts { requests: 3 * bad, failed: bad, slow: bad }
        };
        let (stable, canary) = (huge(100 - share), huge(share));
        run.observe(Seen::Window(Window { since, stable, canary, ..Window::default() }));
        for n in 0..50_u64 {
            let input = Some(Pair::digest(&(n + run.sequence).to_le_bytes()));
            let (stable, canary) = (Answer::new("cat", 0.123), Answer::new("cat", 0.124));
            run.observe(Seen::Pair(Pair { input, name: None, stable, canary, label: None }));
        }
        run.handle(Event::Written);
    }
    assert!(matches!(run.state.verdict(), Verdict::Promote { .. }));
}
