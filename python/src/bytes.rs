//! A Python `bytes` object that a request is written into: no second copy of what may be 60 MB.
#![allow(unsafe_code)]

use canary_core::predict::Body;
use std::ffi::c_int;

use pyo3::{exceptions::PyMemoryError, ffi, prelude::*, types::PyBytes};

unsafe extern "C" {
    /// Changes the size of a `bytes` object that has one reference: part of the stable ABI, which pyo3 does not pass on.
    fn _PyBytes_Resize(object: *mut *mut ffi::PyObject, size: ffi::Py_ssize_t) -> c_int;
}

/// The memory of a `bytes` object that nobody else has seen yet.
///
/// Invariant: `object` is null and `capacity` zero, or `object` is the only reference to a `bytes` object of `capacity`
/// bytes, of which the first `length` are written.
pub(crate) struct BytesWriter<'py> {
    py: Python<'py>,
    object: *mut ffi::PyObject,
    capacity: usize,
    length: usize,
    /// There was no memory; nothing more is written.
    failed: bool,
}

impl<'py> BytesWriter<'py> {
    pub(crate) fn new(py: Python<'py>) -> Self {
        Self { py, object: std::ptr::null_mut(), capacity: 0, length: 0, failed: false }
    }

    /// Makes the object one of `capacity` bytes, not zero and not less than `length`.
    fn resize(&mut self, capacity: usize) {
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
            _ = PyErr::take(self.py);
            (self.capacity, self.length, self.failed) = (0, 0, true);
            return;
        }
        if capacity > self.capacity {
            self.advise(capacity);
        }
        self.capacity = capacity;
    }

    /// Asks for large pages: a batch of images otherwise costs a fault for each 4 kB of it.
    #[cfg(target_os = "linux")]
    fn advise(&self, capacity: usize) {
        const LARGE: usize = 8 << 20;
        const PAGE: usize = 4096;
        if capacity < LARGE {
            return;
        }
        // SAFETY: the object is a `bytes` object, by the invariant.
        let start = unsafe { ffi::PyBytes_AsString(self.object) };
        let before = start.align_offset(PAGE);
        if before >= PAGE {
            return;
        }
        // SAFETY: the pages from the first whole one on lie within the object, which has `capacity` bytes. The advice
        // changes how memory is provided and not what it holds; that it may be refused does not matter.
        unsafe {
            let length = (capacity - before) / PAGE * PAGE;
            libc::madvise(start.add(before).cast(), length, libc::MADV_HUGEPAGE);
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn advise(&self, _: usize) {}

    /// The object, of exactly the bytes that were written.
    pub(crate) fn finish(mut self) -> PyResult<Bound<'py, PyBytes>> {
        if self.length == 0 && !self.failed {
            return Ok(PyBytes::new(self.py, b""));
        }
        if !self.failed && self.length != self.capacity {
            self.resize(self.length);
        }
        if self.failed {
            return Err(PyMemoryError::new_err("there is no memory for the request"));
        }
        let object = std::mem::replace(&mut self.object, std::ptr::null_mut());
        // SAFETY: by the invariant it is a `bytes` object that this has the only reference to, which is handed on.
        let object = unsafe { Bound::from_owned_ptr(self.py, object) };
        Ok(object.cast_into()?)
    }
}

impl Drop for BytesWriter<'_> {
    fn drop(&mut self) {
        // SAFETY: `py` shows that the interpreter is held, and the reference is this one's; null is allowed.
        unsafe { ffi::Py_XDECREF(self.object) };
    }
}

impl Body for BytesWriter<'_> {
    fn reserve(&mut self, additional: usize) {
        if self.failed || self.capacity - self.length >= additional {
            return;
        }
        let least = self.length.saturating_add(additional);
        // Twice as much at a time, so that growing costs no more than writing.
        self.resize(least.max(self.capacity.saturating_mul(2)).max(64));
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
