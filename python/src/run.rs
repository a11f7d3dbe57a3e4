//! `canary.Run`: a plan at work, as an iterator and an async iterator of what happens.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use crate::{
    door,
    drive::{AT_ONCE, AT_THE_END, Drive, Order, SuspendOnDrop, lock, store_at_exit},
    error::{IntoPy, to_py},
    file::File,
    lab::Lab,
    pair::Pair,
    place::Place,
    plan::Plan,
    recipe::{Arguments, Draft},
    show, time,
    verdict::{Progress, Reading, Verdict},
};
use canary_core::rollout::Error;
use pyo3::{
    exceptions::{PyKeyboardInterrupt, PyStopAsyncIteration, PyTypeError},
    prelude::*,
};

/// A plan at work.
#[pyclass(frozen, module = "canary")]
pub(crate) struct Run {
    drive: Arc<Drive>,
    /// The viewers that show the run while it goes on, and the last event that they were shown.
    viewers: Mutex<Vec<Py<PyAny>>>,
    shown: AtomicU64,
}

impl Drop for Run {
    fn drop(&mut self) {
        self.drive.left(AT_THE_END);
    }
}

/// A run that has not begun.
pub(crate) struct Start {
    draft: Draft,
    anew: bool,
    viewer: Option<Py<PyAny>>,
}

impl Start {
    pub(crate) fn new(
        py: Python<'_>,
        plan: &Plan,
        place: Place,
        arguments: &Arguments<'_, '_>,
        anew: bool,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let viewer = match progress {
            Some(progress) => {
                let viewer = py.import("canary._live")?.call_method1("viewer", (progress,))?;
                (!viewer.is_none()).then(|| viewer.unbind())
            }
            None => None,
        };
        store_at_exit(py)?;
        Ok(Self { draft: Draft::new(py, plan, place, arguments)?, anew, viewer })
    }

    /// Takes the lock, reads the objects and begins, or goes on where a run was stored.
    pub(crate) async fn begin(self) -> canary_core::rollout::Result<Run> {
        let drive = Drive::begin(self.draft, self.anew).await?;
        let viewers = Mutex::new(self.viewer.into_iter().collect());
        Ok(Run { drive, viewers, shown: AtomicU64::new(0) })
    }
}

/// A task that ends when nobody waits for it any more.
struct AbortOnDrop<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Run {
    /// Adds the run to a report.
    fn add(
        &self,
        py: Python<'_>,
        report: canary_core::rollout::report::Report,
        title: &str,
    ) -> PyResult<canary_core::rollout::report::Report> {
        let disagreements = self.drive.disagreements(py, usize::MAX)?;
        let stored = self.drive.verdict().and_then(|verdict| verdict.stored);
        let title = stored.map_or_else(
            || title.to_owned(),
            |at| format!("{title} (the verdict of an earlier run, {})", time::utc(at)),
        );
        let log = lock(&self.drive.log);
        let (history, verdict) = (log.history(), log.verdict());
        Ok(report.run(&title, &self.drive.recipe.plan, history, verdict, &disagreements))
    }

    /// Raises the exception that the caller's own code raised meanwhile.
    fn raised(&self) -> PyResult<()> {
        match lock(&self.drive.recipe.raised).take() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Shows the viewers a new event.
    fn show(slf: &Bound<'_, Self>, event: Option<&Bound<'_, Progress>>) -> PyResult<()> {
        let (py, run) = (slf.py(), slf.get());
        let events = run.drive.events.load(Ordering::Relaxed);
        if run.shown.swap(events, Ordering::Relaxed) == events {
            return Ok(());
        }
        // Not under the lock: a viewer may look at the run.
        let viewers: Vec<_> =
            lock(&run.viewers).iter().map(|viewer| viewer.clone_ref(py)).collect();
        for viewer in viewers {
            viewer.call_method1(py, "update", (slf, event))?;
        }
        Ok(())
    }

    /// Suspends after Ctrl-C. The wait that it ended may hold the driver still, and hands it over.
    fn stopped_by(slf: &Bound<'_, Self>, error: &PyErr) {
        if error.is_instance_of::<PyKeyboardInterrupt>(slf.py()) {
            slf.get().drive.suspend_within(AT_ONCE);
        }
    }

    /// The next event, shown to the viewers.
    fn advance<'py>(slf: &Bound<'py, Self>) -> PyResult<Option<Bound<'py, Progress>>> {
        let (py, run) = (slf.py(), slf.get());
        // On a thread of the runtime: Ctrl-C reaches the main thread alone, and so never the caller's own iterator or
        // score, which it would end.
        let drive = Arc::clone(&run.drive);
        let mut task = AbortOnDrop(door::runtime()?.spawn(async move { drive.next().await }));
        let progress = door::block_on(py, async move {
            (&mut task.0)
                .await
                .map_err(|error| Error::Plan(format!("the driver ended early: {error}")))?
        });
        run.raised()?;
        // A Ctrl-C that came just before the event belongs to the wait for it too.
        let progress = progress.and_then(|progress| py.check_signals().map(|()| progress))?;
        let progress = progress.map(|progress| Bound::new(py, progress)).transpose()?;
        Self::show(slf, progress.as_ref())?;
        Ok(progress)
    }
}

#[pymethods]
impl Run {
    fn __iter__(slf: &Bound<'_, Self>) -> Iteration {
        Iteration(slf.clone().unbind())
    }

    pub(crate) fn __next__<'py>(slf: &Bound<'py, Self>) -> PyResult<Option<Bound<'py, Progress>>> {
        Self::advance(slf).inspect_err(|error| Self::stopped_by(slf, error))
    }

    fn __aiter__(slf: &Bound<'_, Self>) -> AsyncIteration {
        AsyncIteration(slf.clone().unbind())
    }

    fn __anext__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        // On the thread of the event loop, where a notebook expects its displays: what came last.
        Self::show(slf, None)?;
        let drive = Arc::clone(&slf.get().drive);
        door::later_py(slf.py(), async move {
            let mut watched = SuspendOnDrop::new(&drive);
            let progress = drive.next().await;
            watched.waited();
            if let Some(error) = lock(&drive.recipe.raised).take() {
                return Err(error);
            }
            progress.map_err(to_py)?.ok_or_else(|| PyStopAsyncIteration::new_err(()))
        })
    }

    fn wait(slf: &Bound<'_, Self>) -> PyResult<Option<Verdict>> {
        loop {
            match Self::advance(slf) {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(slf.get().verdict()),
                Err(error) => {
                    Self::stopped_by(slf, &error);
                    slf.get().drive.left(AT_ONCE);
                    return Err(error);
                }
            }
        }
    }

    fn wait_async<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("canary._live")?.call_method1("wait", (slf,))
    }

    fn pause(&self) -> bool {
        self.drive.send_order(Order::Pause)
    }

    fn resume(&self) -> bool {
        self.drive.send_order(Order::Resume)
    }

    fn suspend(&self) -> bool {
        self.drive.send_order(Order::Suspend)
    }

    fn abort(&self, why: String) -> bool {
        self.drive.send_order(Order::Abort(why))
    }

    #[getter]
    fn plan(&self) -> PyResult<String> {
        self.drive.recipe.plan.to_yaml().py()
    }

    #[getter]
    fn verdict(&self) -> Option<Verdict> {
        self.drive.verdict()
    }

    #[getter]
    fn readings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let readings = lock(&self.drive.log).last().map(|last| last.readings.clone());
        show::records(py, readings.into_iter().flatten().map(Reading).collect())
    }

    #[getter]
    fn disagreements<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let pairs = self.drive.recipe.disagreements.pairs();
        show::records(py, pairs.into_iter().map(|one| Pair(one.pair)).collect())
    }

    #[pyo3(signature = (path, *, title = None))]
    fn report(&self, py: Python<'_>, path: File, title: Option<String>) -> PyResult<()> {
        let name = self.drive.title();
        let page = canary_core::rollout::report::Report::new(title.unwrap_or_else(|| name.clone()));
        path.write(&self.add(py, page, &name)?.to_html()).py()
    }

    #[pyo3(name = "_view")]
    fn view<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.drive.view(py)
    }

    #[pyo3(name = "_lab")]
    fn lab(&self, py: Python<'_>) -> Option<Py<Lab>> {
        self.drive.recipe.lab(py)
    }

    #[pyo3(name = "_history")]
    fn history<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.drive.history(py)
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

    #[pyo3(signature = (ax = None))]
    fn plot<'py>(
        slf: &Bound<'py, Self>,
        ax: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        show::plot(slf, ax)
    }

    fn __repr__(&self) -> String {
        if let Some(verdict) = self.drive.verdict() {
            return format!("Run({})", verdict.sentence());
        }
        match lock(&self.drive.log).last() {
            Some(last) => format!("Run({} at {})", self.drive.title(), last.split),
            None => format!("Run({})", self.drive.title()),
        }
    }

    #[pyo3(signature = (*, host = "127.0.0.1", port = 0))]
    fn dashboard<'py>(
        slf: &Bound<'py, Self>,
        host: &str,
        port: u16,
    ) -> PyResult<Bound<'py, PyAny>> {
        show::dashboard(slf, host, port)
    }

    fn _repr_html_(&self, py: Python<'_>) -> PyResult<String> {
        py.import("canary._live")?.call_method1("render", (self.view(py)?,))?.extract()
    }

    fn _ipython_display_(slf: &Bound<'_, Self>) -> PyResult<()> {
        let viewer = slf.py().import("canary._live")?.call_method1("show", (slf,))?;
        lock(&slf.get().viewers).push(viewer.unbind());
        Ok(())
    }
}

/// The iterator of one `for` loop over a run. It is dropped when the loop is left, by `break`, an exception or Ctrl-C
/// in its body too: the state is stored then, and the lock given back.
#[pyclass(frozen, module = "canary")]
pub(crate) struct Iteration(Py<Run>);

#[pymethods]
impl Iteration {
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, Progress>>> {
        Run::__next__(self.0.bind(py))
    }
}

impl Drop for Iteration {
    fn drop(&mut self) {
        self.0.get().drive.left(AT_ONCE);
    }
}

/// The same of one `async for` loop. The event loop goes on while the state is stored.
#[pyclass(frozen, module = "canary")]
pub(crate) struct AsyncIteration(Py<Run>);

#[pymethods]
impl AsyncIteration {
    fn __aiter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __anext__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Run::__anext__(self.0.bind(py))
    }
}

impl Drop for AsyncIteration {
    fn drop(&mut self) {
        self.0.get().drive.left(std::time::Duration::ZERO);
    }
}

/// Writes several runs as one page, in the order given.
#[pyfunction]
#[pyo3(signature = (path, runs, *, title = "Canary releases"))]
pub(crate) fn report(
    py: Python<'_>,
    path: File,
    runs: &Bound<'_, PyAny>,
    title: &str,
) -> PyResult<()> {
    let mut page = canary_core::rollout::report::Report::new(title);
    let items = if runs.hasattr("items")? { runs.call_method0("items")? } else { runs.clone() };
    for item in items.try_iter()? {
        let (name, run): (String, Bound<'_, PyAny>) = item?
            .extract()
            .map_err(|_| PyTypeError::new_err("runs is a dict, or a list of (title, run)"))?;
        page = run.cast::<Run>()?.get().add(py, page, &name)?;
    }
    path.write(&page.to_html()).py()
}
