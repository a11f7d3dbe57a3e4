//! Where a run's objects are: a lab, or a Kubernetes cluster.

use canary_core::{evidence::Mirrored, rollout::Plan};
use canary_lab::{gateway::Mirrors, store::Store};
use pyo3::{exceptions::PyTypeError, prelude::*};

use crate::{
    cluster::{Cluster, Handle},
    lab::Lab,
};

/// Records of mirrored requests that may wait.
const MIRRORED: usize = 4_096;

/// Where the objects are.
pub(crate) enum Place {
    Lab(LabPlace),
    Cluster(Handle),
}

/// The parts of its lab that a run needs.
pub(crate) struct LabPlace {
    pub(crate) store: Store,
    mirrors: Mirrors,
    url: String,
    /// A lab that only the run knows must not close under it.
    pub(crate) open: Py<Lab>,
}

impl Place {
    /// Exactly one of the two.
    pub(crate) fn new(
        lab: Option<&Bound<'_, Lab>>,
        cluster: Option<&Bound<'_, Cluster>>,
    ) -> PyResult<Self> {
        match (lab, cluster) {
            (Some(lab), None) => lab.get().with(|inside| {
                Ok(Self::Lab(LabPlace {
                    store: inside.cluster().clone(),
                    mirrors: inside.mirrors(),
                    url: inside.gateway_url(),
                    open: lab.clone().unbind(),
                }))
            }),
            (None, Some(cluster)) => Ok(Self::Cluster(cluster.get().handle())),
            _ => Err(PyTypeError::new_err(
                "a plan runs on a lab or on a cluster: give one, as plan.run(lab) or plan.run(cluster=cluster)",
            )),
        }
    }

    /// The name that distinguishes one place from another.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Lab(lab) => lab.url.clone(),
            Self::Cluster(handle) => handle.name(),
        }
    }

    /// The place as reports name it.
    pub(crate) fn title(&self) -> String {
        match self {
            Self::Lab(lab) => format!("the lab at {}", lab.url.trim_start_matches("http://")),
            Self::Cluster(handle) => handle.title(),
        }
    }

    /// The source of pairs out of the requests that are mirrored; none on a cluster, whose models' logs are not known
    /// here.
    pub(crate) fn mirrored(&self, plan: &Plan) -> Option<impl FnOnce() -> Mirrored + use<>> {
        let Self::Lab(lab) = self else { return None };
        let (mirrors, subsets) = (lab.mirrors.clone(), plan.subsets());
        // The lab logs the requests that it mirrors, and of each what became of the copy.
        Some(move || Mirrored::new("mirror", mirrors.log(subsets, MIRRORED)).all_mirrored().live())
    }
}
