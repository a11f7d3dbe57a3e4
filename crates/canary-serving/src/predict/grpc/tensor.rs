//! `TensorProto` and what it says of an array (`tensorflow/core/framework/{tensor,tensor_shape,types}.proto`).

use bytes::Bytes;

use super::messages::TensorShape;
use crate::tensor::{DType, Tensor, TensorData};

/// The memory for elements that an answer's arrays have and that are not sent, of all of them together. A few bytes can
/// ask for any number of elements.
pub(crate) const MAX_FILLED: usize = 64 << 20;

/// The number of an element type in `types.proto`.
pub(crate) fn code_of(dtype: DType) -> i32 {
    match dtype {
        DType::Float => 1,
        DType::Double => 2,
        DType::Int32 => 3,
        DType::Uint8 => 4,
        DType::Int16 => 5,
        DType::Int8 => 6,
        DType::String => 7,
        DType::Int64 => 9,
        DType::Bool => 10,
        DType::Bfloat16 => 14,
        DType::Uint16 => 17,
        DType::Half => 19,
        DType::Uint32 => 22,
        DType::Uint64 => 23,
    }
}

/// The name of an element type that arrays of this crate do not have.
pub(crate) fn name_of(code: i32) -> String {
    match code {
        8 => "DT_COMPLEX64".to_owned(),
        11 => "DT_QINT8".to_owned(),
        12 => "DT_QUINT8".to_owned(),
        13 => "DT_QINT32".to_owned(),
        18 => "DT_COMPLEX128".to_owned(),
        20 => "DT_RESOURCE".to_owned(),
        21 => "DT_VARIANT".to_owned(),
        code => DType::ALL
            .into_iter()
            .find(|dtype| code_of(*dtype) == code)
            .map_or_else(|| format!("DataType {code}"), |dtype| dtype.as_str().to_owned()),
    }
}

/// An array on the wire.
///
/// Packed floats and doubles are read as the bytes they are: a copy, where a list costs a step for each element.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct TensorProto {
    #[prost(int32, tag = "1")]
    dtype: i32,
    #[prost(message, optional, tag = "2")]
    tensor_shape: Option<TensorShape>,
    #[prost(bytes = "bytes", tag = "4")]
    tensor_content: Bytes,
    #[prost(bytes = "bytes", repeated, tag = "5")]
    float_val: Vec<Bytes>,
    #[prost(bytes = "bytes", repeated, tag = "6")]
    double_val: Vec<Bytes>,
    #[prost(int32, repeated, tag = "7")]
    int_val: Vec<i32>,
    #[prost(bytes = "vec", repeated, tag = "8")]
    string_val: Vec<Vec<u8>>,
    #[prost(int64, repeated, tag = "10")]
    int64_val: Vec<i64>,
    #[prost(bool, repeated, tag = "11")]
    bool_val: Vec<bool>,
    #[prost(int32, repeated, tag = "13")]
    half_val: Vec<i32>,
    #[prost(uint32, repeated, tag = "16")]
    uint32_val: Vec<u32>,
    #[prost(uint64, repeated, tag = "17")]
    uint64_val: Vec<u64>,
}

/// Little-endian elements of N bytes each.
fn elements<const N: usize, T>(bytes: &[u8], read: fn([u8; N]) -> T) -> Result<Vec<T>, String> {
    let (chunks, rest) = bytes.as_chunks::<N>();
    if !rest.is_empty() {
        return Err(format!("{} bytes are not a number of elements of {N} bytes", bytes.len()));
    }
    Ok(chunks.iter().map(|chunk| read(*chunk)).collect())
}

/// The elements of several packed runs, one after the other.
fn packed<const N: usize, T>(runs: &[Bytes], read: fn([u8; N]) -> T) -> Result<Vec<T>, String> {
    if let [run] = runs {
        return elements(run, read);
    }
    elements(&runs.concat(), read)
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

impl TensorProto {
    /// The array, or why it is none; `room` is the memory for elements that are not sent.
    pub(crate) fn into_tensor(self, room: &mut usize) -> Result<Tensor, String> {
        let dims = self.tensor_shape.as_ref().map(|shape| shape.dim.as_slice()).unwrap_or_default();
        let shape = dims
            .iter()
            .map(|dim| usize::try_from(dim.size))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| "its shape has a dimension of unknown length".to_owned())?;
        let count = shape
            .iter()
            .try_fold(1_usize, |product, &dim| product.checked_mul(dim))
            .ok_or("its shape has more elements than memory has")?;
        let data = if self.tensor_content.is_empty() {
            self.values(count, room)?
        } else {
            self.content()?
        };
        Tensor::new(shape, data).map_err(|error| error.to_string())
    }

    fn content(&self) -> Result<TensorData, String> {
        let bytes = &self.tensor_content;
        Ok(match self.dtype {
            1 => TensorData::Float(elements(bytes, f32::from_le_bytes)?),
            2 => TensorData::Double(elements(bytes, f64::from_le_bytes)?),
            3 => TensorData::Int32(elements(bytes, i32::from_le_bytes)?),
            4 => TensorData::Uint8(bytes.to_vec()),
            5 => TensorData::Int16(elements(bytes, i16::from_le_bytes)?),
            6 => TensorData::Int8(elements(bytes, i8::from_le_bytes)?),
            9 => TensorData::Int64(elements(bytes, i64::from_le_bytes)?),
            10 => TensorData::Bool(bytes.iter().map(|&byte| byte != 0).collect()),
            14 => TensorData::Bfloat16(elements(bytes, u16::from_le_bytes)?),
            17 => TensorData::Uint16(elements(bytes, u16::from_le_bytes)?),
            19 => TensorData::Half(elements(bytes, u16::from_le_bytes)?),
            22 => TensorData::Uint32(elements(bytes, u32::from_le_bytes)?),
            23 => TensorData::Uint64(elements(bytes, u64::from_le_bytes)?),
            other => return Err(format!("arrays of {} are not read", name_of(other))),
        })
    }

    fn values(self, count: usize, room: &mut usize) -> Result<TensorData, String> {
        let text = |text: &Vec<u8>| size_of::<Vec<u8>>() + text.len();
        Ok(match self.dtype {
            1 => TensorData::Float(filled(
                packed(&self.float_val, f32::from_le_bytes)?,
                count,
                room,
                size_of_val,
            )?),
            2 => TensorData::Double(filled(
                packed(&self.double_val, f64::from_le_bytes)?,
                count,
                room,
                size_of_val,
            )?),
            3 => TensorData::Int32(filled(self.int_val, count, room, size_of_val)?),
            4 => TensorData::Uint8(filled(narrow(&self.int_val)?, count, room, size_of_val)?),
            5 => TensorData::Int16(filled(narrow(&self.int_val)?, count, room, size_of_val)?),
            6 => TensorData::Int8(filled(narrow(&self.int_val)?, count, room, size_of_val)?),
            7 => TensorData::String(filled(self.string_val, count, room, text)?),
            9 => TensorData::Int64(filled(self.int64_val, count, room, size_of_val)?),
            10 => TensorData::Bool(filled(self.bool_val, count, room, size_of_val)?),
            14 => TensorData::Bfloat16(filled(narrow(&self.half_val)?, count, room, size_of_val)?),
            17 => TensorData::Uint16(filled(narrow(&self.int_val)?, count, room, size_of_val)?),
            19 => TensorData::Half(filled(narrow(&self.half_val)?, count, room, size_of_val)?),
            22 => TensorData::Uint32(filled(self.uint32_val, count, room, size_of_val)?),
            23 => TensorData::Uint64(filled(self.uint64_val, count, room, size_of_val)?),
            other => return Err(format!("arrays of {} are not read", name_of(other))),
        })
    }
}
