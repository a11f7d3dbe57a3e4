//! Inputs that are read where they lie.

use canary_core::predict::{Input, Value};
use numpy::PyUntypedArray;
use pyo3::{prelude::*, types::PyBytes};

use super::value::{by_name, one};
use crate::array;

/// Inputs of which bytes and arrays are read where they lie, for work that ends before its caller continues.
pub(crate) struct Borrowed<'py>(Vec<(String, BorrowedValue<'py>)>);

enum BorrowedValue<'py> {
    Bytes(Bound<'py, PyBytes>),
    Array(array::Array<'py>),
    Owned(Value<'static>),
}

impl<'py> Borrowed<'py> {
    pub(crate) fn read(value: &Bound<'py, PyAny>) -> PyResult<Self> {
        by_name(value, BorrowedValue::read).map(Self)
    }

    pub(crate) fn input(&self) -> PyResult<Input<'_>> {
        let values = self.0.iter().map(|(name, value)| Ok((name.as_str(), value.value()?)));
        Ok(Input::named(values.collect::<PyResult<Vec<_>>>()?))
    }
}

impl<'py> BorrowedValue<'py> {
    fn read(value: &Bound<'py, PyAny>) -> PyResult<Self> {
        if let Ok(bytes) = value.cast::<PyBytes>() {
            return Ok(Self::Bytes(bytes.clone()));
        }
        if value.is_instance_of::<PyUntypedArray>() {
            return array::read(value).map(Self::Array);
        }
        one(value).map(Self::Owned)
    }

    fn value(&self) -> PyResult<Value<'_>> {
        Ok(match self {
            Self::Bytes(bytes) => bytes.as_bytes().into(),
            Self::Array(array) => array.view()?.into(),
            Self::Owned(value) => value.into(),
        })
    }
}
