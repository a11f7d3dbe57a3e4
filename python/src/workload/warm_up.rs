//! `canary.encode_warm_up`.

use canary_core::serving::write_warm_up;
use canary_python_macros::binding;
use pyo3::{prelude::*, types::PyBytes};

use crate::{error::IntoPy, input::Borrowed};

/// The file with which TensorFlow Serving warms a version up.
#[binding]
#[pyfunction]
#[pyo3(signature = (inputs, *, model, signature = None))]
pub(crate) fn encode_warm_up<'py>(
    py: Python<'py>,
    inputs: &Bound<'py, PyAny>,
    model: &str,
    signature: Option<&str>,
) -> PyResult<Bound<'py, PyBytes>> {
    let borrowed = inputs
        .try_iter()?
        .map(|input| {
            py.check_signals()?;
            Borrowed::read(&input?)
        })
        .collect::<PyResult<Vec<_>>>()?;
    let inputs = borrowed.iter().map(Borrowed::input).collect::<PyResult<Vec<_>>>()?;
    let file = write_warm_up(model, signature.unwrap_or_default(), inputs).py()?;
    Ok(PyBytes::new(py, &file))
}
