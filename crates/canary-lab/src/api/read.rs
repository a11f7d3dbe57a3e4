//! Objects, lists and watches.

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use canary_core::cluster::scale_of;
use futures_core::Stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::{Response, StatusCode, body::Frame};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::{
    answer::{self, Body, Refusal},
    query::{Query, Selected},
    target::Target,
};
use crate::store::{AllChanges, Change, Store, shown};

/// The time after which a watch ends when its request states none; its client continues from the last version.
const WATCH: Duration = Duration::from_secs(1_800);

/// One object, or a part of it.
pub(super) fn get(store: &Store, target: &Target) -> Result<Response<Body>, Refusal> {
    let found = target.object().and_then(|object| store.get_now(&object));
    let object = found.ok_or_else(|| Refusal::not_found(target))?;
    let shown = match target.subresource.as_deref() {
        None | Some("status") => object,
        Some("scale") if target.kind == "Deployment" => scale_of(&object),
        Some(_) => return Err(Refusal::unserved()),
    };
    Ok(answer::object(StatusCode::OK, &shown))
}

/// The objects of a kind.
pub(super) fn list(
    store: &Store,
    target: &Target,
    query: &Query,
) -> Result<Response<Body>, Refusal> {
    let selected = query.selected()?;
    let namespace = target.namespace.as_deref();
    let (mut items, version) = store.list_now(&target.api_version, target.kind, namespace);
    items.retain(|object| selected.has(object));
    Ok(answer::object(
        StatusCode::OK,
        &json!({
            "apiVersion": target.api_version,
            "kind": format!("{}List", target.kind),
            "metadata": {"resourceVersion": version.to_string()},
            "items": items,
        }),
    ))
}

/// The changes of the objects of a kind, from a version on or from the present objects on.
pub(super) fn watch(
    store: &Store,
    target: Target,
    query: &Query,
) -> Result<Response<Body>, Refusal> {
    if query.flag("sendInitialEvents") {
        let message = "sendInitialEvents is not supported by the lab; list first, then watch";
        return Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message));
    }
    let mut selected = query.selected()?;
    if let Some(name) = &target.name {
        selected.name = Some(name.clone());
    }
    let seconds = query.get("timeoutSeconds").map(str::parse).transpose();
    let seconds = seconds
        .map_err(|_| Refusal::bad_request("timeoutSeconds: expected a whole number of seconds"))?;
    let end = Instant::now() + seconds.map_or(WATCH, Duration::from_secs).min(WATCH);
    let (present, version) = match query.get("resourceVersion").filter(|version| *version != "0") {
        None => store.list_now(&target.api_version, target.kind, target.namespace.as_deref()),
        Some(version) => {
            let version = version.parse().map_err(|_| {
                Refusal::bad_request(format!(
                    "resourceVersion: expected a number, found {version:?}"
                ))
            })?;
            (Vec::new(), version)
        }
    };
    let Some((missed, changes)) = store.changes_after(version) else {
        let message = format!("too old resource version: {version}");
        return Err(Refusal::new(StatusCode::GONE, "Expired", message));
    };
    let mut first = Vec::new();
    for object in present.iter().filter(|object| selected.has(object)) {
        line(&mut first, "ADDED", object);
    }
    let watcher = Watcher { target, selected, changes, end };
    for (change, object) in &missed {
        watcher.event(&mut first, *change, object);
    }
    Ok(answer::with_body(StatusCode::OK, StreamBody::new(watcher.frames(first)).boxed_unsync()))
}

/// A running watch.
struct Watcher {
    target: Target,
    selected: Selected,
    changes: AllChanges,
    end: Instant,
}

impl Watcher {
    /// Writes an event, when the change is one of the objects that are watched.
    fn event(&self, to: &mut Vec<u8>, change: Change, object: &Value) {
        let group = |version: &str| version.rsplit_once('/').map(|(group, _)| group.to_owned());
        let version = object["apiVersion"].as_str().unwrap_or_default();
        let namespace = self.target.namespace.as_ref();
        if object["kind"] != self.target.kind
            || group(version) != group(&self.target.api_version)
            || namespace.is_some_and(|wanted| object["metadata"]["namespace"] != **wanted)
            || !self.selected.has(object)
        {
            return;
        }
        let kind = match change {
            Change::Created => "ADDED",
            Change::Applied => "MODIFIED",
            Change::Deleted => "DELETED",
        };
        line(to, kind, &shown(object, &self.target.api_version));
    }

    /// The events as pieces of a body, after the first ones.
    fn frames(self, first: Vec<u8>) -> impl Stream<Item = Result<Frame<Bytes>, Infallible>> + Send {
        futures_util::stream::unfold((self, first), |(mut watcher, mut ready)| async move {
            while ready.is_empty() {
                match timeout_at(watcher.end, watcher.changes.recv()).await {
                    Ok(Some((change, object))) => watcher.event(&mut ready, change, &object),
                    // The time is over, or the store is gone.
                    Ok(None) | Err(_) => return None,
                }
            }
            Some((Ok(Frame::data(Bytes::from(ready))), (watcher, Vec::new())))
        })
    }
}

fn line(to: &mut Vec<u8>, kind: &str, object: &Value) {
    to.extend_from_slice(json!({"type": kind, "object": object}).to_string().as_bytes());
    to.push(b'\n');
}
