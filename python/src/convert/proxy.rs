//! The proxy of a client, of a Prometheus and of a copy.

use canary_core::serving::store;
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
};

/// The proxy as Python names it. It has no `Debug`: its URL may hold a password.
#[derive(Clone, Default, PartialEq)]
pub(crate) enum Proxy {
    /// `None`: the environment's.
    #[default]
    Environment,
    /// `False`: none.
    Direct,
    /// The URL of one.
    At(String),
}

impl Proxy {
    pub(crate) fn new(given: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let Some(given) = given else { return Ok(Self::Environment) };
        if given.extract::<bool>().is_ok_and(|used| !used) {
            return Ok(Self::Direct);
        }
        let Ok(url) = given.extract::<String>() else {
            let text = "proxy is the URL of one, False for none, or None for the environment's";
            return Err(PyTypeError::new_err(text));
        };
        store::Proxy::at(&url).map_err(|error| PyValueError::new_err(error.to_string()))?;
        Ok(Self::At(url))
    }

    /// Returns `true` when the URL names a user, whose password must not be stored.
    pub(crate) fn holds_password(&self) -> bool {
        matches!(self, Self::At(url) if url.contains('@'))
    }

    /// The argument of which it was made.
    pub(crate) fn argument<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(match self {
            Self::Environment => py.None().into_bound(py),
            Self::Direct => false.into_pyobject(py)?.to_owned().into_any(),
            Self::At(url) => url.into_pyobject(py)?.into_any(),
        })
    }
}
