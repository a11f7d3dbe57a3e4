//! Arrays as nested JSON lists.

use std::borrow::Cow;

use super::{
    block::{BLOCK, Rows, write_digits},
    body::Body,
    float, text,
};
use crate::tensor::{DataView, TensorView};

/// Writes a whole array.
pub(super) fn write(body: &mut impl Body, view: &TensorView<'_>) {
    write_part(body, view.shape(), view.data(), 0);
}

/// Writes a list of floats.
pub(super) fn write_floats(body: &mut impl Body, values: &[f32]) {
    nest(body, &[values.len()], values, &mut InBlocks::new());
}

/// The text of rows of `length` floats each by each kernel of this CPU, with the kernel's name.
pub(super) fn rows_by_kernel(values: &[f32], length: usize) -> Vec<(String, Vec<u8>)> {
    let by = |kernel| {
        let mut body = Vec::new();
        let mut blocks = InBlocks { block: [0; BLOCK], kernel };
        blocks.write(&mut body, values, length);
        (format!("{kernel:?}"), body)
    };
    float::Kernel::all().map(by).collect()
}

/// Writes one entry of the first dimension.
pub(super) fn write_row(body: &mut impl Body, view: &TensorView<'_>, row: usize) {
    let inner = &view.shape()[1..];
    let size: usize = inner.iter().product();
    write_part(body, inner, view.data(), row * size);
}

/// Writes the elements from `start` on as lists of a shape.
fn write_part<B: Body>(body: &mut B, shape: &[usize], data: DataView<'_>, start: usize) {
    let end = start + shape.iter().product::<usize>();
    macro_rules! write {
        ($values:expr, $writer:expr) => {
            nest(body, shape, &$values[start..end], &mut $writer)
        };
    }
    match data {
        DataView::Float(values) => write!(values, InBlocks::new()),
        DataView::Uint8(values) => write!(values, InBlocks::new()),
        DataView::Double(values) => write!(values, OneByOne(write_double)),
        DataView::Int8(values) => write!(values, OneByOne(write_integer)),
        DataView::Int16(values) => write!(values, OneByOne(write_integer)),
        DataView::Int32(values) => write!(values, OneByOne(write_integer)),
        DataView::Int64(values) => write!(values, OneByOne(write_integer)),
        DataView::Uint32(values) => write!(values, OneByOne(write_integer)),
        DataView::Uint64(values) => write!(values, OneByOne(write_integer)),
        DataView::Half(values) | DataView::Bfloat16(values) | DataView::Uint16(values) => {
            // These types are refused earlier, because REST cannot express them. Written as integers, they would be
            // silently wrong.
            debug_assert!(values.is_empty(), "the dtype was checked before");
        }
        DataView::Bool(values) => write!(
            values,
            OneByOne(|body: &mut B, value: &bool| {
                body.append(if *value { b"true" } else { b"false" });
            })
        ),
        DataView::String(values) => {
            write!(
                values,
                OneByOne(|body: &mut B, value: &Vec<u8>| text::write_bytes(body, value))
            );
        }
        DataView::Bytes(values) => write!(
            values,
            OneByOne(|body: &mut B, value: &Cow<'_, [u8]>| text::write_bytes(body, value))
        ),
    }
}

fn write_integer<B: Body, N: itoa::Integer + Copy>(body: &mut B, value: &N) {
    body.append(itoa::Buffer::new().format(*value).as_bytes());
}

// `OneByOne` passes references, as longer elements need.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn write_double<B: Body>(body: &mut B, value: &f64) {
    if value.is_nan() {
        body.append(b"NaN");
    } else if value.is_infinite() {
        body.append(if *value > 0.0 { b"Infinity" } else { b"-Infinity" });
    } else {
        body.append(zmij::Buffer::new().format_finite(*value).as_bytes());
    }
}

/// A way to write the elements of a list.
trait ListWriter<B: Body, T> {
    /// Writes the elements with commas between them.
    fn elements(&mut self, body: &mut B, values: &[T]);

    /// Writes lists of `length` elements each, with commas between them; there is at least one element.
    fn rows(&mut self, body: &mut B, values: &[T], length: usize) {
        for (index, row) in values.chunks_exact(length).enumerate() {
            body.append(if index > 0 { b",[" } else { b"[" });
            self.elements(body, row);
            body.append(b"]");
        }
    }
}

/// Writes one element after the other.
struct OneByOne<F>(F);

impl<B: Body, T, F: Fn(&mut B, &T)> ListWriter<B, T> for OneByOne<F> {
    fn elements(&mut self, body: &mut B, values: &[T]) {
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                body.append(b",");
            }
            if index % 1024 == 0 && body.is_abandoned() {
                return;
            }
            self.0(body, value);
        }
    }
}

/// Writes elements of short texts to a block on the stack, and copies the block to the body when it is full.
struct InBlocks {
    block: [u8; BLOCK],
    kernel: float::Kernel,
}

impl InBlocks {
    fn new() -> Self {
        Self { block: [0; BLOCK], kernel: float::Kernel::best() }
    }

    /// Writes rows of `length` elements: the first without `[`, the last without `]`.
    fn write<T: BlockElement>(&mut self, body: &mut impl Body, mut values: &[T], length: usize) {
        let mut rows = Rows::new(length);
        while !values.is_empty() && !body.is_abandoned() {
            let (taken, length) = T::fill(self.kernel, values, &mut rows, &mut self.block);
            body.append(&self.block[..length]);
            values = &values[taken..];
        }
    }
}

impl<B: Body, T: BlockElement> ListWriter<B, T> for InBlocks {
    fn elements(&mut self, body: &mut B, values: &[T]) {
        self.write(body, values, values.len());
    }

    fn rows(&mut self, body: &mut B, values: &[T], length: usize) {
        body.append(b"[");
        self.write(body, values, length);
        body.append(b"]");
    }
}

/// An element whose text is short.
trait BlockElement: Sized {
    /// Writes elements with their separators to the block until it is full, and returns the number of elements, at least
    /// one of any, and the length of the text.
    fn fill(
        kernel: float::Kernel,
        values: &[Self],
        rows: &mut Rows,
        block: &mut [u8; BLOCK],
    ) -> (usize, usize);
}

impl BlockElement for f32 {
    fn fill(
        kernel: float::Kernel,
        values: &[Self],
        rows: &mut Rows,
        block: &mut [u8; BLOCK],
    ) -> (usize, usize) {
        kernel.fill(values, rows, block, 0)
    }
}

/// The text of each byte and, last, its length.
#[allow(clippy::cast_possible_truncation)]
const TEXTS: [[u8; 4]; 256] = {
    let mut texts = [[0; 4]; 256];
    let mut byte = 0;
    while byte < 256 {
        texts[byte][3] = write_digits(byte, &mut texts[byte]) as u8;
        byte += 1;
    }
    texts
};

impl BlockElement for u8 {
    fn fill(
        _: float::Kernel,
        values: &[Self],
        rows: &mut Rows,
        block: &mut [u8; BLOCK],
    ) -> (usize, usize) {
        // `],[` and four bytes each, and what the last stores write beyond.
        const CHUNKS: usize = (BLOCK - 8) / (16 * 7);
        let (mut taken, mut at) = (0, 0);
        for chunk in values.chunks(16).take(CHUNKS) {
            let mut starts = rows.next_starts();
            for byte in chunk {
                at = starts.separate(block, at);
                let text = TEXTS[usize::from(*byte)];
                block[at..at + 4].copy_from_slice(&text);
                at += usize::from(text[3]);
            }
            taken += chunk.len();
        }
        (taken, at)
    }
}

/// Writes lists within lists down to the last dimension, whose elements `writer` writes.
fn nest<B: Body, T>(
    body: &mut B,
    shape: &[usize],
    values: &[T],
    writer: &mut impl ListWriter<B, T>,
) {
    let Some((&length, inner)) = shape.split_first() else {
        return writer.elements(body, values);
    };
    body.append(b"[");
    if inner.is_empty() {
        writer.elements(body, values);
    } else if let &[length] = inner
        && !values.is_empty()
    {
        writer.rows(body, values, length);
    } else {
        let size: usize = inner.iter().product();
        for index in 0..length {
            if body.is_abandoned() {
                break;
            }
            if index > 0 {
                body.append(b",");
            }
            nest(body, inner, &values[index * size..(index + 1) * size], writer);
        }
    }
    body.append(b"]");
}
