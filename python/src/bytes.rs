//! A Python `bytes` object that a request is written into: no second copy of what may be 60 MB.
#![allow(unsafe_code)]

use std::ffi::c_int;

use canary_core::predict::Body;
use pyo3::{exceptions::PyMemoryError, ffi, prelude::*, types::PyBytes};

use crate::provision::Provision;

unsafe extern "C" {
    /// Changes the size of a `bytes` object that has one reference: part of the stable ABI, which pyo3 does not pass on.
    fn _PyBytes_Resize(object: *mut *mut ffi::PyObject, size: ffi::Py_ssize_t) -> c_int;
}

/// The memory of a `bytes` object that nobody else has seen yet.
///
/// Invariant: `object` is null and `capacity` zero, or `object` is the only reference to a `bytes` object of `capacity`
/// bytes, of which the first `length` are written.
pub(crate) struct BytesWriter {
    object: *mut ffi::PyObject,
    capacity: usize,
    length: usize,
    /// There was no memory; nothing more is written.
    failed: bool,
    provision: Option<Provision>,
}

// SAFETY: by the invariant nobody else has the object; its count of references and its size are changed only by a
// thread that holds the interpreter (`resize`, `finish`, `drop`), and its bytes only through `&mut self`.
unsafe impl Send for BytesWriter {}

impl BytesWriter {
    pub(crate) fn new() -> Self {
        Self {
            object: std::ptr::null_mut(),
            capacity: 0,
            length: 0,
            failed: false,
            provision: None,
        }
    }

    /// Makes the object one of `capacity` bytes, not zero and not less than `length`.
    fn resize(&mut self, py: Python<'_>, capacity: usize) {
        self.provision = None;
        let Ok(size) = ffi::Py_ssize_t::try_from(capacity) else {
            self.failed = true;
            return;
        };
        // SAFETY: `py` shows that the interpreter is held. A null pointer as content leaves the bytes unwritten, which
        // is allowed as long as nobody reads them; by the invariant nobody else has the object, as `_PyBytes_Resize`
        // demands. When that fails it gives the object back and leaves null.
        unsafe {
            if self.object.is_null() {
                self.object = ffi::PyBytes_FromStringAndSize(std::ptr::null(), size);
            } else {
                _PyBytes_Resize(&raw mut self.object, size);
            }
        }
        if self.object.is_null() {
            // The exception that was raised is replaced by that of `finish`.
            _ = PyErr::take(py);
            (self.capacity, self.length, self.failed) = (0, 0, true);
            return;
        }
        if capacity > self.capacity {
            // SAFETY: the object is a `bytes` object, by the invariant.
            let start = unsafe { ffi::PyBytes_AsString(self.object) }.expose_provenance();
            self.provision = Provision::of(start + self.length..start + capacity);
        }
        self.capacity = capacity;
    }

    /// The object, of exactly the bytes that were written.
    pub(crate) fn finish(mut self, py: Python<'_>) -> PyResult<Bound<'_, PyBytes>> {
        self.provision = None;
        if self.length == 0 && !self.failed {
            return Ok(PyBytes::new(py, b""));
        }
        if !self.failed && self.length != self.capacity {
            self.resize(py, self.length);
        }
        if self.failed {
            return Err(PyMemoryError::new_err("there is no memory for the request"));
        }
        let object = std::mem::replace(&mut self.object, std::ptr::null_mut());
        // SAFETY: by the invariant it is a `bytes` object that this has the only reference to, which is handed on.
        let object = unsafe { Bound::from_owned_ptr(py, object) };
        Ok(object.cast_into()?)
    }
}

impl Drop for BytesWriter {
    fn drop(&mut self) {
        self.provision = None;
        if !self.object.is_null() {
            // SAFETY: the interpreter is held, and the reference is this one's.
            Python::attach(|_| unsafe { ffi::Py_DECREF(self.object) });
        }
    }
}

impl Body for BytesWriter {
    fn reserve(&mut self, additional: usize) {
        if self.failed || self.capacity - self.length >= additional {
            return;
        }
        let least = self.length.saturating_add(additional);
        // Twice as much at a time, so that growing costs no more than writing.
        let capacity = least.max(self.capacity.saturating_mul(2)).max(64);
        Python::attach(|py| self.resize(py, capacity));
    }

    fn append(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        if self.failed {
            return;
        }
        // SAFETY: the object has room for these bytes behind those written, as was just seen to; and they are not in
        // it, for nobody else has it.
        unsafe {
            let end = ffi::PyBytes_AsString(self.object).cast::<u8>().add(self.length);
            end.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        }
        self.length += bytes.len();
    }
}
