//! The counts of a lab's gateway.

use canary_lab::Lab;
use pyo3::{
    prelude::*,
    types::{PyBytes, PyDict},
};

/// A row for each series of requests.
pub(super) fn rows<'py>(py: Python<'py>, lab: &Lab) -> PyResult<Vec<Bound<'py, PyDict>>> {
    let counts = lab.metrics().counts();
    counts
        .iter()
        .map(|(series, count)| {
            let row = PyDict::new(py);
            row.set_item("service", &series.service)?;
            row.set_item("subset", &series.subset)?;
            row.set_item("workload", &series.workload)?;
            row.set_item("version", &series.version)?;
            row.set_item("code", series.code)?;
            row.set_item("flags", &series.flags)?;
            row.set_item("divided", series.divided)?;
            row.set_item("requests", count.requests)?;
            row.set_item("seconds", count.total.as_secs_f64())?;
            Ok(row)
        })
        .collect()
}

/// The last answers after that number: number, path, subset, status, seconds, classes, and the file.
pub(super) fn recent<'py>(
    py: Python<'py>,
    lab: &Lab,
    after: u64,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let row = |one: &canary_lab::gateway::Exchange| {
        let file: Option<Vec<u8>> = one.file();
        let file = file.map(|file| PyBytes::new(py, &file));
        let seconds = one.took.as_secs_f64();
        let fields = (one.number, &one.path, &one.subset, one.status, seconds, one.top(), file);
        Ok(fields.into_pyobject(py)?.into_any())
    };
    lab.recent(after).iter().map(row).collect()
}
