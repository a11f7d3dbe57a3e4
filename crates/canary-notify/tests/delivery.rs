//! Order, repetition, and recipients that do not answer.

use std::time::Duration;

use canary_notify::{Error, Notifier, Webhook};

use crate::support::{FOREVER, Receiver, notices, verdict};

fn quick(receiver: &Receiver) -> Webhook {
    let webhook = Webhook::cloud_events(&receiver.url()).unwrap();
    webhook.first_pause(Duration::from_millis(1)).timeout(FOREVER)
}

#[tokio::test]
async fn every_kind_arrives_in_order() {
    let mut receiver = Receiver::start(|_| Some("204 No Content")).await;
    let notifier = Notifier::spawn([quick(&receiver)]).unwrap();
    for notice in notices() {
        notifier.notice(&notice);
    }
    assert_eq!(notifier.finish(FOREVER).await, []);
    let requests = receiver.rest();
    let kinds: Vec<&str> =
        requests.iter().map(|request| request.body["data"]["kind"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        ["started", "step", "paused", "resumed", "awaitingApproval", "suspended", "verdict"]
    );
}

#[tokio::test]
async fn a_server_that_fails_twice_gets_the_same_event_again() {
    let mut receiver =
        Receiver::start(|number| Some(if number < 2 { "500 No" } else { "200 OK" })).await;
    let notifier = Notifier::spawn([quick(&receiver)]).unwrap();
    notifier.notice(&verdict());
    assert_eq!(notifier.finish(FOREVER).await, []);
    let requests = receiver.rest();
    assert_eq!(requests.len(), 3);
    assert!(requests.iter().all(|request| request.body == requests[0].body), "{requests:?}");
    assert_eq!(requests[0].body["id"], verdict().id);
}

#[tokio::test]
async fn a_refusal_is_not_repeated_and_the_next_notice_is_sent() {
    let mut receiver =
        Receiver::start(|number| Some(if number == 0 { "404 Not Found" } else { "200 OK" })).await;
    let notifier = Notifier::spawn([quick(&receiver)]).unwrap();
    notices()[..2].iter().for_each(|notice| notifier.notice(notice));
    let problems = notifier.finish(FOREVER).await;
    let text = problems[0].to_string();
    assert!(
        text.ends_with(": 1 of 2 notices not delivered: the server answered 404 Not Found"),
        "{text}"
    );
    let steps: Vec<_> = receiver.rest().into_iter().map(|one| one.body["id"].clone()).collect();
    assert_eq!(steps, [notices()[0].id.as_str(), notices()[1].id.as_str()]);
}

#[tokio::test]
async fn attempts_end_and_are_reported_while_the_run_goes_on() {
    let mut receiver = Receiver::start(|_| Some("503 Busy")).await;
    let notifier = Notifier::spawn([quick(&receiver).attempts(2)]).unwrap();
    notifier.notice(&verdict());
    receiver.next().await;
    receiver.next().await;
    let problems = loop {
        let problems = notifier.problems();
        if !problems.is_empty() {
            break problems;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((problems[0].undelivered, problems[0].of), (1, 1));
    assert_eq!(problems[0].recipient, receiver.host);
    assert!(problems[0].reason.contains("503"), "{problems:?}");
    assert!(receiver.rest().is_empty(), "two attempts were allowed");
}

/// The receiver never answers and the timeout is longer than the test: `notice` returns nevertheless, the other
/// recipient gets everything, and `finish` ends by its own deadline.
#[tokio::test]
async fn a_server_that_hangs_delays_nobody() {
    let mut hanging = Receiver::start(|_| None).await;
    let mut well = Receiver::start(|_| Some("200 OK")).await;
    let notifier = Notifier::spawn([quick(&hanging), quick(&well)]).unwrap();
    for notice in notices() {
        notifier.notice(&notice);
    }
    for notice in notices() {
        assert_eq!(well.next().await.body["id"], notice.id);
    }
    hanging.next().await;
    let problems = notifier.finish(Duration::from_millis(50)).await;
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(
        problems[0].to_string(),
        format!("{}: 7 of 7 notices not delivered: no attempt ended in time", hanging.host)
    );
}

#[tokio::test]
async fn a_full_queue_gives_up_the_newest_and_counts_them() {
    let mut hanging = Receiver::start(|_| None).await;
    let notifier = Notifier::spawn([quick(&hanging)]).unwrap();
    notifier.notice(&verdict());
    hanging.next().await;
    (0..300).for_each(|_| notifier.notice(&verdict()));
    let problems = notifier.problems();
    assert_eq!((problems[0].undelivered, problems[0].of), (300 - 256, 301));
    assert_eq!(problems[0].reason, "256 notices were waiting");
}

#[test]
fn a_notifier_needs_a_runtime() {
    assert!(matches!(Notifier::spawn([]), Err(Error::NoRuntime)));
}
