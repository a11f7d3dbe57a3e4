//! Numbers as little-endian bytes, element after element: what gRPC and the binary extension of REST carry.

use crate::tensor::{DType, TensorData};

/// Elements of N bytes each.
fn elements<const N: usize, T>(bytes: &[u8], read: fn([u8; N]) -> T) -> Result<Vec<T>, String> {
    let (chunks, rest) = bytes.as_chunks::<N>();
    if !rest.is_empty() {
        return Err(format!("{} bytes are not a number of elements of {N} bytes", bytes.len()));
    }
    Ok(chunks.iter().map(|chunk| read(*chunk)).collect())
}

/// The numbers in these bytes. Strings have forms of their own, and are refused.
pub(crate) fn read(dtype: DType, bytes: &[u8]) -> Result<TensorData, String> {
    Ok(match dtype {
        DType::Half => TensorData::Half(elements(bytes, u16::from_le_bytes)?),
        DType::Bfloat16 => TensorData::Bfloat16(elements(bytes, u16::from_le_bytes)?),
        DType::Float => TensorData::Float(elements(bytes, f32::from_le_bytes)?),
        DType::Double => TensorData::Double(elements(bytes, f64::from_le_bytes)?),
        DType::Int8 => TensorData::Int8(elements(bytes, i8::from_le_bytes)?),
        DType::Int16 => TensorData::Int16(elements(bytes, i16::from_le_bytes)?),
        DType::Int32 => TensorData::Int32(elements(bytes, i32::from_le_bytes)?),
        DType::Int64 => TensorData::Int64(elements(bytes, i64::from_le_bytes)?),
        DType::Uint8 => TensorData::Uint8(bytes.to_vec()),
        DType::Uint16 => TensorData::Uint16(elements(bytes, u16::from_le_bytes)?),
        DType::Uint32 => TensorData::Uint32(elements(bytes, u32::from_le_bytes)?),
        DType::Uint64 => TensorData::Uint64(elements(bytes, u64::from_le_bytes)?),
        DType::Bool => TensorData::Bool(bytes.iter().map(|&byte| byte != 0).collect()),
        DType::String => return Err("strings are not numbers".to_owned()),
    })
}
