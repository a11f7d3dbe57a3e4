//! Pickles of answers: their outputs as arrays, and how they came.

use std::time::Duration;

use canary_core::predict::{self, AnswerParts};
use pyo3::{
    prelude::*,
    types::{PyBytes, PyString},
};

use crate::{array, error::IntoPy};

/// The subset, the seconds that the answer took, the times that the request was sent, why it was sent again, and the version
/// of the model.
pub(super) type Trace = (Option<String>, f64, u32, Vec<String>, Option<String>);

/// An output with its name.
pub(super) type Item<'py> = (Bound<'py, PyString>, Bound<'py, PyAny>);

/// The parts of a pickled answer.
pub(super) type Parts<'py> = (
    Vec<Item<'py>>,
    Bound<'py, PyBytes>,
    Vec<(String, Bound<'py, PyBytes>)>,
    Trace,
    Option<Bound<'py, PyBytes>>,
);

/// The parts of an answer. Headers with credentials, such as `set-cookie`, are not among them.
pub(super) fn take_apart<'py>(
    py: Python<'py>,
    core: &predict::Answer,
    outputs: Vec<Item<'py>>,
    image: Option<&[u8]>,
) -> Parts<'py> {
    let headers = core.headers().iter().filter(|(name, _)| !predict::is_credential(name.as_str()));
    let subset = core.subset().map(str::to_owned);
    let version = core.version().map(str::to_owned);
    (
        outputs,
        PyBytes::new(py, core.raw()),
        headers
            .map(|(name, value)| (name.to_string(), PyBytes::new(py, value.as_bytes())))
            .collect(),
        (subset, core.elapsed().as_secs_f64(), core.attempts(), core.repeated().to_vec(), version),
        image.map(|image| PyBytes::new(py, image)),
    )
}

/// The answer of these parts, without its image.
pub(super) fn put_together(
    outputs: Vec<(String, Bound<'_, PyAny>)>,
    body: Vec<u8>,
    headers: Vec<(String, Vec<u8>)>,
    (subset, elapsed, attempts, repeated, version): Trace,
) -> PyResult<predict::Answer> {
    let tensor = |(name, array): (String, Bound<'_, PyAny>)| Ok((name, array::to_tensor(&array)?));
    let parts = AnswerParts {
        outputs: outputs.into_iter().map(tensor).collect::<PyResult<_>>()?,
        body,
        headers,
        subset,
        version,
        elapsed: Duration::try_from_secs_f64(elapsed).unwrap_or_default(),
        attempts,
        repeated,
    };
    predict::Answer::from_parts(parts).py()
}
