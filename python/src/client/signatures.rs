//! The signatures of a model.

use std::collections::BTreeMap;

use canary_core::predict::{Metadata, TensorInfo};
use pyo3::{
    prelude::*,
    types::{PyDict, PyTuple},
};

/// The signatures with their inputs and outputs, which are texts such as `DT_FLOAT[?, 224, 224, 3]`.
pub(super) struct Signatures(pub(super) Metadata);

impl<'py> IntoPyObject<'py> for Signatures {
    type Target = PyDict;
    type Output = Bound<'py, PyDict>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        let class = py.import("canary._tensor_info")?.getattr("TensorInfo")?;
        let infos = |infos: &BTreeMap<String, TensorInfo>| {
            let all = PyDict::new(py);
            for (name, info) in infos {
                let shape = info.shape.as_ref().map(|shape| PyTuple::new(py, shape)).transpose()?;
                all.set_item(name, class.call1((info.to_string(), &info.dtype_name, shape))?)?;
            }
            PyResult::Ok(all)
        };
        let all = PyDict::new(py);
        for (name, signature) in &self.0.signatures {
            let parts = PyDict::new(py);
            parts.set_item("method", &signature.method)?;
            parts.set_item("inputs", infos(&signature.inputs)?)?;
            parts.set_item("outputs", infos(&signature.outputs)?)?;
            all.set_item(name, parts)?;
        }
        Ok(all)
    }
}
