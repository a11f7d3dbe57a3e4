//! The requests of many predictions that are in flight, in the order of their items.

use std::collections::VecDeque;

use canary_core::{predict, serving::Result};
use pyo3::{exceptions::PyException, prelude::*, types::PyIterator};
use tokio::task::JoinHandle;

use super::class::Answer;
use crate::{
    door::{joined, runtime},
    error::to_py,
    input,
};

/// An item that failed before it was sent, or the task of its request.
pub(super) enum Slot {
    Failed(PyErr),
    Sent(JoinHandle<Result<predict::Answer>>),
}

/// An answer, or the exception in its place.
#[expect(clippy::large_enum_variant, reason = "one at a time, and answers are the rule")]
pub(super) enum Outcome {
    Answer(Answer),
    Failed(PyErr),
}

impl<'py> IntoPyObject<'py> for Outcome {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        Ok(match self {
            Self::Answer(answer) => Bound::new(py, answer)?.into_any(),
            Self::Failed(error) => error.into_value(py).into_bound(py).into_any(),
        })
    }
}

impl Slot {
    fn new(client: &predict::Client, item: &Bound<'_, PyAny>) -> Self {
        let send = || -> PyResult<_> {
            let (input, client) = (input::read(item)?, client.clone());
            Ok(runtime()?.spawn(async move { client.predict(input).await }))
        };
        send().map_or_else(Self::Failed, Self::Sent)
    }

    /// The outcome of the item.
    pub(super) async fn outcome(self) -> PyResult<Outcome> {
        Ok(match self {
            Self::Failed(error) => Outcome::Failed(error),
            Self::Sent(task) => match task.await.map_err(joined)? {
                Ok(core) => Outcome::Answer(Answer { core, image: None }),
                Err(error) => Outcome::Failed(to_py(error)),
            },
        })
    }
}

/// The items, and the slots of those that were taken.
pub(super) struct Window {
    pub(super) items: Option<Py<PyIterator>>,
    /// The number of answers given so far.
    pub(super) given: usize,
    pub(super) slots: VecDeque<Slot>,
}

impl Drop for Window {
    fn drop(&mut self) {
        for slot in &self.slots {
            if let Slot::Sent(task) = slot {
                task.abort();
            }
        }
    }
}

impl Window {
    /// Takes items while there is room, and gives the oldest one's slot; `None` at the end.
    pub(super) fn advance(
        &mut self,
        py: Python<'_>,
        client: &predict::Client,
        concurrency: usize,
    ) -> PyResult<Option<Slot>> {
        while self.slots.len() < concurrency {
            let Some(items) = &self.items else { break };
            let slot = match items.bind(py).clone().next() {
                None => {
                    self.items = None;
                    break;
                }
                Some(Ok(item)) => Slot::new(client, &item),
                Some(Err(error)) => {
                    // The caller's own iterator failed: the answers in flight come first, then the error, then the end.
                    if error.is_instance_of::<PyException>(py) {
                        self.items = None;
                    }
                    Slot::Failed(error)
                }
            };
            match slot {
                // Ctrl-C while the caller's iterator was at work, not a failure of an item.
                Slot::Failed(error) if !error.is_instance_of::<PyException>(py) => {
                    return Err(error);
                }
                slot => self.slots.push_back(slot),
            }
        }
        let slot = self.slots.pop_front();
        self.given += usize::from(slot.is_some());
        Ok(slot)
    }
}
