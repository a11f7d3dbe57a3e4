//! Traffic through a scripted mesh.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use canary_core::{
    evidence::{Arm, Kind, Observation, OwnRequests, Pair, Sample, Seen, Source, Subsets},
    predict::{Client, Input},
    rollout::{Error, Result},
    tensor::{Tensor, TensorData},
};
use futures_util::{Stream, StreamExt, stream};

use crate::server::{Reply, block_on, serve};

pub(crate) type Traffic = canary_core::evidence::Traffic<Client>;

pub(crate) const HEADER: (&str, &str) = ("user-group", "canary");

pub(crate) fn subsets() -> Subsets {
    Subsets::new("a", "b")
}

pub(crate) fn samples(count: usize) -> impl Stream<Item = Result<Sample>> {
    stream::iter((0..count).map(|n| Ok(Sample::new(format!("{n}.jpg"), n.to_le_bytes().to_vec()))))
}

pub(crate) fn collect(traffic: Traffic, after: Option<u64>) -> Vec<Result<Observation>> {
    block_on(Box::new(traffic).observations(after).collect())
}

pub(crate) fn seen(traffic: Traffic) -> Vec<Seen> {
    collect(traffic, None).into_iter().map(|item| item.unwrap().what).collect()
}

pub(crate) fn requests(seen: &[Seen]) -> Vec<(Arm, bool)> {
    let request = |seen: &Seen| match seen {
        Seen::Request(request) => Some((request.arm, request.failed)),
        _ => None,
    };
    seen.iter().filter_map(request).collect()
}

pub(crate) fn pairs(seen: &[Seen]) -> Vec<&Pair> {
    seen.iter()
        .filter_map(|seen| if let Seen::Pair(pair) = seen { Some(pair) } else { None })
        .collect()
}

#[test]
fn the_divided_route_is_used_until_the_stable_model_responds_and_every_request_counts() {
    // The divided route gives canary, canary, stable; then stable at once, and the canary by header.
    let (client, sent) =
        serve(
            |number, by_header| {
                if by_header || number < 2 { Reply::by("b", "dog") } else { Reply::by("a", "cat") }
            },
        );
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&told);
    let traffic = Traffic::new("photos", &client, HEADER, subsets(), samples(2))
        .concurrency(1)
        .on_pair(move |sample, pair| {
            tell.lock().unwrap().push((sample.name.to_string(), pair.agrees()));
        });
    let seen = seen(traffic);
    let (stable, canary) = ((Arm::Stable, false), (Arm::Canary, false));
    assert_eq!(requests(&seen), [canary, canary, stable, stable]);
    assert_eq!(*sent.lock().unwrap(), [false, false, false, false, true]);
    let pairs = pairs(&seen);
    assert_eq!(pairs.len(), 2);
    for (number, pair) in pairs.iter().enumerate() {
        assert_eq!((&*pair.stable.class, &*pair.canary.class), ("cat", "dog"));
        assert_eq!(pair.canary.score, Some(0.75));
        assert_eq!(pair.input, Some(Pair::digest(&number.to_le_bytes())));
    }
    let names = [("0.jpg".to_owned(), false), ("1.jpg".to_owned(), false)];
    assert_eq!(*told.lock().unwrap(), names);
    assert!(seen.iter().all(|seen| match seen {
        Seen::Request(request) => request.latency.is_some_and(|latency| !latency.is_zero()),
        _ => true,
    }));
}

#[test]
fn what_was_sent_first_is_observed_first() {
    // The first request takes long, so what the others have shown waits for it.
    let (client, _) = serve(|number, _| Reply {
        after: Duration::from_millis(if number == 0 { 300 } else { 0 }),
        ..Reply::by("a", "cat")
    });
    let traffic = Traffic::requests("photos", &client, subsets(), samples(60)).concurrency(4);
    let found: Vec<_> = collect(traffic, None).into_iter().map(Result::unwrap).collect();
    assert!(found.is_sorted_by_key(|seen| seen.at));
    assert!(found.is_sorted_by_key(|seen| seen.sequence));
    assert_eq!(found.len(), 60);
    let latency = |seen: &Observation| match &seen.what {
        Seen::Request(request) => request.latency.unwrap(),
        _ => Duration::ZERO,
    };
    let slow = found.iter().position(|seen| latency(seen) >= Duration::from_millis(300)).unwrap();
    let quick_end = found[slow].at.plus(Duration::from_millis(250));
    let sent_meanwhile = found[slow..].iter().filter(|seen| seen.at < quick_end).count();
    assert!(slow < 4 && sent_meanwhile > 10, "{slow}, {sent_meanwhile}");
}

#[test]
fn a_stable_model_that_never_answers_is_given_up() {
    let (client, sent) = serve(|_, _| Reply::by("b", "dog"));
    let seen = seen(Traffic::new("photos", &client, HEADER, subsets(), samples(1)));
    assert_eq!(requests(&seen).len(), Traffic::ATTEMPTS as usize);
    assert!(pairs(&seen).is_empty());
    assert!(sent.lock().unwrap().iter().all(|by_header| !by_header));
}

#[test]
fn an_answer_that_names_no_known_subset_ends_the_source_with_the_remedy() {
    for (subset, said) in [(None, "x-canary-subset"), (Some("c"), "is by subset c")] {
        let (client, _) = serve(move |_, _| Reply { subset, ..Reply::by("a", "cat") });
        // A few answers by another name can be a third destination's.
        let traffic = Traffic::new("photos", &client, HEADER, subsets(), samples(8));
        let error = collect(traffic, None).remove(0).unwrap_err();
        assert!(error.to_string().contains(said) && !error.is_retryable(), "{error}");
    }
}

#[test]
fn without_pairs_each_input_is_one_request_through_the_divided_route() {
    let (client, sent) =
        serve(
            |number, _| {
                if number.is_multiple_of(2) { Reply::by("a", "cat") } else { Reply::by("b", "dog") }
            },
        );
    let traffic = Traffic::requests("photos", &client, subsets(), samples(4)).concurrency(1);
    let found = collect(traffic, Some(9));
    let numbers: Vec<_> = found.iter().map(|item| item.as_ref().unwrap().sequence).collect();
    assert_eq!(numbers, [Some(10), Some(11), Some(12), Some(13)], "numbers continue");
    let seen: Vec<Seen> = found.into_iter().map(|item| item.unwrap().what).collect();
    let (stable, canary) = ((Arm::Stable, false), (Arm::Canary, false));
    assert_eq!(requests(&seen), [stable, canary, stable, canary]);
    assert_eq!((seen.len(), sent.lock().unwrap().len()), (4, 4));
}

#[test]
fn what_another_source_counts_is_not_reported() {
    let (client, _) =
        serve(|_, by_header| if by_header { Reply::by("b", "dog") } else { Reply::by("a", "cat") });
    let traffic =
        Traffic::new("photos", &client, HEADER, subsets(), samples(3)).pairs_only().labelled();
    assert_eq!(traffic.provides(), [Kind::Pairs, Kind::Scores, Kind::Labels]);
    assert_eq!(traffic.own_requests(), OwnRequests::SendsPairs);
    let seen = seen(traffic);
    assert_eq!((seen.len(), pairs(&seen).len()), (3, 3));
}

#[test]
fn no_more_inputs_are_taken_than_are_under_way() {
    let (client, _) = serve(|_, _| Reply::by("a", "cat"));
    let read = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&read);
    let endless = stream::iter((0_usize..).map(move |n| {
        counted.fetch_add(1, Ordering::SeqCst);
        Ok(Sample::new("x", n.to_le_bytes().to_vec()))
    }));
    let traffic = Traffic::requests("x", &client, subsets(), endless).concurrency(1);
    block_on(async {
        let mut source = Box::new(traffic).observations(None);
        for received in 1..=20 {
            source.next().await.unwrap().unwrap();
            let read = read.load(Ordering::SeqCst);
            // Several at once may end in another order, and wait for the first.
            assert!(read <= received + 1, "{read} read for {received}");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
}

#[test]
fn arrays_are_sent_as_files_are() {
    let (client, sent) =
        serve(|_, by_header| if by_header { Reply::by("b", "dog") } else { Reply::by("a", "cat") });
    let pixels = |value| Tensor::new(vec![1, 2], TensorData::Float(vec![value; 2])).unwrap();
    let named = Input::named([("age", pixels(0.5)), ("town", pixels(0.25))]);
    let one = Sample::new("one", pixels(0.5)).label("cat");
    let samples = stream::iter([one.clone(), one, Sample::new("two", named)].map(Ok));
    // One after the other, so that the pairs come in the order of the samples.
    let traffic = Traffic::new("arrays", &client, HEADER, subsets(), samples).concurrency(1);
    let seen = seen(traffic);
    assert_eq!(sent.lock().unwrap().len(), 6);
    let pairs = pairs(&seen);
    let label = |pair: &&Pair| pair.label.clone();
    let labels: Vec<_> = pairs.iter().map(label).collect();
    assert_eq!(labels, [Some("cat".to_owned()), Some("cat".to_owned()), None]);
    assert_eq!(pairs[0].input, pairs[1].input, "an equal array is one input");
    assert_ne!(pairs[0].input, pairs[2].input);
}

#[test]
fn a_batch_has_no_pair_and_says_so() {
    let (client, _) = serve(|_, _| Reply { rows: 3, ..Reply::by("a", "cat") });
    let batch = || Tensor::new(vec![3, 1], TensorData::Float(vec![0.5; 3])).unwrap();
    let samples = stream::iter([Ok(Sample::new("three", batch()))]);
    let traffic = Traffic::new("arrays", &client, HEADER, subsets(), samples);
    let error = collect(traffic, None).remove(0).unwrap_err().to_string();
    assert!(error.contains("the response to three has 3 rows"), "{error}");
    // Where only requests count, a batch is a request like any other.
    let samples = stream::iter([Ok(Sample::new("three", batch()))]);
    let found = seen(Traffic::requests("arrays", &client, subsets(), samples));
    assert_eq!(requests(&found), [(Arm::Stable, false)]);
}

#[test]
fn an_input_that_cannot_be_sent_is_nobodys_failure() {
    let (client, sent) = serve(|_, _| Reply::by("a", "cat"));
    let twice = Input::named([("x", b"a".as_slice()), ("x", b"b".as_slice())]);
    let samples = stream::iter([Ok(Sample::new("x", twice))]);
    let found = collect(Traffic::requests("x", &client, subsets(), samples), None);
    let error = found[0].as_ref().unwrap_err().to_string();
    assert!(error.contains("given twice"), "{error}");
    assert!(sent.lock().unwrap().is_empty());
}

#[test]
fn an_error_of_the_samples_reaches_the_rollout() {
    let (client, _) = serve(|_, _| Reply::by("a", "cat"));
    let broken = stream::iter([Err(Error::Plan("the folder is gone".to_owned()))]);
    let found = collect(Traffic::requests("x", &client, subsets(), broken), None);
    assert!(found[0].as_ref().unwrap_err().to_string().contains("the folder is gone"));
}
