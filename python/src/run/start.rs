//! The beginning of a run.

use canary_core::rollout::Result;
use pyo3::prelude::*;

use super::{
    class::Run,
    draft::{Arguments, Draft},
    live,
    models::Models,
    notify::Notify,
    place::Place,
};
use crate::{cluster::Cluster, convert::time::Seconds, lab::Lab, rollout::plan::Plan};

/// A run that has not begun.
pub(crate) struct Start {
    draft: Draft,
    viewer: Option<Py<PyAny>>,
}

impl Start {
    /// The run of a plan on a lab or on a cluster.
    pub(crate) fn new<'py>(
        py: Python<'py>,
        plan: &Plan,
        (lab, cluster): (Option<&Bound<'py, Lab>>, Option<&Bound<'py, Cluster>>),
        client: Option<&Bound<'py, PyAny>>,
        inputs: Option<&Bound<'py, PyAny>>,
        evidence: Option<&Bound<'py, PyAny>>,
        labels: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Self> {
        let place = Place::new(lab, cluster)?;
        live::store_at_exit(py)?;
        let client = client.map(Models::read).transpose()?;
        let draft =
            Draft::new(py, plan, place, &Arguments { lab, client, inputs, evidence, labels })?;
        Ok(Self { draft, viewer: None })
    }

    /// Sets the requests that are in flight together, and the time between two looks.
    pub(crate) fn paced(self, concurrency: usize, tick: Option<Seconds>) -> Self {
        let tick = tick.map(Into::into);
        Self { draft: self.draft.paced(concurrency, tick), ..self }
    }

    /// Appends the observations to a file.
    pub(crate) fn storing(self, file: Option<std::path::PathBuf>) -> Self {
        Self { draft: self.draft.storing(file), ..self }
    }

    /// Tells others of the run.
    pub(crate) fn telling(self, notify: Notify<'_, '_>) -> PyResult<Self> {
        Ok(Self { draft: self.draft.telling(notify.read()?), ..self })
    }

    /// Serves metrics at an address.
    pub(crate) fn metered(self, address: Option<String>) -> Self {
        Self { draft: self.draft.metered(address), ..self }
    }

    /// Shows the run while it lasts.
    pub(crate) fn viewed(
        mut self,
        py: Python<'_>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        if let Some(progress) = progress {
            let viewer = py.import("canary._live")?.call_method1("viewer", (progress,))?;
            self.viewer = (!viewer.is_none()).then(|| viewer.unbind());
        }
        Ok(self)
    }

    /// Takes the lock, reads the objects and begins, or resumes a stored run.
    pub(crate) async fn begin(self, anew: bool) -> Result<Run> {
        Ok(Run::new(Box::pin(live::begin(self.draft, anew)).await?, self.viewer))
    }
}
