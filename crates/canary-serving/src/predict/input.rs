//! The inputs of a prediction: files, tensors, or several of them by name.

use std::{borrow::Cow, sync::Arc};

use crate::{
    error::{Error, Result},
    tensor::{DataView, Tensor, TensorView},
};

/// The inputs of one prediction.
///
/// Every kind of input converts into it: the bytes of an image file (a batch of one), several files (one
/// batch), a [`Tensor`] (owned, borrowed, or shared in an [`Arc`]) or a [`TensorView`], an image of the crate `image`
/// (version 0.25; an `ImageBuffer` as it is, a `DynamicImage` as RGB), or several of these by the names of the
/// signature.
///
/// ```
/// use canary_core::predict::Input;
/// use canary_core::tensor::{Tensor, TensorData};
///
/// let photo: Input = b"\xff\xd8\xff".as_slice().into();
/// assert_eq!(photo.batch_len(), Some(1));
/// let ages = Tensor::new(vec![2, 1], TensorData::Float(vec![31.0, 44.0]))?;
/// let towns = Tensor::new(vec![2, 1], TensorData::Int64(vec![7, 9]))?;
/// let named = Input::named([("age", ages), ("town", towns)]);
/// assert_eq!(named.batch_len(), Some(2));
/// # Ok::<(), canary_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Input<'a> {
    /// The name is empty for the one input that needs none.
    pub(crate) values: Vec<(Cow<'a, str>, Value<'a>)>,
}

/// One input: a batch of byte strings, or an array.
#[derive(Clone, Debug)]
pub enum Value<'a> {
    /// A batch of byte strings, shape `[N]`, `DT_STRING`: image files, or serialised examples.
    Files(Vec<Cow<'a, [u8]>>),
    /// An array that is owned.
    Tensor(Tensor),
    /// An array that several requests share: none of them copies it where the bytes on the wire are its own (gRPC).
    Shared(Arc<Tensor>),
    /// An array in borrowed memory.
    View(TensorView<'a>),
}

impl Value<'_> {
    /// Borrows the array, of files as one of byte strings.
    pub fn view(&self) -> TensorView<'_> {
        match self {
            Self::Files(files) => TensorView::of_bytes(files),
            Self::Tensor(tensor) => tensor.view(),
            Self::Shared(tensor) => tensor.view(),
            Self::View(view) => view.clone(),
        }
    }

    fn into_owned(self) -> Value<'static> {
        match self {
            Self::Files(files) => {
                Value::Files(files.into_iter().map(|file| Cow::Owned(file.into_owned())).collect())
            }
            Self::Tensor(tensor) => Value::Tensor(tensor),
            Self::Shared(tensor) => Value::Shared(tensor),
            Self::View(view) => Value::Tensor(view.to_tensor()),
        }
    }
}

impl<'a> Input<'a> {
    /// Several inputs by the names that the signature gives them.
    pub fn named<N, V>(values: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<Cow<'a, str>>,
        V: Into<Value<'a>>,
    {
        Self {
            values: values.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
        }
    }

    /// A batch of files: one request, one answer with a row for each.
    pub fn files<F: Into<Cow<'a, [u8]>>>(files: impl IntoIterator<Item = F>) -> Self {
        Value::Files(files.into_iter().map(Into::into).collect()).into()
    }

    /// Every input with its name, which is empty for the one input that has none.
    pub fn values(&self) -> impl ExactSizeIterator<Item = (&str, &Value<'a>)> {
        self.values.iter().map(|(name, value)| (name.as_ref(), value))
    }

    /// The first dimension when every input has the same one.
    pub fn batch_len(&self) -> Option<usize> {
        let mut lengths =
            self.values.iter().map(|(_, value)| value.view().shape().first().copied());
        let first = lengths.next()??;
        lengths.all(|length| length == Some(first)).then_some(first)
    }

    /// The elements of its arrays, where each byte of a file or of a string counts as one: the time that a request
    /// takes to be written grows with it.
    ///
    /// ```
    /// use canary_core::predict::Input;
    ///
    /// assert_eq!(Input::files([&b"abc"[..], &b"de"[..]]).elements(), 5);
    /// ```
    pub fn elements(&self) -> usize {
        let of = |(_, value): &(_, Value<'_>)| match value.view().data() {
            DataView::Bytes(values) => values.iter().map(|value| value.len()).sum(),
            DataView::String(values) => values.iter().map(Vec::len).sum(),
            numbers => numbers.len(),
        };
        self.values.iter().map(of).sum()
    }

    /// Copies what is borrowed, for tasks that outlive the caller.
    pub fn into_owned(self) -> Input<'static> {
        Input {
            values: self
                .values
                .into_iter()
                .map(|(name, value)| (Cow::Owned(name.into_owned()), value.into_owned()))
                .collect(),
        }
    }

    /// Puts arrays into memory that clones, and requests over gRPC, share: for inputs that are sent more than once.
    #[cfg(feature = "rollout")]
    pub(crate) fn shared(self) -> Self {
        let share = |value| match value {
            Value::Tensor(tensor) => Value::Shared(Arc::new(tensor)),
            other => other,
        };
        Self { values: self.values.into_iter().map(|(name, value)| (name, share(value))).collect() }
    }

    /// Refuses no inputs, a name given twice, and one of several inputs without a name.
    pub(crate) fn check(&self) -> Result<()> {
        if self.values.is_empty() {
            return Err(input_error(
                "the request has no input",
                "give a file, a tensor or named inputs",
            ));
        }
        for (index, (name, _)) in self.values.iter().enumerate() {
            if self.values[..index].iter().any(|(seen, _)| seen == name) {
                return Err(input_error(&format!("input {name:?} is given twice"), ""));
            }
            if name.is_empty() && self.values.len() > 1 {
                return Err(input_error("one of several inputs has no name", "name every input"));
            }
        }
        Ok(())
    }

    /// Every input with its name and array; refuses what [`Input::check`] does.
    pub(crate) fn views(&self) -> Result<Vec<(&str, TensorView<'_>)>> {
        self.check()?;
        Ok(self.values.iter().map(|(name, value)| (name.as_ref(), value.view())).collect())
    }
}

pub(crate) fn input_error(reason: &str, help: &str) -> Error {
    let separator = if help.is_empty() { "" } else { "; " };
    Error::Input { what: "input".to_owned(), reason: format!("{reason}{separator}{help}") }
}

/// Everything that converts into a [`Value`] can also be the only input, without a name.
impl<'a, T> From<T> for Input<'a>
where
    Value<'a>: From<T>,
{
    fn from(value: T) -> Self {
        Self { values: vec![(Cow::Borrowed(""), value.into())] }
    }
}

macro_rules! from {
    ($($source:ty => $argument:ident $value:expr;)*) => {$(
        impl<'a> From<$source> for Value<'a> {
            fn from($argument: $source) -> Self {
                $value
            }
        }
    )*};
}

from! {
    &'a [u8] => file Value::Files(vec![Cow::Borrowed(file)]);
    &'a Vec<u8> => file Value::Files(vec![Cow::Borrowed(file)]);
    Vec<u8> => file Value::Files(vec![Cow::Owned(file)]);
    Vec<Vec<u8>> => files Value::Files(files.into_iter().map(Cow::Owned).collect());
    &'a [Vec<u8>] => files Value::Files(files.iter().map(|file| Cow::Borrowed(file.as_slice())).collect());
    Tensor => tensor Value::Tensor(tensor);
    &'a Tensor => tensor Value::View(tensor.view());
    Arc<Tensor> => tensor Value::Shared(tensor);
    TensorView<'a> => view Value::View(view);
}

impl<'a> From<&'a Value<'_>> for Value<'a> {
    fn from(value: &'a Value<'_>) -> Self {
        match value {
            Value::Files(files) => {
                Value::Files(files.iter().map(|file| Cow::Borrowed(file.as_ref())).collect())
            }
            Value::Tensor(tensor) => Value::View(tensor.view()),
            Value::Shared(tensor) => Value::Shared(Arc::clone(tensor)),
            Value::View(view) => Value::View(view.clone()),
        }
    }
}

impl<'a> From<&'a Input<'_>> for Input<'a> {
    fn from(input: &'a Input<'_>) -> Self {
        let values = input.values.iter();
        Self { values: values.map(|(name, value)| (Cow::from(&**name), value.into())).collect() }
    }
}
