//! The old version after a promotion: it is never scaled down before its time or without a promotion.

use super::{
    tests::{Run, plan},
    *,
};
use crate::{
    Command, CommandOutcome, OldVersion, ScaleDown, Verb,
    cluster::ObjectRef,
    patch::{Difference, Differences},
};
use canary_stats::Random;

const AFTER: Duration = Duration::from_secs(600);
const SETTLE: Duration = Duration::from_secs(5);

fn keeping_plan() -> Plan {
    plan().settle(SETTLE).scale_down_after(AFTER)
}

fn old() -> OldVersion {
    let deployment = ObjectRef::new("apps/v1", "Deployment", "default", "resnet50");
    OldVersion { deployment, uid: "u-1".into(), template: "t-1".into(), replicas: 3 }
}

fn done() -> ScaleDown {
    ScaleDown::Done { deployment: old().deployment.to_string(), replicas: 3 }
}

fn order(run: &mut Run, verb: Verb, nonce: &str) {
    run.handle(Event::Commanded(vec![Command::new(verb, nonce).by("alice").into()]));
}

fn edit() -> Differences {
    Differences(vec![Difference {
        path: "spec.http[1].route[0].weight".to_owned(),
        expected: "0".to_owned(),
        found: "50".to_owned(),
        by: None,
    }])
}

/// Up to the promotion, whose weights are acknowledged.
fn promoted() -> Run {
    let mut run = Run::holding(keeping_plan());
    order(&mut run, Verb::Promote, "early");
    assert!(matches!(run.state.commands()[0].outcome, CommandOutcome::Refused(_)), "unseen");
    run.tick(6);
    run.good(200);
    run.handle(Event::Written);
    run.handle(Event::Acknowledged(run.state.now));
    run.tick(6);
    run.good(200);
    run.handle(Event::Written);
    assert_eq!(run.actions, [Action::Write { split: Split::CANARY, last: true }]);
    assert_eq!(run.handle(Event::Written), [Action::FindOldVersion]);
    let now = run.state.now.plus(Duration::from_secs(1));
    run.handle(Event::Acknowledged(now));
    run
}

#[test]
fn the_old_version_is_scaled_down_when_its_time_is_over() {
    let mut run = promoted();
    let at = run.state.since().plus(SETTLE).plus(AFTER);
    assert!(run.state.is_decided() && !run.state.is_done());
    assert_eq!(run.handle(Event::OldVersionFound(Ok(old()))), [Action::Save]);
    assert_eq!((run.state.scale_down_at(), run.state.old_version()), (Some(at), Some(&old())));
    run.handle(Event::Tick(Timestamp(at.0 - 1)));
    assert_eq!(run.actions, []);
    run.handle(Event::Tick(at));
    assert_eq!(run.actions, [Action::Save, Action::ScaleDown], "stored first");
    // Started again in between, it is done again; a second tick does not.
    assert_eq!(run.handle(Event::Tick(at.plus(AFTER))), []);
    assert_eq!(run.handle(Event::Started(at.plus(AFTER))), [Action::ScaleDown]);
    assert_eq!(run.handle(Event::ScaledDown(done())), [Action::Save]);
    assert!(run.state.is_done());
    assert_eq!(run.state.scale_down(), Some(&done()));
    assert!(matches!(run.state.verdict(), Verdict::Promote { .. }));
}

#[test]
fn an_interruption_forgets_nothing_and_shortens_nothing() {
    let mut run = promoted();
    let began = run.state.now;
    // Killed before the Deployment was found: it is looked for again.
    assert_eq!(run.handle(Event::Started(began.plus(SETTLE))), [Action::FindOldVersion]);
    run.handle(Event::OldVersionFound(Ok(old())));
    let at = run.state.scale_down_at().unwrap();
    // The wall clock counts while no driver runs.
    assert_eq!(run.handle(Event::Started(Timestamp(at.0 - 1))), []);
    assert_eq!(run.handle(Event::Tick(Timestamp(at.0 - 1))), []);
    assert_eq!(run.handle(Event::Started(at.plus(AFTER))), []);
    assert_eq!(run.state.scale_down_at(), Some(at));
    assert_eq!(run.handle(Event::Tick(at.plus(AFTER))), [Action::Save, Action::ScaleDown]);
}

#[test]
fn before_the_acknowledgement_the_time_is_not_known() {
    let mut run = promoted();
    run.state.acknowledged = false;
    assert_eq!(run.handle(Event::OldVersionFound(Ok(old()))), [Action::FindOldVersion]);
    // The driver that comes later does not know when the weights came into force: its own time counts.
    let late = run.state.now.plus(Duration::from_secs(900));
    run.handle(Event::Started(late));
    run.handle(Event::OldVersionFound(Ok(old())));
    assert_eq!(run.state.scale_down_at(), Some(late.plus(SETTLE).plus(AFTER)));
}

#[test]
fn what_stands_in_the_way_leaves_it_and_the_promotion_stands() {
    let why = "HorizontalPodAutoscaler resnet50 scales it".to_owned();
    let left = |run: &Run, words: &str| {
        assert!(run.state.is_done());
        assert!(matches!(run.state.verdict(), Verdict::Promote { .. }));
        let Some(ScaleDown::Left { why }) = run.state.scale_down() else {
            panic!("{:?}", run.state.scale_down())
        };
        assert!(why.contains(words), "{why}");
    };
    let mut run = promoted();
    assert_eq!(run.handle(Event::OldVersionFound(Err(why.clone()))), [Action::Save]);
    left(&run, "HorizontalPodAutoscaler");
    // Somebody gives it weight again.
    for scaling in [false, true] {
        let mut run = promoted();
        run.handle(Event::OldVersionFound(Ok(old())));
        if scaling {
            run.handle(Event::Tick(run.state.scale_down_at().unwrap()));
        }
        assert_eq!(run.handle(Event::Edited(edit())), [Action::CleanUp]);
        left(&run, "spec.http[1].route[0].weight: expected 0, found 50");
        assert_eq!(run.handle(Event::Tick(run.state.now.plus(AFTER * 2))), []);
    }
    let mut run = promoted();
    run.handle(Event::OldVersionFound(Ok(old())));
    run.handle(Event::Tick(run.state.scale_down_at().unwrap()));
    run.handle(Event::ScaledDown(ScaleDown::Left { why }));
    left(&run, "HorizontalPodAutoscaler");
}

#[test]
fn an_abort_during_the_wait_goes_back_and_scales_nothing() {
    let mut run = promoted();
    run.handle(Event::OldVersionFound(Ok(old())));
    order(&mut run, Verb::Abort, "1");
    assert_eq!(run.actions, [Action::Write { split: Split::STABLE, last: true }]);
    assert!(matches!(run.state.verdict(), Verdict::Rollback { .. }));
    assert_eq!((run.state.old_version(), run.state.scale_down_at()), (None, None));
    run.handle(Event::Written);
    run.handle(Event::SubsetRemoved);
    assert!(run.state.is_done() && run.state.scale_down().is_none());
    // Once the scale-down is stored, the old version no longer serves.
    let mut run = promoted();
    run.handle(Event::OldVersionFound(Ok(old())));
    run.handle(Event::Tick(run.state.scale_down_at().unwrap()));
    order(&mut run, Verb::Abort, "2");
    let CommandOutcome::Refused(why) = &run.state.commands().last().unwrap().outcome else {
        panic!("the abort is carried out")
    };
    assert!(why.contains("scale it up"), "{why}");
}

#[test]
fn a_pause_holds_it_back() {
    let mut run = promoted();
    run.handle(Event::OldVersionFound(Ok(old())));
    let at = run.state.scale_down_at().unwrap();
    order(&mut run, Verb::Pause, "1");
    assert!(run.state.is_paused());
    assert_eq!(run.handle(Event::Tick(at.plus(AFTER))), []);
    order(&mut run, Verb::Resume, "2");
    let now = run.state.now;
    assert_eq!(run.handle(Event::Tick(now)), [Action::Save, Action::ScaleDown]);
}

#[test]
fn a_person_s_promotion_counts_as_one() {
    let mut run = Run::holding(keeping_plan());
    run.tick(6);
    run.good(60);
    order(&mut run, Verb::Pause, "1");
    order(&mut run, Verb::Promote, "2");
    assert_eq!(run.actions, [Action::Write { split: Split::CANARY, last: true }]);
    assert_eq!(run.handle(Event::Written), [Action::FindOldVersion]);
    assert!(!run.state.is_paused(), "the promotion ends the pause");
    assert!(matches!(run.state.verdict(), Verdict::PromotedByPerson { .. }));
}

fn one_of<T: Copy, const N: usize>(random: &mut Random, all: [T; N]) -> T {
    let chosen = usize::try_from(random.below(N as u64)).unwrap();
    all[chosen]
}

/// One random event; times advance, jump and go back.
fn any_event(random: &mut Random, run: &Run, number: u64) -> Event {
    let ahead = one_of(random, [0, 1, 500, 4_000, 60_000, 700_000]);
    let time = if random.bernoulli(0.1) {
        Timestamp(run.state.now.0.saturating_sub(ahead))
    } else {
        Timestamp(run.state.now.0 + ahead)
    };
    let verbs = [Verb::Pause, Verb::Resume, Verb::Abort, Verb::Promote, Verb::Approve];
    match random.below(14) {
        0..=4 => Event::Tick(time),
        5 => Event::Started(time),
        6 => Event::Acknowledged(time),
        7 => Event::OldVersionFound(Ok(old())),
        8 => Event::OldVersionFound(Err("several".to_owned())),
        9 => Event::Saved,
        10 => Event::Edited(edit()),
        11 => Event::ScaledDown(done()),
        12 => Event::Written,
        _ => {
            let verb = one_of(random, verbs);
            let nonce = format!("n{number}");
            Event::Commanded(vec![Command::new(verb, nonce).into()])
        }
    }
}

#[test]
fn whatever_happens_nothing_is_scaled_before_the_promotion_has_settled_and_the_time_is_over() {
    let mut random = Random::new(4);
    let (mut scaled, mut back) = (0, 0);
    let begun = promoted();
    for round in 0..3_000 {
        let mut run = begun.clone();
        if round % 2 == 0 {
            run.handle(Event::OldVersionFound(Ok(old())));
        }
        let mut due = run.state.since().plus(SETTLE).plus(AFTER);
        for number in 0..30 {
            let event = any_event(&mut random, &run, number);
            let aborted = matches!(run.state.verdict(), Verdict::Rollback { .. });
            run.handle_raw(event.clone());
            if !matches!(run.state.phase(), Phase::Done(_)) && run.state.scale_down_at().is_none() {
                // The weights may have come into force later than was known.
                due = due.max(run.state.since().plus(SETTLE).plus(AFTER));
            }
            if run.actions.contains(&Action::ScaleDown) {
                scaled += 1;
                assert!(run.state.now >= due, "round {round}: {event:?} at {:?}", run.state.now);
                assert!(!aborted, "round {round}: after an abort");
                assert!(matches!(run.state.phase(), Phase::ScalingDown(Verdict::Promote { .. })));
            }
            back += u32::from(aborted);
        }
    }
    assert!(scaled > 200 && back > 200, "{scaled} {back}");
}

#[test]
fn after_a_rollback_or_an_inconclusive_end_nothing_is_scaled() {
    let mut ends = Vec::new();
    let mut aborted = Run::holding(keeping_plan());
    aborted.handle(Event::Abort("no".to_owned()));
    ends.push(aborted);
    let mut silent = Run::holding(keeping_plan());
    silent.tick(6);
    silent.good(60);
    silent.handle(Event::SourcesEnded("over".to_owned()));
    ends.push(silent);
    let mut edited = Run::holding(keeping_plan());
    edited.handle(Event::Edited(edit()));
    ends.push(edited);
    for mut run in ends {
        for event in [
            Event::Written,
            Event::SubsetRemoved,
            Event::OldVersionFound(Ok(old())),
            Event::Tick(run.state.now.plus(AFTER * 3)),
            Event::Started(run.state.now.plus(AFTER * 6)),
        ] {
            run.handle(event);
            let scales =
                |action: &Action| matches!(action, Action::ScaleDown | Action::FindOldVersion);
            assert!(!run.actions.iter().any(scales), "{:?}", run.actions);
        }
        assert!(run.state.is_done() && run.state.scale_down().is_none());
    }
}

#[test]
fn a_plan_that_does_not_ask_for_it_ends_with_the_promotion() {
    let mut run = Run::holding(plan());
    run.good(200);
    run.handle(Event::Written);
    run.good(200);
    run.handle(Event::Written);
    assert_eq!(run.handle(Event::Written), []);
    assert!(run.state.is_done() && run.state.scale_down().is_none());
}
