//! `canary.copy_model`: a SavedModel from one place to another.

use std::sync::{Arc, Mutex, PoisonError};

use canary_core::serving::store::{CopyModel, Location, Progress};
use futures_util::future::{Either, select};
use pyo3::prelude::*;
use tokio::sync::Notify;

use crate::{door, error::IntoPy, json};

/// A path as text: what `os.fspath` gives for a path, and a URL as it is.
fn location(value: &Bound<'_, PyAny>) -> PyResult<Location> {
    if let Ok(text) = value.extract::<String>() {
        return Location::parse(&text).py();
    }
    Ok(Location::folder(value.extract::<std::path::PathBuf>()?))
}

#[pyfunction]
#[pyo3(signature = (source, target, *, progress = None, concurrency = 4, read_back = true))]
pub(crate) fn copy_model<'py>(
    py: Python<'py>,
    source: &Bound<'py, PyAny>,
    target: &Bound<'py, PyAny>,
    progress: Option<Py<PyAny>>,
    concurrency: usize,
    read_back: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let mut copy = CopyModel::new(location(source)?, location(target)?).concurrency(concurrency);
    if !read_back {
        copy = copy.without_read_back();
    }
    let raised: Arc<Mutex<Option<PyErr>>> = Arc::default();
    let stop = Arc::new(Notify::new());
    if let Some(progress) = progress {
        let (raised, stop) = (Arc::clone(&raised), Arc::clone(&stop));
        copy = copy.on_progress(move |at: &Progress| {
            let told = Python::attach(|py| {
                progress.call1(py, (at.file.as_str(), at.bytes, at.total_bytes)).map(drop)
            });
            if let Err(error) = told {
                raised.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                stop.notify_one();
            }
        });
    }
    let copied = door::block_on(py, async {
        // What the callback raises ends the copy where it is.
        match select(Box::pin(copy.run()), Box::pin(stop.notified())).await {
            Either::Left((copied, _)) => copied.map(Some),
            Either::Right(_) => Ok(None),
        }
    })?;
    let raised = raised.lock().unwrap_or_else(PoisonError::into_inner).take();
    match (raised, copied) {
        (Some(error), _) => Err(error),
        (None, copied) => json::to_python(py, &json::value(&copied)?),
    }
}
