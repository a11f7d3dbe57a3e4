//! A/A runs: their writes, their measurements, and the weights that they leave.

use super::{
    tests::{Run, plan},
    *,
};
use crate::{
    Approval, Bursts, Command, Guardrail, Hold, Missing, OnInconclusive, Step, Verb,
    aa::AaReport,
    evidence::{Arm, Counts, Seen, Window},
};
use canary_stats::Random;

const STABLE: [Action; 1] = [Action::Write { split: Split::STABLE, last: true }];

/// A second of traffic at a weight of 10, with failures.
fn second(run: &mut Run, stable_failed: u64, canary_failed: u64) {
    run.tick(1);
    if !run.actions.is_empty() {
        return;
    }
    let window = Window {
        since: run.state.now,
        stable: Counts { requests: 90, failed: stable_failed, slow: 0 },
        canary: Counts { requests: 10, failed: canary_failed, slow: 0 },
        ..Window::default()
    };
    run.observe(Seen::Window(window));
}

/// One step at 10, long enough for a hundred seconds.
fn one_step() -> Plan {
    plan()
        .weights([10, 100], Hold::total_requests(10_000))
        .bursts(Bursts::Window(Duration::from_secs(2)))
        .aa()
}

fn report(state: &State) -> AaReport {
    let verdict = state.verdict();
    verdict.aa().unwrap_or_else(|| panic!("{verdict}")).clone()
}

#[test]
fn the_steps_below_100_run_and_everything_goes_back() {
    let mut last = Step::new(100).approve(Approval::new());
    last.gates.push("golden".to_owned());
    let mut plan = plan().gate(crate::Gate::new("golden").image("a.jpg", "cat")).aa();
    plan.steps[2] = last;
    let mut run = Run::holding(plan);
    run.good(200);
    let split = Split::new(50);
    assert_eq!(run.actions, [Action::Write { split, last: false }]);
    run.handle(Event::Written);
    run.good(200);
    assert_eq!(run.actions, STABLE, "without the approval and the gate of the step at 100");
    let verdict = run.state.verdict();
    assert_eq!((verdict.name(), verdict.cause()), ("inconclusive", Some("aa")));
    assert!(verdict.to_string().contains("promotes nothing"), "{verdict}");
    assert!(report(&run.state).is_complete() && report(&run.state).alarms.is_empty());
    assert_eq!(run.handle(Event::Written), [Action::RemoveSubset]);
    assert_eq!(run.handle(Event::SubsetRemoved), [Action::Save]);
    assert!(run.state.is_done());
    assert_eq!(run.state.split(), Some(Split::STABLE));
}

#[test]
fn an_alarm_is_recorded_with_its_evidence_and_changes_nothing() {
    let paused = Guardrail::error_rate(0.01);
    let mut run = Run::holding(one_step().guardrail(paused));
    let mut told = 0;
    for _ in 0..100 {
        second(&mut run, 0, 4);
        told += usize::from(run.actions == [Action::Save]);
        assert!(!run.state.is_paused());
        if run.state.is_decided() {
            break;
        }
    }
    assert_eq!((run.state.told().len(), told), (2, 2), "once each");
    assert_eq!(run.actions, STABLE);
    let report = report(&run.state);
    let names: Vec<&str> = report.alarms.iter().map(|alarm| alarm.guardrail.as_str()).collect();
    assert_eq!(names, ["errorRatio", "errorRate"]);
    let alarm = &report.alarms[0];
    // At the levels that the plan has: one of two guardrails rolls back, and has the whole α.
    assert!((alarm.threshold - 20.0).abs() < 1e-9 && alarm.e >= 20.0, "{alarm}");
    // The same plan without A/A rolls back.
    let mut run = Run::holding(Plan { aa: false, ..one_step() });
    for _ in 0..100 {
        second(&mut run, 0, 4);
    }
    assert_eq!(run.state.verdict().name(), "rollback");
}

#[test]
fn a_step_does_not_wait_for_a_burst_to_be_confirmed() {
    let plan = one_step().bursts(Bursts::Window(Duration::from_secs(1_000)));
    let mut run = Run::holding(plan);
    for _ in 0..100 {
        second(&mut run, 0, 3);
    }
    assert_eq!(run.state.verdict().cause(), Some("aa"));
    assert_eq!(run.actions, STABLE);
}

#[test]
fn a_broken_canary_goes_back_as_ever() {
    let mut run = Run::holding(one_step());
    while run.actions.is_empty() {
        second(&mut run, 0, 10);
    }
    assert_eq!(run.state.verdict().cause(), Some("canaryFails"), "{}", run.state.verdict());
    assert_eq!(run.actions, STABLE);
    // One that is not ready is refused before its first weight.
    let mut run = Run::new_unprepared(one_step());
    run.handle(Event::Inspected(Err(Missing::for_good("no pods"))));
    assert_eq!(run.state.verdict().cause(), Some("notReady"));
    assert_eq!(run.state.split(), None);
}

/// Every end that would leave the weights where they are leaves them at the stable version.
#[test]
fn no_end_keeps_the_weights() {
    assert_eq!(one_step().on_inconclusive, OnInconclusive::Keep);
    // The split is wrong.
    let mut run = Run::holding(one_step());
    while run.actions.is_empty() {
        run.request(Arm::Canary, false);
    }
    assert_eq!(run.state.verdict().cause(), Some("split"));
    assert_eq!(run.actions, STABLE);
    assert_eq!(run.state.verdict().aa(), None, "no rate can be believed");
    // The service fails.
    let mut run = Run::holding(one_step());
    while run.actions.is_empty() {
        second(&mut run, 90, 10);
    }
    assert_eq!(run.state.verdict().cause(), Some("serviceFails"), "{}", run.state.verdict());
    assert_eq!(run.actions, STABLE);
    // The patience is over.
    let mut run = Run::holding(one_step().patience(Duration::from_secs(30)));
    while run.state.is_running() {
        second(&mut run, 1, 0);
    }
    assert_eq!(run.actions, STABLE);
    let early = report(&run.state).early.unwrap();
    assert!(early.contains("of 10000 requests"), "{early}");
    // The sources end, before anything was seen of the canary and after.
    for seconds in [0, 5] {
        let mut run = Run::holding(one_step());
        for _ in 0..seconds {
            second(&mut run, 1, 0);
        }
        run.handle(Event::SourcesEnded("no more inputs".to_owned()));
        assert_eq!(run.actions, STABLE);
        assert!(!report(&run.state).is_complete());
    }
}

#[test]
fn nobody_can_promote_it_and_anybody_can_abort_it() {
    let mut run = Run::holding(one_step());
    second(&mut run, 1, 0);
    run.handle(Event::Commanded(vec![Command::new(Verb::Promote, "1").into()]));
    assert_eq!(run.actions, [Action::Save]);
    let refused = run.state.commands().last().unwrap().to_string();
    assert!(refused.contains("A/A"), "{refused}");
    assert!(run.state.is_running());
    run.handle(Event::Commanded(vec![Command::new(Verb::Abort, "2").into()]));
    assert_eq!(run.actions, STABLE);
    assert_eq!(run.state.verdict().cause(), Some("asked"));
}

/// A run over bursts, killed after so many of a hundred seconds; its report and its stored monitors.
fn measured(seed: u64, killed: f64) -> (AaReport, String) {
    let plan = one_step().weights([10, 50, 100], Hold::total_requests(20_000));
    let (mut random, mut kills) = (Random::new(seed), Random::new(seed + 1));
    let mut run = Run::holding(plan);
    let mut written = 0;
    while run.state.is_running() {
        let share = run.state.split().unwrap().canary;
        let bad = if random.bernoulli(0.2) { 6 } else { 0 };
        let of_canary = random.bernoulli(share.share());
        run.tick(1);
        let (stable, canary) = if of_canary { (0, bad) } else { (bad, 0) };
        let requests = share.whole().unwrap();
        let window = Window {
            since: run.state.now,
            stable: Counts { requests: 100 - requests, failed: stable, slow: 0 },
            canary: Counts { requests, failed: canary, slow: 0 },
            ..Window::default()
        };
        run.observe(Seen::Window(window));
        if run.actions.iter().any(|action| matches!(action, Action::Write { last: false, .. })) {
            run.handle(Event::Written);
            written += 1;
        }
        if kills.bernoulli(killed) {
            let text = run.state.encode().unwrap();
            run.state = State::decode(&text, run.machine.plan()).unwrap();
            let now = run.state.now;
            run.handle(Event::Started(now));
            run.handle(Event::Saved);
        }
    }
    assert_eq!((written, &run.actions[..]), (1, &STABLE[..]), "{}", run.state.verdict());
    (report(&run.state), serde_json::to_string(&run.state.monitors).unwrap())
}

#[test]
fn a_killed_run_measures_the_same() {
    for seed in 0..2 {
        let (straight, monitors) = measured(seed, 0.0);
        let short = straight.guardrails[0].levels[0];
        assert!((4.0..12.0).contains(&short.phi) && short.windows > 50, "{straight}");
        assert_eq!(straight.advice.none, Some(false));
        assert_eq!(measured(seed, 0.1), (straight, monitors), "seed {seed}");
    }
}
