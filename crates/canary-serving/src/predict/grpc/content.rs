//! From inputs to the bytes that stand for them in a `TensorProto`: their own memory wherever it can be.

use std::{borrow::Cow, sync::Arc};

use bytemuck::NoUninit;
use bytes::Bytes;

use super::layout::{Content, Entry};
use crate::{
    error::Result,
    predict::input::{Input, Value},
    tensor::{DType, DataView, Tensor, TensorData, TensorView},
};

/// The memory of numbers, little-endian.
#[cfg(target_endian = "little")]
fn memory<T: NoUninit>(values: &[T]) -> Cow<'_, [u8]> {
    Cow::Borrowed(bytemuck::cast_slice(values))
}

/// The memory of numbers, little-endian.
#[cfg(target_endian = "big")]
fn memory<T: NoUninit>(values: &[T]) -> Cow<'_, [u8]> {
    values.iter().flat_map(|value| bytemuck::bytes_of(value).iter().rev().copied()).collect()
}

fn content(data: DataView<'_>) -> Content<Cow<'_, [u8]>> {
    Content::Array(match data {
        DataView::Float(values) => memory(values),
        DataView::Double(values) => memory(values),
        DataView::Half(values) | DataView::Bfloat16(values) | DataView::Uint16(values) => {
            memory(values)
        }
        DataView::Int8(values) => memory(values),
        DataView::Int16(values) => memory(values),
        DataView::Int32(values) => memory(values),
        DataView::Int64(values) => memory(values),
        DataView::Uint8(values) => memory(values),
        DataView::Uint32(values) => memory(values),
        DataView::Uint64(values) => memory(values),
        DataView::Bool(values) => memory(values),
        DataView::String(values) => {
            return Content::Strings(values.iter().map(Cow::from).collect());
        }
        DataView::Bytes(values) => {
            return Content::Strings(values.iter().map(|value| Cow::from(&**value)).collect());
        }
    })
}

/// The inputs where they lie.
///
/// # Errors
/// [`crate::Error::Input`] for no input, or a name given twice.
pub(super) fn borrowed<'a>(input: &'a Input<'_>) -> Result<Vec<Entry<'a, Cow<'a, [u8]>>>> {
    let of_view = |(name, view): (&'a str, TensorView<'a>)| Entry {
        name: Cow::from(name),
        dtype: view.dtype(),
        shape: Cow::from(view.shape().to_vec()),
        content: content(view.data()),
    };
    Ok(input.views()?.into_iter().map(of_view).collect())
}

/// The inputs in memory that outlives the caller: what was owned or shared is not copied.
///
/// # Errors
/// As [`borrowed`].
pub(super) fn owned(input: Input<'_>) -> Result<Vec<Entry<'_, Bytes>>> {
    input.check()?;
    Ok(input.values.into_iter().map(|(name, value)| of_owned(name, value)).collect())
}

fn of_owned<'a>(name: Cow<'a, str>, value: Value<'_>) -> Entry<'a, Bytes> {
    let (shape, dtype, content) = match value {
        Value::Files(files) => (
            vec![files.len()],
            DType::String,
            Content::Strings(files.into_iter().map(kept).collect()),
        ),
        Value::Tensor(tensor) => of_tensor(tensor),
        Value::Shared(tensor) => (tensor.shape().to_vec(), tensor.dtype(), of_shared(tensor)),
        Value::View(view) => (view.shape().to_vec(), view.dtype(), copied(content(view.data()))),
    };
    Entry { name, dtype, shape: shape.into(), content }
}

fn of_tensor(tensor: Tensor) -> (Vec<usize>, DType, Content<Bytes>) {
    let dtype = tensor.dtype();
    if dtype == DType::String {
        let (shape, data) = tensor.into_parts();
        let TensorData::String(values) = data else { unreachable!("its type says so") };
        return (shape, dtype, Content::Strings(values.into_iter().map(Bytes::from).collect()));
    }
    (tensor.shape().to_vec(), dtype, of_shared(Arc::new(tensor)))
}

/// The memory of an array that lives as long as a part of it is to be sent.
struct Memory(Arc<Tensor>);

impl AsRef<[u8]> for Memory {
    fn as_ref(&self) -> &[u8] {
        match content(self.0.view().data()) {
            Content::Array(Cow::Borrowed(bytes)) => bytes,
            _ => unreachable!("only what is its own memory is shared"),
        }
    }
}

fn of_shared(tensor: Arc<Tensor>) -> Content<Bytes> {
    match content(tensor.view().data()) {
        Content::Array(Cow::Borrowed(_)) => Content::Array(Bytes::from_owner(Memory(tensor))),
        other => copied(other),
    }
}

fn kept(bytes: Cow<'_, [u8]>) -> Bytes {
    Bytes::from(bytes.into_owned())
}

fn copied(content: Content<Cow<'_, [u8]>>) -> Content<Bytes> {
    match content {
        Content::Array(bytes) => Content::Array(kept(bytes)),
        Content::Strings(values) => Content::Strings(values.into_iter().map(kept).collect()),
    }
}

#[cfg(all(test, target_endian = "little"))]
mod tests {
    use super::*;

    /// Where the elements of the only input lie.
    fn address(input: Input<'_>) -> Option<*const u8> {
        Some(match owned(input).ok()?.pop()?.content {
            Content::Array(bytes) => bytes.as_ptr(),
            Content::Strings(values) => values[0].as_ptr(),
        })
    }

    #[test]
    fn what_is_owned_or_shared_is_not_copied() {
        let floats = vec![0.5_f32; 12];
        let memory = Some(floats.as_ptr().cast::<u8>());
        let tensor = Tensor::new(vec![12], TensorData::Float(floats)).unwrap();
        assert_ne!(address((&tensor).into()), memory);
        let shared = Arc::new(tensor);
        assert_eq!(address(Arc::clone(&shared).into()), memory);
        assert_eq!(address((&Input::from(Arc::clone(&shared))).into()), memory);
        let tensor = Arc::into_inner(shared).unwrap();
        assert_eq!(address(tensor.into()), memory);

        let file = vec![7; 100];
        let memory = Some(file.as_ptr());
        assert_eq!(address(file.into()), memory);
        let file = vec![7; 100];
        let memory = Some(file.as_ptr());
        let texts = Tensor::new(vec![1], TensorData::String(vec![file])).unwrap();
        assert_eq!(address(texts.into()), memory);
    }
}
