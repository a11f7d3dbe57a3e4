use super::{
    tests::{Run, plan},
    *,
};
use crate::{
    Guardrail, Hold,
    evidence::{Answer, Pair, Seen},
    waiting::MAX_WAITING,
};
use canary_stats::Random;

const HOUR: Duration = Duration::from_secs(3_600);

/// Accuracy by labels that come within so many hours.
fn labelled(hours: u32) -> Run {
    let plan = plan().weights([10, 100], Hold::pairs(19_000)).guardrail(Guardrail::accuracy());
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
    for name in 0..MAX_WAITING as u64 + 5 {
        run.observe_raw(pair(name, None));
    }
    assert_eq!(run.state.awaiting_labels(), MAX_WAITING as u64);
    assert_eq!(run.state.totals().without_room, 5);
    let missing = run.machine.missing(&run.state).unwrap();
    assert!(missing.contains("128 pairs waiting for labels"), "{missing}");
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
