//! Failures of either model, of both, and of nobody in particular.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use canary_core::{
    evidence::{Answer, Arm, Seen},
    predict::Client,
};

use crate::{
    server::{Reply, serve},
    traffic::{HEADER, Traffic, pairs, requests, samples, seen, subsets},
};

/// The halves of each pair: the class, or nothing for a failure.
fn halves(seen: &[Seen]) -> Vec<[Option<&str>; 2]> {
    let half = |answer: &'_ Answer| !answer.failed;
    let pairs = pairs(seen).into_iter();
    pairs
        .map(|pair| [&pair.stable, &pair.canary].map(|one| half(one).then_some(one.class.as_str())))
        .collect()
}

fn problems(seen: &[Seen]) -> Vec<&str> {
    let problem = |seen: &'_ Seen| matches!(seen, Seen::Request(request) if request.failed);
    seen.iter()
        .filter(|seen| problem(seen))
        .map(|seen| match seen {
            Seen::Request(request) => request.problem.as_deref().unwrap_or("none"),
            _ => "no request",
        })
        .collect()
}

const STABLE: (Arm, bool) = (Arm::Stable, false);
const CANARY_FAILED: (Arm, bool) = (Arm::Canary, true);
const UNKNOWN_FAILED: (Arm, bool) = (Arm::Unknown, true);

fn one(client: &Client) -> Vec<Seen> {
    seen(Traffic::new("photos", client, HEADER, subsets(), samples(1)).concurrency(1))
}

#[test]
fn a_response_without_values_is_a_failure() {
    for body in [
        r#"{"predictions": []}"#,
        r#"{"predictions": [[], []]}"#,
        r#"{"predictions": [{"labels": [], "probabilities": []}]}"#,
        r#"{"outputs": {"labels": [], "probabilities": []}}"#,
        r#"{"outputs": {}}"#,
    ] {
        let (client, _) = serve(move |_, _| Reply { body: Some(body), ..Reply::by("b", "cat") });
        let traffic = Traffic::requests("photos", &client, subsets(), samples(1));
        let seen = seen(traffic);
        assert_eq!(requests(&seen), [CANARY_FAILED], "{body}");
        assert!(problems(&seen)[0].starts_with("200 unreadable response"), "{body}: {seen:?}");
    }
}

#[test]
fn every_status_but_2xx_is_a_failure_and_its_half_of_the_pair() {
    // A redirect is none of the model's responses either: it is not followed.
    for status in [302, 400, 404, 429, 500, 503] {
        // The divided route gives the canary, then the stable model.
        let (client, sent) =
            serve(
                move |number, _| {
                    if number == 0 { Reply::failed(status, "b") } else { Reply::by("a", "cat") }
                },
            );
        let seen = one(&client);
        assert_eq!(requests(&seen), [CANARY_FAILED, STABLE], "{status}");
        assert_eq!(problems(&seen), [format!("{status} no")]);
        assert_eq!(halves(&seen), [[Some("cat"), None]], "{status}");
        assert_eq!(sent.lock().unwrap().len(), 2, "no request is repeated");
    }
}

#[test]
fn a_canary_that_fails_by_its_header_fails_its_half() {
    for subset in [Some("b"), None] {
        let (client, sent) = serve(move |_, by_header| {
            if by_header {
                Reply { subset, ..Reply::failed(500, "") }
            } else {
                Reply::by("a", "cat")
            }
        });
        let told = Arc::new(AtomicUsize::new(0));
        let tell = Arc::clone(&told);
        let traffic = Traffic::new("photos", &client, HEADER, subsets(), samples(2))
            .on_pair(move |_, _| _ = tell.fetch_add(1, Ordering::SeqCst));
        let seen = seen(traffic);
        assert_eq!(requests(&seen), [STABLE; 2], "what the header leads to is not a request");
        assert_eq!(halves(&seen), [[Some("cat"), None]; 2]);
        assert_eq!(pairs(&seen)[0].canary, Answer::failure("500 no"));
        assert_eq!((sent.lock().unwrap().len(), told.load(Ordering::SeqCst)), (4, 2));
    }
}

#[test]
fn a_canary_that_hangs_up_or_hangs_fails_its_half() {
    for hanging in [Reply::cut as fn() -> Reply, || Reply {
        after: Duration::from_secs(5),
        ..Reply::by("b", "cat")
    }] {
        let (client, _) =
            serve(move |_, by_header| if by_header { hanging() } else { Reply::by("a", "cat") });
        let seen = one(&client.timeout(Duration::from_millis(200)));
        assert_eq!(requests(&seen), [STABLE]);
        assert_eq!(halves(&seen), [[Some("cat"), None]]);
        let problem = &pairs(&seen)[0].canary.class;
        assert!(problem.contains("(127.0.0.1:"), "{problem}");
    }
}

#[test]
fn what_cannot_be_read_and_what_names_no_class_are_failures() {
    let no_class = r#"{"predictions": [[0.5, 0.5]]}"#;
    let two = r#"{"predictions": [{"labels": ["x"], "probabilities": [1.0]}, {"labels": ["x"], "probabilities": [1.0]}]}"#;
    let nan = r#"{"predictions": [{"labels": ["x"], "probabilities": [NaN]}]}"#;
    for (body, said) in [
        ("<html>", "unreadable response"),
        ("", "it is empty"),
        (no_class, "names no class"),
        (two, "2 rows for one input"),
        (nan, "NaN"),
    ] {
        let (client, _) = serve(move |number, _| match number {
            0 => Reply { body: Some(body), ..Reply::by("b", "") },
            _ => Reply::by("a", "cat"),
        });
        let seen = one(&client);
        assert_eq!(requests(&seen), [CANARY_FAILED, STABLE], "{body}");
        assert!(problems(&seen)[0].contains(said), "{:?}", problems(&seen));
        assert_eq!(halves(&seen), [[Some("cat"), None]], "{body}");
    }
    // Without pairs the classes are not needed.
    let (client, _) = serve(move |_, _| Reply { body: Some(no_class), ..Reply::by("b", "") });
    let found = seen(Traffic::requests("photos", &client, subsets(), samples(1)));
    assert_eq!(requests(&found), [(Arm::Canary, false)]);
}

#[test]
fn a_stable_model_that_fails_fails_its_half_and_both_may_fail() {
    for (canary, half) in
        [(Reply::by as fn(_, _) -> _, Some("dog")), (|subset, _| Reply::failed(404, subset), None)]
    {
        let (client, _) =
            serve(
                move |_, by_header| {
                    if by_header { canary("b", "dog") } else { Reply::failed(404, "a") }
                },
            );
        let seen = one(&client);
        assert_eq!(requests(&seen), [(Arm::Stable, true)]);
        assert_eq!(halves(&seen), [[None, half]]);
        assert_eq!(pairs(&seen)[0].stable, Answer::failure("404 no"));
    }
}

#[test]
fn a_failure_of_nobody_in_particular_is_the_stable_half_when_the_canary_answers() {
    let (client, sent) = serve(|number, by_header| match (number, by_header) {
        (0, _) => Reply::cut(),
        (_, true) => Reply::by("b", "dog"),
        (_, false) => Reply::by("a", "cat"),
    });
    let seen = one(&client);
    assert_eq!(requests(&seen), [UNKNOWN_FAILED]);
    assert_eq!(halves(&seen), [[None, Some("dog")]]);
    assert_eq!(*sent.lock().unwrap(), [false, true]);
}

#[test]
fn where_the_canary_fails_too_both_get_another_request() {
    // The weights lead to a canary that hangs up, and so does its header; then to the stable model.
    let (client, sent) =
        serve(
            |number, by_header| {
                if by_header || number == 0 { Reply::cut() } else { Reply::by("a", "cat") }
            },
        );
    let seen = one(&client);
    assert_eq!(requests(&seen), [UNKNOWN_FAILED, STABLE]);
    assert_eq!(halves(&seen), [[Some("cat"), None]]);
    assert_eq!(*sent.lock().unwrap(), [false, true, false, true]);
}

#[test]
fn common_timeouts_fail_both_halves_alike() {
    // Every fifth request fails, whichever version serves it, by either route; the canary has a weight of 50.
    let draws = Mutex::new(canary_core::stats::Random::new(7));
    let (client, _) = serve(move |_, by_header| {
        let mut draws = draws.lock().unwrap();
        let to_canary = by_header || draws.bernoulli(0.5);
        match (draws.bernoulli(0.2), to_canary) {
            (true, _) => Reply::cut(),
            (_, true) => Reply::by("b", "cat"),
            (_, false) => Reply::by("a", "cat"),
        }
    });
    let seen = seen(Traffic::new("photos", &client, HEADER, subsets(), samples(1_500)));
    let halves = halves(&seen);
    let alone = |half: usize| {
        halves.iter().filter(|pair| pair[half].is_none() && pair[1 - half].is_some()).count()
    };
    let (stable, canary) = (alone(0), alone(1));
    assert!(halves.len() > 1_400 && canary > 80, "{} pairs, {canary}", halves.len());
    assert!(stable >= canary, "{stable} stable halves failed alone and {canary} of the canary");
}

#[test]
fn a_service_that_nobody_reaches_has_no_pair_and_says_where_it_was_asked() {
    let nobody = Client::new("http://127.0.0.1:1").unwrap().model("m");
    let seen = one(&nobody);
    assert_eq!(requests(&seen), [UNKNOWN_FAILED; Traffic::FAILURES as usize]);
    assert_eq!(problems(&seen), ["connection refused (127.0.0.1:1)"; Traffic::FAILURES as usize]);
    assert!(pairs(&seen).is_empty());

    let (client, sent) = serve(|_, _| Reply::cut());
    let seen = one(&client);
    assert_eq!(requests(&seen), [UNKNOWN_FAILED; Traffic::FAILURES as usize]);
    assert_eq!(
        sent.lock().unwrap().len(),
        2 * Traffic::FAILURES as usize,
        "each time by the header too"
    );
    assert!(pairs(&seen).is_empty());
}

#[test]
fn a_header_that_leads_to_the_stable_model_says_nothing_of_the_canary() {
    for by_header in [Reply::by as fn(_, _) -> _, |subset, _| Reply::failed(500, subset)] {
        let (client, _) = serve(
            move |_, header| {
                if header { by_header("a", "cat") } else { Reply::by("a", "cat") }
            },
        );
        let seen = one(&client);
        assert_eq!(requests(&seen), [STABLE]);
        assert!(pairs(&seen).is_empty());
    }
}
