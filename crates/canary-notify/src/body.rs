//! Notices as the bodies of requests.

use canary_rollout::{Notice, cluster::ObjectRef};
use serde_json::{Value, json};

/// The format of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    CloudEvents,
    Slack,
}

impl Format {
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::CloudEvents => "application/cloudevents+json",
            Self::Slack => "application/json",
        }
    }

    pub(crate) fn body(self, notice: &Notice) -> Value {
        match self {
            Self::CloudEvents => cloud_event(notice),
            Self::Slack => json!({"text": slack_text(notice)}),
        }
    }
}

/// The structured content mode of CloudEvents 1.0 (<https://github.com/cloudevents/spec>, JSON event format).
fn cloud_event(notice: &Notice) -> Value {
    let ObjectRef { api_version, kind, namespace, name } = notice.about();
    // The core group has a path of its own.
    let root = if api_version.contains('/') { "/apis" } else { "/api" };
    let plural = ObjectRef::plural_of(&kind).unwrap_or("objects");
    let source = format!("{root}/{api_version}/namespaces/{namespace}/{plural}/{name}");
    json!({
        "specversion": "1.0",
        "id": notice.id,
        "source": source,
        "type": format!("io.github.canary-rs.rollout.{}", notice.kind.name()),
        "subject": notice.canary,
        "time": notice.time(),
        "datacontenttype": "application/json",
        "data": notice,
    })
}

/// One line of Slack's markup.
fn slack_text(notice: &Notice) -> String {
    let Notice { namespace, virtual_service, stable, canary, sentence, .. } = notice;
    // A vertical bar would end the address.
    let link = notice.link.as_ref().map(|link| escaped(&link.replace('|', "%7C")));
    let link = link.map_or_else(String::new, |link| format!(" <{link}|Report>"));
    format!(
        "*{}/{}* ({} → {}): {}{link}",
        escaped(namespace),
        escaped(virtual_service),
        escaped(stable),
        escaped(canary),
        escaped(sentence),
    )
}

/// A text without the three characters that Slack's markup gives a meaning.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
