//! `canary.Run`: a plan at work, as an iterator and an async iterator of what happens.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{
    door,
    error::to_py,
    lab::Lab,
    plan::Plan,
    recipe::{Asked, Recipe},
    show,
    verdict::{Progress, Reading, Verdict},
};
use canary_core::{
    cluster::{self, Control, Story},
    evidence::Pair as CorePair,
};
use futures_util::StreamExt;
use pyo3::{
    exceptions::{PyKeyboardInterrupt, PyStopAsyncIteration, PyTypeError},
    prelude::*,
};

/// How long Ctrl-C waits for the state to be stored; it is stored in the background where that takes longer.
const AT_ONCE: Duration = Duration::from_millis(10);
/// The same for a run that nobody holds any more.
const AT_THE_END: Duration = Duration::from_millis(100);

/// Both models' answers to one input.
#[pyclass(frozen, eq, module = "canary")]
#[derive(PartialEq)]
pub(crate) struct Pair(pub(crate) CorePair);

#[pymethods]
impl Pair {
    #[getter]
    fn input(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    #[getter]
    fn stable(&self) -> (&str, Option<f64>) {
        (&self.0.stable.class, self.0.stable.score)
    }

    #[getter]
    fn canary(&self) -> (&str, Option<f64>) {
        (&self.0.canary.class, self.0.canary.score)
    }

    #[getter]
    fn label(&self) -> Option<&str> {
        self.0.label.as_deref()
    }

    #[getter]
    fn agrees(&self) -> bool {
        self.0.agrees()
    }

    fn _repr_html_(slf: &Bound<'_, Self>) -> PyResult<String> {
        show::card(slf, "render_value")
    }

    fn __repr__(&self) -> String {
        let Self(pair) = self;
        let name = pair.name.as_deref().unwrap_or("?");
        format!("Pair({name:?}: {:?} / {:?})", pair.stable.class, pair.canary.class)
    }
}

/// What the caller's own code raised while the run was polled.
pub(crate) type Raised = Arc<Mutex<Option<PyErr>>>;

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A run between two events.
enum Stage {
    Running(cluster::Run),
    /// Its state is stored; who iterates again goes on. The flag says whether an iteration ends here first.
    Suspended(bool),
    Over,
}

/// What the iterators, and the tasks behind them, share.
pub(crate) struct Shared {
    /// The gateway, the namespace and the `VirtualService`: one run at a time.
    place: (String, String, String),
    pub(crate) recipe: Recipe,
    stage: tokio::sync::Mutex<Stage>,
    control: Mutex<Control>,
    pub(crate) story: Mutex<Story>,
    began: Instant,
    events: AtomicU64,
}

/// The runs of this process that somebody holds.
static LIVE: Mutex<Vec<Weak<Shared>>> = Mutex::new(Vec::new());

impl Shared {
    fn tell(&self, progress: &cluster::Progress) {
        lock(&self.story).tell(self.began.elapsed(), progress);
        self.events.fetch_add(1, Ordering::Relaxed);
    }

    /// The next thing that happens; begins again what was suspended.
    async fn next(&self) -> canary_core::Result<Option<Progress>> {
        let mut stage = self.stage.lock().await;
        match &mut *stage {
            Stage::Suspended(ends @ true) => {
                *ends = false;
                return Ok(None);
            }
            Stage::Suspended(false) => {
                let (run, control) = self.recipe.driver()?.start().await?;
                *lock(&self.control) = control;
                *stage = Stage::Running(run);
            }
            Stage::Running(_) | Stage::Over => {}
        }
        let Stage::Running(run) = &mut *stage else { return Ok(None) };
        match run.next().await {
            Some(Ok(progress)) => {
                self.tell(&progress);
                match progress {
                    cluster::Progress::Suspended { .. } => *stage = Stage::Suspended(true),
                    cluster::Progress::Finished { .. } => *stage = Stage::Over,
                    _ => {}
                }
                Ok(Some(Progress(progress)))
            }
            Some(Err(error)) => {
                *stage = Stage::Over;
                Err(error)
            }
            None => {
                *stage = Stage::Over;
                Ok(None)
            }
        }
    }

    /// Stores the state and gives the lock back. What happens on the way is told to the pictures alone.
    async fn suspend(self: Arc<Self>) {
        let mut stage = self.stage.lock().await;
        let Stage::Running(run) = &mut *stage else { return };
        lock(&self.control).suspend();
        let mut after = Stage::Suspended(false);
        while let Some(Ok(progress)) = run.next().await {
            self.tell(&progress);
            match progress {
                cluster::Progress::Suspended { .. } => break,
                cluster::Progress::Finished { .. } => {
                    after = Stage::Over;
                    break;
                }
                _ => {}
            }
        }
        *stage = after;
    }

    /// Suspends in the background, and waits for it no longer than that.
    fn suspend_within(self: &Arc<Self>, py: Option<Python<'_>>, time: Duration) {
        let Ok(runtime) = door::runtime() else { return };
        let task = runtime.spawn(Arc::clone(self).suspend());
        // A thread of the runtime cannot wait for another one.
        if tokio::runtime::Handle::try_current().is_ok() {
            return;
        }
        let wait = || {
            let _ = runtime.block_on(async { tokio::time::timeout(time, task).await });
        };
        match py {
            Some(py) => py.detach(wait),
            None => wait(),
        }
    }

    pub(crate) fn title(&self) -> String {
        let plan = &self.recipe.plan;
        format!("{}: {}", plan.target.virtual_service, plan.canary)
    }
}

/// The views of the runs at a gateway that somebody holds.
pub(crate) fn views_at<'py>(py: Python<'py>, gateway: &str) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let live: Vec<_> = lock(&LIVE).iter().filter_map(Weak::upgrade).collect();
    let here = live.iter().filter(|shared| shared.place.0 == gateway);
    here.map(|shared| shared.view(py)).collect()
}

/// Suspends a run whose next event nobody waits for any more, as when asyncio cancels a task.
struct SuspendOnDrop(Option<Arc<Shared>>);

impl Drop for SuspendOnDrop {
    fn drop(&mut self) {
        if let (Some(shared), Ok(runtime)) = (self.0.take(), door::runtime()) {
            runtime.spawn(shared.suspend());
        }
    }
}

/// A plan at work.
#[pyclass(frozen, module = "canary")]
pub(crate) struct Run {
    shared: Arc<Shared>,
    /// What shows the run while it goes on, and the last event that it was shown.
    viewers: Mutex<Vec<Py<PyAny>>>,
    shown: AtomicU64,
    /// A lab that only the run knows must not close under it.
    lab: Py<Lab>,
}

impl Drop for Run {
    fn drop(&mut self) {
        let running =
            self.shared.stage.try_lock().is_ok_and(|stage| matches!(*stage, Stage::Running(_)));
        if running {
            self.shared.suspend_within(None, AT_THE_END);
        }
    }
}

impl Run {
    pub(crate) fn start(
        py: Python<'_>,
        plan: &Plan,
        lab: &Bound<'_, Lab>,
        asked: &Asked<'_, '_>,
        anew: bool,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let target = &plan.core.target;
        let place = (
            lab.get().with(|lab| Ok(lab.gateway_url()))?,
            target.namespace.clone(),
            target.virtual_service.clone(),
        );
        let viewer = match progress {
            Some(progress) => py.import("canary._live")?.call_method1("viewer", (progress,))?,
            None => py.None().into_bound(py),
        };
        suspend_others(py, &place);
        let recipe = Recipe::new(py, plan, lab.get(), asked)?;
        let mut driver = recipe.driver().map_err(to_py)?;
        if anew {
            driver = driver.anew();
        }
        let (run, control) = door::block_on(py, driver.start())?;
        let shared = Arc::new(Shared {
            place,
            recipe,
            stage: tokio::sync::Mutex::new(Stage::Running(run)),
            control: Mutex::new(control),
            story: Mutex::default(),
            began: Instant::now(),
            events: AtomicU64::new(0),
        });
        lock(&LIVE).push(Arc::downgrade(&shared));
        let viewers = if viewer.is_none() { Vec::new() } else { vec![viewer.unbind()] };
        let (viewers, shown) = (Mutex::new(viewers), AtomicU64::new(0));
        Ok(Self { shared, viewers, shown, lab: lab.clone().unbind() })
    }

    /// Adds the run to a report.
    fn add(
        &self,
        py: Python<'_>,
        report: canary_core::rollout::report::Report,
        title: &str,
    ) -> PyResult<canary_core::rollout::report::Report> {
        let disagreements = self.shared.disagreements(py, usize::MAX)?;
        let story = lock(&self.shared.story);
        let (history, verdict) = (story.history(), story.verdict());
        Ok(report.run(title, &self.shared.recipe.plan, history, verdict, &disagreements))
    }

    /// What the caller's own code raised meanwhile.
    fn raised(&self) -> PyResult<()> {
        match lock(&self.shared.recipe.raised).take() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Tells the viewers what is new.
    fn show(slf: &Bound<'_, Self>, event: Option<&Bound<'_, Progress>>) -> PyResult<()> {
        let (py, run) = (slf.py(), slf.get());
        let events = run.shared.events.load(Ordering::Relaxed);
        if run.shown.swap(events, Ordering::Relaxed) == events {
            return Ok(());
        }
        // Not under the lock: a viewer may look at the run.
        let viewers: Vec<_> =
            lock(&run.viewers).iter().map(|viewer| viewer.clone_ref(py)).collect();
        for viewer in viewers {
            viewer.call_method1(py, "tell", (slf, event))?;
        }
        Ok(())
    }
}

/// Suspends the runs of this process on the same object that nobody polls: a cell that was interrupted and runs again
/// must not be refused by what it left behind.
fn suspend_others(py: Python<'_>, place: &(String, String, String)) {
    let others: Vec<Arc<Shared>> = {
        let mut live = lock(&LIVE);
        live.retain(|shared| shared.strong_count() > 0);
        live.iter().filter_map(Weak::upgrade).filter(|shared| shared.place == *place).collect()
    };
    for other in others {
        if other.stage.try_lock().is_ok() {
            other.suspend_within(Some(py), AT_THE_END);
        }
    }
}

/// A task that ends when nobody waits for it any more.
struct AbortOnDrop<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[pymethods]
impl Run {
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__<'py>(slf: &Bound<'py, Self>) -> PyResult<Option<Bound<'py, Progress>>> {
        let (py, run) = (slf.py(), slf.get());
        // On a thread of the runtime: Ctrl-C reaches the main thread alone, and so never the caller's own iterator or
        // score, which it would end.
        let shared = Arc::clone(&run.shared);
        let mut task = AbortOnDrop(door::runtime()?.spawn(async move { shared.next().await }));
        let progress = door::block_on(py, async move {
            (&mut task.0).await.map_err(|error| {
                canary_core::Error::Plan(format!("the driver ended early: {error}"))
            })?
        });
        // A Ctrl-C that came just before the event belongs to the wait for it too.
        let progress = progress.and_then(|progress| py.check_signals().map(|()| progress));
        if let Err(error) = &progress
            && error.is_instance_of::<PyKeyboardInterrupt>(py)
        {
            run.shared.suspend_within(Some(py), AT_ONCE);
        }
        run.raised()?;
        let progress = progress?.map(|progress| Bound::new(py, progress)).transpose()?;
        Self::show(slf, progress.as_ref())?;
        Ok(progress)
    }

    fn __aiter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __anext__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        // On the thread of the event loop, where a notebook expects its displays: what came last.
        Self::show(slf, None)?;
        let shared = Arc::clone(&slf.get().shared);
        pyo3_async_runtimes::tokio::future_into_py(slf.py(), async move {
            let mut watched = SuspendOnDrop(Some(Arc::clone(&shared)));
            let progress = shared.next().await;
            watched.0 = None;
            if let Some(error) = lock(&shared.recipe.raised).take() {
                return Err(error);
            }
            progress.map_err(to_py)?.ok_or_else(|| PyStopAsyncIteration::new_err(()))
        })
    }

    fn wait(slf: &Bound<'_, Self>) -> PyResult<Option<Verdict>> {
        while Self::__next__(slf)?.is_some() {}
        Ok(slf.get().verdict())
    }

    fn pause(&self) -> bool {
        lock(&self.shared.control).pause()
    }

    fn resume(&self) -> bool {
        lock(&self.shared.control).resume()
    }

    fn suspend(&self) -> bool {
        lock(&self.shared.control).suspend()
    }

    fn abort(&self, why: String) -> bool {
        lock(&self.shared.control).abort(why)
    }

    #[getter]
    fn plan(&self) -> PyResult<String> {
        self.shared.recipe.plan.to_yaml().map_err(to_py)
    }

    #[getter]
    fn verdict(&self) -> Option<Verdict> {
        lock(&self.shared.story).verdict().cloned().map(Verdict)
    }

    #[getter]
    fn readings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let readings = lock(&self.shared.story).last().map(|last| last.readings.clone());
        show::records(py, readings.into_iter().flatten().map(Reading).collect())
    }

    #[getter]
    fn disagreements<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let kept = lock(&self.shared.recipe.kept);
        let pairs = kept.iter().map(|kept| Pair(kept.pair.clone())).collect();
        drop(kept);
        show::records(py, pairs)
    }

    #[pyo3(signature = (path, *, title = None))]
    fn report(
        slf: PyRef<'_, Self>,
        py: Python<'_>,
        path: PathBuf,
        title: Option<String>,
    ) -> PyResult<()> {
        let name = slf.shared.title();
        let page = canary_core::rollout::report::Report::new(title.unwrap_or_else(|| name.clone()));
        write(&path, &slf.add(py, page, &name)?.to_html())
    }

    fn _view<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.shared.view(py)
    }

    fn _lab(&self, py: Python<'_>) -> Py<Lab> {
        self.lab.clone_ref(py)
    }

    fn _history<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.shared.history(py)
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
        let story = lock(&self.shared.story);
        match (story.verdict(), story.last()) {
            (Some(verdict), _) => format!("Run({verdict})"),
            (None, Some(last)) => format!("Run({} at {})", self.shared.title(), last.split),
            (None, None) => format!("Run({})", self.shared.title()),
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
        py.import("canary._live")?.call_method1("render", (self._view(py)?,))?.extract()
    }

    fn _ipython_display_(slf: &Bound<'_, Self>) -> PyResult<()> {
        let viewer = slf.py().import("canary._live")?.call_method1("show", (slf,))?;
        lock(&slf.get().viewers).push(viewer.unbind());
        Ok(())
    }
}

/// Writes several runs as one page, in the order given.
#[pyfunction]
#[pyo3(signature = (path, runs, *, title = "Canary releases"))]
pub(crate) fn report(
    py: Python<'_>,
    path: PathBuf,
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
    write(&path, &page.to_html())
}

fn write(path: &std::path::Path, page: &str) -> PyResult<()> {
    std::fs::write(path, page).map_err(|cause| {
        to_py(canary_core::Error::NotFound {
            object: format!("a place for {}", path.display()),
            help: format!("it cannot be written ({cause}); make the folder, or choose another"),
        })
    })
}
