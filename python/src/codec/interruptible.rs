//! Requests whose writing can be interrupted.

use canary_core::predict::{Body, Input};
use pyo3::{prelude::*, types::PyBytes};

use crate::{door, error::IntoPy, input::Borrowed};

/// A body whose writing can be interrupted; it is then dropped.
pub(super) struct Interruptible<'a> {
    body: &'a mut Vec<u8>,
    go_on: &'a dyn Fn() -> bool,
    /// The bytes until the next check.
    left: usize,
    ended: bool,
}

impl Interruptible<'_> {
    /// About a hundred microseconds of writing.
    const STRIDE: usize = 64 << 10;
}

impl Body for Interruptible<'_> {
    fn reserve(&mut self, additional: usize) {
        Body::reserve(self.body, additional);
    }

    #[inline]
    fn append(&mut self, bytes: &[u8]) {
        if self.left < bytes.len() {
            self.left = Self::STRIDE;
            self.ended = self.ended || !(self.go_on)();
        }
        self.left = self.left.saturating_sub(bytes.len());
        self.body.extend_from_slice(bytes);
    }

    fn is_abandoned(&self) -> bool {
        self.ended
    }
}

/// The bytes that `write` writes of an input, until Ctrl-C.
pub(super) fn write_interruptibly<'py>(
    py: Python<'py>,
    input: &Bound<'py, PyAny>,
    write: impl Fn(&mut Interruptible<'_>, &Input<'_>) -> canary_core::serving::Result<()> + Send + Sync,
) -> PyResult<Bound<'py, PyBytes>> {
    let borrowed = Borrowed::read(input)?;
    let input = borrowed.input()?;
    let mut body = Vec::new();
    let writing = |go_on: &dyn Fn() -> bool| {
        let left = Interruptible::STRIDE;
        write(&mut Interruptible { body: &mut body, go_on, left, ended: false }, &input)
    };
    door::compute(py, writing)?.py()?;
    Ok(PyBytes::new(py, &body))
}
