//! The parts of a run's driver, so that it can be created again after a pause.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use canary_core::{
    cluster::{self, Cluster, Control, Rollout},
    evidence::{Disagreements, Observation, Sample, Score, Seen, prometheus::Prometheus},
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

/// The longest text of a value that is no score, in characters.
const LONGEST_VALUE: usize = 80;
/// The signature of the lab's models that takes image files; the one without a name takes arrays.
const SIGNATURE: &str = "serving_preprocess";

/// The exception that the caller's own code raised while the run was polled.
pub(crate) type Raised = Arc<Mutex<Option<PyErr>>>;

/// The place of the objects, the requests to the models, and their inputs.
pub(crate) struct Recipe {
    pub(crate) plan: CorePlan,
    scores: Vec<(String, Arc<Py<PyAny>>)>,
    place: Place,
    /// The requests to the models; none where all that is needed is counted elsewhere.
    requests: Option<Requests>,
    evidence: Vec<Prometheus>,
    concurrency: usize,
    tick: Option<Duration>,
    pub(crate) disagreements: Disagreements,
    pub(crate) raised: Raised,
}

/// The requests to the models, and their inputs.
struct Requests {
    client: predict::Client,
    samples: Samples,
    probe: Sample,
}

/// The arguments that a caller may omit.
pub(crate) struct Arguments<'a, 'py> {
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
    /// The client and the photo of the models for each kind of inputs, when the caller gave none.
    inputs_for: Option<(predict::Client, PathBuf)>,
}

impl Draft {
    /// Reads everything that needs the interpreter.
    pub(crate) fn new(
        py: Python<'_>,
        plan: &Plan,
        place: Place,
        arguments: &Arguments<'_, '_>,
    ) -> PyResult<Self> {
        let core = plan.core.clone();
        let raised = Raised::default();
        let counted = !arguments.evidence.is_empty();
        let (mut requests, mut inputs_for) = (None, None);
        let can_send =
            arguments.inputs.is_some() && (arguments.client.is_some() || arguments.lab.is_some());
        // Where requests are counted elsewhere, only the canary gets a request, before its first weight.
        if !counted || core.header.is_some() || can_send {
            let mut client = match (arguments.client, arguments.lab) {
                (Some(client), _) => client.core.clone(),
                (None, Some(lab)) => lab.get().with(|lab| own_client(lab, &core).py())?,
                (None, None) => return Err(Error::Plan(NO_CLIENT.to_owned())).py(),
            };
            match arguments.inputs {
                Some(inputs) => {
                    let pairs = core.needs_pairs();
                    let (samples, probe) = Samples::new(inputs, pairs, Arc::clone(&raised))?;
                    if arguments.client.is_none() && probe.file().is_none() {
                        client = client.signature("");
                    }
                    requests = Some(Requests { client, samples, probe });
                }
                None if arguments.lab.is_some() => {
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
            requests,
            evidence: arguments.evidence.clone(),
            concurrency: arguments.concurrency,
            tick: arguments.tick,
            disagreements: Disagreements::default(),
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
            self.recipe.requests = Some(Requests { client, samples, probe });
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
        if let Some(requests) = &self.requests {
            requests.samples.close();
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
        let mut rollout = Rollout::of(self.plan.clone())
            .concurrency(self.concurrency)
            .tick(self.tick)
            .anew(anew)
            .disagreements(&self.disagreements);
        for one in &self.evidence {
            rollout = rollout.counted(one.clone());
        }
        if let Some(Requests { client, samples, probe }) = &self.requests {
            rollout = rollout.requests(client.clone(), probe.clone(), samples.clone());
        }
        if let Some(mirrored) = self.place.mirrored(&self.plan) {
            rollout = rollout.mirrored(mirrored);
        }
        for (name, function) in &self.scores {
            let (function, raised) = (Arc::clone(function), Arc::clone(&self.raised));
            rollout = rollout.score(name.as_str(), OwnScore { function, raised });
        }
        rollout.on(cluster)?.start().await
    }
}

/// A caller's function as the score of a custom guardrail. It is not called for pairs with a failed half.
struct OwnScore {
    function: Arc<Py<PyAny>>,
    raised: Raised,
}

impl Score for OwnScore {
    fn score(&self, observation: &Observation) -> Option<f64> {
        self.number(observation)?.ok()
    }

    fn number(&self, observation: &Observation) -> Option<std::result::Result<f64, String>> {
        let Seen::Pair(pair) = &observation.what else { return None };
        Python::attach(|py| {
            let returned = self.function.call1(py, (pair::Pair(pair.clone()),));
            let value = returned.and_then(|value| number(value.bind(py)));
            value
                .inspect_err(|error| {
                    let mut raised = self.raised.lock().unwrap_or_else(PoisonError::into_inner);
                    raised.get_or_insert(error.clone_ref(py));
                })
                .ok()
        })
    }
}

/// The number that a score is, or the text of another value, such as None, which the rollout counts as an invalid score
/// and reports; an exception of the conversion is the caller's error.
fn number(value: &Bound<'_, PyAny>) -> PyResult<std::result::Result<f64, String>> {
    match value.extract::<f64>() {
        Err(error) if error.is_instance_of::<PyTypeError>(value.py()) => Ok(Err(shown(value))),
        converted => converted.map(Ok),
    }
}

/// The beginning of a value's `repr`, or its type where it has none.
fn shown(value: &Bound<'_, PyAny>) -> String {
    let text = match value.repr() {
        Ok(text) => text.to_string_lossy().into_owned(),
        Err(_) => value.get_type().to_string(),
    };
    match text.char_indices().nth(LONGEST_VALUE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
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
