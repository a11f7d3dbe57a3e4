//! `canary.Run`: a plan at work, as an iterator and an async iterator of what happens.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use canary_core::rollout::report::Report;
use canary_python_macros::binding;
use pyo3::{
    exceptions::{PyKeyboardInterrupt, PyStopAsyncIteration},
    prelude::*,
};

use super::{
    disagreements::add,
    drive::{AT_ONCE, AT_THE_END, Drive, SuspendOnDrop},
    iteration::{AsyncIteration, Iteration},
    metered::Metered,
    order::Order,
    raised::lock,
    view,
};
use crate::{
    convert::file::File,
    door::{self, Call, Task},
    error::{IntoPy, to_py},
    lab::Lab,
    macros::pymethods,
    rollout::{aa::AaReport, pair::Pair, progress::Progress, reading, verdict::Verdict},
    show,
};

/// A plan at work.
#[binding]
#[pyclass(frozen, module = "canary")]
pub(crate) struct Run {
    pub(super) drive: Arc<Drive>,
    /// The viewers that show the run while it lasts, and the last event that they were shown.
    viewers: Mutex<Vec<Py<PyAny>>>,
    shown: AtomicU64,
}

impl Drop for Run {
    fn drop(&mut self) {
        self.drive.left(AT_THE_END);
    }
}

impl Run {
    pub(super) fn new(drive: Arc<Drive>, viewer: Option<Py<PyAny>>) -> Self {
        let viewers = Mutex::new(viewer.into_iter().collect());
        Self { drive, viewers, shown: AtomicU64::new(0) }
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
        let progress = door::wait_for(py, async move { drive.next().await });
        run.drive.recipe.raised.check()?;
        // A Ctrl-C that came just before the event belongs to the wait for it too.
        let progress = progress.and_then(|progress| py.check_signals().map(|()| progress))?;
        let progress = progress.map(|progress| Bound::new(py, progress)).transpose()?;
        Self::show(slf, progress.as_ref())?;
        Ok(progress)
    }
}

pymethods! {
    Run [table, plot, dashboard]
    get |run| {
        plan: PyResult<String> = run.drive.recipe.plan.to_yaml().py();
        verdict: Option<Verdict> = run.drive.verdict();
        undelivered: Vec<String> = run.drive.recipe.notices.undelivered();
        metrics_url: Option<String> = run.drive.recipe.metered.as_ref().map(Metered::url);
        aa: Option<AaReport> =
            run.drive.verdict().and_then(|verdict| Some(AaReport { core: verdict.core.aa()?.clone() }));
    }
    make |run, py| {
        readings: PyResult<Bound<'py, PyAny>> = {
            let log = lock(&run.drive.log);
            let readings = log.last().map_or_else(Vec::new, |last| last.readings.clone());
            drop(log);
            reading::records(py, &readings)
        };
        disagreements: PyResult<Bound<'py, PyAny>> = {
            let pairs = run.drive.recipe.disagreements.pairs();
            show::records(py, pairs.into_iter().map(|one| Pair(one.pair)).collect())
        };
    }
    methods {
        fn __iter__(slf: &Bound<'_, Self>) -> Iteration {
            Iteration { run: slf.clone().into_any().unbind(), drive: Arc::clone(&slf.get().drive) }
        }

        fn __next__<'py>(slf: &Bound<'py, Self>) -> PyResult<Option<Bound<'py, Progress>>> {
            Self::advance(slf).inspect_err(|error| Self::stopped_by(slf, error))
        }

        fn __aiter__(slf: &Bound<'_, Self>) -> AsyncIteration {
            AsyncIteration { run: slf.clone().into_any().unbind(), drive: Arc::clone(&slf.get().drive) }
        }

        fn __anext__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
            // On the thread of the event loop, where a notebook expects its displays: the newest event.
            Self::show(slf, None)?;
            slf.get().drive.recipe.event_loop.remember(slf.py());
            let drive = Arc::clone(&slf.get().drive);
            let next = async move {
                let mut watched = SuspendOnDrop::new(&drive);
                let progress = drive.next().await;
                watched.waited();
                drive.recipe.raised.check()?;
                progress.map_err(to_py)?.ok_or_else(|| PyStopAsyncIteration::new_err(()))
            };
            Task::new(next).awaitable(slf.py())
        }

        fn wait(slf: &Bound<'_, Self>) -> PyResult<Option<Verdict>> {
            loop {
                match Self::advance(slf) {
                    Ok(Some(_)) => {}
                    Ok(None) => return Ok(slf.get().drive.verdict()),
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

        fn approve(&self) -> bool {
            self.drive.send_order(Order::Approve)
        }

        fn promote(&self, why: String) -> bool {
            self.drive.send_order(Order::Promote(why))
        }

        fn label(&self, id: String, truth: String) -> bool {
            self.drive.send_order(Order::Label(id, truth))
        }

        fn suspend(&self) -> bool {
            self.drive.send_order(Order::Suspend)
        }

        fn abort(&self, why: String) -> bool {
            self.drive.send_order(Order::Abort(why))
        }

        #[pyo3(signature = (path, *, title = None))]
        fn report(&self, py: Python<'_>, path: File, title: Option<String>) -> PyResult<()> {
            let name = self.drive.title();
            let page = Report::new(title.unwrap_or_else(|| name.clone()));
            path.write(&add(py, page, &self.drive, &name)?.to_html())
        }

        #[pyo3(signature = (other, *, names = None))]
        fn compare<'py>(
            slf: &Bound<'py, Self>,
            other: &Bound<'py, Self>,
            names: Option<Bound<'py, PyAny>>,
        ) -> PyResult<Bound<'py, PyAny>> {
            let class = slf.py().import("canary._run_comparison")?.getattr("RunComparison")?;
            match names {
                Some(names) => class.call1((slf, other, names)),
                None => class.call1((slf, other)),
            }
        }

        #[pyo3(name = "_view")]
        fn view<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
            view::of(py, &self.drive)
        }

        #[pyo3(name = "_lab")]
        fn lab(&self, py: Python<'_>) -> Option<Py<Lab>> {
            self.drive.recipe.lab(py)
        }

        #[pyo3(name = "_history")]
        fn history<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
            view::history(py, &self.drive)
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

        fn _repr_html_(&self, py: Python<'_>) -> PyResult<String> {
            py.import("canary._live")?.call_method1("render", (self.view(py)?,))?.extract()
        }

        fn _ipython_display_(slf: &Bound<'_, Self>) -> PyResult<()> {
            let viewer = slf.py().import("canary._live")?.call_method1("show", (slf,))?;
            lock(&slf.get().viewers).push(viewer.unbind());
            Ok(())
        }
    }
}
