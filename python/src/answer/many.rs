//! `canary.Answers`: many predictions, in order, some in flight.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard},
};

use canary_core::predict;
use canary_python_macros::binding;
use pyo3::{
    exceptions::{PyRuntimeError, PyStopAsyncIteration},
    prelude::*,
};

use super::window::{Outcome, Slot, Window};
use crate::{
    door::{self, Call, Task},
    macros::pymethods,
};

/// An iterator, and an async iterator, over the answers of many items.
#[binding]
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
        // After a fork there is nobody who could send: said once, and not in the place of each answer.
        door::runtime()?;
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

    fn window(&self) -> PyResult<MutexGuard<'_, Window>> {
        self.window
            .lock()
            .map_err(|_| PyRuntimeError::new_err("an earlier step of this iterator failed"))
    }

    /// The next slot; the end is reported.
    fn advance(&self, py: Python<'_>) -> PyResult<Option<Slot>> {
        let slot = self.window()?.advance(py, &self.client, self.concurrency)?;
        if slot.is_none() {
            self.report(py, "close")?;
        }
        Ok(slot)
    }

    fn report(&self, py: Python<'_>, what: &str) -> PyResult<()> {
        match &self.progress {
            Some(progress) => progress.call_method0(py, what).map(drop),
            None => Ok(()),
        }
    }
}

pymethods! {
    Answers [iterator, async_iterator, table, card(render_answers)]
    methods {
        fn __next__(&self, py: Python<'_>) -> PyResult<Option<Outcome>> {
            let Some(slot) = self.advance(py)? else { return Ok(None) };
            let outcome = door::block_on(py, slot.outcome())?;
            self.report(py, "update")?;
            Ok(Some(outcome))
        }

        fn __anext__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
            let Some(slot) = self.advance(py)? else {
                return Err(PyStopAsyncIteration::new_err(()));
            };
            self.report(py, "update")?;
            Task::new(slot.outcome()).awaitable(py)
        }

        /// The number of answers given so far, the numbers of requests under way at present and at most, and `true`
        /// while items may come.
        #[pyo3(name = "_state")]
        fn state(&self) -> PyResult<(usize, usize, usize, bool)> {
            let window = self.window()?;
            Ok((window.given, window.slots.len(), self.concurrency, window.items.is_some()))
        }

        fn __repr__(&self) -> PyResult<String> {
            let (given, under_way, _, open) = self.state()?;
            let end = if open { "" } else { ", no more to send" };
            Ok(format!("Answers({given} given, {under_way} under way{end})"))
        }
    }
}
