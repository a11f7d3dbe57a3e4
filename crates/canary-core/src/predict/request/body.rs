//! What a request is written to.

/// Memory at whose end a request is written: a `Vec<u8>`, or memory of another owner such as Python's.
pub trait Body {
    /// Makes room for about as many bytes as follow. A body that cannot know its size grows as it is written.
    fn reserve(&mut self, additional: usize);

    /// Writes bytes to the end.
    fn append(&mut self, bytes: &[u8]);
}

impl Body for Vec<u8> {
    fn reserve(&mut self, additional: usize) {
        self.reserve(additional);
    }

    #[inline]
    fn append(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}
