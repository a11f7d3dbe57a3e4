//! `canary.Progress`.

use canary_core::{
    cluster::{Progress as Core, Snapshot},
    rollout::{CommandOutcome, ScaleDown},
};
use canary_python_macros::binding;
use pyo3::prelude::*;
use serde::{Deserialize, Serialize};

use super::{reading, verdict::Verdict};
use crate::{convert::percent::Number, macros::pymethods};

/// Something that a run did or saw.
#[binding]
#[pyclass(frozen, eq, module = "canary")]
#[derive(PartialEq, Deserialize, Serialize)]
#[serde(transparent)]
pub(crate) struct Progress {
    pub(crate) core: Core,
}

impl Progress {
    fn snapshot(&self) -> Option<&Snapshot> {
        match &self.core {
            Core::Seen(snapshot) => Some(snapshot),
            _ => None,
        }
    }
}

pymethods! {
    Progress [value, dict, card(render_value)]
    get |progress| {
        kind: &'static str = progress.core.name();
        step: Option<usize> = match &progress.core {
            Core::Started { step, .. }
            | Core::Written { step, .. }
            | Core::Suspended { step, .. }
            | Core::AwaitingApproval { step, .. }
            | Core::ApprovalOverdue { step, .. } => Some(*step),
            Core::Seen(snapshot) => Some(snapshot.step),
            _ => None,
        };
        weight: Option<Number> = match &progress.core {
            Core::Written { split, .. } => Some(Number(split.canary)),
            Core::Seen(Snapshot { split, .. }) | Core::Suspended { split, .. } => split.map(|split| Number(split.canary)),
            _ => None,
        };
        requests: Option<u64> = progress.snapshot().map(|snapshot| snapshot.requests);
        canary: Option<u64> = progress.snapshot().map(|snapshot| snapshot.canary);
        pairs: Option<u64> = progress.snapshot().map(|snapshot| snapshot.pairs);
        awaiting_labels: Option<u64> = progress.snapshot().map(|snapshot| snapshot.awaiting_labels);
        verdict: Option<Verdict> = match &progress.core {
            Core::Finished { verdict, stored } => Some(Verdict { core: verdict.clone(), stored: *stored }),
            _ => None,
        };
        anew: Option<&str> = match &progress.core {
            Core::Started { anew, .. } => anew.as_deref(),
            _ => None,
        };
        source: Option<&str> = match &progress.core {
            Core::SourceQuiet { source, .. } | Core::SourceEnded { source, .. } => Some(source),
            _ => None,
        };
        problem: Option<&str> = match &progress.core {
            Core::Inspected { problem } | Core::Probed { problem } => problem.as_deref(),
            Core::Waiting { problem, .. } => Some(problem),
            Core::SourceEnded { error, .. } => error.as_deref(),
            Core::ScaledDown { outcome: ScaleDown::Left { why } } => Some(why),
            Core::Commanded(record) => match &record.outcome {
                CommandOutcome::Refused(why) => Some(why),
                _ => None,
            },
            _ => None,
        };
    }
    make |progress, py| {
        readings: PyResult<Bound<'py, PyAny>> =
            reading::records(py, progress.snapshot().map_or(&[], |snapshot| &snapshot.readings));
    }
    methods {
        fn __str__(&self) -> String {
            self.core.to_string()
        }

        fn __repr__(&self) -> String {
            format!("Progress({})", self.core)
        }
    }
}
