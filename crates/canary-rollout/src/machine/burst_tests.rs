//! Bursts of failures: the machine until it can distinguish harm from a burst.

use std::time::Duration;

use super::{
    tests::{Run, plan},
    *,
};
use crate::{
    Bursts, Cause,
    evidence::{Arm, Counts, Seen, Window},
};

/// Windows of ten seconds, and five minutes of patience.
fn guarded() -> Plan {
    plan().bursts(Bursts::Window(Duration::from_secs(10))).patience(Duration::from_secs(300))
}

/// A second of traffic in which `failed` of the canary's ten requests fail.
fn second(run: &mut Run, canary_failed: u64) {
    run.tick(1);
    let window = Window {
        since: run.state.now,
        stable: Counts { requests: 90, failed: 1, slow: 0 },
        canary: Counts { requests: 10, failed: canary_failed, slow: 0 },
        ..Window::default()
    };
    run.observe(Seen::Window(window));
}

#[test]
fn harm_is_held_until_it_is_confirmed_and_then_rolled_back() {
    let mut run = Run::holding(guarded());
    let mut seconds = 0;
    while run.state.is_running() {
        second(&mut run, 4);
        seconds += 1;
        assert_eq!(run.state.split().unwrap().canary, 10, "no further step in the meantime");
    }
    let Verdict::Rollback { evidence: Cause::Alarm(reading), .. } = run.state.verdict() else {
        panic!("{}", run.state.verdict())
    };
    assert!(reading.alarm && reading.interval.low > 1.0, "{reading}");
    // Two windows of at most 1.5 each, and a provisional third.
    assert!((11..=60).contains(&seconds), "{seconds}");
}

#[test]
fn a_burst_is_waited_out_and_the_canary_promoted() {
    let mut run = Run::holding(guarded());
    for n in 0..120 {
        second(&mut run, if n < 5 { 4 } else { 0 });
        if n < 20 {
            assert!(run.actions.is_empty(), "{n}: {:?}", run.actions);
        } else if !run.actions.is_empty() {
            break;
        }
    }
    assert!(matches!(run.actions[..], [Action::Write { split, .. }] if split.canary == 50));
}

#[test]
fn what_is_not_confirmed_in_time_is_rolled_back_and_never_left_with_its_users() {
    // The patience is over before a window has ended.
    let impatient = guarded().bursts(Bursts::Window(Duration::from_secs(200)));
    let mut run = Run::holding(impatient.patience(Duration::from_secs(30)));
    for _ in 0..40 {
        if run.state.is_running() {
            second(&mut run, 4);
        }
    }
    let verdict = run.state.verdict();
    assert_eq!(verdict.cause(), Some("unconfirmed"), "{verdict}");
    assert!(verdict.to_string().contains("harm or a burst"), "{verdict}");
    assert_eq!(ending::final_split(run.machine.plan(), &run.state, &verdict), Some(Split::STABLE));
    // So it is when the evidence ends.
    let mut run = Run::holding(guarded());
    for _ in 0..5 {
        second(&mut run, 4);
    }
    run.handle(Event::SourcesEnded("no more inputs".to_owned()));
    assert_eq!(run.state.verdict().cause(), Some("unconfirmed"));
}

#[test]
fn requests_of_unknown_version_are_allowed_for() {
    let mut run = Run::holding(guarded());
    for _ in 0..20 {
        run.request(Arm::Unknown, false);
        second(&mut run, 0);
    }
    assert!(run.state.verdict().name() != "rollback");
}

#[test]
fn a_guardrail_that_pauses_holds_the_weights_once_and_one_that_warns_changes_nothing() {
    use crate::{Guardrail, OnAlarm};
    let with = |on_alarm| {
        let mut plan = plan();
        let watched = Guardrail::error_ratio(1.0).on_alarm(on_alarm);
        plan.guardrails = vec![Guardrail::agreement(0.9), watched];
        plan
    };
    let bad = |run: &mut Run| {
        for _ in 0..60 {
            run.request(Arm::Canary, true);
            for _ in 0..3 {
                run.request(Arm::Canary, false);
                run.request(Arm::Stable, false);
            }
        }
    };
    // The rollback's α is the whole plan's: the pause has its own.
    let alpha = with(OnAlarm::Pause).alpha_of(&with(OnAlarm::Pause).guardrails[0]);
    assert!((alpha - 0.05).abs() < 1e-12);
    let mut run = Run::holding(with(OnAlarm::Pause));
    bad(&mut run);
    assert!(run.state.is_paused() && run.state.is_running());
    assert_eq!(run.state.told(), ["errorRatio"]);
    assert!(run.state.readings(run.machine.plan())[1].alarm);
    // It pauses once; a person has seen it.
    run.handle(Event::Resume);
    bad(&mut run);
    assert!(!run.state.is_paused() && run.state.is_running());
    let mut run = Run::holding(with(OnAlarm::Warn));
    bad(&mut run);
    assert!(!run.state.is_paused() && run.state.is_running());
    assert_eq!(run.state.told(), ["errorRatio"]);
    let mut run = Run::holding(with(OnAlarm::Rollback));
    bad(&mut run);
    assert!(!run.state.is_running());
}
