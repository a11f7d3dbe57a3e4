//! The parts of a run's driver, so that it can be created again after a pause.

use std::{fs::OpenOptions, io::BufWriter, path::PathBuf, time::Duration};

use canary_core::{
    cluster::{self, Cluster, Control, Rollout},
    evidence::{Disagreements, Sample, Uses},
    metrics::{Measured, RunMetrics},
    rollout::{Error, Plan, Result},
    serving::ConfiguredServers,
};
use pyo3::prelude::*;

use super::{
    evidence::Evidence, labels::Labels, metered::Metered, models::Models, notify::Notices,
    observed::EventLoop, place::Place, raised::Raised, samples::Samples, score::own_scores,
};
use crate::{lab::Lab, rollout::scores::Scores};

/// The place of the objects, the requests to the models, and their inputs.
pub(crate) struct Recipe {
    pub(crate) plan: Plan,
    pub(super) scores: Scores,
    pub(crate) place: Place,
    /// The requests to the models; none where all that is needed is counted elsewhere.
    pub(super) requests: Option<Requests>,
    pub(super) evidence: Vec<Evidence>,
    pub(super) event_loop: EventLoop,
    pub(super) labels: Option<Labels>,
    pub(super) concurrency: usize,
    pub(super) tick: Option<Duration>,
    /// The file to which the observations are appended.
    pub(super) store: Option<PathBuf>,
    pub(crate) notices: Notices,
    /// The metrics of the run, where they are served.
    pub(super) metered: Option<Metered>,
    pub(crate) disagreements: Disagreements,
    pub(crate) raised: Raised,
}

/// The requests to the models, and their inputs.
pub(super) struct Requests {
    pub(super) models: Models,
    pub(super) samples: Samples,
    pub(super) probe: Sample,
}

impl Recipe {
    /// The lab that the run is on, if it is on one.
    pub(crate) fn lab(&self, py: Python<'_>) -> Option<Py<Lab>> {
        match &self.place {
            Place::Lab(lab) => Some(lab.open.clone_ref(py)),
            Place::Cluster(_) => None,
        }
    }

    /// Takes no more inputs and observations.
    pub(crate) fn close(&self) {
        if let Some(requests) = &self.requests {
            requests.samples.close();
        }
        if let Some(labels) = &self.labels {
            labels.close();
        }
        for one in &self.evidence {
            if let Evidence::Observed(observed) = one {
                observed.close();
            }
        }
    }

    /// Begins, or resumes the stored run; the inputs are taken where the last driver has stopped.
    pub(crate) async fn start(&self, anew: bool) -> Result<(cluster::Run, Control)> {
        match &self.place {
            Place::Lab(lab) => self.drive(lab.store.clone(), anew).await,
            Place::Cluster(handle) => self.drive(handle.open().await?, anew).await,
        }
    }

    async fn drive<C: Cluster + Clone + 'static>(
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
            rollout = match one.clone() {
                Evidence::Counted(prometheus) => rollout.counted(*prometheus),
                Evidence::Observed(observed) => rollout.counted(observed),
            };
        }
        if let Some(Requests { models, samples, probe }) = &self.requests {
            if let (Some(_), Models::Client(client)) = (self.plan.target.version_labels(), models) {
                rollout = rollout.model_servers(ConfiguredServers::like(client));
            }
            let models = Measured::new(models.clone(), self.metrics());
            rollout = rollout.requests(models, probe.clone(), samples.clone());
        }
        if let Some(mirrored) = self.place.mirrored(&self.plan) {
            rollout = rollout.mirrored(mirrored);
        }
        let requests = Uses::of(&self.plan).are_scored()
            && self.evidence.iter().any(|one| matches!(one, Evidence::Observed(_)));
        for (name, score) in own_scores(&self.plan, &self.scores, &self.raised, requests) {
            rollout = rollout.score(name, score);
        }
        if let Some(labels) = &self.labels {
            rollout = rollout.labels(labels.clone());
        }
        if let Some(path) = &self.store {
            let file =
                OpenOptions::new().create(true).append(true).open(path).map_err(|error| {
                    Error::Plan(format!(
                        "the observations cannot be stored in {}: {error}",
                        path.display()
                    ))
                })?;
            rollout = rollout.store(BufWriter::new(file));
        }
        self.notices.begin(&self.plan, cluster.clone())?;
        // Boxed: it is large.
        Box::pin(rollout.on(Measured::new(cluster, self.metrics()))?.start()).await
    }

    /// The metrics of the run, where they are served.
    pub(super) fn metrics(&self) -> Option<RunMetrics> {
        self.metered.as_ref().map(|metered| metered.run.clone())
    }
}
