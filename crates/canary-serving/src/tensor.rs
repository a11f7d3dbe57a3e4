//! A dense array with a TensorFlow dtype, the common form of model inputs and outputs.

use std::{borrow::Cow, fmt};

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

impl DType {
    pub(crate) const ALL: [Self; 14] = [
        Self::Half,
        Self::Bfloat16,
        Self::Float,
        Self::Double,
        Self::Int8,
        Self::Int16,
        Self::Int32,
        Self::Int64,
        Self::Uint8,
        Self::Uint16,
        Self::Uint32,
        Self::Uint64,
        Self::Bool,
        Self::String,
    ];

    /// The type with TensorFlow's name, such as `DT_FLOAT`.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dtype| dtype.as_str() == name)
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

impl TensorData {
    /// The same elements without their own memory.
    pub fn view(&self) -> DataView<'_> {
        match self {
            Self::Half(values) => DataView::Half(values),
            Self::Bfloat16(values) => DataView::Bfloat16(values),
            Self::Float(values) => DataView::Float(values),
            Self::Double(values) => DataView::Double(values),
            Self::Int8(values) => DataView::Int8(values),
            Self::Int16(values) => DataView::Int16(values),
            Self::Int32(values) => DataView::Int32(values),
            Self::Int64(values) => DataView::Int64(values),
            Self::Uint8(values) => DataView::Uint8(values),
            Self::Uint16(values) => DataView::Uint16(values),
            Self::Uint32(values) => DataView::Uint32(values),
            Self::Uint64(values) => DataView::Uint64(values),
            Self::Bool(values) => DataView::Bool(values),
            Self::String(values) => DataView::String(values),
        }
    }
}

/// The elements of a [`TensorView`], in row-major order, in memory of somebody else.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum DataView<'a> {
    /// `DT_HALF`, as bits.
    Half(&'a [u16]),
    /// `DT_BFLOAT16`, as bits.
    Bfloat16(&'a [u16]),
    /// `DT_FLOAT`.
    Float(&'a [f32]),
    /// `DT_DOUBLE`.
    Double(&'a [f64]),
    /// `DT_INT8`.
    Int8(&'a [i8]),
    /// `DT_INT16`.
    Int16(&'a [i16]),
    /// `DT_INT32`.
    Int32(&'a [i32]),
    /// `DT_INT64`.
    Int64(&'a [i64]),
    /// `DT_UINT8`.
    Uint8(&'a [u8]),
    /// `DT_UINT16`.
    Uint16(&'a [u16]),
    /// `DT_UINT32`.
    Uint32(&'a [u32]),
    /// `DT_UINT64`.
    Uint64(&'a [u64]),
    /// `DT_BOOL`.
    Bool(&'a [bool]),
    /// `DT_STRING` from owned byte strings.
    String(&'a [Vec<u8>]),
    /// `DT_STRING` from byte strings that may themselves be borrowed.
    Bytes(&'a [Cow<'a, [u8]>]),
}

impl DataView<'_> {
    /// The number of elements.
    pub fn len(&self) -> usize {
        match self {
            Self::Half(values) | Self::Bfloat16(values) | Self::Uint16(values) => values.len(),
            Self::Float(values) => values.len(),
            Self::Double(values) => values.len(),
            Self::Int8(values) => values.len(),
            Self::Int16(values) => values.len(),
            Self::Int32(values) => values.len(),
            Self::Int64(values) => values.len(),
            Self::Uint8(values) => values.len(),
            Self::Uint32(values) => values.len(),
            Self::Uint64(values) => values.len(),
            Self::Bool(values) => values.len(),
            Self::String(values) => values.len(),
            Self::Bytes(values) => values.len(),
        }
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
            Self::String(_) | Self::Bytes(_) => DType::String,
        }
    }
}

/// A dense array in memory of somebody else, such as a NumPy array: what a request is written from.
///
/// ```
/// use canary_core::tensor::{DataView, TensorView};
///
/// let pixels = [0.25_f32; 12];
/// let view = TensorView::new(vec![1, 2, 2, 3], DataView::Float(&pixels))?;
/// assert_eq!(view.shape(), [1, 2, 2, 3]);
/// # Ok::<(), canary_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct TensorView<'a> {
    shape: Cow<'a, [usize]>,
    data: DataView<'a>,
}

impl<'a> TensorView<'a> {
    /// An array of that shape over those elements.
    ///
    /// # Errors
    /// [`Error::Input`] when the number of elements is not the product of the dimensions.
    pub fn new(shape: impl Into<Cow<'a, [usize]>>, data: DataView<'a>) -> Result<Self> {
        let shape = shape.into();
        check_elements(&shape, data.len())?;
        Ok(Self { shape, data })
    }

    /// A batch of byte strings, shape `[N]`.
    #[cfg(feature = "predict")]
    pub(crate) fn of_bytes(values: &'a [Cow<'a, [u8]>]) -> Self {
        Self { shape: Cow::Owned(vec![values.len()]), data: DataView::Bytes(values) }
    }

    /// A batch of one image, whose samples are as many as its shape says.
    #[cfg(feature = "predict")]
    pub(crate) fn of_image(shape: [usize; 4], data: DataView<'a>) -> Self {
        debug_assert_eq!(data.len(), shape.iter().product::<usize>());
        Self { shape: Cow::Owned(shape.to_vec()), data }
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
    pub fn data(&self) -> DataView<'a> {
        self.data
    }

    /// The same array in memory of its own.
    pub fn to_tensor(&self) -> Tensor {
        let data = match self.data {
            DataView::Half(values) => TensorData::Half(values.to_vec()),
            DataView::Bfloat16(values) => TensorData::Bfloat16(values.to_vec()),
            DataView::Float(values) => TensorData::Float(values.to_vec()),
            DataView::Double(values) => TensorData::Double(values.to_vec()),
            DataView::Int8(values) => TensorData::Int8(values.to_vec()),
            DataView::Int16(values) => TensorData::Int16(values.to_vec()),
            DataView::Int32(values) => TensorData::Int32(values.to_vec()),
            DataView::Int64(values) => TensorData::Int64(values.to_vec()),
            DataView::Uint8(values) => TensorData::Uint8(values.to_vec()),
            DataView::Uint16(values) => TensorData::Uint16(values.to_vec()),
            DataView::Uint32(values) => TensorData::Uint32(values.to_vec()),
            DataView::Uint64(values) => TensorData::Uint64(values.to_vec()),
            DataView::Bool(values) => TensorData::Bool(values.to_vec()),
            DataView::String(values) => TensorData::String(values.to_vec()),
            DataView::Bytes(values) => {
                TensorData::String(values.iter().map(|value| value.to_vec()).collect())
            }
        };
        Tensor { shape: self.shape.to_vec(), data }
    }
}

fn check_elements(shape: &[usize], found: usize) -> Result<()> {
    let wanted = shape.iter().try_fold(1_usize, |product, &dim| product.checked_mul(dim));
    if wanted == Some(found) {
        return Ok(());
    }
    Err(Error::Input {
        what: format!("tensor of shape {shape:?}"),
        reason: format!(
            "found {found} elements, expected {}; the shape's dimensions multiply to the number of elements",
            wanted.map_or_else(|| "a number that fits in memory".to_owned(), |n| n.to_string()),
        ),
    })
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
    /// [`Error::Input`] when the number of elements is not the product of the dimensions.
    pub fn new(shape: Vec<usize>, data: TensorData) -> Result<Self> {
        check_elements(&shape, data.len())?;
        Ok(Self { shape, data })
    }

    /// A batch of one image, whose samples are as many as its shape says.
    #[cfg(feature = "predict")]
    pub(crate) fn of_image(shape: [usize; 4], data: TensorData) -> Self {
        debug_assert_eq!(data.len(), shape.iter().product::<usize>());
        Self { shape: shape.to_vec(), data }
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

    /// The same array without its own memory: what a request is written from.
    pub fn view(&self) -> TensorView<'_> {
        TensorView { shape: Cow::Borrowed(&self.shape), data: self.data.view() }
    }

    /// The same elements with one more dimension of length 1 in front: a batch of one.
    ///
    /// ```
    /// use canary_core::tensor::{Tensor, TensorData};
    ///
    /// let image = Tensor::new(vec![2, 2, 3], TensorData::Float(vec![0.5; 12]))?;
    /// assert_eq!(image.batch_of_one().shape(), [1, 2, 2, 3]);
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    pub fn batch_of_one(mut self) -> Self {
        self.shape.insert(0, 1);
        self
    }

    /// The elements when the array is `DT_FLOAT`.
    pub fn as_floats(&self) -> Option<&[f32]> {
        match &self.data {
            TensorData::Float(values) => Some(values),
            _ => None,
        }
    }

    /// The elements as text when the array is `DT_STRING`; bytes that are not UTF-8 become U+FFFD.
    pub fn to_texts(&self) -> Option<Vec<Cow<'_, str>>> {
        match &self.data {
            TensorData::String(values) => {
                Some(values.iter().map(|bytes| String::from_utf8_lossy(bytes)).collect())
            }
            _ => None,
        }
    }

    /// The shape and the elements, without a copy.
    pub fn into_parts(self) -> (Vec<usize>, TensorData) {
        (self.shape, self.data)
    }
}
