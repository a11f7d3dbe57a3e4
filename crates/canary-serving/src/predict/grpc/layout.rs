//! A `PredictRequest` laid out: what stands around its arrays is written, the arrays are only given their places.

use std::borrow::Cow;

use prost::encoding::{encode_varint, encoded_len_varint};

use super::tensor::code_of;
use crate::{
    error::Result,
    predict::{input::bad_input, request::Body},
    tensor::DType,
};

/// The wire type of what has a length in front of it.
const LENGTH: u8 = 2;
/// Parts below this are copied: a place of their own costs more.
const SMALL: usize = 2048;
/// protobuf's own limit for one message.
const MAX: usize = i32::MAX as usize;

/// The elements of one input, as they stand in its `TensorProto`.
#[derive(Debug)]
pub(super) enum Content<P> {
    /// `tensor_content`: numbers one after the other, little-endian.
    Array(P),
    /// `string_val`.
    Strings(Vec<P>),
}

/// One of the `inputs`.
#[derive(Debug)]
pub(super) struct Entry<'a, P> {
    pub(super) name: Cow<'a, str>,
    pub(super) dtype: DType,
    pub(super) shape: Cow<'a, [usize]>,
    pub(super) content: Content<P>,
}

/// A message whose large parts lie elsewhere.
#[derive(Debug)]
pub(super) struct Layout<P> {
    /// All of it but the large parts.
    pub(super) small: Vec<u8>,
    /// The large parts in their order, each with the number of bytes of `small` in front of it.
    pub(super) large: Vec<(usize, P)>,
}

fn key(field: u8, wire_type: u8) -> u8 {
    field << 3 | wire_type
}

/// The size of a field with a length in front of it.
fn field_size(length: usize) -> usize {
    1 + encoded_len_varint(length as u64) + length
}

fn dim_size(size: usize) -> usize {
    // `size` is left out when it is zero, as proto3 has it.
    if size == 0 { 0 } else { 1 + encoded_len_varint(size as u64) }
}

impl<P: AsRef<[u8]>> Content<P> {
    fn size(&self) -> usize {
        match self {
            // `tensor_content` is left out when it is empty.
            Self::Array(bytes) if bytes.as_ref().is_empty() => 0,
            Self::Array(bytes) => field_size(bytes.as_ref().len()),
            Self::Strings(values) => {
                values.iter().map(|value| field_size(value.as_ref().len())).sum()
            }
        }
    }
}

/// The sizes of a message within a message, which stand in front of it.
struct Sizes {
    shape: usize,
    tensor: usize,
    entry: usize,
}

impl Sizes {
    fn of<P: AsRef<[u8]>>(entry: &Entry<'_, P>) -> Self {
        let shape = entry.shape.iter().map(|&size| field_size(dim_size(size))).sum();
        // The element type, whose number is below 128, and the shape, which is there also for a scalar.
        let tensor = 2 + field_size(shape) + entry.content.size();
        Self { shape, tensor, entry: field_size(entry.name.len()) + field_size(tensor) }
    }
}

/// Refuses a message that protobuf cannot hold.
pub(super) fn check_size(size: usize) -> Result<()> {
    if size <= MAX {
        return Ok(());
    }
    Err(bad_input(
        &format!("its message takes {size} bytes, and protobuf's limit is {MAX}"),
        "send fewer of them in one request",
    ))
}

impl<P: AsRef<[u8]>> Layout<P> {
    /// The message with this `ModelSpec` and these inputs, byte for byte as protobuf writes it.
    ///
    /// # Errors
    /// [`crate::Error::Input`] when an input has no name, or all of them are more than a message can hold.
    pub(super) fn new(spec: &[u8], entries: Vec<Entry<'_, P>>) -> Result<Self> {
        let mut layout = Self { small: Vec::with_capacity(256), large: Vec::new() };
        layout.start(1, spec.len());
        layout.small.extend_from_slice(spec);
        for entry in entries {
            layout.entry(entry)?;
        }
        check_size(layout.len())?;
        Ok(layout)
    }

    fn entry(&mut self, entry: Entry<'_, P>) -> Result<()> {
        if entry.name.is_empty() {
            let reason = "it has no name, and gRPC asks by names";
            return Err(bad_input(reason, "give the inputs by name"));
        }
        let sizes = Sizes::of(&entry);
        self.start(2, sizes.entry);
        self.start(1, entry.name.len());
        self.small.extend_from_slice(entry.name.as_bytes());
        self.start(2, sizes.tensor);
        self.small.push(key(1, 0));
        // All numbers of element types are positive.
        encode_varint(u64::from(code_of(entry.dtype).unsigned_abs()), &mut self.small);
        self.start(2, sizes.shape);
        for &size in &*entry.shape {
            self.start(2, dim_size(size));
            if size != 0 {
                self.small.push(key(1, 0));
                encode_varint(size as u64, &mut self.small);
            }
        }
        match entry.content {
            Content::Array(bytes) if bytes.as_ref().is_empty() => {}
            Content::Array(bytes) => self.part(4, bytes),
            Content::Strings(values) => {
                for value in values {
                    self.part(8, value);
                }
            }
        }
        Ok(())
    }

    fn start(&mut self, field: u8, length: usize) {
        self.small.push(key(field, LENGTH));
        encode_varint(length as u64, &mut self.small);
    }

    fn part(&mut self, field: u8, part: P) {
        let bytes = part.as_ref();
        self.start(field, bytes.len());
        if bytes.len() < SMALL {
            self.small.extend_from_slice(bytes);
        } else {
            self.large.push((self.small.len(), part));
        }
    }

    /// The number of bytes of the message.
    pub(super) fn len(&self) -> usize {
        let large: usize = self.large.iter().map(|(_, part)| part.as_ref().len()).sum();
        self.small.len() + large
    }

    /// Writes the message to the end of `body`.
    pub(super) fn write(&self, body: &mut impl Body) {
        body.reserve(self.len());
        let mut written = 0;
        for (before, part) in &self.large {
            body.append(&self.small[written..*before]);
            copy(body, part.as_ref());
            written = *before;
        }
        body.append(&self.small[written..]);
    }
}

fn copy(body: &mut impl Body, bytes: &[u8]) {
    /// What is copied at once. Longer copies are left to an instruction (`rep movsb`) that takes a third longer when
    /// its ends are not aligned alike, and what stands before an array has any length.
    const STRIDE: usize = 2048;
    /// What is copied until the body is asked again.
    const WANTED: usize = 64 << 10;
    for part in bytes.chunks(WANTED) {
        if body.is_abandoned() {
            return;
        }
        part.chunks(STRIDE).for_each(|part| body.append(part));
    }
}
