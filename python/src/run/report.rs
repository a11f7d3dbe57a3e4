//! Runs as a page.

use canary_core::rollout::report::Report;
use canary_python_macros::binding;
use pyo3::{exceptions::PyTypeError, prelude::*};

use super::{class::Run, disagreements::add};
use crate::convert::{file::File, given::kind};

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
    let wrong = |found: &Bound<'_, PyAny>| {
        PyTypeError::new_err(format!(
            "runs is {}; give a dict from each title to its Run, or a list of (title, run)",
            kind(found)
        ))
    };
    for item in items.try_iter().map_err(|_| wrong(runs))? {
        let (name, run): (String, Bound<'_, PyAny>) = item?.extract().map_err(|_| wrong(runs))?;
        let run = run.cast::<Run>().map_err(|_| wrong(runs))?;
        page = add(py, page, &run.get().drive, &name)?;
    }
    path.write(&page.to_html())
}
