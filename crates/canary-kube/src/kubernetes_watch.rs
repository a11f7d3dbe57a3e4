//! Watches one object on a real cluster: read, watch, and read again where the server no longer has the version.

use std::time::Duration;

use canary_http::milliseconds;
use futures_core::Stream;
use futures_util::{StreamExt, stream, stream::BoxStream};
use kube::core::{Request as ApiRequest, WatchEvent as KubeEvent, params::WatchParams};
use serde_json::Value;

use canary_rollout::cluster::{Cluster, ObjectRef, WatchEvent};

use crate::{Error, Kubernetes, Result, api_error::Verb, resource::collection_path};

/// The longest that one watch request lasts before it is sent again with the last version seen.
const WATCH_SECONDS: u32 = 290;
/// The first pause after a failure; doubled up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The state of a watcher between two events.
struct Watcher {
    cluster: Kubernetes,
    object: ObjectRef,
    /// The version to continue from; `None` means that the present state must be read first.
    resource_version: Option<String>,
    /// The object as last seen, so that a deletion in a gap is reported.
    last: Option<Value>,
    events: Option<BoxStream<'static, kube::Result<KubeEvent<Value>>>>,
    pause: Duration,
}

/// Streams the changes of one object without end; an error is reported, then the watch continues after a pause.
pub(crate) fn watch(
    cluster: Kubernetes,
    object: ObjectRef,
) -> impl Stream<Item = Result<WatchEvent>> + Send + 'static {
    let watcher = Watcher {
        cluster,
        object,
        resource_version: None,
        last: None,
        events: None,
        pause: Duration::ZERO,
    };
    stream::unfold(watcher, |mut watcher| async move {
        let event = watcher.next().await;
        Some((event, watcher))
    })
}

impl Watcher {
    async fn next(&mut self) -> Result<WatchEvent> {
        loop {
            if !self.pause.is_zero() {
                tokio::time::sleep(self.pause).await;
            }
            let step = if self.resource_version.is_none() {
                self.read_present().await
            } else if self.events.is_none() {
                self.open().await.map(|()| None)
            } else {
                self.read_event().await
            };
            match step {
                Ok(Some(event)) => {
                    self.pause = Duration::ZERO;
                    return Ok(event);
                }
                Ok(None) => {}
                Err(error) => {
                    self.events = None;
                    self.pause = (self.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
                    let (object, pause_ms) = (&self.object, milliseconds(self.pause));
                    tracing::debug!(%object, %error, pause_ms, "watch failed, and begins again");
                    return Err(error);
                }
            }
        }
    }

    /// Reads the object as it is now; reports a change or a deletion that fell into a gap.
    async fn read_present(&mut self) -> Result<Option<WatchEvent>> {
        let now = self.cluster.get(&self.object).await?;
        self.pause = Duration::ZERO;
        // Without an object the watch begins at the collection's present state.
        self.resource_version = Some(now.as_ref().and_then(version).unwrap_or_default());
        let before = std::mem::replace(&mut self.last, now.clone());
        Ok(match (before, now) {
            (None, None) => None,
            (Some(before), None) => Some(WatchEvent::Deleted(before)),
            (Some(before), Some(now)) if version(&before) == version(&now) => None,
            (_, Some(now)) => Some(WatchEvent::Applied(now)),
        })
    }

    async fn open(&mut self) -> Result<()> {
        let object = &self.object;
        let plural = ObjectRef::plural_of(&object.kind).ok_or_else(|| Error::Cluster {
            action: format!("watch {object}"),
            reason: format!("{} is not a kind that can be watched here", object.kind),
            retryable: false,
            source: None,
        })?;
        let namespaced = !ObjectRef::is_cluster_wide(&object.kind);
        let namespace = namespaced.then_some(object.namespace.as_str());
        let path = collection_path(&object.api_version, plural, namespace);
        let params = WatchParams::default()
            .fields(&format!("metadata.name={}", object.name))
            .timeout(WATCH_SECONDS);
        let from = self.resource_version.as_deref().unwrap_or_default();
        let request =
            ApiRequest::new(path).watch(&params, from).map_err(|error| Error::Cluster {
                action: format!("watch {object}"),
                reason: "the request cannot be put together".to_owned(),
                retryable: false,
                source: Some(Box::new(error)),
            })?;
        match self.cluster.client().request_events::<Value>(request).await {
            Ok(events) => self.events = Some(events.boxed()),
            Err(kube::Error::Api(status)) if status.code == 410 => self.begin_anew(),
            Err(error) => return Err(self.cluster.failure(Verb::Watch, object, error)),
        }
        Ok(())
    }

    /// The server has forgotten the version: reads the present state and continues from there, after a moment.
    fn begin_anew(&mut self) {
        self.events = None;
        self.resource_version = None;
        self.pause = FIRST_PAUSE;
    }

    async fn read_event(&mut self) -> Result<Option<WatchEvent>> {
        let Some(events) = self.events.as_mut() else { return Ok(None) };
        let Some(event) = events.next().await else {
            // The request came to its end; the next one continues from the last version.
            self.events = None;
            return Ok(None);
        };
        match event.map_err(|error| self.cluster.failure(Verb::Watch, &self.object, error))? {
            KubeEvent::Added(object) | KubeEvent::Modified(object) => {
                self.resource_version = version(&object).or(self.resource_version.take());
                let seen = self.last.as_ref().and_then(version);
                let known = seen.is_some() && seen == version(&object);
                self.last = Some(object.clone());
                Ok((!known).then_some(WatchEvent::Applied(object)))
            }
            KubeEvent::Deleted(object) => {
                self.resource_version = version(&object).or(self.resource_version.take());
                self.last = None;
                Ok(Some(WatchEvent::Deleted(object)))
            }
            KubeEvent::Bookmark(bookmark) => {
                self.resource_version = Some(bookmark.metadata.resource_version);
                Ok(None)
            }
            KubeEvent::Error(status) if status.code == 410 => {
                self.begin_anew();
                Ok(None)
            }
            KubeEvent::Error(status) => {
                let error = kube::Error::Api(status);
                Err(self.cluster.failure(Verb::Watch, &self.object, error))
            }
        }
    }
}

fn version(object: &Value) -> Option<String> {
    object.pointer("/metadata/resourceVersion").and_then(Value::as_str).map(str::to_owned)
}
