//! The bodies that are sent, byte by byte where a receiver depends on it.

use canary_notify::{Notifier, Webhook};
use canary_rollout::{Notice, Notices, cluster::Progress, evidence::Timestamp};
use serde_json::json;

use crate::support::{FOREVER, Received, Receiver, plan, verdict};

async fn sent(slack: bool, notice: &Notice) -> Received {
    let mut receiver = Receiver::start(|_| Some("200 OK")).await;
    let url = receiver.url();
    let webhook = if slack { Webhook::slack(&url) } else { Webhook::cloud_events(&url) };
    let notifier = Notifier::spawn([webhook.unwrap().timeout(FOREVER)]).unwrap();
    notifier.notice(notice);
    assert_eq!(notifier.finish(FOREVER).await, []);
    receiver.next().await
}

#[tokio::test]
async fn a_cloud_event_has_every_attribute() {
    let notice = verdict();
    let Received { head, body } = sent(false, &notice).await;
    assert!(head.starts_with("post /hook http/1.1"), "{head}");
    assert!(head.contains("\r\ncontent-type: application/cloudevents+json\r\n"), "{head}");
    assert_eq!(
        body,
        json!({
            "specversion": "1.0",
            "id": notice.id,
            "source": "/apis/networking.istio.io/v1/namespaces/models/virtualservices/pets",
            "type": "io.github.canary-rs.rollout.verdict",
            "subject": "v2",
            "time": "1970-01-01T00:00:01.006Z",
            "datacontenttype": "application/json",
            "data": {
                "id": notice.id,
                "kind": "verdict",
                "at": 1006,
                "namespace": "models",
                "virtualService": "pets",
                "stable": "v1",
                "canary": "v2",
                "step": 1,
                "weight": 10,
                "verdict": "inconclusive",
                "cause": "sourcesEnded",
                "sentence": notice.sentence,
            },
        })
    );
}

#[tokio::test]
async fn slack_gets_one_escaped_line() {
    let notice = verdict();
    assert!(notice.sentence.contains("a <b> & c"), "{notice:?}");
    let Received { head, body } = sent(true, &notice).await;
    assert!(head.contains("\r\ncontent-type: application/json\r\n"), "{head}");
    let text = body["text"].as_str().unwrap();
    assert!(text.starts_with("*models/pets* (v1 → v2): inconclusive: "), "{text}");
    assert!(text.contains("a &lt;b&gt; &amp; c"), "{text}");
    assert!(!text.contains("<b>"), "{text}");
    assert_eq!(body.as_object().unwrap().len(), 1);
}

#[tokio::test]
async fn slack_gets_the_link_as_a_link() {
    let link = "https://reports.example/run?a=1&b=2|<x>";
    let mut notices = Notices::new(&plan()).link(link);
    let notice = notices.of(&Progress::Paused, Timestamp(0)).unwrap();
    let text = sent(true, &notice).await.body["text"].as_str().unwrap().to_owned();
    let expected = "<https://reports.example/run?a=1&amp;b=2%7C&lt;x&gt;|Report>";
    assert!(text.ends_with(expected), "{text}");
}
