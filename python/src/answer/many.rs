//! `canary.Answers`: many predictions, in order, some in flight.

use std::{collections::VecDeque, sync::Mutex};

use canary_core::{predict, rollout};
use pyo3::{
    exceptions::{PyException, PyRuntimeError, PyStopAsyncIteration},
    prelude::*,
    types::PyIterator,
};
use tokio::task::JoinHandle;

use crate::{answer::Answer, door, error::to_py, input, show};

/// An item that failed before it was sent, or the task of its request.
enum Slot {
    Failed(PyErr),
    Sent(JoinHandle<canary_core::serving::Result<predict::Answer>>),
}

struct Window {
    items: Option<Py<PyIterator>>,
    /// The number of answers given so far.
    given: usize,
    slots: VecDeque<Slot>,
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

/// An iterator, and an async iterator, over the answers of many items.
#[pyclass(frozen, module = "canary")]
pub(crate) struct Answers {
    client: predict::Client,
    concurrency: usize,
    window: Mutex<Window>,
    progress: Option<Py<PyAny>>,
}

impl Answers {
    pub(crate) fn new(
        client: predict::Client,
        items: &Bound<'_, PyAny>,
        concurrency: usize,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let progress = match progress {
            None => None,
            Some(progress) => {
                let reporter = items.py().import("canary._progress")?.getattr("reporter")?;
                let reporter = reporter.call1((progress, items))?;
                (!reporter.is_none()).then(|| reporter.unbind())
            }
        };
        let window = Window {
            items: Some(items.try_iter()?.unbind()),
            given: 0,
            slots: VecDeque::with_capacity(concurrency),
        };
        Ok(Self { client, concurrency, window: Mutex::new(window), progress })
    }

    /// Takes items while there is room, and gives the oldest one's slot; `None` at the end.
    fn advance(&self, py: Python<'_>) -> PyResult<Option<Slot>> {
        let mut window = self
            .window
            .lock()
            .map_err(|_| PyRuntimeError::new_err("an earlier step of this iterator failed"))?;
        while window.slots.len() < self.concurrency {
            let Some(items) = &window.items else { break };
            let mut items = items.bind(py).clone();
            match items.next() {
                None => window.items = None,
                // Ctrl-C while the user's iterator was at work, not a failure of an item.
                Some(Err(error)) if !error.is_instance_of::<PyException>(py) => return Err(error),
                Some(Err(error)) => {
                    // The user's own iterator failed: what is in flight comes first, then the error, then the end.
                    window.items = None;
                    window.slots.push_back(Slot::Failed(error));
                }
                Some(Ok(item)) => match self.send(&item) {
                    Slot::Failed(error) if !error.is_instance_of::<PyException>(py) => {
                        return Err(error);
                    }
                    slot => window.slots.push_back(slot),
                },
            }
        }
        let slot = window.slots.pop_front();
        window.given += usize::from(slot.is_some());
        Ok(slot)
    }

    fn send(&self, item: &Bound<'_, PyAny>) -> Slot {
        let prepare = || -> PyResult<_> {
            let (input, client) = (input::read(item)?, self.client.clone());
            Ok(door::runtime()?.spawn(async move { client.predict(input).await }))
        };
        match prepare() {
            Ok(task) => Slot::Sent(task),
            Err(error) => Slot::Failed(error),
        }
    }

    fn report(&self, py: Python<'_>, done: bool) -> PyResult<()> {
        if let Some(progress) = &self.progress {
            progress.bind(py).call_method1(if done { "close" } else { "update" }, ())?;
        }
        Ok(())
    }
}

/// The answer, or the exception in its place.
fn object(
    py: Python<'_>,
    outcome: canary_core::serving::Result<predict::Answer>,
) -> PyResult<Py<PyAny>> {
    match outcome {
        Ok(core) => Ok(Py::new(py, Answer { core, image: None })?.into_any()),
        Err(error) => Ok(to_py(error).into_value(py).into_any()),
    }
}

async fn finished(
    task: JoinHandle<canary_core::serving::Result<predict::Answer>>,
) -> rollout::Result<canary_core::serving::Result<predict::Answer>> {
    match task.await {
        Ok(outcome) => Ok(outcome),
        Err(error) => Err(rollout::Error::Cluster {
            action: "predict".to_owned(),
            reason: format!("the task ended early: {error}"),
            retryable: true,
            source: None,
        }),
    }
}

#[pymethods]
impl Answers {
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let Some(slot) = self.advance(py)? else {
            self.report(py, true)?;
            return Ok(None);
        };
        let object = match slot {
            Slot::Failed(error) => error.into_value(py).into_any(),
            Slot::Sent(task) => object(py, door::block_on(py, finished(task))?)?,
        };
        self.report(py, false)?;
        Ok(Some(object))
    }

    fn __aiter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __anext__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let Some(slot) = self.advance(py)? else {
            self.report(py, true)?;
            return Err(PyStopAsyncIteration::new_err(()));
        };
        self.report(py, false)?;
        door::later_py(py, async move {
            match slot {
                Slot::Failed(error) => Python::attach(|py| Ok(error.into_value(py).into_any())),
                Slot::Sent(task) => {
                    let outcome = finished(task).await.map_err(to_py)?;
                    Python::attach(|py| object(py, outcome))
                }
            }
        })
    }

    fn records<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        show::rows(slf)
    }

    fn to_pandas<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        show::frame(slf, "pandas")
    }

    fn to_polars<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        show::frame(slf, "polars")
    }

    fn _repr_html_(slf: &Bound<'_, Self>) -> PyResult<String> {
        show::card(slf, "render_answers")
    }

    /// The number of answers given so far, the numbers of requests under way at present and at most, and `true` while
    /// items may come.
    #[pyo3(name = "_state")]
    fn state(&self) -> PyResult<(usize, usize, usize, bool)> {
        let window = self
            .window
            .lock()
            .map_err(|_| PyRuntimeError::new_err("an earlier step of this iterator failed"))?;
        Ok((window.given, window.slots.len(), self.concurrency, window.items.is_some()))
    }

    fn __repr__(&self) -> PyResult<String> {
        let (given, under_way, _, open) = self.state()?;
        let end = if open { "" } else { ", no more to send" };
        Ok(format!("Answers({given} given, {under_way} under way{end})"))
    }
}
