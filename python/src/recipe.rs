//! What the driver of a run is made of, so that it can be made again after a pause.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use canary_core::{
    Error,
    cluster::{Driver, HeaderProbe},
    evidence::{
        Mirrored, Observation, Pair, Sample, Seen, Subsets, Traffic, prometheus::Prometheus,
    },
    predict,
    rollout::Plan as CorePlan,
};
use canary_lab::{gateway::MirrorLog, model::ModelFiles, store::Store};
use pyo3::prelude::*;

use crate::{
    client::Client,
    door,
    error::{IntoPy, to_py},
    lab::{self, Lab},
    plan::Plan,
    run::{self, Raised},
    samples::Samples,
};

/// How many disagreements a run keeps for its report.
const KEPT: usize = 24;
/// The largest file that is kept for a thumbnail.
const KEPT_BYTES: usize = 1 << 20;
/// Records of mirrored requests that may wait.
const MIRRORED: usize = 4_096;
/// The signature of a model that takes image files, which the lab's models have.
const SIGNATURE: &str = "serving_preprocess";

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
    cluster: Store,
    /// Who is asked about what; none where all that is needed is counted elsewhere.
    asks: Option<Asks>,
    evidence: Vec<Prometheus>,
    mirror: Option<Mutex<Option<MirrorLog>>>,
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
    pub(crate) client: Option<&'a Client>,
    pub(crate) inputs: Option<&'a Bound<'py, PyAny>>,
    pub(crate) evidence: Vec<Prometheus>,
    pub(crate) concurrency: usize,
    pub(crate) tick: Option<Duration>,
}

impl Recipe {
    pub(crate) fn new(
        py: Python<'_>,
        plan: &Plan,
        lab: &Lab,
        asked: &Asked<'_, '_>,
    ) -> PyResult<Self> {
        let core = plan.core.clone();
        let raised = Raised::default();
        let counted = !asked.evidence.is_empty();
        // Of what is counted elsewhere only the header route is asked.
        let asks = (!counted || core.header.is_some()).then(|| {
            let client = match asked.client {
                Some(client) => client.core.clone(),
                None => lab.with(|lab| own_client(lab, &core).py())?,
            };
            let (samples, probe) = match asked.inputs {
                Some(inputs) => Samples::new(inputs, Arc::clone(&raised))?,
                None => own_inputs(py, &client, !counted && core.needs_pairs())?,
            };
            PyResult::Ok(Asks { client, samples, probe })
        });
        let mirrors = !counted && core.header.is_none() && core.needs_pairs();
        let mirror = mirrors.then(|| {
            let subsets = Subsets::new(core.stable.as_str(), core.canary.as_str());
            lab.with(|lab| Ok(Mutex::new(Some(lab.mirror_log(subsets, MIRRORED)))))
        });
        let score = |(name, function): (&String, &Py<PyAny>)| {
            (name.clone(), Arc::new(function.clone_ref(py)))
        };
        Ok(Self {
            scores: plan.scores.iter().map(score).collect(),
            cluster: lab.with(|lab| Ok(lab.cluster().clone()))?,
            asks: asks.transpose()?,
            evidence: asked.evidence.clone(),
            mirror: mirror.transpose()?,
            concurrency: asked.concurrency,
            tick: asked.tick,
            kept: Arc::default(),
            raised,
            plan: core,
        })
    }

    /// A driver that takes the inputs where the last one has stopped.
    pub(crate) fn driver(&self) -> canary_core::Result<Driver<Store>> {
        let plan = &self.plan;
        let mut driver = Driver::new(self.cluster.clone(), plan.clone())?;
        for one in &self.evidence {
            driver = driver.source(one.clone());
        }
        if let Some(asks) = &self.asks {
            if self.evidence.is_empty() {
                driver = driver.source(self.traffic(asks));
            }
            let input = Arc::clone(&asks.probe.bytes);
            if let Some(probe) = HeaderProbe::new(plan, &asks.client, input) {
                driver = driver.probe(probe);
            }
        }
        if let Some(log) = &self.mirror {
            let log = log.lock().unwrap_or_else(PoisonError::into_inner).take();
            let log = log.ok_or_else(|| {
                Error::Plan("a run out of mirrored traffic is started anew, not gone on with; call plan.run again".into())
            })?;
            driver = driver.source(Mirrored::new("mirror", log).live());
        }
        for (name, function) in &self.scores {
            let score = score(Arc::clone(function), Arc::clone(&self.raised));
            driver = driver.score(name.as_str(), score);
        }
        Ok(match self.tick {
            Some(tick) => driver.tick(tick),
            None => driver,
        })
    }

    fn traffic(&self, asks: &Asks) -> Traffic {
        let (plan, Asks { client, samples, probe }) = (&self.plan, asks);
        let subsets = Subsets::new(plan.stable.as_str(), plan.canary.as_str());
        let samples = futures_util::stream::iter(samples.clone());
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
                    let small = sample.bytes.len() <= KEPT_BYTES;
                    let file = small.then(|| Arc::clone(&sample.bytes));
                    kept.push(Kept { pair: pair.clone(), file });
                }
            });
        if probe.label.is_some() { traffic.labelled() } else { traffic }
    }
}

/// A caller's function as the score of a custom guardrail.
fn score(
    function: Arc<Py<PyAny>>,
    raised: Raised,
) -> impl Fn(&Observation) -> Option<f64> + Send + Sync + 'static {
    move |observation| {
        let Seen::Pair(pair) = &observation.what else { return None };
        Python::attach(|py| {
            let asked = function
                .call1(py, (run::Pair(pair.clone()),))
                .and_then(|value| value.extract::<Option<f64>>(py).map_err(Into::into));
            asked.unwrap_or_else(|error| {
                let mut raised = raised.lock().unwrap_or_else(PoisonError::into_inner);
                raised.get_or_insert(error);
                None
            })
        })
    }
}

/// A client of the lab's gateway for the model that the stable version serves.
fn own_client(lab: &canary_lab::Lab, plan: &CorePlan) -> canary_core::Result<predict::Client> {
    let model = lab.model_name(&plan.stable).ok_or_else(|| Error::NotFound {
        object: format!("a Deployment of version {} in the lab", plan.stable),
        help: "deploy it first, or give a client=".to_owned(),
    })?;
    Ok(predict::Client::new(&lab.gateway_url())?.model(model).signature(SIGNATURE))
}

/// Inputs where the caller gives none: random bytes for models that take any; for real models the photo that came
/// with them, where requests alone are counted.
fn own_inputs(
    py: Python<'_>,
    client: &predict::Client,
    pairs: bool,
) -> PyResult<(Samples, Sample)> {
    let (samples, first) = Samples::random();
    let bytes = Arc::clone(&first.bytes);
    let client = client.clone();
    let wants_images = door::block_on(py, async move {
        match client.predict(&bytes[..]).await {
            Err(Error::Predict(error)) => Ok(error.status == Some(400)),
            _ => Ok(false),
        }
    })?;
    if !wants_images {
        return Ok((samples, first));
    }
    if pairs {
        return Err(to_py(Error::Plan(
            "its guardrails or holds compare the answers to distinct images, and these models take no random bytes; \
             give inputs=, such as the paths of photos"
                .to_owned(),
        )));
    }
    let photo = ModelFiles::within(lab::own_packages(py)?)
        .or_else(|_| ModelFiles::find())
        .ok()
        .and_then(|files| std::fs::read(files.photo?).ok());
    let photo = photo.ok_or_else(|| {
        to_py(Error::Plan(
            "these models take images, and none came with them; give inputs=, such as the paths of photos".to_owned(),
        ))
    })?;
    Ok(Samples::again_and_again(Sample::new("the photo that came with the models", photo)))
}
