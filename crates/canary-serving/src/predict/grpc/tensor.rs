//! Arrays as `TensorProto`, both ways.

use std::{borrow::Cow, sync::Arc};

use bytemuck::NoUninit;
use bytes::Bytes;
use canary_proto::tensorflow::{DataType, TensorProto, TensorShapeProto, tensor_shape_proto::Dim};

use crate::{
    predict::input::Value,
    tensor::{DType, DataView, Tensor, TensorData, TensorView},
};

/// The memory for elements that a response's arrays have and that are not sent, of all of them together. A few bytes can
/// stand for any number of elements.
pub(super) const MAX_FILLED: usize = 64 << 20;
/// The most dimensions of an array; NumPy has no more.
const MAX_DIMENSIONS: usize = 32;

fn data_type(dtype: DType) -> DataType {
    match dtype {
        DType::Float => DataType::DtFloat,
        DType::Double => DataType::DtDouble,
        DType::Int32 => DataType::DtInt32,
        DType::Uint8 => DataType::DtUint8,
        DType::Int16 => DataType::DtInt16,
        DType::Int8 => DataType::DtInt8,
        DType::String => DataType::DtString,
        DType::Int64 => DataType::DtInt64,
        DType::Bool => DataType::DtBool,
        DType::Bfloat16 => DataType::DtBfloat16,
        DType::Uint16 => DataType::DtUint16,
        DType::Half => DataType::DtHalf,
        DType::Uint32 => DataType::DtUint32,
        DType::Uint64 => DataType::DtUint64,
    }
}

/// The name of an element type.
pub(super) fn name_of(code: i32) -> String {
    DataType::try_from(code)
        .map_or_else(|_| format!("DataType {code}"), |known| known.as_str_name().to_owned())
}

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

/// The elements of an array of numbers as `tensor_content`; empty for strings.
fn content(data: DataView<'_>) -> Cow<'_, [u8]> {
    match data {
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
        DataView::String(_) | DataView::Bytes(_) => Cow::default(),
    }
}

/// The bytes that an array takes in a message, without what stands around them.
pub(super) fn size_of_elements(data: DataView<'_>) -> usize {
    match data {
        DataView::String(values) => values.iter().map(Vec::len).sum(),
        DataView::Bytes(values) => values.iter().map(|value| value.len()).sum(),
        numbers => content(numbers).len(),
    }
}

/// The memory of an array that lives as long as a message shares it.
struct Shared(Arc<Tensor>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        match content(self.0.view().data()) {
            Cow::Borrowed(bytes) => bytes,
            // On a big-endian machine nothing is shared.
            Cow::Owned(_) => &[],
        }
    }
}

fn proto(dtype: DType, shape: &[usize]) -> TensorProto {
    // A dimension above `i64::MAX` needs more elements than memory has, or another dimension of length 0.
    let dim = |&size: &usize| Dim { size: i64::try_from(size).unwrap_or(i64::MAX) };
    TensorProto {
        dtype: data_type(dtype).into(),
        tensor_shape: Some(TensorShapeProto {
            dim: shape.iter().map(dim).collect(),
            unknown_rank: false,
        }),
        ..TensorProto::default()
    }
}

/// An input as a request carries it. Arrays and files that are owned or shared are not copied.
pub(super) fn write(value: Value<'_>) -> TensorProto {
    match value {
        Value::Files(files) => {
            let written = proto(DType::String, &[files.len()]);
            let string_val = files.into_iter().map(|file| file.into_owned().into()).collect();
            TensorProto { string_val, ..written }
        }
        Value::Tensor(tensor) if tensor.dtype() == DType::String => {
            let written = proto(DType::String, tensor.shape());
            let TensorData::String(values) = tensor.into_parts().1 else { return written };
            let string_val = values.into_iter().map(Bytes::from).collect();
            TensorProto { string_val, ..written }
        }
        Value::Tensor(tensor) => write_shared(Arc::new(tensor)),
        Value::Shared(tensor) => write_shared(tensor),
        Value::View(view) => write_view(&view),
    }
}

fn write_shared(tensor: Arc<Tensor>) -> TensorProto {
    let view = tensor.view();
    if cfg!(target_endian = "big") || view.dtype() == DType::String {
        return write_view(&view);
    }
    let written = proto(view.dtype(), view.shape());
    TensorProto { tensor_content: Bytes::from_owner(Shared(tensor)), ..written }
}

fn write_view(view: &TensorView<'_>) -> TensorProto {
    let mut written = proto(view.dtype(), view.shape());
    match view.data() {
        DataView::String(values) => {
            written.string_val = values.iter().map(|value| Bytes::copy_from_slice(value)).collect();
        }
        DataView::Bytes(values) => {
            written.string_val = values.iter().map(|value| Bytes::copy_from_slice(value)).collect();
        }
        numbers => written.tensor_content = content(numbers).into_owned().into(),
    }
    written
}

/// Little-endian elements of N bytes each.
fn elements<const N: usize, T>(bytes: &[u8], read: fn([u8; N]) -> T) -> Result<Vec<T>, String> {
    let (chunks, rest) = bytes.as_chunks::<N>();
    if !rest.is_empty() {
        return Err(format!("{} bytes are not a number of elements of {N} bytes", bytes.len()));
    }
    Ok(chunks.iter().map(|chunk| read(*chunk)).collect())
}

/// As many elements as the shape has: TensorFlow leaves out repetitions of the last one, and zeros altogether. `room` is
/// the memory that is left for them, `size` what a repetition of an element takes.
fn filled<T: Clone + Default>(
    mut values: Vec<T>,
    count: usize,
    room: &mut usize,
    size: impl Fn(&T) -> usize,
) -> Result<Vec<T>, String> {
    if values.len() < count {
        let last = values.last().cloned().unwrap_or_default();
        let left = (count - values.len())
            .checked_mul(size(&last))
            .and_then(|needed| room.checked_sub(needed));
        let Some(left) = left else {
            return Err(format!("{count} elements, of which {} were sent", values.len()));
        };
        *room = left;
        values.resize(count, last);
    }
    Ok(values)
}

fn narrow<W: TryInto<N> + Copy + std::fmt::Display, N>(values: &[W]) -> Result<Vec<N>, String> {
    values
        .iter()
        .map(|&value| value.try_into().map_err(|_| format!("{value} is outside its type's range")))
        .collect()
}

/// The array in a message, or why there is none; `room` is the memory for elements that are not sent.
pub(super) fn read(proto: TensorProto, room: &mut usize) -> Result<Tensor, String> {
    let dims = proto.tensor_shape.as_ref().map(|shape| shape.dim.as_slice()).unwrap_or_default();
    if dims.len() > MAX_DIMENSIONS {
        return Err(format!("its shape has {} dimensions, more than {MAX_DIMENSIONS}", dims.len()));
    }
    let shape = dims
        .iter()
        .map(|dim| usize::try_from(dim.size))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| "its shape has a dimension of unknown length".to_owned())?;
    let count = shape
        .iter()
        .try_fold(1_usize, |product, &dim| product.checked_mul(dim))
        .ok_or("its shape has more elements than memory has")?;
    let data = if proto.tensor_content.is_empty() {
        listed(proto, count, room)?
    } else {
        contained(proto.dtype(), proto.dtype, &proto.tensor_content)?
    };
    Tensor::new(shape, data).map_err(|error| error.to_string())
}

fn unread(code: i32) -> String {
    format!("arrays of {} are not read", name_of(code))
}

/// The elements in `tensor_content`.
fn contained(dtype: DataType, code: i32, bytes: &Bytes) -> Result<TensorData, String> {
    Ok(match dtype {
        DataType::DtFloat => TensorData::Float(elements(bytes, f32::from_le_bytes)?),
        DataType::DtDouble => TensorData::Double(elements(bytes, f64::from_le_bytes)?),
        DataType::DtInt32 => TensorData::Int32(elements(bytes, i32::from_le_bytes)?),
        DataType::DtUint8 => TensorData::Uint8(bytes.to_vec()),
        DataType::DtInt16 => TensorData::Int16(elements(bytes, i16::from_le_bytes)?),
        DataType::DtInt8 => TensorData::Int8(elements(bytes, i8::from_le_bytes)?),
        DataType::DtInt64 => TensorData::Int64(elements(bytes, i64::from_le_bytes)?),
        DataType::DtBool => TensorData::Bool(bytes.iter().map(|&byte| byte != 0).collect()),
        DataType::DtBfloat16 => TensorData::Bfloat16(elements(bytes, u16::from_le_bytes)?),
        DataType::DtUint16 => TensorData::Uint16(elements(bytes, u16::from_le_bytes)?),
        DataType::DtHalf => TensorData::Half(elements(bytes, u16::from_le_bytes)?),
        DataType::DtUint32 => TensorData::Uint32(elements(bytes, u32::from_le_bytes)?),
        DataType::DtUint64 => TensorData::Uint64(elements(bytes, u64::from_le_bytes)?),
        _ => return Err(unread(code)),
    })
}

/// The elements in the list of their type.
fn listed(proto: TensorProto, count: usize, room: &mut usize) -> Result<TensorData, String> {
    let (ints, halves) = (&proto.int_val, &proto.half_val);
    Ok(match proto.dtype() {
        DataType::DtFloat => TensorData::Float(filled(proto.float_val, count, room, size_of_val)?),
        DataType::DtDouble => {
            TensorData::Double(filled(proto.double_val, count, room, size_of_val)?)
        }
        DataType::DtInt32 => TensorData::Int32(filled(proto.int_val, count, room, size_of_val)?),
        DataType::DtUint8 => TensorData::Uint8(filled(narrow(ints)?, count, room, size_of_val)?),
        DataType::DtInt16 => TensorData::Int16(filled(narrow(ints)?, count, room, size_of_val)?),
        DataType::DtInt8 => TensorData::Int8(filled(narrow(ints)?, count, room, size_of_val)?),
        DataType::DtString => {
            let texts = proto.string_val.iter().map(|text| text.to_vec()).collect();
            let size = |text: &Vec<u8>| size_of::<Vec<u8>>() + text.len();
            TensorData::String(filled(texts, count, room, size)?)
        }
        DataType::DtInt64 => TensorData::Int64(filled(proto.int64_val, count, room, size_of_val)?),
        DataType::DtBool => TensorData::Bool(filled(proto.bool_val, count, room, size_of_val)?),
        DataType::DtBfloat16 => {
            TensorData::Bfloat16(filled(narrow(halves)?, count, room, size_of_val)?)
        }
        DataType::DtUint16 => TensorData::Uint16(filled(narrow(ints)?, count, room, size_of_val)?),
        DataType::DtHalf => TensorData::Half(filled(narrow(halves)?, count, room, size_of_val)?),
        DataType::DtUint32 => {
            TensorData::Uint32(filled(proto.uint32_val, count, room, size_of_val)?)
        }
        DataType::DtUint64 => {
            TensorData::Uint64(filled(proto.uint64_val, count, room, size_of_val)?)
        }
        _ => return Err(unread(proto.dtype)),
    })
}

#[cfg(all(test, target_endian = "little"))]
mod tests {
    use super::*;

    #[test]
    fn owned_and_shared_memory_is_not_copied() {
        let address = |value: Value<'_>| {
            let written = write(value);
            written.string_val.first().unwrap_or(&written.tensor_content).as_ptr()
        };
        let floats = vec![0.5_f32; 12];
        let memory = floats.as_ptr().cast::<u8>();
        let tensor = Tensor::new(vec![12], TensorData::Float(floats)).unwrap();
        assert_ne!(address((&tensor).into()), memory);
        let shared = Arc::new(tensor);
        assert_eq!(address(Arc::clone(&shared).into()), memory);
        assert_eq!(address((&Value::from(Arc::clone(&shared))).into()), memory);
        assert_eq!(address(Arc::into_inner(shared).unwrap().into()), memory);

        let file = vec![7; 100];
        let memory = file.as_ptr();
        assert_eq!(address(file.into()), memory);
        let file = vec![7; 100];
        let memory = file.as_ptr();
        let texts = Tensor::new(vec![1], TensorData::String(vec![file])).unwrap();
        assert_eq!(address(texts.into()), memory);
    }
}
