//! Arrays as nested JSON lists.

use super::{float, text};
use crate::tensor::{DataView, TensorView};

/// The whole array.
pub(super) fn write(body: &mut Vec<u8>, view: &TensorView<'_>) {
    write_part(body, view.shape(), view.data(), 0);
}

/// A list of floats.
pub(super) fn write_floats(body: &mut Vec<u8>, values: &[f32]) {
    nest(body, &[values.len()], values, Floats);
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
        DataView::Float(values) => nest(body, shape, &values[start..end], Floats),
        DataView::Uint8(values) => nest(body, shape, &values[start..end], Bytes),
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
    fn run(self, body: &mut Vec<u8>, values: &[T]);
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

#[derive(Clone, Copy)]
struct Floats;

impl Run<f32> for Floats {
    fn run(self, body: &mut Vec<u8>, values: &[f32]) {
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                body.push(b',');
            }
            let mut slot = [0; float::SLOT];
            let length = float::write(*value, &mut slot);
            body.extend_from_slice(&slot[..length]);
        }
    }
}

#[derive(Clone, Copy)]
struct Bytes;

impl Run<u8> for Bytes {
    fn run(self, body: &mut Vec<u8>, values: &[u8]) {
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                body.push(b',');
            }
            write_integer(body, value);
        }
    }
}

/// Lists within lists down to the last dimension, whose elements `run` writes.
fn nest<T>(body: &mut Vec<u8>, shape: &[usize], values: &[T], run: impl Run<T>) {
    let Some((&length, inner)) = shape.split_first() else {
        return run.run(body, values);
    };
    body.push(b'[');
    if inner.is_empty() {
        run.run(body, values);
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
