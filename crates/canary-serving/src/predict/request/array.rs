//! Arrays as nested JSON lists.

use super::{
    block::{BLOCK, Rows},
    body::Body,
    float, text,
};
use crate::tensor::{DataView, TensorView};

/// The whole array.
pub(super) fn write(body: &mut impl Body, view: &TensorView<'_>) {
    write_part(body, view.shape(), view.data(), 0);
}

/// A list of floats.
pub(super) fn write_floats(body: &mut impl Body, values: &[f32]) {
    nest(body, &[values.len()], values, &mut Blocks::new());
}

/// Rows of `length` floats each, as each kernel of this CPU writes them, with the kernel's name.
pub(super) fn rows_by_kernel(values: &[f32], length: usize) -> Vec<(String, Vec<u8>)> {
    let by = |kernel| {
        let mut body = Vec::new();
        let mut blocks = Blocks { block: [0; BLOCK], kernel };
        blocks.write(&mut body, values, length);
        (format!("{kernel:?}"), body)
    };
    float::Kernel::all().map(by).collect()
}

/// One entry of the first dimension.
pub(super) fn write_row(body: &mut impl Body, view: &TensorView<'_>, row: usize) {
    let inner = &view.shape()[1..];
    let size: usize = inner.iter().product();
    write_part(body, inner, view.data(), row * size);
}

/// The elements from `start` on as lists of that shape.
fn write_part<B: Body>(body: &mut B, shape: &[usize], data: DataView<'_>, start: usize) {
    let end = start + shape.iter().product::<usize>();
    match data {
        DataView::Float(values) => nest(body, shape, &values[start..end], &mut Blocks::new()),
        DataView::Uint8(values) => nest(body, shape, &values[start..end], &mut Blocks::new()),
        DataView::Double(values) => nest(body, shape, &values[start..end], &mut Each(write_double)),
        DataView::Int8(values) => nest(body, shape, &values[start..end], &mut Each(write_integer)),
        DataView::Int16(values) => nest(body, shape, &values[start..end], &mut Each(write_integer)),
        DataView::Int32(values) => nest(body, shape, &values[start..end], &mut Each(write_integer)),
        DataView::Int64(values) => nest(body, shape, &values[start..end], &mut Each(write_integer)),
        DataView::Uint32(values) => {
            nest(body, shape, &values[start..end], &mut Each(write_integer));
        }
        DataView::Uint64(values) => {
            nest(body, shape, &values[start..end], &mut Each(write_integer));
        }
        DataView::Half(values) | DataView::Bfloat16(values) | DataView::Uint16(values) => {
            // Refused before: REST has no such numbers. Written as integers they would be wrong in silence.
            debug_assert!(values.is_empty(), "the dtype was checked before");
        }
        DataView::Bool(values) => nest(
            body,
            shape,
            &values[start..end],
            &mut Each(|body: &mut B, value: &bool| {
                body.append(if *value { b"true" } else { b"false" });
            }),
        ),
        DataView::String(values) => nest(
            body,
            shape,
            &values[start..end],
            &mut Each(|body: &mut B, value: &Vec<u8>| text::write_bytes(body, value)),
        ),
        DataView::Bytes(values) => nest(
            body,
            shape,
            &values[start..end],
            &mut Each(|body: &mut B, value: &std::borrow::Cow<'_, [u8]>| {
                text::write_bytes(body, value);
            }),
        ),
    }
}

fn write_integer<B: Body, N: itoa::Integer + Copy>(body: &mut B, value: &N) {
    body.append(itoa::Buffer::new().format(*value).as_bytes());
}

// `Each` hands out references, as longer elements need.
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

/// Writes elements with commas between them.
trait Run<B: Body, T> {
    /// The elements with commas between them.
    fn run(&mut self, body: &mut B, values: &[T]);

    /// Lists of `length` elements each, with commas between them; there is at least one element.
    fn rows(&mut self, body: &mut B, values: &[T], length: usize) {
        for (index, row) in values.chunks_exact(length).enumerate() {
            body.append(if index > 0 { b",[" } else { b"[" });
            self.run(body, row);
            body.append(b"]");
        }
    }
}

/// One element after the other.
struct Each<F>(F);

impl<B: Body, T, F: Fn(&mut B, &T)> Run<B, T> for Each<F> {
    fn run(&mut self, body: &mut B, values: &[T]) {
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

/// Elements whose text is short: they are written to a block on the stack, and copied from there.
struct Blocks {
    block: [u8; BLOCK],
    kernel: float::Kernel,
}

impl Blocks {
    fn new() -> Self {
        Self { block: [0; BLOCK], kernel: float::Kernel::best() }
    }

    /// Rows of `length` elements: the first without `[`, the last without `]`.
    fn write<T: Short>(&mut self, body: &mut impl Body, mut values: &[T], length: usize) {
        let mut rows = Rows::new(length);
        while !values.is_empty() && !body.is_abandoned() {
            let (taken, length) = T::fill(self.kernel, values, &mut rows, &mut self.block);
            body.append(&self.block[..length]);
            values = &values[taken..];
        }
    }
}

impl<B: Body, T: Short> Run<B, T> for Blocks {
    fn run(&mut self, body: &mut B, values: &[T]) {
        self.write(body, values, values.len());
    }

    fn rows(&mut self, body: &mut B, values: &[T], length: usize) {
        body.append(b"[");
        self.write(body, values, length);
        body.append(b"]");
    }
}

/// Elements whose text is short.
trait Short: Sized {
    /// Writes elements to the block until it is full, each with what stands before it: how many, at least one of any,
    /// and the length of the text.
    fn fill(
        kernel: float::Kernel,
        values: &[Self],
        rows: &mut Rows,
        block: &mut [u8; BLOCK],
    ) -> (usize, usize);
}

impl Short for f32 {
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
        let mut length = 0;
        if byte >= 100 {
            texts[byte][length] = b'0' + (byte / 100) as u8;
            length += 1;
        }
        if byte >= 10 {
            texts[byte][length] = b'0' + (byte / 10 % 10) as u8;
            length += 1;
        }
        texts[byte][length] = b'0' + (byte % 10) as u8;
        texts[byte][3] = length as u8 + 1;
        byte += 1;
    }
    texts
};

impl Short for u8 {
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

/// Lists within lists down to the last dimension, whose elements `run` writes.
fn nest<B: Body, T>(body: &mut B, shape: &[usize], values: &[T], run: &mut impl Run<B, T>) {
    let Some((&length, inner)) = shape.split_first() else {
        return run.run(body, values);
    };
    body.append(b"[");
    if inner.is_empty() {
        run.run(body, values);
    } else if let &[length] = inner
        && !values.is_empty()
    {
        run.rows(body, values, length);
    } else {
        let size: usize = inner.iter().product();
        for index in 0..length {
            if body.is_abandoned() {
                break;
            }
            if index > 0 {
                body.append(b",");
            }
            nest(body, inner, &values[index * size..(index + 1) * size], run);
        }
    }
    body.append(b"]");
}
