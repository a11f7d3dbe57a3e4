//! Tensors as `TensorProto`, both ways.

use canary_core::tensor::{DType, Tensor, TensorData};
use canary_proto::tensorflow::{DataType, TensorProto, TensorShapeProto, tensor_shape_proto::Dim};

/// An element type of the lab's models; they have no others.
pub(super) fn data_type(dtype: DType) -> DataType {
    match dtype {
        DType::Float => DataType::DtFloat,
        DType::Double => DataType::DtDouble,
        DType::Int32 => DataType::DtInt32,
        DType::Uint8 => DataType::DtUint8,
        DType::String => DataType::DtString,
        DType::Int64 => DataType::DtInt64,
        DType::Bool => DataType::DtBool,
        _ => DataType::DtInvalid,
    }
}

/// A shape of which some dimensions may be open.
pub(super) fn shape(sizes: impl IntoIterator<Item = Option<usize>>) -> TensorShapeProto {
    let size = |size: Option<usize>| size.and_then(|size| i64::try_from(size).ok()).unwrap_or(-1);
    let dim = sizes.into_iter().map(|one| Dim { size: size(one) }).collect();
    TensorShapeProto { dim, unknown_rank: false }
}

fn numbers<const N: usize, T>(content: &[u8], read: fn([u8; N]) -> T) -> Vec<T> {
    content.as_chunks::<N>().0.iter().map(|chunk| read(*chunk)).collect()
}

/// As many elements as the shape has: missing elements repeat the last one, or are zero.
fn filled<T: Clone + Default>(mut values: Vec<T>, count: usize) -> Vec<T> {
    if values.len() < count {
        let last = values.last().cloned().unwrap_or_default();
        values.resize(count, last);
    }
    values
}

/// The array in a message, or the reason why it is not one.
pub(super) fn read(proto: TensorProto) -> Result<Tensor, String> {
    // The limit of the memory for elements that a message does not contain.
    const MOST: usize = 64 << 20;
    let dims = proto.tensor_shape.as_ref().map(|shape| shape.dim.as_slice()).unwrap_or_default();
    let shape: Result<Vec<usize>, _> = dims.iter().map(|dim| usize::try_from(dim.size)).collect();
    let shape = shape.map_err(|_| "has a dimension of negative size".to_owned())?;
    let count = shape
        .iter()
        .try_fold(1_usize, |product, &size| product.checked_mul(size))
        .filter(|count| *count <= MOST)
        .ok_or_else(|| format!("has the shape {shape:?}, which is too large"))?;
    let content = &proto.tensor_content;
    let plain = content.is_empty();
    let dtype = proto.dtype();
    let data = match dtype {
        DataType::DtFloat if plain => TensorData::Float(filled(proto.float_val, count)),
        DataType::DtFloat => TensorData::Float(numbers(content, f32::from_le_bytes)),
        DataType::DtDouble if plain => TensorData::Double(filled(proto.double_val, count)),
        DataType::DtDouble => TensorData::Double(numbers(content, f64::from_le_bytes)),
        DataType::DtInt32 if plain => TensorData::Int32(filled(proto.int_val, count)),
        DataType::DtInt32 => TensorData::Int32(numbers(content, i32::from_le_bytes)),
        DataType::DtUint8 if plain => {
            let bytes: Result<Vec<u8>, _> = proto.int_val.into_iter().map(u8::try_from).collect();
            TensorData::Uint8(filled(bytes.map_err(|_| "holds no bytes".to_owned())?, count))
        }
        DataType::DtUint8 => TensorData::Uint8(content.to_vec()),
        DataType::DtString => {
            let texts = proto.string_val.iter().map(|text| text.to_vec()).collect();
            TensorData::String(filled(texts, count))
        }
        DataType::DtInt64 if plain => TensorData::Int64(filled(proto.int64_val, count)),
        DataType::DtInt64 => TensorData::Int64(numbers(content, i64::from_le_bytes)),
        DataType::DtBool if plain => TensorData::Bool(filled(proto.bool_val, count)),
        DataType::DtBool => TensorData::Bool(content.iter().map(|byte| *byte != 0).collect()),
        _ => {
            return Err(format!(
                "has the element type {}, which no model here accepts",
                proto.dtype
            ));
        }
    };
    Tensor::new(shape, data).map_err(|error| format!("is not an array: {error}"))
}

/// The message of an array, its elements in the fields of their types as the server sends them unless told otherwise.
pub(super) fn write(tensor: Tensor) -> TensorProto {
    let mut proto = TensorProto {
        dtype: data_type(tensor.dtype()).into(),
        tensor_shape: Some(shape(tensor.shape().iter().copied().map(Some))),
        ..TensorProto::default()
    };
    match tensor.into_parts().1 {
        TensorData::Float(values) => proto.float_val = values,
        TensorData::Double(values) => proto.double_val = values,
        TensorData::Int32(values) => proto.int_val = values,
        TensorData::Uint8(values) => proto.int_val = values.into_iter().map(i32::from).collect(),
        TensorData::String(values) => {
            proto.string_val = values.into_iter().map(Into::into).collect();
        }
        TensorData::Int64(values) => proto.int64_val = values,
        TensorData::Bool(values) => proto.bool_val = values,
        _ => {}
    }
    proto
}
