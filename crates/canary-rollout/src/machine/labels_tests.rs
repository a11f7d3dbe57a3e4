use super::{
    tests::{Run, plan},
    *,
};
use crate::{
    Check, Guardrail, Hold,
    evidence::{Answer, Arm, Pair, Request, Seen},
};
use canary_stats::Random;

const HOUR: Duration = Duration::from_secs(3_600);

/// Accuracy by labels that come within so many hours.
fn labelled(hours: u32) -> Run {
    let plan = plan().weights([10, 100], Hold::pairs(9_000)).guardrail(Guardrail::accuracy());
    Run::holding(plan.labels_within(hours * HOUR).patience(100_000 * HOUR))
}

/// A pair of that name in which only the stable model says `cat`.
fn pair(name: u64, label: Option<&str>) -> Seen {
    Seen::Pair(Pair {
        input: Some(name),
        name: Some(name.to_string().into()),
        stable: Answer::new("cat", None),
        canary: Answer::new("dog", None),
        label: label.map(str::to_owned),
    })
}

fn label(run: &mut Run, name: u64, truth: &str) {
    run.handle(Event::Labelled { id: name.to_string(), truth: truth.to_owned() });
}

fn judged(run: &Run) -> u64 {
    run.state.monitors.last().unwrap().judged().canary
}

#[test]
fn a_pair_is_judged_when_it_and_all_before_it_have_their_labels() {
    let mut run = labelled(24);
    for name in 0..3 {
        run.observe(pair(name, None));
    }
    label(&mut run, 2, "cat");
    label(&mut run, 1, "cat");
    assert_eq!((judged(&run), run.state.awaiting_labels()), (0, 3));
    label(&mut run, 0, "dog");
    assert_eq!((judged(&run), run.state.awaiting_labels()), (3, 0));
    label(&mut run, 0, "cat");
    label(&mut run, 7, "cat");
    assert_eq!(run.state.totals().unmatched_labels, 2);
    assert_eq!((judged(&run), run.state.totals().pairs), (3, 3));
}

#[test]
fn a_label_after_its_time_counts_for_nothing_and_holds_nothing_up() {
    let mut run = labelled(24);
    run.observe(pair(0, None));
    run.observe(pair(1, Some("cat")));
    assert_eq!(judged(&run), 0, "the label of the second is known, and the first is waited for");
    run.handle(Event::Tick(run.state.now.plus(25 * HOUR)));
    assert_eq!((judged(&run), run.state.totals().unlabelled), (1, 1));
    label(&mut run, 0, "cat");
    assert_eq!((judged(&run), run.state.totals().unmatched_labels), (1, 1));
}

#[test]
fn without_room_no_pair_is_taken_and_that_is_said() {
    let mut run = labelled(24);
    let room = room::for_labels(run.machine.plan()) as u64;
    for name in 0..room + 5 {
        run.observe_raw(pair(name, None));
    }
    assert_eq!((run.state.awaiting_labels(), room > 500), (room, true));
    assert_eq!(run.state.totals().without_room, 5);
    let missing = lacking::in_words(&run.machine, &run.state).unwrap();
    assert!(missing.contains(&format!("{room} pairs waiting for labels")), "{missing}");
    assert!(missing.contains("5 pairs without room to wait for a label left out"), "{missing}");
    run.state.encode().unwrap();
}

/// Two models that are equally good, each better on one class; the labels of the one come after an hour, and those of
/// the other after three days.
#[test]
fn the_order_of_sending_is_right_where_the_delay_depends_on_the_class() {
    let alarms = |in_order: bool| {
        let runs = 60;
        let alarmed = (0..runs).filter(|run| {
            let mut random = Random::of_run(11, *run);
            let mut run = labelled(400);
            let mut due: Vec<(u64, u64, &str)> = Vec::new();
            for hour in 0..300_u64 {
                let slow = random.bernoulli(0.5);
                let truth =
                    if random.bernoulli(if slow { 0.2 } else { 0.8 }) { "cat" } else { "dog" };
                due.push((hour + if slow { 72 } else { 1 }, hour, truth));
                if in_order {
                    run.observe_raw(pair(hour, None));
                }
                due.retain(|(at, name, truth)| {
                    if *at > hour {
                        return true;
                    }
                    if in_order {
                        let (id, truth) = (name.to_string(), (*truth).to_owned());
                        run.handle_raw(Event::Labelled { id, truth });
                    } else {
                        run.observe_raw(pair(*name, Some(truth)));
                    }
                    false
                });
                run.handle_raw(Event::Tick(run.state.now.plus(HOUR)));
            }
            run.state.is_decided()
        });
        (alarmed.count(), runs)
    };
    let (arrival, runs) = alarms(false);
    assert!(arrival as u64 * 10 >= runs * 8, "in the order of arrival {arrival} of {runs}");
    let (sending, runs) = alarms(true);
    assert!(sending as u64 * 10 <= runs, "in the order of sending {sending} of {runs}");
}

#[test]
fn a_rollout_that_was_interrupted_decides_by_labels_when_it_is_stored() {
    let mut run = labelled(24);
    for name in 0..40 {
        run.observe(pair(name, None));
    }
    run.handle(Event::Started(run.state.now));
    for name in 0..40 {
        label(&mut run, name, "cat");
    }
    assert!(!run.state.is_decided());
    run.handle(Event::Saved);
    assert!(run.state.is_decided(), "{}", run.state.verdict());
}

/// A purchase, or none, within a day of a request that nobody else was asked.
fn purchases() -> Run {
    let mut mean = Guardrail::mean("purchases", 0.0, 1.0, 0.0);
    if let Check::Mean(mean) = &mut mean.check {
        (mean.labelled, mean.unlabelled) = (true, Some(0.0));
    }
    let plan = plan().weights([30, 100], Hold::total_requests(5_000)).guardrail(mean);
    Run::holding(plan.labels_within(24 * HOUR).patience(100_000 * HOUR))
}

#[test]
fn numbers_of_requests_come_later_and_count_in_the_order_of_sending() {
    let mut run = purchases();
    for (id, arm) in [("a", Arm::Canary), ("b", Arm::Stable), ("c", Arm::Canary)] {
        run.observe(Seen::Request(Request::served(arm, None).id(id)));
    }
    let label = |run: &mut Run, id: &str, truth: &str| {
        run.handle(Event::Labelled { id: id.to_owned(), truth: truth.to_owned() });
    };
    label(&mut run, "c", "1");
    label(&mut run, "b", "yes");
    label(&mut run, "d", "1");
    let counted = |run: &Run| {
        let judged = run.state.monitors.last().unwrap().judged();
        (judged.stable, judged.canary)
    };
    assert_eq!((counted(&run), run.state.awaiting_labels()), ((0, 0), 3));
    let totals = run.state.totals();
    assert_eq!((totals.refused, totals.unmatched_labels), (1, 1));
    label(&mut run, "a", "0");
    assert_eq!((counted(&run), run.state.awaiting_labels()), ((0, 1), 2));
    run.handle(Event::Tick(run.state.now.plus(25 * HOUR)));
    assert_eq!((counted(&run), run.state.totals().unlabelled), ((1, 2), 1), "none is 0");
}

#[test]
fn a_fall_of_labels_that_come_later_is_found() {
    let mut run = purchases();
    let mut random = Random::new(13);
    for id in 0..5_000_u64 {
        let canary = random.bernoulli(0.3);
        let arm = if canary { Arm::Canary } else { Arm::Stable };
        let id = id.to_string();
        run.observe_raw(Seen::Request(Request::served(arm, None).id(&*id)));
        let buys = random.bernoulli(if canary { 0.2 } else { 0.4 });
        let truth = u8::from(buys).to_string();
        run.handle_raw(Event::Labelled { id, truth });
        if run.state.is_decided() {
            break;
        }
    }
    let verdict = run.state.verdict();
    assert!(verdict.to_string().contains("purchases"), "{verdict}");
    assert_eq!(verdict.name(), "rollback");
}
