//! Runs as a page.

use canary_core::rollout::report::Report;
use canary_python_macros::binding;
use pyo3::{exceptions::PyTypeError, prelude::*};

use super::{class::Run, disagreements::add};
use crate::convert::file::File;

/// Writes several runs as one page, in the order given.
#[binding]
#[pyfunction]
#[pyo3(signature = (path, runs, *, title = "Canary releases"))]
pub(crate) fn report(
    py: Python<'_>,
    path: File,
    runs: &Bound<'_, PyAny>,
    title: &str,
) -> PyResult<()> {
    let mut page = Report::new(title);
    let items = if runs.hasattr("items")? { runs.call_method0("items")? } else { runs.clone() };
    for item in items.try_iter()? {
        let (name, run): (String, Bound<'_, PyAny>) = item?
            .extract()
            .map_err(|_| PyTypeError::new_err("runs is a dict, or a list of (title, run)"))?;
        page = add(py, page, &run.cast::<Run>()?.get().drive, &name)?;
    }
    path.write(&page.to_html())
}
