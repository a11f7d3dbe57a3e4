//! Dense arrays: model inputs and outputs.

mod elements;

use std::borrow::Cow;

pub use elements::{DType, DataView, TensorData};

use crate::{Error, Result};

/// A dense array in borrowed memory, such as a NumPy array: the form from which requests are written.
///
/// ```
/// use canary_core::tensor::{DataView, TensorView};
///
/// let pixels = [0.25_f32; 12];
/// let view = TensorView::new(vec![1, 2, 2, 3], DataView::Float(&pixels))?;
/// assert_eq!(view.shape(), [1, 2, 2, 3]);
/// # Ok::<(), canary_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct TensorView<'a> {
    shape: Cow<'a, [usize]>,
    data: DataView<'a>,
    text: bool,
}

impl<'a> TensorView<'a> {
    /// Views elements as an array of a shape.
    ///
    /// # Errors
    /// [`Error::Input`] when the number of elements is not the product of the dimensions.
    pub fn new(shape: impl Into<Cow<'a, [usize]>>, data: DataView<'a>) -> Result<Self> {
        let shape = shape.into();
        check_elements(&shape, data.len())?;
        Ok(Self { shape, data, text: false })
    }

    /// A batch of byte strings, shape `[N]`.
    #[cfg(feature = "predict")]
    pub(crate) fn of_bytes(values: &'a [Cow<'a, [u8]>]) -> Self {
        let shape = Cow::Owned(vec![values.len()]);
        Self { shape, data: DataView::Bytes(values), text: false }
    }

    /// A batch of one image. The caller checks that the shape has as many samples.
    #[cfg(feature = "predict")]
    pub(crate) fn of_image(shape: [usize; 4], data: DataView<'a>) -> Self {
        debug_assert_eq!(data.len(), shape.iter().product::<usize>());
        Self { shape: Cow::Owned(shape.to_vec()), data, text: false }
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

    /// True when its strings are texts rather than bytes; see [`Tensor::texts`].
    pub fn is_text(&self) -> bool {
        self.text
    }

    /// Copies the array.
    pub fn to_tensor(&self) -> Tensor {
        Tensor { shape: self.shape.to_vec(), data: self.data.to_owned(), text: self.text }
    }
}

/// Views are equal when their shapes and elements are: text equals the bytes that encode it.
impl PartialEq for TensorView<'_> {
    fn eq(&self, other: &Self) -> bool {
        (&self.shape, &self.data) == (&other.shape, &other.data)
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
#[derive(Clone, Debug)]
pub struct Tensor {
    shape: Vec<usize>,
    data: TensorData,
    text: bool,
}

/// Arrays are equal when their shapes and elements are: text equals the bytes that encode it.
impl PartialEq for Tensor {
    fn eq(&self, other: &Self) -> bool {
        (&self.shape, &self.data) == (&other.shape, &other.data)
    }
}

impl Tensor {
    /// An array of a shape and its elements in row-major order.
    ///
    /// # Errors
    /// [`Error::Input`] when the number of elements is not the product of the dimensions.
    pub fn new(shape: Vec<usize>, data: TensorData) -> Result<Self> {
        check_elements(&shape, data.len())?;
        Ok(Self { shape, data, text: false })
    }

    /// An array of texts, `DT_STRING`. Where a protocol distinguishes text from bytes, as JSON does, they are sent as
    /// text.
    ///
    /// ```
    /// use canary_core::tensor::Tensor;
    ///
    /// let questions = Tensor::texts(vec![2], ["How are you?", "¿Qué tal?"])?;
    /// assert!(questions.is_text());
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Input`] when the number of texts is not the product of the dimensions.
    pub fn texts<T: Into<String>>(
        shape: Vec<usize>,
        texts: impl IntoIterator<Item = T>,
    ) -> Result<Self> {
        let texts = texts.into_iter().map(|text| text.into().into_bytes()).collect();
        Ok(Self::new(shape, TensorData::String(texts))?.declared_text(true))
    }

    /// The same array, whose strings are declared to be texts or to be bytes.
    pub(crate) fn declared_text(self, text: bool) -> Self {
        Self { text, ..self }
    }

    /// A batch of one image. The caller checks that the shape has as many samples.
    #[cfg(feature = "predict")]
    pub(crate) fn of_image(shape: [usize; 4], data: TensorData) -> Self {
        debug_assert_eq!(data.len(), shape.iter().product::<usize>());
        Self { shape: shape.to_vec(), data, text: false }
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

    /// Borrows the array, as requests are written from it.
    pub fn view(&self) -> TensorView<'_> {
        let shape = Cow::Borrowed(self.shape.as_slice());
        TensorView { shape, data: self.data.view(), text: self.text }
    }

    /// True when its strings are texts rather than bytes: those of [`Tensor::texts`], and those of answers whose server
    /// declares them to be text.
    ///
    /// TensorFlow Serving sends the outputs called `…_bytes` as bytes and other strings as text. In the Open Inference
    /// Protocol the type `BYTES` stands for bytes, unless the output's parameter `content_type` is `str`. The content
    /// does not count.
    pub fn is_text(&self) -> bool {
        self.text
    }

    /// Adds a dimension of length 1 in front: a batch of one.
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
