//! What the driver of a run is made of, so that it can be made again after a pause.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use canary_core::{
    cluster::{self, Cluster, Control, Driver, HeaderProbe},
    evidence::{Observation, Pair, Sample, Seen, Subsets, Traffic, prometheus::Prometheus},
    predict,
    rollout::{Error, Plan as CorePlan, Result},
    serving,
};
use canary_lab::model::ModelFiles;
use pyo3::{exceptions::PyTypeError, prelude::*};

use crate::{
    client::Client,
    error::IntoPy,
    lab::{self, Lab},
    pair,
    place::Place,
    plan::Plan,
    samples::Samples,
};

/// How many disagreements a run keeps for its report.
const KEPT: usize = 24;
/// The largest file that is kept for a thumbnail.
const KEPT_BYTES: usize = 1 << 20;
/// The signature of the lab's models that takes image files; the one without a name takes arrays.
const SIGNATURE: &str = "serving_preprocess";

/// What the caller's own code raised while the run was polled.
pub(crate) type Raised = Arc<Mutex<Option<PyErr>>>;

/// A disagreement with the file that it is about.
#[derive(Clone)]
pub(crate) struct Kept {
    pub(crate) pair: Pair,
    pub(crate) file: Option<Arc<[u8]>>,
}

/// Where the objects are, how the models are asked, and about what.
pub(crate) struct Recipe {
    pub(crate) plan: CorePlan,
    scores: Vec<(String, Arc<Py<PyAny>>)>,
    place: Place,
    /// Who is asked about what; none where all that is needed is counted elsewhere.
    asks: Option<Asks>,
    evidence: Vec<Prometheus>,
    mirrored: bool,
    concurrency: usize,
    tick: Option<Duration>,
    pub(crate) kept: Arc<Mutex<Vec<Kept>>>,
    pub(crate) raised: Raised,
}

/// How the models are asked, and about what.
struct Asks {
    client: predict::Client,
    samples: Samples,
    probe: Sample,
}

/// What a caller may leave out.
pub(crate) struct Asked<'a, 'py> {
    pub(crate) lab: Option<&'a Bound<'py, Lab>>,
    pub(crate) client: Option<&'a Client>,
    pub(crate) inputs: Option<&'a Bound<'py, PyAny>>,
    pub(crate) evidence: Vec<Prometheus>,
    pub(crate) concurrency: usize,
    pub(crate) tick: Option<Duration>,
}

/// A recipe that may lack its inputs.
pub(crate) struct Draft {
    recipe: Recipe,
    /// Whom to ask for what kind of inputs, when the caller gave none, and where the photo of the models is.
    inputs_for: Option<(predict::Client, PathBuf)>,
}

impl Draft {
    /// Takes everything that the interpreter has to be asked for.
    pub(crate) fn new(
        py: Python<'_>,
        plan: &Plan,
        place: Place,
        asked: &Asked<'_, '_>,
    ) -> PyResult<Self> {
        let core = plan.core.clone();
        let raised = Raised::default();
        let counted = !asked.evidence.is_empty();
        let (mut asks, mut inputs_for) = (None, None);
        let can_ask = asked.inputs.is_some() && (asked.client.is_some() || asked.lab.is_some());
        // Of what is counted elsewhere only the canary is asked, before its first weight.
        if !counted || core.header.is_some() || can_ask {
            let mut client = match (asked.client, asked.lab) {
                (Some(client), _) => client.core.clone(),
                (None, Some(lab)) => lab.get().with(|lab| own_client(lab, &core).py())?,
                (None, None) => return Err(Error::Plan(NO_CLIENT.to_owned())).py(),
            };
            match asked.inputs {
                Some(inputs) => {
                    let pairs = core.needs_pairs();
                    let (samples, probe) = Samples::new(inputs, pairs, Arc::clone(&raised))?;
                    if asked.client.is_none() && probe.file().is_none() {
                        client = client.signature("");
                    }
                    asks = Some(Asks { client, samples, probe });
                }
                None if asked.lab.is_some() => {
                    inputs_for = Some((client, lab::own_packages(py)?));
                }
                None => return Err(Error::Plan(NO_INPUTS.to_owned())).py(),
            }
        }
        let score = |(name, function): (&String, &Py<PyAny>)| {
            (name.clone(), Arc::new(function.clone_ref(py)))
        };
        let recipe = Recipe {
            scores: plan.scores.iter().map(score).collect(),
            place,
            asks,
            evidence: asked.evidence.clone(),
            mirrored: !counted && core.header.is_none() && core.needs_pairs(),
            concurrency: asked.concurrency,
            tick: asked.tick,
            kept: Arc::default(),
            raised,
            plan: core,
        };
        Ok(Self { recipe, inputs_for })
    }

    /// The name of the place, the namespace and the `VirtualService`: one run at a time.
    pub(crate) fn target(&self) -> (String, String, String) {
        let target = &self.recipe.plan.target;
        (self.recipe.place.name(), target.namespace.clone(), target.virtual_service.clone())
    }

    /// Makes the inputs that the caller left out.
    pub(crate) async fn complete(mut self) -> Result<Recipe> {
        if let Some((client, packages)) = self.inputs_for {
            let plan = &self.recipe.plan;
            let pairs = self.recipe.evidence.is_empty() && plan.needs_pairs();
            let (samples, probe) = own_inputs(&client, &packages, pairs).await?;
            self.recipe.asks = Some(Asks { client, samples, probe });
        }
        Ok(self.recipe)
    }
}

impl Recipe {
    /// The lab that the run is on, if it is on one.
    pub(crate) fn lab(&self, py: Python<'_>) -> Option<Py<Lab>> {
        match &self.place {
            Place::Lab(lab) => Some(lab.open.clone_ref(py)),
            Place::Cluster(_) => None,
        }
    }

    /// Takes no more inputs.
    pub(crate) fn close(&self) {
        if let Some(asks) = &self.asks {
            asks.samples.close();
        }
    }

    /// Begins, or goes on with what is stored; the inputs are taken where the last driver has stopped.
    pub(crate) async fn start(&self, anew: bool) -> Result<(cluster::Run, Control)> {
        match &self.place {
            Place::Lab(lab) => self.drive(lab.store.clone(), anew).await,
            Place::Cluster(handle) => self.drive(handle.open().await?, anew).await,
        }
    }

    async fn drive<C: Cluster + 'static>(
        &self,
        cluster: C,
        anew: bool,
    ) -> Result<(cluster::Run, Control)> {
        let plan = &self.plan;
        let mut driver = Driver::new(cluster, plan.clone())?;
        for one in &self.evidence {
            driver = driver.source(one.clone());
        }
        if let Some(asks) = &self.asks {
            if self.evidence.is_empty() {
                driver = driver.source(self.traffic(asks));
            }
            let input = predict::Input::clone(&asks.probe.input);
            driver = driver.probe(HeaderProbe::new(plan, &asks.client, input));
        }
        if let Some(mirrored) = self.mirrored.then(|| self.place.mirrored(plan)).flatten() {
            driver = driver.source(mirrored);
        }
        for (name, function) in &self.scores {
            let score = score(Arc::clone(function), Arc::clone(&self.raised));
            driver = driver.score(name.as_str(), score);
        }
        if let Some(tick) = self.tick {
            driver = driver.tick(tick);
        }
        if anew {
            driver = driver.anew();
        }
        driver.start().await
    }

    fn traffic(&self, asks: &Asks) -> Traffic<predict::Client> {
        let (plan, Asks { client, samples, probe }) = (&self.plan, asks);
        let subsets = Subsets::new(plan.stable.as_str(), plan.canary.as_str());
        let samples = samples.clone();
        let Some(header) = plan.header.as_ref().filter(|_| plan.needs_pairs()) else {
            return Traffic::requests("inputs", client, subsets, samples)
                .concurrency(self.concurrency);
        };
        let keep = Arc::clone(&self.kept);
        let header = (header.name.as_str(), header.value.as_str());
        let traffic = Traffic::new("inputs", client, header, subsets, samples)
            .concurrency(self.concurrency)
            .on_pair(move |sample, pair| {
                let mut kept = keep.lock().unwrap_or_else(PoisonError::into_inner);
                let new = || !kept.iter().any(|one| one.pair.input == pair.input);
                if !pair.agrees() && kept.len() < KEPT && new() {
                    let small = sample.file().filter(|file| file.len() <= KEPT_BYTES);
                    let file = small.map(Arc::from);
                    kept.push(Kept { pair: pair.clone(), file });
                }
            });
        if probe.label.is_some() { traffic.labelled() } else { traffic }
    }
}

/// A caller's function as the score of a custom guardrail. It is not asked about pairs with a failed half.
fn score(
    function: Arc<Py<PyAny>>,
    raised: Raised,
) -> impl Fn(&Observation) -> Option<f64> + Send + Sync + 'static {
    move |observation| {
        let Seen::Pair(pair) = &observation.what else { return None };
        Python::attach(|py| {
            let asked = function.call1(py, (pair::Pair(pair.clone()),));
            let value = asked.and_then(|value| number(value.bind(py)));
            value
                .inspect_err(|error| {
                    let mut raised = raised.lock().unwrap_or_else(PoisonError::into_inner);
                    raised.get_or_insert(error.clone_ref(py));
                })
                .ok()
        })
    }
}

/// The number that a score is. What is none, such as None or a text, is NaN, which the rollout counts as an invalid
/// score; what a conversion raises otherwise is the caller's error.
fn number(value: &Bound<'_, PyAny>) -> PyResult<f64> {
    match value.extract::<f64>() {
        Err(error) if error.is_instance_of::<PyTypeError>(value.py()) => Ok(f64::NAN),
        converted => converted,
    }
}

const NO_CLIENT: &str = "the models of a cluster are asked through its gateway: give client=, such as \
     canary.Client(cluster.gateway_url(\"image-classifier\"), model=\"image_classifier\"), or evidence= where the \
     requests of others are counted and the plan has no header";
const NO_INPUTS: &str = "the models of a cluster are real ones: give inputs= to ask them about, such as the paths of photos";

/// A client of the lab's gateway for the model that the stable version serves.
fn own_client(lab: &canary_lab::Lab, plan: &CorePlan) -> Result<predict::Client> {
    let model = lab.model_name(&plan.stable).ok_or_else(|| Error::NotFound {
        object: format!("a Deployment of version {} in the lab", plan.stable),
        help: "deploy it first, or give a client=".to_owned(),
    })?;
    Ok(predict::Client::new(&lab.gateway_url())?.model(model).signature(SIGNATURE))
}

/// Inputs where the caller gives none: random bytes for models that take any; for real models the photo that came
/// with them, where requests alone are counted.
async fn own_inputs(
    client: &predict::Client,
    packages: &Path,
    pairs: bool,
) -> Result<(Samples, Sample)> {
    let (samples, first) = Samples::random();
    let wants_images = match client.predict(&*first.input).await {
        Err(serving::Error::Predict(error)) => error.status == Some(400),
        _ => false,
    };
    if !wants_images {
        return Ok((samples, first));
    }
    if pairs {
        return Err(Error::Plan(
            "its guardrails or holds compare the answers to distinct images, and these models take no random bytes; \
             give inputs=, such as the paths of photos"
                .to_owned(),
        ));
    }
    let photo = ModelFiles::within(packages)
        .or_else(|_| ModelFiles::find())
        .ok()
        .and_then(|files| std::fs::read(files.photo?).ok());
    let photo = photo.ok_or_else(|| {
        Error::Plan(
            "these models take images, and none came with them; give inputs=, such as the paths of photos".to_owned(),
        )
    })?;
    Ok(Samples::again_and_again(Sample::new("the photo that came with the models", photo)))
}
