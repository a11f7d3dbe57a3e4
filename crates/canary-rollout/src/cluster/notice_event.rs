//! Notices as Kubernetes Events on the object that holds the state, where `kubectl describe` shows them.

use serde_json::{Value, json};

use super::{Cluster, ObjectRef};
use crate::{Notice, NoticeKind, Result, json::text};

/// The longest message of an Event that the API server accepts, in bytes.
const MAX_MESSAGE: usize = 1024;

/// Writes a notice as an Event (`v1`) on the object that it is about ([`Notice::about`]). The same notice is the same Event
/// however often it is written.
///
/// The account needs `get` on that object, and `create` and `patch` on events. Kubernetes keeps Events for an
/// hour unless it is configured otherwise.
///
/// # Errors
/// Those of [`Cluster::get`] and [`Cluster::apply`].
pub async fn record_event(cluster: &impl Cluster, notice: &Notice) -> Result<ObjectRef> {
    let about = notice.about();
    // `kubectl describe` looks Events up by the object's uid.
    let live = cluster.get(&about).await?;
    let uid = live.as_ref().map(|live| text(live, "/metadata/uid")).filter(|uid| !uid.is_empty());
    let event = event(notice, &about, uid);
    cluster.apply(&event).await?;
    ObjectRef::of(&event)
}

fn event(notice: &Notice, about: &ObjectRef, uid: Option<&str>) -> Value {
    let mut involved = json!({
        "apiVersion": about.api_version,
        "kind": about.kind,
        "namespace": about.namespace,
        "name": about.name,
    });
    if let Some(uid) = uid {
        involved["uid"] = uid.into();
    }
    // A name of an object has at most 253 characters.
    let beginning: String = about.name.chars().take(200).collect();
    // The API server takes whole seconds here.
    let seconds = i64::try_from(notice.at.0 / 1000).unwrap_or(i64::MAX);
    let time = jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX).to_string();
    json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"namespace": about.namespace, "name": format!("{beginning}.{}", notice.id)},
        "involvedObject": involved,
        "reason": reason(notice),
        "message": message(notice),
        "type": if notice.is_warning() { "Warning" } else { "Normal" },
        "source": {"component": "canary"},
        "reportingComponent": "canary",
        "firstTimestamp": time,
        "lastTimestamp": time,
        "count": 1,
    })
}

/// The reason in the form that `kubectl` prints: one word in upper camel case.
fn reason(notice: &Notice) -> &'static str {
    match (notice.kind, notice.verdict.as_deref()) {
        (NoticeKind::Started, _) => "RolloutStarted",
        (NoticeKind::Step, _) => "RolloutStep",
        (NoticeKind::AwaitingApproval, _) => "RolloutAwaitingApproval",
        (NoticeKind::Paused, _) => "RolloutPaused",
        (NoticeKind::Resumed, _) => "RolloutResumed",
        (NoticeKind::Suspended, _) => "RolloutSuspended",
        (NoticeKind::Alarm, _) => "RolloutAlarm",
        (NoticeKind::ScaleDown, _) => "RolloutScaleDown",
        (NoticeKind::Verdict, Some("promote" | "promotedByPerson")) => "RolloutPromoted",
        (NoticeKind::Verdict, Some("rollback")) => "RolloutRolledBack",
        (NoticeKind::Verdict, Some("externalEdit")) => "RolloutEdited",
        (NoticeKind::Verdict, _) => "RolloutInconclusive",
    }
}

/// The versions and the sentence, cut off at what the API server accepts.
fn message(notice: &Notice) -> String {
    let mut message = format!("{} → {}: {}", notice.stable, notice.canary, notice.sentence);
    if message.len() > MAX_MESSAGE {
        let mut end = MAX_MESSAGE - '…'.len_utf8();
        while !message.is_char_boundary(end) {
            end -= 1;
        }
        message.truncate(end);
        message.push('…');
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Notices, Plan, Verdict, Why, cluster::Progress, evidence::Timestamp};

    #[test]
    fn a_long_message_is_cut_off_between_two_characters() {
        let why = Why::SourcesEnded { why: "ä".repeat(2 * MAX_MESSAGE) };
        let finished = Progress::Finished { verdict: Verdict::Inconclusive { why }, stored: None };
        let mut notices = Notices::new(&Plan::new("pets", "v1", "v2"));
        let notice = notices.of(&finished, Timestamp(1_999)).unwrap();
        let event = event(&notice, &ObjectRef::virtual_service("default", "pets"), Some("u-1"));
        let message = event["message"].as_str().unwrap();
        assert!(message.len() <= MAX_MESSAGE && message.ends_with("ä…"), "{message}");
        assert_eq!(event["type"], "Warning");
        assert_eq!(event["reason"], "RolloutInconclusive");
        assert_eq!(event["lastTimestamp"], "1970-01-01T00:00:01Z");
        assert_eq!(event["involvedObject"]["uid"], "u-1");
        // Kubernetes' own type has each of these fields.
        let typed: k8s_openapi::api::core::v1::Event =
            serde_json::from_value(event.clone()).unwrap();
        assert_eq!(serde_json::to_value(typed).unwrap(), event);
    }
}
