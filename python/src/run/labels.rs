//! Labels of a caller's that come later: an iterable or an async iterable of (id, truth).

use std::{
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use canary_core::rollout::Result;
use futures_util::Stream;
use pyo3::{exceptions::PyTypeError, prelude::*};

use super::{
    observed::{EventLoop, Iterable, cancel},
    queue::Queue,
    raised::{Raised, lock},
};

/// Labels that are read ahead.
const AHEAD: usize = 1_024;

/// A stream of labels. Its clones share them: a run that is resumed continues with the next one.
#[derive(Clone)]
pub(crate) struct Labels(Arc<Shared>);

struct Shared {
    iterable: Mutex<Option<Iterable>>,
    queue: Arc<Queue<(String, String)>>,
    raised: Raised,
    event_loop: EventLoop,
    /// Cancels the coroutine.
    cancel: Mutex<Option<Py<PyAny>>>,
}

impl Labels {
    pub(super) fn new(
        items: &Bound<'_, PyAny>,
        raised: Raised,
        event_loop: EventLoop,
    ) -> PyResult<Self> {
        Ok(Self(Arc::new(Shared {
            iterable: Mutex::new(Some(Iterable::new(items)?)),
            queue: Arc::new(Queue::new(AHEAD)),
            raised,
            event_loop,
            cancel: Mutex::default(),
        })))
    }

    /// The run is over: no more labels are wanted.
    pub(crate) fn close(&self) {
        self.0.close();
    }
}

impl Shared {
    fn close(&self) {
        self.queue.close();
        cancel(&self.cancel);
    }

    fn start(&self) {
        let Some(iterable) = lock(&self.iterable).take() else { return };
        let started =
            Python::try_attach(|py| iterable.start(py, &self.queue, &self.event_loop, label));
        match started {
            Some(Ok(function)) => *lock(&self.cancel) = function,
            Some(Err(error)) => {
                self.raised.keep(error);
                self.queue.end(None);
            }
            None => {}
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.close();
    }
}

/// (id, truth), both texts.
fn label(item: &Bound<'_, PyAny>, number: usize) -> PyResult<(String, String)> {
    item.extract().map_err(|_| {
        let shown = item.repr().map_or_else(|_| "?".to_owned(), |text| text.to_string());
        PyTypeError::new_err(format!("label {number} is {shown}; give (id, truth), both texts"))
    })
}

impl Stream for Labels {
    type Item = Result<(String, String)>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let shared = &self.0;
        shared.start();
        shared.queue.next(context).map(|next| match next? {
            Ok(label) => Some(Ok(label)),
            Err(error) => {
                shared.raised.keep(error);
                None
            }
        })
    }
}
