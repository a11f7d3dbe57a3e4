//! An input that models are asked about in a rollout, with its name, its label and its digest.

use std::{borrow::Cow, sync::Arc};

use xxhash_rust::xxh3::Xxh3;

use super::observation::Pair;
use crate::{
    Result,
    predict::{Input, Value},
    tensor::DataView,
};

/// An input that both models are asked about: anything that [`crate::predict::Client::predict`] takes.
///
/// One sample is one question. A pair compares one answer with one, so a sample of a rollout that needs pairs is a
/// file, or arrays whose first dimension is 1.
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
#[derive(Clone, Debug)]
pub struct Sample {
    /// Its name, such as a file name, for the gallery of disagreements.
    pub name: Arc<str>,
    /// What the models are asked with.
    pub input: Arc<Input<'static>>,
    /// The true class, where it is known.
    pub label: Option<String>,
}

impl Sample {
    /// An input without a label.
    pub fn new(name: impl Into<Arc<str>>, input: impl Into<Input<'static>>) -> Self {
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
        file(&self.input)
    }

    /// What tells this input from others: [`Pair::digest`] of the bytes of a file; else of names, types, shapes and
    /// elements together.
    ///
    /// # Errors
    /// [`crate::Error::Image`] when there is no input, or one is given twice.
    pub fn digest(&self) -> Result<u64> {
        digest(&self.input)
    }
}

fn file<'a>(input: &'a Input<'_>) -> Option<&'a [u8]> {
    let [(_, value)] = input.values.as_slice() else { return None };
    match value {
        Value::Files(files) => match files.as_slice() {
            [file] => Some(file),
            _ => None,
        },
        _ => None,
    }
}

/// The digest of any input, XXH3 (64 bits); the order of named inputs does not count.
pub(super) fn digest(input: &Input<'_>) -> Result<u64> {
    if let Some(file) = file(input) {
        return Ok(Pair::digest(file));
    }
    let mut views = input.views()?;
    views.sort_by_key(|(name, _)| *name);
    let mut hash = Xxh3::new();
    for (name, view) in views {
        // Each part is preceded by its length, so that no two inputs are written alike.
        text(&mut hash, name.as_bytes());
        text(&mut hash, view.dtype().as_str().as_bytes());
        number(&mut hash, view.shape().len());
        for &dimension in view.shape() {
            number(&mut hash, dimension);
        }
        elements(&mut hash, view.data());
    }
    Ok(hash.digest())
}

fn number(hash: &mut Xxh3, value: usize) {
    hash.update(&(value as u64).to_le_bytes());
}

fn text(hash: &mut Xxh3, bytes: &[u8]) {
    number(hash, bytes.len());
    hash.update(bytes);
}

/// Elements as little-endian bytes, the same on every platform.
fn elements(hash: &mut Xxh3, data: DataView<'_>) {
    macro_rules! numbers {
        ($values:expr) => {
            for chunk in $values.chunks(1024) {
                let bytes: Vec<u8> = chunk.iter().flat_map(|value| value.to_le_bytes()).collect();
                hash.update(&bytes);
            }
        };
    }
    match data {
        DataView::Half(values) | DataView::Bfloat16(values) | DataView::Uint16(values) => {
            numbers!(values);
        }
        DataView::Float(values) => numbers!(values),
        DataView::Double(values) => numbers!(values),
        DataView::Int8(values) => numbers!(values),
        DataView::Int16(values) => numbers!(values),
        DataView::Int32(values) => numbers!(values),
        DataView::Int64(values) => numbers!(values),
        DataView::Uint8(values) => hash.update(values),
        DataView::Uint32(values) => numbers!(values),
        DataView::Uint64(values) => numbers!(values),
        DataView::Bool(values) => {
            let bytes: Vec<u8> = values.iter().map(|&value| value.into()).collect();
            hash.update(&bytes);
        }
        DataView::String(values) => values.iter().for_each(|value| text(hash, value)),
        DataView::Bytes(values) => {
            values.iter().map(Cow::as_ref).for_each(|value| text(hash, value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::{Tensor, TensorData};

    fn array(shape: &[usize], values: &[f32]) -> Tensor {
        Tensor::new(shape.to_vec(), TensorData::Float(values.to_vec())).unwrap()
    }

    fn of(input: impl Into<Input<'static>>) -> u64 {
        Sample::new("x", input).digest().unwrap()
    }

    #[test]
    fn a_file_has_the_digest_of_its_bytes_by_whatever_name_it_goes() {
        assert_eq!(of(b"photo".as_slice()), Pair::digest(b"photo"));
        assert_eq!(of(Input::named([("raw_images", b"photo".as_slice())])), Pair::digest(b"photo"));
        let two = Sample::new("x", Input::files([b"a".as_slice(), b"b".as_slice()]));
        assert_eq!(two.file(), None);
    }

    #[test]
    fn arrays_differ_by_elements_shape_type_and_name() {
        let one = || array(&[1, 4], &[1.0, 2.0, 3.0, 4.0]);
        let same = of(one());
        assert_eq!(same, of(one()));
        let ints = Tensor::new(vec![1, 4], TensorData::Int32(vec![0x3f80_0000; 4])).unwrap();
        let others = [
            of(array(&[1, 4], &[1.0, 2.0, 3.0, 5.0])),
            of(array(&[1, 2, 2], &[1.0, 2.0, 3.0, 4.0])),
            of(Input::named([("x", one())])),
            of(Input::named([("y", one())])),
            of(Input::named([("x", one()), ("y", one())])),
            of(array(&[1, 4], &[1.0; 4])),
            of(ints),
            of(Input::files([b"ab".as_slice(), b"c".as_slice()])),
            of(Input::files([b"a".as_slice(), b"bc".as_slice()])),
        ];
        let mut all: Vec<u64> = others.into_iter().chain([same]).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 10);
    }

    #[test]
    fn the_order_of_named_inputs_and_how_memory_is_held_do_not_count() {
        let (a, b) = (array(&[1], &[1.0]), array(&[1], &[2.0]));
        let forth = Input::named([("a", a.clone()), ("b", b.clone())]);
        let back = Input::named([("b", b), ("a", a)]);
        assert_eq!(of(forth), of(back));
        let texts = TensorData::String(vec![b"a".to_vec(), b"b".to_vec()]);
        let texts = Tensor::new(vec![2], texts).unwrap();
        assert_eq!(of(texts), of(Input::files([b"a".as_slice(), b"b".as_slice()])));
    }

    #[test]
    fn every_element_of_a_long_array_counts() {
        let mut long = vec![0.5; 3000];
        let one = of(array(&[1, 3000], &long));
        long[2999] = 0.25;
        assert_ne!(one, of(array(&[1, 3000], &long)));
    }

    #[test]
    fn an_input_given_twice_is_refused() {
        let twice = Input::named([("x", array(&[1], &[1.0])), ("x", array(&[1], &[1.0]))]);
        assert!(Sample::new("x", twice).digest().unwrap_err().to_string().contains("given twice"));
    }
}
