//! Arrays as nested JSON lists.

use super::{float, text};
use crate::tensor::{DataView, TensorView};

/// The whole array.
pub(super) fn write(body: &mut Vec<u8>, view: &TensorView<'_>) {
    write_part(body, view.shape(), view.data(), 0);
}

/// A list of floats.
pub(super) fn write_floats(body: &mut Vec<u8>, values: &[f32]) {
    nest(body, &[values.len()], values, Blocks);
}

/// One entry of the first dimension.
pub(super) fn write_row(body: &mut Vec<u8>, view: &TensorView<'_>, row: usize) {
    let inner = &view.shape()[1..];
    let size: usize = inner.iter().product();
    write_part(body, inner, view.data(), row * size);
}

/// The elements from `start` on as lists of that shape.
fn write_part(body: &mut Vec<u8>, shape: &[usize], data: DataView<'_>, start: usize) {
    let end = start + shape.iter().product::<usize>();
    match data {
        DataView::Float(values) => nest(body, shape, &values[start..end], Blocks),
        DataView::Uint8(values) => nest(body, shape, &values[start..end], Blocks),
        DataView::Double(values) => nest(body, shape, &values[start..end], Each(write_double)),
        DataView::Int8(values) => nest(body, shape, &values[start..end], Each(write_integer)),
        DataView::Int16(values) => nest(body, shape, &values[start..end], Each(write_integer)),
        DataView::Int32(values) => nest(body, shape, &values[start..end], Each(write_integer)),
        DataView::Int64(values) => nest(body, shape, &values[start..end], Each(write_integer)),
        DataView::Uint32(values) => nest(body, shape, &values[start..end], Each(write_integer)),
        DataView::Uint64(values) => nest(body, shape, &values[start..end], Each(write_integer)),
        DataView::Half(values) | DataView::Bfloat16(values) | DataView::Uint16(values) => {
            // Refused before: REST has no such numbers. Written as integers they would be wrong in silence.
            debug_assert!(values.is_empty(), "the dtype was checked before");
        }
        DataView::Bool(values) => nest(
            body,
            shape,
            &values[start..end],
            Each(|body: &mut Vec<u8>, value: &bool| {
                body.extend_from_slice(if *value { b"true" } else { b"false" });
            }),
        ),
        DataView::String(values) => nest(
            body,
            shape,
            &values[start..end],
            Each(|body: &mut Vec<u8>, value: &Vec<u8>| text::write_bytes(body, value)),
        ),
        DataView::Bytes(values) => nest(
            body,
            shape,
            &values[start..end],
            Each(|body: &mut Vec<u8>, value: &std::borrow::Cow<'_, [u8]>| {
                text::write_bytes(body, value);
            }),
        ),
    }
}

fn write_integer<N: itoa::Integer + Copy>(body: &mut Vec<u8>, value: &N) {
    body.extend_from_slice(itoa::Buffer::new().format(*value).as_bytes());
}

// `Each` hands out references, as longer elements need.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn write_double(body: &mut Vec<u8>, value: &f64) {
    if value.is_nan() {
        body.extend_from_slice(b"NaN");
    } else if value.is_infinite() {
        body.extend_from_slice(if *value > 0.0 { b"Infinity" } else { b"-Infinity" });
    } else {
        body.extend_from_slice(zmij::Buffer::new().format_finite(*value).as_bytes());
    }
}

/// Writes elements with commas between them.
trait Run<T>: Copy {
    /// The elements with commas between them.
    fn run(self, body: &mut Vec<u8>, values: &[T]);

    /// Lists of `length` elements each, with commas between them; there is at least one element.
    fn rows(self, body: &mut Vec<u8>, values: &[T], length: usize) {
        for (index, row) in values.chunks_exact(length).enumerate() {
            body.extend_from_slice(if index > 0 { b",[" } else { b"[" });
            self.run(body, row);
            body.push(b']');
        }
    }
}

/// One element after the other.
#[derive(Clone, Copy)]
struct Each<F>(F);

impl<T, F: Fn(&mut Vec<u8>, &T) + Copy> Run<T> for Each<F> {
    fn run(self, body: &mut Vec<u8>, values: &[T]) {
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                body.push(b',');
            }
            self.0(body, value);
        }
    }
}

/// Elements whose text is short: they are written to the stack in blocks, and copied from there.
trait Short: Copy {
    /// Writes the text to the beginning of the slot; its length.
    fn write(self, slot: &mut [u8; float::SLOT]) -> usize;
}

impl Short for f32 {
    #[inline]
    fn write(self, slot: &mut [u8; float::SLOT]) -> usize {
        float::write(self, slot)
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
    #[inline]
    fn write(self, slot: &mut [u8; float::SLOT]) -> usize {
        let text = TEXTS[usize::from(self)];
        slot[..4].copy_from_slice(&text);
        usize::from(text[3])
    }
}

/// Writes elements of [`Short`] text.
#[derive(Clone, Copy)]
struct Blocks;

/// The size of a block on the stack; a few texts less are written to it.
const BLOCK: usize = 4096;

impl<T: Short> Run<T> for Blocks {
    fn run(self, body: &mut Vec<u8>, values: &[T]) {
        if !values.is_empty() {
            write_rows(body, values, values.len());
            // Without the list around the only row.
            body.pop();
        }
    }

    fn rows(self, body: &mut Vec<u8>, values: &[T], length: usize) {
        body.push(b'[');
        write_rows(body, values, length);
    }
}

/// Rows of `length` elements, more than none: the first without `[`, the last with `]`.
fn write_rows<T: Short>(body: &mut Vec<u8>, values: &[T], length: usize) {
    let mut block = [0; BLOCK];
    let mut at = 0;
    for row in values.chunks_exact(length) {
        for value in row {
            if at > BLOCK - 2 * float::SLOT {
                body.extend_from_slice(&block[..at]);
                at = 0;
            }
            if let Some(slot) = block[at..].first_chunk_mut() {
                at += value.write(slot);
            }
            block[at] = b',';
            at += 1;
        }
        // The comma after the last element becomes the end of the row.
        block[at - 1] = b']';
        block[at] = b',';
        block[at + 1] = b'[';
        at += 2;
    }
    // Nothing follows the last row.
    body.extend_from_slice(&block[..at - 2]);
}

/// Lists within lists down to the last dimension, whose elements `run` writes.
fn nest<T>(body: &mut Vec<u8>, shape: &[usize], values: &[T], run: impl Run<T>) {
    let Some((&length, inner)) = shape.split_first() else {
        return run.run(body, values);
    };
    body.push(b'[');
    if inner.is_empty() {
        run.run(body, values);
    } else if let &[length] = inner
        && !values.is_empty()
    {
        run.rows(body, values, length);
    } else {
        let size: usize = inner.iter().product();
        for index in 0..length {
            if index > 0 {
                body.push(b',');
            }
            nest(body, inner, &values[index * size..(index + 1) * size], run);
        }
    }
    body.push(b']');
}
