use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::{StreamExt, stream};

use super::{
    super::observation::{Answer, Arm, Pair, Timestamp},
    *,
};

fn record(id: u64, arm: Arm, class: &str) -> Logged {
    Logged::answer(id.to_string(), Timestamp(id * 10), arm, Answer::new(class, 0.9))
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn pairs(source: Mirrored, after: Option<u64>) -> Vec<(Option<u64>, Pair)> {
    let seen = Box::new(source).observations(after).map(|item| {
        let Observation { sequence, what: Seen::Pair(pair), .. } = item.unwrap() else {
            panic!("a mirror gives pairs only")
        };
        (sequence, pair)
    });
    block_on(seen.collect())
}

#[test]
fn answers_are_paired_by_id_in_whatever_order_they_come() {
    let mut named = record(3, Arm::Stable, "suit");
    (named.input, named.label) = (Some(9), Some("suit".to_owned()));
    let records = [
        record(1, Arm::Stable, "suit"),
        record(2, Arm::Canary, "gown"),
        record(2, Arm::Stable, "suit"),
        record(1, Arm::Stable, "again"),
        record(3, Arm::Canary, "suit"),
        record(1, Arm::Canary, "suit"),
        named,
        record(4, Arm::Unknown, "suit"),
        record(5, Arm::Canary, "suit"),
    ];
    let source = Mirrored::new("mirror", stream::iter(records.map(Ok))).labelled();
    assert!(source.provides().contains(&Kind::Labels));
    let tally = source.tally();
    let found = pairs(source, None);
    let agree: Vec<_> = found.iter().map(|(number, pair)| (*number, pair.agrees())).collect();
    assert_eq!(agree, [(Some(0), false), (Some(1), true), (Some(2), true)]);
    assert_eq!((found[2].1.input, found[2].1.label.as_deref()), (Some(9), Some("suit")));
    assert_eq!(found[1].1.stable.class, "suit", "the first record of an id counts");
    assert_eq!((tally.pairs(), tally.duplicates(), tally.unknown()), (3, 1, 1));
}

#[test]
fn a_half_that_failed_is_in_its_pair_with_its_status() {
    let failed = |id: u64, arm| Logged::failure(id.to_string(), Timestamp(0), arm, 503);
    let records = [
        record(1, Arm::Stable, "suit"),
        failed(1, Arm::Canary),
        failed(2, Arm::Stable),
        record(2, Arm::Canary, "suit"),
        failed(3, Arm::Stable),
        failed(3, Arm::Canary),
    ];
    let source = Mirrored::new("mirror", stream::iter(records.map(Ok)));
    let tally = source.tally();
    let found = pairs(source, None);
    let failure = Answer::failure("503 Service Unavailable");
    let halves = found.into_iter().map(|(_, pair)| (pair.stable, pair.canary));
    let suit = || Answer::new("suit", 0.9);
    let expected =
        [(suit(), failure.clone()), (failure.clone(), suit()), (failure.clone(), failure)];
    assert_eq!(halves.collect::<Vec<_>>(), expected);
    assert_eq!((tally.pairs(), tally.stable_failed()), (3, 2));
}

#[test]
fn a_response_without_a_class_fails_beside_one_that_names_one_and_is_nothing_beside_another() {
    let no_class = |id: u64, arm| Logged::no_class(id.to_string(), Timestamp(0), arm);
    let failed = |id: u64, arm| Logged::failure(id.to_string(), Timestamp(0), arm, 404);
    let records = [
        record(1, Arm::Stable, "suit"),
        no_class(1, Arm::Canary),
        no_class(2, Arm::Stable),
        record(2, Arm::Canary, "suit"),
        // Requests whose response has no class, such as those for the model's status.
        no_class(3, Arm::Stable),
        no_class(3, Arm::Canary),
        no_class(4, Arm::Stable),
        failed(4, Arm::Canary),
        failed(5, Arm::Stable),
        no_class(5, Arm::Canary),
    ];
    let source = Mirrored::new("mirror", stream::iter(records.map(Ok)));
    let tally = source.tally();
    let halves: Vec<_> = pairs(source, None)
        .into_iter()
        .map(|(_, pair)| (pair.stable.failed, pair.canary.failed))
        .collect();
    assert_eq!(halves, [(false, true), (true, false), (false, true), (true, false)]);
    assert_eq!(tally.no_class(), 1);
}

#[test]
fn a_missing_record_is_a_failure_where_everything_is_mirrored_and_nothing_elsewhere() {
    // The canary answers every second request of the first ten, and nothing afterwards.
    let records = || {
        let both = |id: u64| {
            let canary = (id < 10 && id.is_multiple_of(2)).then(|| record(id, Arm::Canary, "suit"));
            std::iter::once(record(id, Arm::Stable, "suit")).chain(canary)
        };
        stream::iter((0..4_000).flat_map(both).map(Ok))
    };
    let some = Mirrored::new("mirror", records());
    let tally = some.tally();
    assert_eq!(pairs(some, None).len(), 5);
    assert_eq!((tally.missing(), tally.unmatched()), (0, 3_995), "nothing is known of them");

    let all = Mirrored::new("mirror", records()).all_mirrored();
    let tally = all.tally();
    let found = pairs(all, None);
    let failed: Vec<_> = found.iter().map(|(_, pair)| pair.canary.failed).collect();
    assert!(found.iter().all(|(_, pair)| !pair.stable.failed));
    assert_eq!(found[1].1.canary, Answer::failure("no record of the canary within 30s"));
    // In the order of the requests: none is seen before those that came earlier are judged.
    assert_eq!(failed[..10], [false, true, false, true, false, true, false, true, false, true]);
    assert!(failed[10..].iter().all(|failed| *failed));
    // Records that waited at the end are left out.
    assert_eq!((found.len(), tally.missing(), tally.unmatched()), (999, 994, 3_001));
}

#[test]
fn pairs_wait_for_earlier_requests_only_where_everything_is_mirrored() {
    let first_pair = |all: bool| {
        let mut join = Join::new(100, Duration::from_secs(30));
        join.all_mirrored = all;
        join.take(record(1, Arm::Stable, "suit"));
        join.take(record(2, Arm::Canary, "suit"));
        join.take(record(2, Arm::Stable, "suit"));
        next(&join).map(|(at, _)| at)
    };
    assert_eq!(first_pair(false), Some(Timestamp(20)));
    assert_eq!(first_pair(true), None);
}

/// The next pair that is ready.
fn next(join: &Join) -> Option<(Timestamp, Pair)> {
    match join.poll_next(&Context::from_waker(std::task::Waker::noop())) {
        Poll::Ready(pair) => pair,
        Poll::Pending => None,
    }
}

#[test]
fn memory_is_bounded_by_number_and_by_time() {
    let mut join = Join::new(100, Duration::from_secs(1));
    for id in 0..10_000 {
        join.take(record(id, Arm::Stable, "suit"));
        assert!(next(&join).is_none() && join.size() <= 100);
    }
    assert_eq!(join.tally.unmatched(), 9_900);
    join.take(record(9_999, Arm::Canary, "suit"));
    assert!(next(&join).is_some());
    join.take(record(5, Arm::Canary, "suit"));
    assert!(next(&join).is_none(), "it had waited too long");
    assert!(!join.waits("5"), "a late half does not wait in its turn");

    let mut slow = Join::new(1_000_000, Duration::from_secs(1));
    for id in 0..10_000 {
        slow.take(record(id, Arm::Canary, "suit"));
        assert!(slow.size() <= 102, "a second holds a hundred records of 10 ms");
    }
    // A clock that jumps back pushes nothing out.
    slow.take(Logged { at: Timestamp(0), ..record(20_000, Arm::Canary, "suit") });
    assert!(slow.size() > 90 && !slow.waits("20000"));
}

#[test]
fn with_too_many_records_fewer_ids_are_looked_at_whatever_was_answered() {
    // A hundred requests a second for ten minutes, of which the canary leaves every fifth without an answer.
    let mut join = Join::new(200, Duration::from_secs(30));
    join.all_mirrored = true;
    let (mut answered, mut failed, mut most) = (0_u32, 0_u32, 0);
    for id in 0..60_000 {
        // Now and then the copy of the request is answered first.
        let mut both = vec![record(id, Arm::Stable, "suit")];
        if !id.is_multiple_of(5) {
            both.insert((id % 2) as usize, record(id, Arm::Canary, "suit"));
        }
        for record in both {
            join.take(record);
            most = most.max(join.size());
            while let Some((_, pair)) = next(&join) {
                *(if pair.canary.failed { &mut failed } else { &mut answered }) += 1;
            }
        }
    }
    assert!(most <= 200, "{most}");
    let share = f64::from(failed) / f64::from(failed + answered);
    assert!(failed + answered > 1_500 && (0.16..0.24).contains(&share), "{failed}, {answered}");
    assert_eq!(u64::from(failed), join.tally.missing());
}

#[test]
fn a_log_read_again_keeps_its_numbers_and_a_live_one_goes_on() {
    let records = || {
        let both = |id| [record(id, Arm::Stable, "suit"), record(id, Arm::Canary, "suit")];
        stream::iter((0..3).flat_map(both).map(Ok))
    };
    let numbers = |source, after| -> Vec<_> {
        pairs(source, after).into_iter().filter_map(|(number, _)| number).collect()
    };
    assert_eq!(numbers(Mirrored::new("mirror", records()), Some(1)), [0, 1, 2]);
    assert_eq!(numbers(Mirrored::new("mirror", records()).live(), Some(1)), [2, 3, 4]);
}

#[test]
fn records_are_read_only_when_polled_and_never_too_many_in_a_row() {
    let taken = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&taken);
    let records = stream::iter((0..).map(move |id| {
        counted.fetch_add(1, Ordering::Relaxed);
        Ok(record(id, Arm::Stable, "suit"))
    }));
    let mut source = Box::new(Mirrored::new("mirror", records)).observations(None);
    assert_eq!(taken.load(Ordering::Relaxed), 0);
    let mut context = Context::from_waker(std::task::Waker::noop());
    assert!(source.as_mut().poll_next(&mut context).is_pending());
    assert!(taken.load(Ordering::Relaxed) < 256);
}
