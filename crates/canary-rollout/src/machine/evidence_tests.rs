//! No verdict without evidence: inputs that must not promote or decide.

use super::{
    scores::MAX_INVALID_SCORES,
    tests::{Run, plan},
    *,
};
use crate::{
    Cause, Gate, GateOutcome, Guardrail, Hold, Missing,
    evidence::{Arm, Counts, Request, ScoreValue, Seen, Window},
};

fn write_to(canary: u32) -> impl Fn(&[Action]) -> bool {
    move |actions| matches!(actions, [Action::Write { split, last: false }] if split.canary == canary)
}

fn by_time(seconds: u64) -> Plan {
    plan().weights([10, 50, 100], Hold::time(Duration::from_secs(seconds)))
}

#[test]
fn silence_is_inconclusive_and_names_what_is_missing() {
    let mut run = Run::holding(by_time(5).patience(Duration::from_secs(90)));
    run.handle(Event::SourceProblem("prometheus: no samples of istio_requests_total yet".into()));
    run.tick(60);
    assert_eq!(run.actions, [], "time alone passes no step");
    run.tick(60);
    let message = run.state.verdict().to_string();
    for part in [
        "0 of 20 requests for observedSplit",
        "0 of 20 requests of the canary for errorRatio",
        "no samples",
    ] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn each_arm_has_its_least_number_of_observations_in_each_step() {
    let mut run = Run::holding(by_time(1));
    run.tick(10);
    for _ in 0..400 {
        run.request(Arm::Stable, false);
    }
    assert_eq!(run.state.split().unwrap().canary, 10, "stable traffic alone fills no step");
    let mut run = Run::holding(by_time(1));
    run.tick(10);
    run.good(199);
    assert_eq!(run.actions, []);
    run.request(Arm::Canary, false);
    assert!(write_to(50)(&run.actions), "{:?}", run.actions);
    run.handle(Event::Written);
    run.tick(10);
    run.good(39);
    assert_eq!(run.actions, [], "the observations of the step before are not this step's");
    run.request(Arm::Canary, false);
    assert!(write_to(100)(&run.actions), "{:?}", run.actions);
}

#[test]
fn a_canary_that_fails_most_of_few_requests_does_not_pass() {
    let mut plan = plan().weights([50, 100], Hold::total_requests(20));
    for guardrail in &mut plan.guardrails {
        guardrail.minimum = 5;
    }
    let mut run = Run::holding(plan.patience(Duration::from_secs(90)));
    for n in 0..20 {
        run.request(if n % 2 == 0 { Arm::Canary } else { Arm::Stable }, n % 2 == 0 && n > 6);
        assert_eq!(run.actions, []);
    }
    run.tick(60);
    run.tick(60);
    let message = run.state.verdict().to_string();
    assert!(message.contains("the canary failed 6 of 10 requests"), "{message}");
}

#[test]
fn a_canary_that_dies_at_100_goes_back() {
    for arm in [Arm::Canary, Arm::Unknown] {
        let mut plan = plan();
        plan.steps[2].hold = Hold::requests(10_000);
        let mut run = Run::holding(plan);
        for _ in 0..2 {
            run.good(200);
            run.handle(Event::Written);
        }
        run.good(300);
        assert_eq!((run.state.split(), run.actions.len()), (Some(Split::CANARY), 0));
        for _ in 0..24 {
            run.request(arm, true);
        }
        assert!(
            matches!(run.actions[..], [Action::Write { split: Split::STABLE, last: true }]),
            "{arm:?}: {}",
            run.state.verdict()
        );
    }
}

#[test]
fn a_split_whose_missing_share_fails_is_the_canarys_fault() {
    let mut run = Run::holding(plan().weights([30, 100], Hold::requests(100_000)));
    // Half of the canary's endpoints are dead: 15 of 100 requests find none.
    for n in 0_u64.. {
        let arm = match n % 20 {
            0..3 => Arm::Unknown,
            3..6 => Arm::Canary,
            _ => Arm::Stable,
        };
        run.request(arm, arm == Arm::Unknown);
        if !run.actions.is_empty() {
            break;
        }
        assert!(n < 10_000);
    }
    let verdict = run.state.verdict();
    assert!(
        matches!(&verdict, Verdict::Rollback { evidence: Cause::Unreachable { .. }, .. }),
        "{verdict}"
    );
    assert!(verdict.to_string().contains("the canary cannot be reached"), "{verdict}");
}

#[test]
fn while_a_write_is_unanswered_nothing_is_decided() {
    let mut run = Run::holding(plan());
    run.good(200);
    assert!(write_to(50)(&run.actions));
    run.handle_raw(Event::Unanswered);
    for _ in 0..500 {
        run.request_raw(Arm::Canary, true);
    }
    run.handle_raw(Event::Tick(run.state.now.plus(Duration::from_secs(1_000_000))));
    assert!(!run.state.is_decided(), "{}", run.state.verdict());
    assert_eq!(run.state.totals().late, 500);
    run.handle(Event::Written);
    assert_eq!(run.state.split().unwrap().canary, 50);
    assert_eq!(run.state.seen_at_step().canary.requests, 0);
    // The acknowledgement, not the sending, begins the settling.
    let acknowledged = run.state.now.plus(Duration::from_secs(7));
    run.handle(Event::Acknowledged(acknowledged));
    assert_eq!(run.state.since(), acknowledged);
    run.handle(Event::Acknowledged(acknowledged.plus(Duration::from_secs(7))));
    assert_eq!(run.state.since(), acknowledged, "once");
}

#[test]
fn an_interrupted_rollout_decides_when_its_evidence_is_stored() {
    let mut run = Run::holding(plan().weights([50, 100], Hold::total_requests(100_000)));
    run.good(100);
    run.handle(Event::Started(run.state.now));
    for n in 0..400 {
        run.request(if n % 2 == 0 { Arm::Canary } else { Arm::Stable }, n % 4 == 0);
        assert_eq!(run.actions, [], "{n}");
    }
    run.handle(Event::Saved);
    assert!(matches!(&run.state.verdict(), Verdict::Rollback { .. }), "{}", run.state.verdict());

    // A step that ends stores the state too, and decides before.
    let mut run = Run::holding(plan().weights([50, 60, 100], Hold::total_requests(500)));
    run.handle(Event::Started(run.state.now));
    for n in 0..500 {
        run.request(if n % 2 == 0 { Arm::Canary } else { Arm::Stable }, n % 4 == 0);
    }
    assert!(matches!(&run.state.verdict(), Verdict::Rollback { .. }), "{}", run.state.verdict());
}

#[test]
fn a_driver_killed_before_the_acknowledgement_settles_anew() {
    let mut run = Run::holding(plan().settle(Duration::from_secs(5)));
    let later = run.state.now.plus(Duration::from_secs(60));
    run.handle(Event::Started(later));
    assert_eq!(run.state.since(), later);
    let again = later.plus(Duration::from_secs(60));
    run.handle(Event::Started(again));
    assert_eq!(run.state.since(), later, "the split has been in force since");
}

#[test]
fn scores_that_are_none_are_counted_and_end_the_rollout() {
    for value in [f64::NAN, 2.0, -0.1, f64::INFINITY] {
        let mut run = Run::holding(plan().guardrail(Guardrail::custom("sure", 0.9)));
        for n in 1..=MAX_INVALID_SCORES {
            assert!(!run.state.is_decided());
            let guardrail = "sure".into();
            run.observe(Seen::Score(ScoreValue { guardrail, value, given: None }));
            assert_eq!(run.state.totals().refused, u64::from(n));
        }
        let message = run.state.verdict().to_string();
        assert!(message.contains("sure") && message.contains("from 0 to 1"), "{message}");
        assert!(message.contains(&format!("the last one {value}")), "{message}");
    }
    // A value that is not a number is reported as it was given.
    let mut run = Run::holding(plan().guardrail(Guardrail::custom("sure", 0.9)));
    for _ in 0..MAX_INVALID_SCORES {
        let (guardrail, given) = ("sure".into(), Some("the text 'high'".into()));
        run.observe(Seen::Score(ScoreValue { guardrail, value: f64::NAN, given }));
    }
    let message = run.state.verdict().to_string();
    assert!(message.contains("the last one the text 'high'"), "{message}");
}

#[test]
fn inputs_that_repeat_themselves_end_a_step_that_waits_for_more() {
    let plan = plan().weights([10, 100], Hold::pairs(30));
    let mut run = Run::holding(plan.guardrail(Guardrail::agreement(0.9)));
    for n in 0..1_100 {
        run.pair(Some(n % 6), true);
    }
    let message = run.state.verdict().to_string();
    assert_eq!(
        message,
        "inconclusive: step 0 ran out of distinct inputs: it repeated 6 inputs, and each counts once; give more"
    );
}

#[test]
fn a_canary_that_is_not_there_is_refused_and_nothing_is_written() {
    let mut run = Run::new_unprepared(plan());
    run.handle(Event::Inspected(Err(Missing::yet("pod v2-1: ContainerCreating"))));
    assert_eq!(run.actions, [Action::Inspect]);
    run.handle(Event::Inspected(Err(Missing::for_good("no pod has the labels version=v3"))));
    assert_eq!(run.actions, []);
    assert!(run.state.is_done());
    let message = run.state.verdict().to_string();
    assert_eq!(
        message,
        "rolled back: the canary was refused before its first weight: no pod has the labels version=v3"
    );

    let mut slow = Run::new_unprepared(plan().startup_timeout(Duration::from_secs(30)));
    slow.handle(Event::Inspected(Err(Missing::yet("pod v2-1: ImagePullBackOff"))));
    slow.tick(29);
    assert!(!slow.state.is_done());
    slow.tick(1);
    assert!(slow.state.verdict().to_string().ends_with("ImagePullBackOff"));
}

#[test]
fn a_canary_that_refuses_the_probe_is_refused_and_its_objects_are_removed() {
    let mut run = Run::new(plan());
    run.handle(Event::Prepared { header_route: true });
    run.handle(Event::Probed(Err(Missing::yet("the response is by subset resnet50"))));
    for _ in 1..MAX_REFUSALS {
        run.handle(Event::Probed(Err(Missing::for_good("404 Servable not found"))));
        assert_eq!(run.actions, [Action::Probe]);
    }
    run.handle(Event::Probed(Err(Missing::for_good("404 Servable not found"))));
    assert_eq!(run.actions, [Action::Leave], "no weight was written, and none is");
    run.handle(Event::Written);
    assert_eq!(run.actions, [Action::RemoveSubset]);
    assert_eq!((run.state.split(), run.state.has_header_route()), (None, false));
}

#[test]
fn a_first_weight_that_may_be_in_force_is_taken_back() {
    let mut run = Run::new(plan());
    run.handle(Event::Prepared { header_route: false });
    assert!(write_to(10)(&run.actions), "{:?}", run.actions);
    // Not by `handle`, because an unanswered write belongs to this process only and is not stored.
    let (state, _) = run.machine.step(run.state.clone(), Event::Unanswered);
    let gone = Event::Inspected(Err(Missing::for_good("no pod is left")));
    let (state, actions) = run.machine.step(state, gone);
    assert_eq!(actions, [Action::Write { split: Split::STABLE, last: true }]);
    run.state = state;
    run.handle(Event::Written);
    assert_eq!(run.state.split(), Some(Split::STABLE));
    assert_eq!(run.actions, [Action::RemoveSubset]);
}

#[test]
fn a_canary_that_loses_its_pods_between_steps_gets_no_more_weight() {
    let mut run = Run::holding(plan().startup_timeout(Duration::from_secs(30)));
    run.good(200);
    assert!(write_to(50)(&run.actions));
    run.handle(Event::Inspected(Err(Missing::yet("pod v2-1: Unhealthy"))));
    assert!(write_to(50)(&run.actions), "tried again");
    run.tick(31);
    let verdict = run.state.verdict();
    assert!(verdict.to_string().contains("not ready for its next weight"), "{verdict}");
    assert!(matches!(run.actions[..], [Action::Write { split: Split::STABLE, last: true }]));
}

#[test]
fn a_header_route_for_the_probe_alone_goes_with_the_first_weight() {
    let mut plan = plan();
    plan.header = None;
    let mut run = Run::new(plan);
    assert_eq!(run.handle(Event::Prepared { header_route: true }), [Action::Probe]);
    run.handle(Event::Probed(Ok(())));
    assert!(run.state.has_header_route());
    run.handle(Event::Written);
    assert!(!run.state.has_header_route());
}

#[test]
fn counts_of_requests_that_have_ended_wait_for_the_slow_ones() {
    let plan = plan().settle(Duration::from_secs(2)).request_timeout(Duration::from_secs(8));
    let mut run = Run::holding(plan);
    let began = run.state.now;
    let window = |after: u64, ended| Window {
        since: began.plus(Duration::from_secs(after)),
        stable: Counts::good(9),
        canary: Counts::good(1),
        ended,
        ..Window::default()
    };
    run.tick(12);
    for (after, ended, late) in [(1, false, 10), (2, false, 10), (9, true, 20), (10, true, 20)] {
        run.observe(Seen::Window(window(after, ended)));
        assert_eq!(run.state.totals().late, late, "{after} {ended}");
    }
}

#[test]
fn an_inconclusive_rollout_without_traffic_leaves_nothing_behind() {
    let mut gated = plan().gate(Gate::new("golden").image("a.jpg", "cat"));
    gated.steps[0].gates.push("golden".into());
    let mut run = Run::new(gated);
    run.handle(Event::Prepared { header_route: true });
    run.handle(Event::Probed(Ok(())));
    let outcome = GateOutcome::Unanswered { why: "no answer for a.jpg".into() };
    run.handle(Event::GateJudged { gate: "golden".into(), outcome });
    assert_eq!(run.actions, [Action::Leave], "no weight was written");
    run.handle(Event::Written);
    assert_eq!(run.actions, [Action::RemoveSubset]);
}

#[test]
fn failures_count_as_slow_however_soon_they_come() {
    let mut plan = plan();
    plan.guardrails[1] = Guardrail::slower_than(Duration::from_millis(500), 1.0);
    let mut run = Run::holding(plan.weights([50, 100], Hold::requests(1_000)));
    for n in 0..400 {
        let arm = if n % 2 == 0 { Arm::Canary } else { Arm::Stable };
        let mut request = Request::served(arm, Duration::from_millis(3));
        request.failed = arm == Arm::Canary && n % 6 == 0;
        run.observe(Seen::Request(request));
        if run.state.is_decided() {
            break;
        }
    }
    let verdict = run.state.verdict();
    assert!(
        matches!(&verdict, Verdict::Rollback { guardrail, .. } if guardrail == "slowRatio"),
        "{verdict}"
    );
}

#[test]
fn a_canary_of_which_nothing_was_seen_keeps_no_weight() {
    let mut run = Run::holding(by_time(5).patience(Duration::from_secs(90)));
    run.tick(60);
    run.tick(60);
    assert_eq!(run.actions, [Action::Write { split: Split::STABLE, last: true }]);
    assert!(run.state.verdict().to_string().contains("all traffic goes back"));

    let mut seen = Run::holding(by_time(5).patience(Duration::from_secs(90)));
    seen.good(100);
    seen.tick(60);
    seen.tick(60);
    assert_eq!(seen.actions, [Action::Leave], "ten requests were served: a person decides");
}

/// Requests of both versions, of which failures take 8 s and successes 0.1 s, counted by windows of 5 s when they end.
#[test]
fn slow_failures_do_not_hide_behind_quick_successes() {
    const TENTHS: u64 = 10;
    let bound = 2.0;
    let plan = plan()
        .weights([30, 100], Hold::total_requests(500))
        .request_timeout(Duration::from_secs(8))
        .patience(Duration::from_secs(600));
    let runs = |stable: f64, canary: f64| {
        let mut plan = plan.clone();
        plan.guardrails[1] = Guardrail::error_ratio(1.0).proven(bound);
        let (mut promoted, mut split) = (0, 0);
        for seed in 0..100 {
            let mut random = canary_stats::Random::new(seed);
            let mut run = Run::holding(plan.clone());
            let began = run.state.now;
            // Requests by the tenth of a second in which they end.
            let mut ends = std::collections::BTreeMap::<u64, [Counts; 2]>::new();
            for second in (5..).step_by(5) {
                for tenth in (second - 5) * TENTHS..second * TENTHS {
                    for _ in 0..20 {
                        let arm = usize::from(random.bernoulli(0.3));
                        let fails = random.bernoulli([stable, canary][arm]);
                        let end = tenth + if fails { 80 } else { 1 };
                        let counts = &mut ends.entry(end).or_default()[arm];
                        counts.requests += 1;
                        counts.failed += u64::from(fails);
                    }
                }
                let later = ends.split_off(&(second * TENTHS));
                let mut window = Window { ended: true, ..Window::default() };
                for [stable, canary] in std::mem::replace(&mut ends, later).into_values() {
                    for (sum, one) in [(&mut window.stable, stable), (&mut window.canary, canary)] {
                        sum.requests += one.requests;
                        sum.failed += one.failed;
                    }
                }
                window.since = began.plus(Duration::from_secs(second - 5));
                run.handle_raw(Event::Tick(began.plus(Duration::from_secs(second))));
                run.observe_raw(Seen::Window(window));
                match run.state.verdict() {
                    Verdict::Continue { .. } if run.actions.is_empty() => {}
                    Verdict::Inconclusive { why: Why::Split { .. } } => {
                        split += 1;
                        break;
                    }
                    verdict => {
                        // Past the step at 30 it is promoted.
                        promoted += u64::from(matches!(verdict, Verdict::Continue { .. }));
                        break;
                    }
                }
            }
        }
        (promoted, split)
    };
    let (promoted, split) = runs(0.01, 0.02);
    assert!(promoted <= 8 && split <= 4, "harm at the bound: {promoted} promoted, {split} split");
    let (promoted, split) = runs(0.03, 0.03);
    assert!(promoted >= 90 && split <= 4, "a healthy canary: {promoted} promoted, {split} split");
}

#[test]
fn the_split_alone_does_not_stand_for_what_the_canary_answers() {
    let mut split_only = by_time(5).patience(Duration::from_secs(90));
    split_only.guardrails.truncate(1);
    let mut run = Run::holding(split_only.clone());
    run.tick(10);
    for _ in 0..100 {
        run.request(Arm::Stable, false);
    }
    assert_eq!(run.state.split().unwrap().canary, 10);
    let slow = crate::Scenario::new(0.5).errors(0.0, 1.0);
    assert!(split_only.simulate(&slow, 200, 1).unwrap().promote.p < 1e-9);
}

#[test]
fn counts_of_the_pods_are_enough_for_a_plan_that_tests_the_split_too() {
    let mut run = Run::holding(plan().weights([10, 100], Hold::requests(50)));
    for _ in 0..5 {
        run.observe(Seen::Window(Window {
            since: run.state.now,
            stable: Counts::good(90),
            canary: Counts::good(10),
            apart: true,
            ..Window::default()
        }));
    }
    assert!(write_to(100)(&run.actions), "{:?}", run.actions);
}

/// The write of the first weight got no response: it may be in force, so that the canary was not without traffic.
#[test]
fn a_canary_refused_after_a_lost_write_may_have_had_traffic() {
    for (lost, traffic) in [(false, false), (true, true)] {
        let mut run = Run::new(plan());
        run.handle(Event::Prepared { header_route: true });
        run.handle(Event::Probed(Ok(())));
        if lost {
            run.handle_raw(Event::Unanswered);
        }
        run.handle_raw(Event::Inspected(Err(Missing::for_good("no pod is ready"))));
        let Verdict::Rollback { evidence, .. } = run.state.verdict() else { panic!() };
        assert_eq!(matches!(evidence, Cause::NoLongerReady(_)), traffic, "{evidence:?}");
    }
}
