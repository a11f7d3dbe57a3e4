//! An input that is sent to the models in a rollout, with its name and its label.

use std::{pin::Pin, sync::Arc};

use futures_core::Stream;

use super::predictor::PredictionInput;
use crate::{Error, Result};

/// The inputs of a run, in the order in which they are sent.
pub(crate) type Samples<I> = Pin<Box<dyn Stream<Item = Result<Sample<I>>> + Send>>;

/// An input of both models.
///
/// A pair compares one response with one, so a sample of a rollout that needs pairs is a file, or arrays whose first
/// dimension is 1.
///
/// ```
/// use canary_core::{evidence::Sample, tensor::{Tensor, TensorData}};
///
/// let photo = Sample::new("cat.jpg", b"the bytes of the file".as_slice());
/// assert_eq!(photo.file(), Some(b"the bytes of the file".as_slice()));
///
/// let pixels = Tensor::new(vec![2, 2, 3], TensorData::Float(vec![0.5; 12]))?.batch_of_one();
/// let array = Sample::new("cat", pixels).label("tabby");
/// assert_eq!(array.input.batch_len(), Some(1));
/// # Ok::<(), canary_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Sample<I> {
    /// Its name, such as a file name, for the gallery of disagreements.
    pub name: Arc<str>,
    /// The input of the models.
    pub input: Arc<I>,
    /// The true class, where it is known.
    pub label: Option<String>,
}

impl<I> Clone for Sample<I> {
    fn clone(&self) -> Self {
        let Self { name, input, label } = self;
        Self { name: Arc::clone(name), input: Arc::clone(input), label: label.clone() }
    }
}

impl<I: PredictionInput> Sample<I> {
    /// An input without a label.
    pub fn new(name: impl Into<Arc<str>>, input: impl Into<I>) -> Self {
        Self { name: name.into(), input: Arc::new(input.into().shared()), label: None }
    }

    /// Sets the true class.
    #[must_use]
    pub fn label(mut self, class: impl Into<String>) -> Self {
        self.label = Some(class.into());
        self
    }

    /// The bytes of the file, when the input is one file.
    pub fn file(&self) -> Option<&[u8]> {
        self.input.file()
    }

    /// The number that distinguishes this input from others: [`PredictionInput::digest`].
    ///
    /// # Errors
    /// [`Error::Predictor`] when there is no input, or one is given twice.
    pub fn digest(&self) -> Result<u64> {
        self.input.digest().map_err(Error::Predictor)
    }
}
