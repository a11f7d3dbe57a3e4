//! A run that has not begun: everything that is read from the caller's arguments.

use std::{path::PathBuf, time::Duration};

use canary_core::{
    evidence::Disagreements,
    notify::Recipients,
    predict,
    rollout::{Error, Result},
};
use pyo3::prelude::*;

use super::{
    evidence,
    labels::Labels,
    metered::Metered,
    models::Models,
    notify::Notices,
    observed::EventLoop,
    own,
    place::Place,
    raised::Raised,
    recipe::{Recipe, Requests},
    samples::Samples,
};
use crate::{
    error::IntoPy,
    lab::{Lab, own_packages},
    rollout::plan::Plan,
};

const NO_CLIENT: &str = "the models of a cluster are called through its gateway: give client=, such as \
     canary.Client(cluster.gateway_url(\"image-classifier\"), model=\"image_classifier\"), or evidence= where the \
     requests of others are counted and the plan has no header";
const NO_FUNCTION_INPUTS: &str =
    "client= is a function: give inputs= to send, one for each request";
const NO_INPUTS: &str =
    "the models of a cluster need real inputs: give inputs=, such as the paths of photos";

/// The arguments that a caller may omit.
pub(super) struct Arguments<'a, 'py> {
    pub(super) lab: Option<&'a Bound<'py, Lab>>,
    pub(super) client: Option<Models>,
    pub(super) inputs: Option<&'a Bound<'py, PyAny>>,
    pub(super) evidence: Option<&'a Bound<'py, PyAny>>,
    pub(super) labels: Option<&'a Bound<'py, PyAny>>,
}

/// A recipe that may lack its inputs.
pub(crate) struct Draft {
    recipe: Recipe,
    /// The client, and the folder of the models' photo, where the inputs are chosen for the lab's models.
    inputs_for: Option<(predict::Client, PathBuf)>,
    /// The address at which metrics are served.
    metrics: Option<String>,
}

impl Draft {
    /// Reads everything that needs the interpreter.
    pub(super) fn new(
        py: Python<'_>,
        plan: &Plan,
        place: Place,
        given: &Arguments<'_, '_>,
    ) -> PyResult<Self> {
        let (core, raised) = (plan.core.clone(), Raised::default());
        let event_loop = EventLoop::default();
        let evidence = given.evidence.map_or_else(
            || Ok(Vec::new()),
            |evidence| evidence::read(evidence, &core, &raised, &event_loop),
        )?;
        let labels = given
            .labels
            .map(|labels| Labels::new(labels, raised.clone(), event_loop.clone()))
            .transpose()?;
        let (mut requests, mut inputs_for) = (None, None);
        let can_send = given.inputs.is_some() && (given.client.is_some() || given.lab.is_some());
        // Where requests are counted elsewhere, only the canary gets a request, before its first weight.
        if evidence.is_empty() || core.reaches_canary() || can_send {
            let mut models = match (&given.client, given.lab) {
                (Some(models), _) => models.clone(),
                (None, Some(lab)) => {
                    Models::Client(lab.get().with(|lab| own::client(lab, &core).py())?)
                }
                (None, None) => return Err(Error::Plan(NO_CLIENT.to_owned())).py(),
            };
            match given.inputs {
                Some(inputs) => {
                    let (samples, probe) =
                        Samples::new(inputs, core.needs_pairs(), raised.clone())?;
                    if let (None, Models::Client(own)) = (&given.client, &models)
                        && probe.file().is_none()
                    {
                        models = Models::Client(own.clone().signature(""));
                    }
                    requests = Some(Requests { models, samples, probe });
                }
                None if matches!(models, Models::Function(_)) => {
                    return Err(Error::Plan(NO_FUNCTION_INPUTS.to_owned())).py();
                }
                None if given.lab.is_some() => {
                    if let Models::Client(client) = models {
                        inputs_for = Some((client, own_packages(py)?));
                    }
                }
                None => return Err(Error::Plan(NO_INPUTS.to_owned())).py(),
            }
        }
        let recipe = Recipe {
            plan: core,
            scores: plan.scores.clone(),
            place,
            requests,
            evidence,
            event_loop,
            labels,
            concurrency: 1,
            tick: None,
            store: None,
            notices: Notices::default(),
            metered: None,
            disagreements: Disagreements::default(),
            raised,
        };
        Ok(Self { recipe, inputs_for, metrics: None })
    }

    /// Sets the requests that are in flight together, and the time between two looks.
    pub(super) fn paced(mut self, concurrency: usize, tick: Option<Duration>) -> Self {
        self.recipe.concurrency = concurrency;
        self.recipe.tick = tick;
        self
    }

    /// Appends the observations to a file.
    pub(super) fn storing(mut self, file: Option<PathBuf>) -> Self {
        self.recipe.store = file;
        self
    }

    /// Tells these recipients of the run.
    pub(super) fn telling(mut self, recipients: Recipients) -> Self {
        self.recipe.notices = Notices::new(recipients);
        self
    }

    /// Serves metrics at an address.
    pub(super) fn metered(mut self, address: Option<String>) -> Self {
        self.metrics = address;
        self
    }

    /// The name of the place, the namespace and the `VirtualService`: one run at a time.
    pub(super) fn target(&self) -> (String, String, String) {
        let target = &self.recipe.plan.target;
        (self.recipe.place.name(), target.namespace().to_owned(), target.name().to_owned())
    }

    /// Makes the inputs that the caller left out, and listens for scrapes of the metrics.
    pub(super) async fn complete(mut self) -> Result<Recipe> {
        if let Some(address) = &self.metrics {
            self.recipe.metered = Some(Metered::at(address, &self.recipe.plan).await?);
        }
        if let Some((client, packages)) = self.inputs_for {
            let plan = &self.recipe.plan;
            let pairs = self.recipe.evidence.is_empty() && plan.needs_pairs();
            let (samples, probe) = own::inputs(&client, &packages, pairs).await?;
            let models = Models::Client(client);
            self.recipe.requests = Some(Requests { models, samples, probe });
        }
        Ok(self.recipe)
    }
}
