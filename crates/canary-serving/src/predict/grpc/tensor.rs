//! Arrays as `TensorProto`, both ways.

use std::{borrow::Cow, sync::Arc};

use bytes::Bytes;
use canary_proto::tensorflow::{DataType, TensorProto, TensorShapeProto, tensor_shape_proto::Dim};

use crate::{
    predict::{input::Value, little_endian, response::MAX_DIMENSIONS},
    tensor::{DType, DataView, Tensor, TensorData, TensorView},
};

/// The memory for elements that a response's arrays have and that are not sent, of all of them together. A few bytes
/// can represent any number of elements.
pub(super) const MAX_FILLED: usize = 64 << 20;

/// The name of an element type.
pub(super) fn name_of(code: i32) -> String {
    DataType::try_from(code)
        .map_or_else(|_| format!("DataType {code}"), |known| known.as_str_name().to_owned())
}

/// The bytes of an array's elements in a message.
pub(super) fn size_of_elements(data: DataView<'_>) -> usize {
    match data {
        DataView::String(values) => values.iter().map(Vec::len).sum(),
        DataView::Bytes(values) => values.iter().map(|value| value.len()).sum(),
        numbers => numbers.little_endian().len(),
    }
}

/// The memory of an array that lives as long as a message shares it.
struct Shared(Arc<Tensor>);

/// The numbers of an input as little-endian bytes; those of arrays that are owned or shared are not copied. Of strings
/// nothing is in them.
pub(crate) fn content(value: Value<'_>) -> Bytes {
    let shared = match value {
        Value::Tensor(tensor) => Arc::new(tensor),
        Value::Shared(tensor) => tensor,
        other => return other.view().data().little_endian().into_owned().into(),
    };
    if cfg!(target_endian = "big") {
        return shared.view().data().little_endian().into_owned().into();
    }
    Bytes::from_owner(Shared(shared))
}

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        match self.0.view().data().little_endian() {
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
        dtype: DataType::from_str_name(dtype.as_str()).unwrap_or_default().into(),
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
    if view.dtype() == DType::String {
        return write_view(&view);
    }
    let written = proto(view.dtype(), view.shape());
    TensorProto { tensor_content: content(Value::Shared(tensor)), ..written }
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
        numbers => written.tensor_content = numbers.little_endian().into_owned().into(),
    }
    written
}

/// Repeats the last element up to the number that the shape has: TensorFlow leaves out such repetitions, and zeros
/// altogether. `room` is the memory that is left for them, `size` that of one repetition.
fn with_repetitions<T: Clone + Default>(
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

/// The array in a message, or its fault; `room` is the memory for elements that are not sent.
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
        .ok_or("its shape has more elements than fit in memory")?;
    let data = if proto.tensor_content.is_empty() {
        listed(proto, count, room)?
    } else {
        let dtype = DType::of_name(&name_of(proto.dtype)).filter(|dtype| *dtype != DType::String);
        little_endian::read(dtype.ok_or_else(|| unread(proto.dtype))?, &proto.tensor_content)?
    };
    Tensor::new(shape, data).map_err(|error| error.to_string())
}

fn unread(code: i32) -> String {
    format!("arrays of {} are not read", name_of(code))
}

/// The elements in the list of their type.
fn listed(proto: TensorProto, count: usize, room: &mut usize) -> Result<TensorData, String> {
    let (ints, halves) = (&proto.int_val, &proto.half_val);
    Ok(match proto.dtype() {
        DataType::DtFloat => {
            TensorData::Float(with_repetitions(proto.float_val, count, room, size_of_val)?)
        }
        DataType::DtDouble => {
            TensorData::Double(with_repetitions(proto.double_val, count, room, size_of_val)?)
        }
        DataType::DtInt32 => {
            TensorData::Int32(with_repetitions(proto.int_val, count, room, size_of_val)?)
        }
        DataType::DtUint8 => {
            TensorData::Uint8(with_repetitions(narrow(ints)?, count, room, size_of_val)?)
        }
        DataType::DtInt16 => {
            TensorData::Int16(with_repetitions(narrow(ints)?, count, room, size_of_val)?)
        }
        DataType::DtInt8 => {
            TensorData::Int8(with_repetitions(narrow(ints)?, count, room, size_of_val)?)
        }
        DataType::DtString => {
            let texts = proto.string_val.iter().map(|text| text.to_vec()).collect();
            let size = |text: &Vec<u8>| size_of::<Vec<u8>>() + text.len();
            TensorData::String(with_repetitions(texts, count, room, size)?)
        }
        DataType::DtInt64 => {
            TensorData::Int64(with_repetitions(proto.int64_val, count, room, size_of_val)?)
        }
        DataType::DtBool => {
            TensorData::Bool(with_repetitions(proto.bool_val, count, room, size_of_val)?)
        }
        DataType::DtBfloat16 => {
            TensorData::Bfloat16(with_repetitions(narrow(halves)?, count, room, size_of_val)?)
        }
        DataType::DtUint16 => {
            TensorData::Uint16(with_repetitions(narrow(ints)?, count, room, size_of_val)?)
        }
        DataType::DtHalf => {
            TensorData::Half(with_repetitions(narrow(halves)?, count, room, size_of_val)?)
        }
        DataType::DtUint32 => {
            TensorData::Uint32(with_repetitions(proto.uint32_val, count, room, size_of_val)?)
        }
        DataType::DtUint64 => {
            TensorData::Uint64(with_repetitions(proto.uint64_val, count, room, size_of_val)?)
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
