//! A dense array with a TensorFlow dtype, the common form of model inputs and outputs.

use std::fmt;

use crate::{Error, Result};

/// The element types that TensorFlow Serving takes and gives, with TensorFlow's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DType {
    /// `DT_HALF`: IEEE 754 binary16, as its bits.
    Half,
    /// `DT_BFLOAT16`: the upper half of a binary32, as its bits.
    Bfloat16,
    /// `DT_FLOAT`: 32-bit floating point.
    Float,
    /// `DT_DOUBLE`: 64-bit floating point.
    Double,
    /// `DT_INT8`.
    Int8,
    /// `DT_INT16`.
    Int16,
    /// `DT_INT32`.
    Int32,
    /// `DT_INT64`.
    Int64,
    /// `DT_UINT8`.
    Uint8,
    /// `DT_UINT16`.
    Uint16,
    /// `DT_UINT32`.
    Uint32,
    /// `DT_UINT64`.
    Uint64,
    /// `DT_BOOL`.
    Bool,
    /// `DT_STRING`: bytes of any length, not necessarily UTF-8.
    String,
}

impl DType {
    /// TensorFlow's name, such as `DT_FLOAT`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Half => "DT_HALF",
            Self::Bfloat16 => "DT_BFLOAT16",
            Self::Float => "DT_FLOAT",
            Self::Double => "DT_DOUBLE",
            Self::Int8 => "DT_INT8",
            Self::Int16 => "DT_INT16",
            Self::Int32 => "DT_INT32",
            Self::Int64 => "DT_INT64",
            Self::Uint8 => "DT_UINT8",
            Self::Uint16 => "DT_UINT16",
            Self::Uint32 => "DT_UINT32",
            Self::Uint64 => "DT_UINT64",
            Self::Bool => "DT_BOOL",
            Self::String => "DT_STRING",
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The elements of a [`Tensor`], in row-major order.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TensorData {
    /// `DT_HALF`, as bits.
    Half(Vec<u16>),
    /// `DT_BFLOAT16`, as bits.
    Bfloat16(Vec<u16>),
    /// `DT_FLOAT`.
    Float(Vec<f32>),
    /// `DT_DOUBLE`.
    Double(Vec<f64>),
    /// `DT_INT8`.
    Int8(Vec<i8>),
    /// `DT_INT16`.
    Int16(Vec<i16>),
    /// `DT_INT32`.
    Int32(Vec<i32>),
    /// `DT_INT64`.
    Int64(Vec<i64>),
    /// `DT_UINT8`.
    Uint8(Vec<u8>),
    /// `DT_UINT16`.
    Uint16(Vec<u16>),
    /// `DT_UINT32`.
    Uint32(Vec<u32>),
    /// `DT_UINT64`.
    Uint64(Vec<u64>),
    /// `DT_BOOL`.
    Bool(Vec<bool>),
    /// `DT_STRING`.
    String(Vec<Vec<u8>>),
}

macro_rules! for_each_variant {
    ($data:expr, $values:ident => $body:expr) => {
        match $data {
            TensorData::Half($values)
            | TensorData::Bfloat16($values)
            | TensorData::Uint16($values) => $body,
            TensorData::Float($values) => $body,
            TensorData::Double($values) => $body,
            TensorData::Int8($values) => $body,
            TensorData::Int16($values) => $body,
            TensorData::Int32($values) => $body,
            TensorData::Int64($values) => $body,
            TensorData::Uint8($values) => $body,
            TensorData::Uint32($values) => $body,
            TensorData::Uint64($values) => $body,
            TensorData::Bool($values) => $body,
            TensorData::String($values) => $body,
        }
    };
}

impl TensorData {
    /// The number of elements.
    pub fn len(&self) -> usize {
        for_each_variant!(self, values => values.len())
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        match self {
            Self::Half(_) => DType::Half,
            Self::Bfloat16(_) => DType::Bfloat16,
            Self::Float(_) => DType::Float,
            Self::Double(_) => DType::Double,
            Self::Int8(_) => DType::Int8,
            Self::Int16(_) => DType::Int16,
            Self::Int32(_) => DType::Int32,
            Self::Int64(_) => DType::Int64,
            Self::Uint8(_) => DType::Uint8,
            Self::Uint16(_) => DType::Uint16,
            Self::Uint32(_) => DType::Uint32,
            Self::Uint64(_) => DType::Uint64,
            Self::Bool(_) => DType::Bool,
            Self::String(_) => DType::String,
        }
    }
}

/// A dense array: a shape and as many elements as the product of its dimensions.
///
/// ```
/// use canary_core::tensor::{DType, Tensor, TensorData};
///
/// let tensor = Tensor::new(vec![2, 3], TensorData::Float(vec![0.0; 6]))?;
/// assert_eq!(tensor.dtype(), DType::Float);
/// assert!(Tensor::new(vec![2, 3], TensorData::Float(vec![0.0; 5])).is_err());
/// # Ok::<(), canary_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    data: TensorData,
}

impl Tensor {
    /// An array of that shape.
    ///
    /// # Errors
    /// [`Error::Image`] when the number of elements is not the product of the dimensions.
    pub fn new(shape: Vec<usize>, data: TensorData) -> Result<Self> {
        let wanted = shape.iter().try_fold(1_usize, |product, &dim| product.checked_mul(dim));
        if wanted == Some(data.len()) {
            return Ok(Self { shape, data });
        }
        Err(Error::Image {
            what: format!("tensor of shape {shape:?}"),
            reason: format!(
                "found {} elements, expected {}; the shape's dimensions multiply to the number of elements",
                data.len(),
                wanted.map_or_else(|| "a number that fits in memory".to_owned(), |n| n.to_string()),
            ),
        })
    }

    /// The dimensions, outermost first; empty for a scalar.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.data.dtype()
    }

    /// The elements.
    pub fn data(&self) -> &TensorData {
        &self.data
    }

    /// The shape and the elements, without a copy.
    pub fn into_parts(self) -> (Vec<usize>, TensorData) {
        (self.shape, self.data)
    }
}
