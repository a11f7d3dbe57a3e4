//! Values that are given by name.

use canary_core::predict::{Encoding, Form, Protocol};
use pyo3::{exceptions::PyValueError, prelude::*};

/// The value of that name out of those that there are.
pub(crate) fn choose<T: Clone>(what: &str, found: &str, known: &[(&str, T)]) -> PyResult<T> {
    known.iter().find(|(name, _)| *name == found).map(|(_, value)| value.clone()).ok_or_else(|| {
        let names: Vec<_> = known.iter().map(|(name, _)| format!("{name:?}")).collect();
        PyValueError::new_err(format!("{what} is {found:?}; choose one of {}", names.join(", ")))
    })
}

/// The same for two values, with the words for two.
pub(crate) fn either<T>(
    what: &str,
    found: &str,
    verb: &str,
    [one, other]: [(&str, T); 2],
) -> PyResult<T> {
    match found {
        _ if found == one.0 => Ok(one.1),
        _ if found == other.0 => Ok(other.1),
        _ => Err(PyValueError::new_err(format!(
            "{what} is {found:?}; {verb} {:?} or {:?}",
            one.0, other.0
        ))),
    }
}

/// The form of a REST predict request.
pub(crate) fn form(name: &str) -> PyResult<Form> {
    either("form", name, "choose", [("row", Form::Row), ("column", Form::Column)])
}

/// The protocol of a model server.
pub(crate) fn protocol(name: &str) -> PyResult<Protocol> {
    choose("protocol", name, &Protocol::ALL.map(|known| (known.as_str(), known)))
}

/// The form of arrays in requests of the Open Inference Protocol.
pub(crate) fn encoding(name: &str) -> PyResult<Encoding> {
    choose("encoding", name, &Encoding::ALL.map(|known| (known.as_str(), known)))
}
