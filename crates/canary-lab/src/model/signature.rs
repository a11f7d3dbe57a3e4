//! The signatures of a model: the names, element types and shapes of its inputs and outputs.

use canary_core::tensor::DType;

/// The signature of a request that names none.
pub const DEFAULT_SIGNATURE: &str = "serving_default";
/// The signature that takes image files and gives labels.
pub const PREPROCESS_SIGNATURE: &str = "serving_preprocess";

/// One input or output.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TensorInfo {
    /// Its name in requests and responses.
    pub name: String,
    /// The element type.
    pub dtype: DType,
    /// The dimensions; `None` is one of any size.
    pub shape: Vec<Option<usize>>,
}

impl TensorInfo {
    /// A tensor of a batch of any size, each item of the shape given.
    pub fn batch(name: impl Into<String>, dtype: DType, item: &[usize]) -> Self {
        let shape = std::iter::once(None).chain(item.iter().copied().map(Some)).collect();
        Self { name: name.into(), dtype, shape }
    }

    /// The difference from a shape, in words; `None` when the shape fits.
    pub(crate) fn misfit(&self, shape: &[usize]) -> Option<String> {
        let fits = shape.len() == self.shape.len()
            && shape
                .iter()
                .zip(&self.shape)
                .all(|(size, want)| want.is_none_or(|want| want == *size));
        let wanted =
            self.shape.iter().map(|size| size.map_or("?".to_owned(), |size| size.to_string()));
        let wanted = || wanted.collect::<Vec<_>>().join(", ");
        (!fits).then(|| format!("has the shape {shape:?}, expected [{}]", wanted()))
    }
}

/// One way to call a model.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Signature {
    /// The name, such as `serving_default`.
    pub name: String,
    /// The inputs.
    pub inputs: Vec<TensorInfo>,
    /// The outputs.
    pub outputs: Vec<TensorInfo>,
}

impl Signature {
    /// A signature of one input.
    pub fn new(name: impl Into<String>, input: TensorInfo, outputs: Vec<TensorInfo>) -> Self {
        Self { name: name.into(), inputs: vec![input], outputs }
    }

    /// The two signatures of an image classifier: floats in [0, 1] → logits, image files → the five best labels.
    pub fn image_classifier(resolution: usize, classes: usize) -> Vec<Self> {
        vec![
            Self::new(
                DEFAULT_SIGNATURE,
                TensorInfo::batch("x", DType::Float, &[resolution, resolution, 3]),
                vec![TensorInfo::batch("logits", DType::Float, &[classes])],
            ),
            Self::new(
                PREPROCESS_SIGNATURE,
                TensorInfo::batch("raw_images", DType::String, &[]),
                vec![
                    TensorInfo::batch("labels", DType::String, &[5]),
                    TensorInfo::batch("probabilities", DType::Float, &[5]),
                ],
            ),
        ]
    }
}
