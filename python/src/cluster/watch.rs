//! `canary.Watch`: the changes of one object, as an iterator and an async iterator.

use std::sync::Arc;

use canary_core::{
    cluster::{Cluster as _, ObjectRef, WatchEvent},
    rollout::{Error, Result},
};
use canary_python_macros::binding;
use futures_util::{Stream, StreamExt};
use pyo3::{exceptions::PyStopAsyncIteration, prelude::*};

use super::handle::Handle;
use crate::{
    convert::plain::Plain,
    door::{self, Call, Task},
    error::to_py,
    macros::pymethods,
};

type Changes = std::pin::Pin<Box<dyn Stream<Item = Result<WatchEvent>> + Send>>;

/// The kind of the change, and the object.
type Event = (&'static str, Plain);

/// The changes of one object.
#[binding]
#[pyclass(frozen, module = "canary")]
pub(crate) struct Watch {
    handle: Handle,
    object: ObjectRef,
    changes: Arc<tokio::sync::Mutex<Option<Changes>>>,
}

impl Watch {
    pub(crate) fn new(handle: Handle, object: ObjectRef) -> Self {
        Self { handle, object, changes: Arc::default() }
    }

    /// The next change; the watch is opened at the first. Transient errors are retried: a watch reconnects by itself.
    fn next(&self) -> impl Future<Output = Result<Option<Event>>> + Send + 'static {
        let (handle, object) = (self.handle.clone(), self.object.clone());
        let changes = Arc::clone(&self.changes);
        async move {
            let mut changes = changes.lock().await;
            let changes = match &mut *changes {
                Some(changes) => changes,
                none => none.insert(Box::pin(handle.open().await?.watch(&object))),
            };
            loop {
                return match changes.next().await {
                    Some(Ok(WatchEvent::Applied(object))) => Ok(Some(("applied", Plain(object)))),
                    Some(Ok(WatchEvent::Deleted(object))) => Ok(Some(("deleted", Plain(object)))),
                    Some(Err(error)) if error.is_retryable() => continue,
                    Some(Err(error)) => Err(error),
                    Some(Ok(other)) => Err(Error::Cluster {
                        action: format!("watch {object}"),
                        reason: format!("found an unknown event: {other:?}"),
                        retryable: false,
                        source: None,
                    }),
                    None => Ok(None),
                };
            }
        }
    }
}

pymethods! {
    Watch [iterator, async_iterator, card(render_value)]
    methods {
        fn __next__(&self, py: Python<'_>) -> PyResult<Option<Event>> {
            door::block_on(py, self.next())
        }

        fn __anext__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
            let next = self.next();
            let event = async move { next.await.map_err(to_py)?.ok_or_else(|| PyStopAsyncIteration::new_err(())) };
            Task::new(event).awaitable(py)
        }

        fn __repr__(&self) -> String {
            format!("Watch({})", self.object)
        }
    }
}
