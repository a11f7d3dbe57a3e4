use std::{collections::BTreeSet, thread};

use super::*;
use crate::evidence::Arm;

fn with_room(capacity: usize) -> (Recorder, Recorded) {
    Recorder::channel("client", Subsets::new("a", "b"), [Kind::Requests], capacity)
}

fn small() -> (Recorder, Recorded) {
    with_room(2)
}

fn good() -> Seen {
    Seen::Request(Request::served(Arm::Stable, None))
}

fn context() -> Context<'static> {
    Context::from_waker(std::task::Waker::noop())
}

/// The observations released by now.
fn drain(source: &mut Recorded) -> Vec<Observation> {
    let mut seen = Vec::new();
    while let Poll::Ready(Some(item)) = Pin::new(&mut *source).poll_next(&mut context()) {
        seen.push(item.unwrap());
    }
    seen
}

fn times(source: &mut Recorded) -> Vec<u64> {
    drain(source).iter().map(|seen| seen.at.0).collect()
}

#[test]
fn a_full_recorder_drops_and_counts() {
    let (recorder, mut source) = small();
    assert!(recorder.try_request(Timestamp(1), Some("a"), 200, None));
    assert!(recorder.try_request(Timestamp(2), Some("b"), 404, None));
    assert!(!recorder.try_request(Timestamp(3), Some("a"), 200, None));
    assert_eq!(recorder.dropped(), 1);
    let seen = drain(&mut source);
    let failed = Seen::Request(Request::failure(Arm::Canary, "404 Not Found"));
    assert_eq!((seen.len(), &seen[1].what), (2, &failed));
    assert!(recorder.try_request(Timestamp(4), None, 200, None));
}

#[test]
fn a_waiting_record_goes_on_when_there_is_room() {
    let (recorder, mut source) = small();
    for _ in 0..2 {
        assert!(recorder.try_record(Timestamp(0), good()));
    }
    let mut waiting = Box::pin(recorder.record(Timestamp(9), good()));
    assert!(waiting.as_mut().poll(&mut context()).is_pending());
    assert_eq!(times(&mut source), [0, 0]);
    assert!(matches!(waiting.as_mut().poll(&mut context()), Poll::Ready(Ok(()))));
    assert_eq!(times(&mut source), [9]);
}

#[test]
fn a_recorder_without_its_rollout_says_so() {
    let (recorder, source) = small();
    let begun = recorder.begin(Timestamp(0));
    drop(source);
    let mut record = Box::pin(recorder.record(Timestamp(0), good()));
    assert!(matches!(record.as_mut().poll(&mut context()), Poll::Ready(Err(Error::Plan(_)))));
    assert!(!begun.end(Some("a"), 200), "it began before");
    assert!(!recorder.begin(Timestamp(1)).end(Some("a"), 200), "it began after");
    assert_eq!(recorder.dropped(), 2);
}

#[test]
fn requests_come_in_the_order_of_sending_and_wait_for_those_sent_earlier() {
    let (recorder, mut source) = with_room(8);
    let slow = recorder.begin(Timestamp(10));
    let quick = recorder.begin(Timestamp(11));
    assert!(quick.end(Some("a"), 200));
    assert!(recorder.try_request(Timestamp(12), Some("a"), 200, None));
    assert!(recorder.try_record(Timestamp(5), good()));
    assert_eq!(times(&mut source), [5], "what was sent before it need not wait");
    assert!(slow.fail(Some("b"), "timed out\nafter 10 s"));
    let seen = drain(&mut source);
    assert_eq!(seen.iter().map(|seen| seen.at.0).collect::<Vec<_>>(), [10, 11, 12]);
    let Seen::Request(request) = &seen[0].what else { panic!("a request was recorded") };
    assert_eq!((request.arm, request.failed), (Arm::Canary, true));
    assert_eq!(request.problem.as_deref(), Some("timed out after 10 s"));
    assert!(request.latency.is_some());
}

#[test]
fn a_request_that_is_taken_back_is_not_counted_and_holds_nothing_back() {
    let (recorder, mut source) = small();
    let never_sent = recorder.begin(Timestamp(1));
    assert!(recorder.begin(Timestamp(2)).end(Some("a"), 200));
    assert!(drain(&mut source).is_empty());
    drop(never_sent);
    assert_eq!(times(&mut source), [2]);
    assert_eq!(recorder.dropped(), 0);
    // Its room is free again.
    let both = [recorder.begin(Timestamp(3)), recorder.begin(Timestamp(4))];
    assert!(both.into_iter().all(|one| one.end(Some("b"), 200)));
}

#[test]
fn requests_under_way_are_bounded_too_and_one_without_room_holds_nothing_back() {
    let (recorder, mut source) = small();
    let (one, two) = (recorder.begin(Timestamp(1)), recorder.begin(Timestamp(2)));
    let without = recorder.begin(Timestamp(0));
    assert_eq!(recorder.dropped(), 1);
    assert!(one.end(Some("a"), 200));
    assert_eq!(times(&mut source), [1], "the one without room is not waited for");
    assert!(!without.end(Some("b"), 503));
    assert_eq!(recorder.dropped(), 1, "it is counted once");
    assert!(two.end(Some("a"), 200));
    assert_eq!(times(&mut source), [2]);
}

#[test]
fn the_source_ends_when_nobody_can_record_any_more() {
    let (recorder, mut source) = small();
    let begun = recorder.clone().begin(Timestamp(1));
    drop(recorder);
    assert!(Pin::new(&mut source).poll_next(&mut context()).is_pending());
    assert!(begun.end(Some("a"), 200));
    assert_eq!(times(&mut source), [1]);
    assert!(matches!(Pin::new(&mut source).poll_next(&mut context()), Poll::Ready(None)));
}

#[test]
fn many_threads_record_while_the_rollout_reads() {
    const THREADS: u64 = 8;
    const EACH: u64 = 2_000;
    let (recorder, source) = with_room(64);
    let reader = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let all = futures_util::StreamExt::collect::<Vec<_>>(source);
        runtime.block_on(all).into_iter().map(|seen| seen.unwrap().at.0).collect::<Vec<_>>()
    });
    let writers: Vec<_> = (0..THREADS)
        .map(|thread| {
            let recorder = recorder.clone();
            thread::spawn(move || {
                let mut kept = BTreeSet::new();
                let mut open = Vec::new();
                for number in 0..EACH {
                    let at = number * THREADS + thread;
                    open.push((at, recorder.begin(Timestamp(at))));
                    // Ends come out of order, and some never.
                    if open.len() == 3 {
                        let (at, request) = open.swap_remove((number % 3) as usize);
                        let reported = match number % 5 {
                            0 => false,
                            1 => request.fail(None, "reset"),
                            _ => request.end(Some("a"), 200),
                        };
                        if reported {
                            kept.insert(at);
                        }
                    }
                }
                kept
            })
        })
        .collect();
    drop(recorder);
    let kept: BTreeSet<u64> = writers.into_iter().flat_map(|one| one.join().unwrap()).collect();
    let seen = reader.join().unwrap();
    assert_eq!(seen.len(), kept.len());
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), kept, "each once");
    // With a slow reader there is room for few of them, and for at least one.
    assert!(kept.len() >= 32, "{}", kept.len());
}
