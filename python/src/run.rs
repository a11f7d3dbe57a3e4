//! `canary.Run`: a plan at work, as an iterator and an async iterator of what happens.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use canary_core::{
    cluster::{self, Control, Driver},
    evidence::{Observation, Pair as CorePair, Seen, Subsets, Traffic},
    predict,
    rollout::{
        Plan as CorePlan, Split,
        report::{Disagreement, History, Moment},
    },
};
use futures_util::{StreamExt, future::BoxFuture};
use pyo3::{
    exceptions::{PyStopAsyncIteration, PyTypeError},
    prelude::*,
};

use crate::{
    client::Client,
    door,
    error::to_py,
    lab::Lab,
    plan::Plan,
    prometheus::Prometheus,
    samples::Samples,
    verdict::{Progress, Reading, Verdict},
};

/// How many disagreements a run keeps for its report.
const KEPT: usize = 24;
/// The largest file that is kept for a thumbnail.
const KEPT_BYTES: usize = 1 << 20;

/// Both models' answers to one input.
#[pyclass(frozen, eq, module = "canary")]
#[derive(PartialEq)]
pub(crate) struct Pair(CorePair);

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
        crate::show::card(slf, "render_value")
    }

    fn __repr__(&self) -> String {
        let Self(pair) = self;
        let name = pair.name.as_deref().unwrap_or("?");
        format!("Pair({name:?}: {:?} / {:?})", pair.stable.class, pair.canary.class)
    }
}

/// A disagreement with the file that it is about.
struct Kept {
    pair: CorePair,
    file: Option<Arc<[u8]>>,
}

/// What the caller's own code raised while the run was polled.
pub(crate) type Raised = Arc<Mutex<Option<PyErr>>>;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Asks the canary through the header route with the first input, and gates with their files.
struct HeaderProbe {
    client: predict::Client,
    canary: String,
    input: Arc<[u8]>,
}

impl cluster::Probe for HeaderProbe {
    fn reach(&self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async {
            let asked = self.client.predict(&self.input[..]).await;
            let answer = asked.map_err(|error| error.to_string())?;
            match answer.subset() {
                Some(subset) if subset == self.canary => Ok(()),
                Some(subset) => Err(format!("the answer is by subset {subset}")),
                None => Err("the answer names no subset; stamp the routes with it".to_owned()),
            }
        })
    }

    fn classify<'a>(&'a self, input: &'a str) -> BoxFuture<'a, Option<String>> {
        Box::pin(async move {
            let file = std::fs::read(input).ok()?;
            let answer = self.client.predict(&file[..]).await.ok()?;
            if answer.subset() != Some(&self.canary) {
                return None;
            }
            Some(answer.top().ok()?.into_iter().next()?.0)
        })
    }
}

/// A caller's function as the score of a custom guardrail.
fn score(
    function: Py<PyAny>,
    raised: Raised,
) -> impl Fn(&Observation) -> Option<f64> + Send + Sync + 'static {
    move |observation| {
        let Seen::Pair(pair) = &observation.what else { return None };
        Python::attach(|py| {
            let asked = function
                .call1(py, (Pair(pair.clone()),))
                .and_then(|value| value.extract::<Option<f64>>(py).map_err(Into::into));
            asked.unwrap_or_else(|error| {
                lock(&raised).get_or_insert(error);
                None
            })
        })
    }
}

/// What a report is drawn from.
struct Story {
    began: Instant,
    history: History,
    last: Option<Moment>,
    verdict: Option<canary_core::Verdict>,
}

impl Story {
    fn tell(&mut self, progress: &cluster::Progress) {
        let at = self.began.elapsed();
        match progress {
            cluster::Progress::Seen(snapshot) => self.push(snapshot.moment(at)),
            cluster::Progress::Written { split, .. } => self.turn(at, *split),
            cluster::Progress::Finished { verdict } => {
                if let Some(mut last) = self.last.take() {
                    last.at = at;
                    for reading in evidence(verdict) {
                        let known = &mut last.readings;
                        match known.iter_mut().find(|one| one.guardrail == reading.guardrail) {
                            Some(place) => *place = reading,
                            // The run ended before the first tick.
                            None => known.push(reading),
                        }
                    }
                    self.push(last);
                }
                self.verdict = Some(verdict.clone());
            }
            _ => {}
        }
    }

    /// The same readings under another split.
    fn turn(&mut self, at: Duration, split: Split) {
        let (totals, readings) = match &self.last {
            Some(last) => (last.totals, last.readings.clone()),
            None => (canary_core::rollout::Totals::default(), Vec::new()),
        };
        self.push(Moment::new(at, split, totals, readings));
    }

    fn push(&mut self, moment: Moment) {
        self.last = Some(moment.clone());
        self.history.push(moment);
    }
}

/// The readings that a verdict carries.
fn evidence(verdict: &canary_core::Verdict) -> Vec<canary_core::rollout::Reading> {
    Verdict(verdict.clone()).readings().to_vec()
}

/// A plan at work.
#[pyclass(frozen, module = "canary")]
pub(crate) struct Run {
    plan: CorePlan,
    run: Arc<tokio::sync::Mutex<cluster::Run>>,
    control: Control,
    story: Arc<Mutex<Story>>,
    kept: Arc<Mutex<Vec<Kept>>>,
    raised: Raised,
}

impl Run {
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn start(
        py: Python<'_>,
        plan: &Plan,
        lab: &Lab,
        client: Option<&Client>,
        inputs: Option<&Bound<'_, PyAny>>,
        evidence: &[PyRef<'_, Prometheus>],
        concurrency: usize,
        tick: Option<Bound<'_, PyAny>>,
        anew: bool,
    ) -> PyResult<Self> {
        let core = plan.core.clone();
        let raised = Raised::default();
        let kept: Arc<Mutex<Vec<Kept>>> = Arc::default();
        let cluster = lab.with(|lab| Ok(lab.cluster().clone()))?;
        let mut driver = Driver::new(cluster, core.clone()).map_err(to_py)?;
        if !evidence.is_empty() {
            for one in evidence {
                driver = driver.source(one.core.clone());
            }
            if let Some(header) = &core.header {
                // Requests through the header are for the probe and the gates alone: they do not follow the weights.
                let (client, inputs) = asked(client, inputs, "a plan with a header")?;
                let (_, first) = Samples::new(inputs, Arc::clone(&raised))?;
                driver = driver.probe(HeaderProbe {
                    client: client.core.clone().header(&header.name, &header.value),
                    canary: core.canary.clone(),
                    input: first.bytes,
                });
            }
        } else {
            let (client, inputs) = asked(client, inputs, "a run without evidence")?;
            let Some(header) = &core.header else {
                return Err(to_py(canary_core::Error::Plan(
                    "pairs need a header that leads to the canary: give the plan header=(\"user-group\", \"canary\")"
                        .to_owned(),
                )));
            };
            let (samples, first) = Samples::new(inputs, Arc::clone(&raised))?;
            let keep = Arc::clone(&kept);
            let mut traffic = Traffic::new(
                "inputs",
                &client.core,
                (&header.name, &header.value),
                Subsets::new(core.stable.as_str(), core.canary.as_str()),
                futures_util::stream::iter(samples),
            )
            .concurrency(concurrency)
            .on_pair(move |sample, pair| {
                let mut kept = lock(&keep);
                let new = || !kept.iter().any(|one| one.pair.input == pair.input);
                if !pair.agrees() && kept.len() < KEPT && new() {
                    let small = sample.bytes.len() <= KEPT_BYTES;
                    let file = small.then(|| Arc::clone(&sample.bytes));
                    kept.push(Kept { pair: pair.clone(), file });
                }
            });
            if first.label.is_some() {
                traffic = traffic.labelled();
            }
            let probe = HeaderProbe {
                client: client.core.clone().header(&header.name, &header.value),
                canary: core.canary.clone(),
                input: first.bytes,
            };
            driver = driver.source(traffic).probe(probe);
        }
        for (name, function) in &plan.scores {
            let function = function.clone_ref(py);
            driver = driver.score(name.as_str(), score(function, Arc::clone(&raised)));
        }
        if let Some(tick) = tick {
            driver = driver.tick(crate::time::seconds(&tick)?);
        }
        if anew {
            driver = driver.anew();
        }
        let (run, control) = door::block_on(py, driver.start())?;
        let story =
            Story { began: Instant::now(), history: History::new(), last: None, verdict: None };
        Ok(Self {
            plan: core,
            run: Arc::new(tokio::sync::Mutex::new(run)),
            control,
            story: Arc::new(Mutex::new(story)),
            kept,
            raised,
        })
    }

    /// Adds the run to a report.
    fn add(
        &self,
        py: Python<'_>,
        report: canary_core::rollout::report::Report,
        title: &str,
    ) -> PyResult<canary_core::rollout::report::Report> {
        let picture = py.import("canary._html")?.getattr("thumbnail_url")?;
        let mut disagreements = Vec::new();
        for Kept { pair, file } in lock(&self.kept).iter() {
            let thumbnail = match file {
                Some(file) => picture.call1((&file[..],))?.extract()?,
                None => None,
            };
            disagreements.push(Disagreement {
                input: pair.name.as_deref().unwrap_or_default().to_owned(),
                thumbnail,
                stable: (pair.stable.class.clone(), pair.stable.score),
                canary: (pair.canary.class.clone(), pair.canary.score),
            });
        }
        let story = lock(&self.story);
        Ok(report.run(title, &self.plan, &story.history, story.verdict.as_ref(), &disagreements))
    }

    fn title(&self) -> String {
        format!("{}: {}", self.plan.target.virtual_service, self.plan.canary)
    }
}

/// The client and the inputs, where they are needed.
fn asked<'a, 'py>(
    client: Option<&'a Client>,
    inputs: Option<&'a Bound<'py, PyAny>>,
    who: &str,
) -> PyResult<(&'a Client, &'a Bound<'py, PyAny>)> {
    client.zip(inputs).ok_or_else(|| {
        PyTypeError::new_err(format!("{who} needs client=… and inputs=… to ask with"))
    })
}

/// A task that ends when nobody waits for it any more.
struct AbortOnDrop<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The next thing that happens, told to the story as well.
async fn next(
    run: Arc<tokio::sync::Mutex<cluster::Run>>,
    story: Arc<Mutex<Story>>,
) -> canary_core::Result<Option<Progress>> {
    let Some(progress) = run.lock().await.next().await else { return Ok(None) };
    let progress = progress?;
    lock(&story).tell(&progress);
    Ok(Some(Progress(progress)))
}

#[pymethods]
impl Run {
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Progress>> {
        // On a thread of the runtime: Ctrl-C reaches the main thread alone, and so never the caller's own iterator or
        // score, which it would end.
        let task = door::runtime()?.spawn(next(Arc::clone(&self.run), Arc::clone(&self.story)));
        let mut task = AbortOnDrop(task);
        let progress = door::block_on(py, async move {
            (&mut task.0).await.map_err(|error| {
                canary_core::Error::Plan(format!("the driver ended early: {error}"))
            })?
        })?;
        match lock(&self.raised).take() {
            Some(error) => Err(error),
            None => Ok(progress),
        }
    }

    fn __aiter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __anext__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let next = next(Arc::clone(&self.run), Arc::clone(&self.story));
        let raised = Arc::clone(&self.raised);
        pyo3_async_runtimes::tokio::future_into_py(py, async move {
            let progress = next.await.map_err(to_py)?;
            if let Some(error) = lock(&raised).take() {
                return Err(error);
            }
            progress.ok_or_else(|| PyStopAsyncIteration::new_err(()))
        })
    }

    fn pause(&self) -> bool {
        self.control.pause()
    }

    fn resume(&self) -> bool {
        self.control.resume()
    }

    fn abort(&self, why: String) -> bool {
        self.control.abort(why)
    }

    #[getter]
    fn plan(&self) -> PyResult<String> {
        self.plan.to_yaml().map_err(to_py)
    }

    #[getter]
    fn verdict(&self) -> Option<Verdict> {
        lock(&self.story).verdict.clone().map(Verdict)
    }

    #[getter]
    fn readings(&self) -> Vec<Reading> {
        let story = lock(&self.story);
        let readings = story.last.as_ref().map(|last| last.readings.clone());
        readings.unwrap_or_default().into_iter().map(Reading).collect()
    }

    #[getter]
    fn disagreements(&self) -> Vec<Pair> {
        lock(&self.kept).iter().map(|kept| Pair(kept.pair.clone())).collect()
    }

    #[pyo3(signature = (path, *, title = None))]
    fn report(
        slf: PyRef<'_, Self>,
        py: Python<'_>,
        path: PathBuf,
        title: Option<String>,
    ) -> PyResult<()> {
        let name = slf.title();
        let page = canary_core::rollout::report::Report::new(title.unwrap_or_else(|| name.clone()));
        write(&path, &slf.add(py, page, &name)?.to_html())
    }

    fn __repr__(&self) -> String {
        let story = lock(&self.story);
        match (&story.verdict, &story.last) {
            (Some(verdict), _) => format!("Run({verdict})"),
            (None, Some(last)) => format!("Run({} at {})", self.title(), last.split),
            (None, None) => format!("Run({})", self.title()),
        }
    }

    fn _repr_html_(&self, py: Python<'_>) -> PyResult<String> {
        let module = py.import("canary._rollout_html")?;
        let readings = self.readings().into_pyobject(py)?;
        let verdict = self.verdict().map(|verdict| (verdict.0.name(), verdict.0.to_string()));
        let (name, sentence) = verdict.unwrap_or_else(|| ("continue", self.__repr__()));
        module.call_method1("render_verdict", (name, sentence, readings))?.extract()
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
