//! Runs as a page.

use canary_core::rollout::report::Report;
use canary_python_macros::binding;
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
};

use super::{
    class::Run,
    disagreements::{add, compared},
};
use crate::convert::{file::File, given::kind};

/// Writes several runs as one page, in the order given, and below them the comparison of each later one with the first.
#[binding]
#[pyfunction]
#[pyo3(signature = (path, runs, *, title = "Canary releases", compare = false))]
pub(crate) fn report(
    py: Python<'_>,
    path: File,
    runs: &Bound<'_, PyAny>,
    title: &str,
    compare: bool,
) -> PyResult<()> {
    let mut page = Report::new(title);
    let items = if runs.hasattr("items")? { runs.call_method0("items")? } else { runs.clone() };
    let mut named: Vec<(String, Py<Run>)> = Vec::new();
    let wrong = |found: &Bound<'_, PyAny>| {
        PyTypeError::new_err(format!(
            "runs is {}; give a dict from each title to its Run, or a list of (title, run)",
            kind(found)
        ))
    };
    for item in items.try_iter().map_err(|_| wrong(runs))? {
        let (name, run): (String, Bound<'_, PyAny>) = item?.extract().map_err(|_| wrong(runs))?;
        let run = run.cast_into::<Run>().map_err(|_| wrong(runs))?;
        page = add(py, page, &run.get().drive, &name)?;
        named.push((name, run.unbind()));
    }
    if compare {
        let [(first, run), others @ ..] = &named[..] else {
            return Err(PyValueError::new_err("compare=True needs two runs or more; runs is empty"));
        };
        if others.is_empty() {
            return Err(PyValueError::new_err(format!(
                "compare=True needs two runs or more; runs has {first:?} alone"
            )));
        }
        for (name, other) in others {
            page = compared(page, (first, &run.get().drive), (name, &other.get().drive));
        }
    }
    path.write(&page.to_html())
}
