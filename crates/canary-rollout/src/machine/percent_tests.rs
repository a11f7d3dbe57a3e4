//! Steps below one percent: what they wait for, and that no bad canary passes them.

use super::{tests::Run, *};
use crate::{
    Guardrail, Hold,
    evidence::{Counts, Seen, Window},
};

fn percent(value: f64) -> Percent {
    Percent::new(value).unwrap()
}

fn plan() -> Plan {
    let weights = [percent(0.1), percent(2.5), 100.into()];
    Plan::new("image-classifier", "resnet50", "resnet101")
        .bursts(crate::Bursts::None)
        .header("user-group", "canary")
        .weights(weights, Hold::total_requests(30_000))
        .settle(Duration::ZERO)
        .guardrail(Guardrail::error_ratio(1.0))
}

fn written(split: Split) -> Action {
    Action::Write { split, last: false }
}

/// A thousand requests, of which the canary serves so many and fails so many, until something is to be done.
fn thousands(run: &mut Run, times: u32, canary: u64, failed: u64) -> u32 {
    for round in 1..=times {
        run.tick(1);
        if !run.actions.is_empty() {
            return round;
        }
        run.observe(Seen::Window(Window {
            since: run.state.now,
            stable: Counts::good(1_000 - canary),
            canary: Counts { requests: canary, failed, slow: 0 },
            ..Window::default()
        }));
        if !run.actions.is_empty() {
            return round;
        }
    }
    times
}

#[test]
fn a_release_begins_at_a_tenth_of_a_percent_and_ends_at_all() {
    let mut run = Run::holding(plan());
    assert_eq!(run.state.verdict().to_string(), "continue: step 0 at 99.9/0.1");
    assert_eq!(thousands(&mut run, 100, 1, 0), 30, "the hold of both versions");
    assert_eq!(run.actions, [written(Split::new(percent(2.5)))]);
    run.handle(Event::Written);
    assert_eq!(thousands(&mut run, 100, 25, 0), 30);
    assert_eq!(run.actions, [written(Split::CANARY)]);
    run.handle(Event::Written);
    run.handle(Event::Written);
    let verdict = run.state.verdict();
    let exposure = 30 + 30 * 25;
    assert!(
        matches!(&verdict, Verdict::Promote { exposure: seen, .. } if *seen == exposure),
        "{verdict}"
    );
}

#[test]
fn a_canary_that_fails_everything_is_rolled_back_from_a_tenth_of_a_percent() {
    let mut run = Run::holding(plan());
    let rounds = thousands(&mut run, 100, 1, 1);
    assert!(rounds < 10, "{rounds} failures of as many requests, and none of the stable version's");
    assert_eq!(run.actions, [Action::Write { split: Split::STABLE, last: true }]);
    assert!(matches!(run.state.verdict(), Verdict::Rollback { .. }));
}

#[test]
fn a_canary_that_serves_nothing_at_a_tenth_of_a_percent_goes_no_further() {
    let mut run = Run::holding(plan());
    thousands(&mut run, 200, 0, 0);
    let verdict = run.state.verdict();
    assert!(
        matches!(verdict, Verdict::Rollback { .. } | Verdict::Inconclusive { .. }),
        "{verdict}"
    );
    assert_eq!(run.state.split(), Some(Split::new(percent(0.1))));
    let raises =
        |action: &Action| matches!(action, Action::Write { split, .. } if *split != Split::STABLE);
    assert!(!run.actions.is_empty() && !run.actions.iter().any(raises), "{:?}", run.actions);
}

#[test]
fn five_times_the_weight_is_a_wrong_split() {
    let mut run = Run::holding(plan());
    thousands(&mut run, 100, 5, 0);
    let verdict = run.state.verdict();
    assert!(matches!(verdict, Verdict::Inconclusive { why: Why::Split { .. } }), "{verdict}");
    assert!(verdict.to_string().contains("the canary serves 0."), "{verdict}");
}

#[test]
fn few_requests_of_the_canary_hold_the_step_though_both_versions_had_theirs() {
    let mut run = Run::holding(plan());
    for _ in 0..19 {
        run.observe(Seen::Window(Window {
            since: run.state.now,
            stable: Counts::good(1_599),
            canary: Counts::good(1),
            ..Window::default()
        }));
    }
    assert_eq!(run.actions, [], "{}", run.state.verdict());
    assert!(run.state.seen_at_step().stable.requests > 30_000);
    thousands(&mut run, 1, 1, 0);
    assert_eq!(run.actions, [written(Split::new(percent(2.5)))]);
}
