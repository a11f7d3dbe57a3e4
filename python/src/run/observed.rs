//! Observations of a caller's: an iterable or an async iterable as a source of evidence.

use std::{
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use canary_core::{
    evidence::{
        Kind, Observation as Core, Observations, Request, Seen, SendingOrder, Source, Subsets,
        Timestamp, Uses,
    },
    rollout::{self, Plan},
};
use futures_util::stream;
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
    types::PyIterator,
};

use super::{
    feed::Feed,
    queue::Queue,
    raised::{Raised, lock},
};
use crate::rollout::observation::Observation;

/// Observations that are read ahead.
const AHEAD: usize = 1_024;

/// The event loop on which the run is awaited, where it is: async iterables are driven there.
#[derive(Clone, Default)]
pub(crate) struct EventLoop(Arc<Mutex<Option<Py<PyAny>>>>);

impl EventLoop {
    /// The loop of this thread, where one runs.
    pub(super) fn remember(&self, py: Python<'_>) {
        let running =
            py.import("asyncio").and_then(|asyncio| asyncio.call_method0("get_running_loop"));
        *lock(&self.0) = running.ok().map(Bound::unbind);
    }
}

/// Cancels a coroutine that has begun, once. Where a run is dropped because of an exception, that one stays.
pub(super) fn cancel(function: &Mutex<Option<Py<PyAny>>>) {
    let Some(function) = lock(function).take() else { return };
    let _ = Python::try_attach(|py| {
        let raised = PyErr::take(py);
        let _ = function.call0(py);
        if let Some(raised) = raised {
            raised.restore(py);
        }
    });
}

/// The iterator that the caller has.
pub(super) enum Iterable {
    Plain(Py<PyIterator>),
    Awaited(Py<PyAny>),
}

impl Iterable {
    /// An iterable or an async iterable.
    pub(super) fn new(items: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(if items.hasattr("__aiter__")? {
            Self::Awaited(items.call_method0("__aiter__")?.unbind())
        } else {
            Self::Plain(items.try_iter()?.unbind())
        })
    }

    /// Begins to iterate; gives what cancels the coroutine of an async iterable.
    pub(super) fn start<T, F>(
        &self,
        py: Python<'_>,
        queue: &Arc<Queue<T>>,
        event_loop: &EventLoop,
        convert: F,
    ) -> PyResult<Option<Py<PyAny>>>
    where
        T: Send + 'static,
        F: Fn(&Bound<'_, PyAny>, usize) -> PyResult<T> + Send + Sync + 'static,
    {
        match self {
            Self::Plain(iterator) => {
                Feed::start(iterator.bind(py).as_any(), queue, 0, convert).map(|()| None)
            }
            Self::Awaited(iterator) => {
                let event_loop = lock(&event_loop.0).as_ref().map(|one| one.clone_ref(py));
                Feed::start_async(iterator.bind(py), queue, event_loop.as_ref(), convert).map(Some)
            }
        }
    }
}

/// The observations of an iterable. Its clones share them: a run that is resumed continues with the next one.
///
/// A thread iterates over an iterable; an async iterable is driven as a coroutine of the loop that awaits the run, or of
/// a loop in a thread of its own. Both begin when the first observation is wanted. An exception of the iterable, or an
/// observation that cannot be used, ends the observations, and is raised by the run.
#[derive(Clone)]
pub(crate) struct Observed(Arc<Shared>);

struct Shared {
    name: Arc<str>,
    /// Until it is iterated over.
    iterable: Mutex<Option<Iterable>>,
    queue: Arc<Queue<(Timestamp, Request)>>,
    order: Mutex<SendingOrder>,
    subsets: Subsets,
    uses: Uses,
    raised: Raised,
    event_loop: EventLoop,
    /// Cancels the coroutine.
    cancel: Mutex<Option<Py<PyAny>>>,
}

impl Observed {
    /// The source of that name out of an iterable or an async iterable.
    pub(super) fn new(
        name: &str,
        items: &Bound<'_, PyAny>,
        plan: &Plan,
        raised: Raised,
        event_loop: EventLoop,
    ) -> PyResult<Self> {
        Ok(Self(Arc::new(Shared {
            name: name.into(),
            iterable: Mutex::new(Some(Iterable::new(items)?)),
            queue: Arc::new(Queue::new(AHEAD)),
            order: Mutex::new(SendingOrder::new(name)),
            subsets: plan.subsets(),
            uses: Uses::of(plan),
            raised,
            event_loop,
            cancel: Mutex::default(),
        })))
    }

    /// The run is over: the iteration ends, at the next item where it is a thread's.
    pub(crate) fn close(&self) {
        self.0.close();
    }
}

impl Shared {
    fn close(&self) {
        self.queue.close();
        cancel(&self.cancel);
    }

    /// Begins to iterate, where nothing does yet.
    fn start(&self) {
        let Some(iterable) = lock(&self.iterable).take() else { return };
        let subsets = self.subsets.clone();
        let name = Arc::clone(&self.name);
        let convert = move |item: &Bound<'_, PyAny>, number: usize| {
            let observation = item.cast::<Observation>().map_err(|_| {
                let kind = item.get_type().name().map_or_else(|_| "?".to_owned(), |name| name.to_string());
                PyTypeError::new_err(format!(
                    "observation {number} of {name} is a {kind}; give canary.Observation(arm, sent_at, ...)"
                ))
            })?;
            observation.get().request(&subsets).map_err(|reason| {
                PyValueError::new_err(format!("observation {number} of {name} {reason}"))
            })
        };
        // At the very end the interpreter no longer exists, and there is nothing to iterate.
        let started =
            Python::try_attach(|py| iterable.start(py, &self.queue, &self.event_loop, convert));
        match started {
            Some(Ok(function)) => *lock(&self.cancel) = function,
            Some(Err(error)) => {
                self.raised.keep(error);
                self.queue.end(None);
            }
            None => {}
        }
    }

    /// The next observation; at one that cannot be used the observations end.
    fn poll(&self, context: &mut Context<'_>) -> Poll<Option<Core>> {
        self.start();
        let next = std::task::ready!(self.queue.next(context));
        let taken = next.transpose().and_then(|item| {
            let Some((at, request)) = item else { return Ok(None) };
            let mut order = lock(&self.order);
            let (name, number) = (&self.name, order.next_number());
            self.uses.check(&request).map_err(|reason| {
                PyValueError::new_err(format!("observation {number} of {name} {reason}"))
            })?;
            let taken = order.take(at, Seen::Request(request), Timestamp::now());
            taken.map(Some).map_err(|error| PyValueError::new_err(error.to_string()))
        });
        Poll::Ready(taken.unwrap_or_else(|error| {
            self.raised.keep(error);
            self.queue.close();
            self.queue.end(None);
            None
        }))
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.close();
    }
}

impl Source for Observed {
    fn name(&self) -> &str {
        &self.0.name
    }

    fn provides(&self) -> Vec<Kind> {
        vec![Kind::Requests, Kind::Latency, Kind::Values, Kind::Users]
    }

    fn observations(self: Box<Self>, _after: Option<u64>) -> Observations {
        let shared = Arc::clone(&self.0);
        Box::pin(stream::poll_fn(move |context| {
            shared.poll(context).map(|next| next.map(Ok::<_, rollout::Error>))
        }))
    }
}
