//! The runs of this process.

use std::{
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use canary_core::rollout::Result;
use pyo3::prelude::*;

use super::{
    draft::Draft,
    drive::{AT_THE_END, Drive},
    feed, notify,
    raised::lock,
    view,
};
use crate::{door, lab::RUNS};

/// The longest time that the end of the interpreter waits for the states to be stored: nothing runs after it.
const AT_EXIT: Duration = Duration::from_secs(2);

/// The runs of this process that somebody holds.
static LIVE: Mutex<Vec<Weak<Drive>>> = Mutex::new(Vec::new());

fn live() -> Vec<Arc<Drive>> {
    let mut live = lock(&LIVE);
    live.retain(|drive| drive.strong_count() > 0);
    live.iter().filter_map(Weak::upgrade).collect()
}

/// Begins, after the runs of this process on the same object that nobody polls are suspended: a cell that was
/// interrupted and runs again must not be refused because of the run that it left behind.
pub(super) async fn begin(draft: Draft, anew: bool) -> Result<Arc<Drive>> {
    let target = draft.target();
    for other in live().into_iter().filter(|other| other.target == target && other.is_idle()) {
        let suspended = tokio::spawn(other.suspend());
        let _ = tokio::time::timeout(AT_THE_END, suspended).await;
    }
    let drive = Arc::new(Drive::new(target, draft.complete().await?, anew));
    drive.start().await?;
    lock(&LIVE).push(Arc::downgrade(&drive));
    Ok(drive)
}

/// The views of the runs at a gateway that somebody holds.
fn views_at<'py>(py: Python<'py>, gateway: &str) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let here = live().into_iter().filter(|drive| drive.target.0 == gateway);
    here.map(|drive| view::of(py, &drive)).collect()
}

/// Stores the runs that are not over when the interpreter ends, ends the reading of their inputs, and sends the notices
/// that wait.
#[pyfunction]
fn suspend_all(py: Python<'_>) {
    feed::close_all(py, AT_EXIT);
    let Ok(runtime) = door::runtime() else { return };
    let tasks: Vec<_> = live().into_iter().map(|drive| runtime.spawn(drive.suspend())).collect();
    let all = futures_util::future::join_all(tasks);
    py.detach(|| {
        runtime.block_on(async {
            let _ = tokio::time::timeout(AT_EXIT, all).await;
            let notices = futures_util::future::join_all(notify::flushing());
            let _ = tokio::time::timeout(notify::FLUSH, notices).await;
        });
    });
}

/// Has [`suspend_all`] called at the end, once.
pub(super) fn store_at_exit(py: Python<'_>) -> PyResult<()> {
    static DONE: AtomicBool = AtomicBool::new(false);
    // The threads behind the door come first: they end last.
    door::runtime()?;
    let _ = RUNS.set(views_at);
    if !DONE.swap(true, Ordering::Relaxed) {
        door::at_exit(py, &pyo3::wrap_pyfunction!(suspend_all, py)?)?;
    }
    Ok(())
}
