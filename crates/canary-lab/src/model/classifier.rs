//! A real image classifier: EfficientNet-Lite with the names of the classes, behind the two usual signatures.

use std::sync::Arc;

use canary_core::{
    image::{Crop, PixelData, Pixels, Preprocess, decode},
    serving::{Error, Result},
    tensor::{Tensor, TensorData},
};

use super::{
    CLASSES, Code, EfficientNet, Labels, Model, ModelError, ModelFiles, PREPROCESS_SIGNATURE,
    Signature, Tensors, Variant,
};

/// The way in which the server fits an image to the size of the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Preprocessing {
    /// The whole image, resized (bicubic): as the network was trained.
    #[default]
    Whole,
    /// The middle 7/8 of the largest square, resized, as benchmarks crop their images. In serving it is a mistake that
    /// looks harmless and costs accuracy.
    CentreCrop,
}

/// EfficientNet-Lite as a model of a server.
///
/// `serving_preprocess` takes image files and gives the five best labels with their probabilities;
/// `serving_default` takes floats in [0, 1], height × width × 3, and gives 1000 logits.
#[derive(Debug)]
pub struct Classifier {
    network: EfficientNet,
    labels: Arc<Labels>,
    preprocess: Preprocess,
    preprocessing: Preprocessing,
    signatures: Vec<Signature>,
}

impl Classifier {
    /// Reads the weights and the class names.
    ///
    /// # Errors
    /// [`Error::Istio`] when a file cannot be read or is not what it should be.
    pub fn open(
        files: &ModelFiles,
        variant: Variant,
        preprocessing: Preprocessing,
    ) -> Result<Self> {
        let network = EfficientNet::open(variant, files.weights(variant))?;
        let labels = Arc::new(Labels::open(&files.classes)?);
        let side = variant.resolution();
        let preprocess = Preprocess::efficientnet_lite(side, side).antialias(true);
        let signatures = Signature::image_classifier(side, CLASSES);
        Ok(Self { network, labels, preprocess, preprocessing, signatures })
    }

    /// The five best labels of one image file with their probabilities, best first.
    ///
    /// # Errors
    /// [`Error::Input`] when the bytes are no image.
    pub fn classify(&self, file: &[u8]) -> Result<Vec<(String, f32)>> {
        let tensor = match self.preprocessing {
            Preprocessing::Whole => self.preprocess.apply(file)?,
            Preprocessing::CentreCrop => {
                let pixels = decode(file, &self.preprocess.decode)?;
                self.preprocess.apply_pixels(&centre(&pixels)?)?
            }
        };
        let TensorData::Float(pixels) = tensor.data() else {
            return Err(Error::Input {
                what: "image".to_owned(),
                reason: format!("became {}, expected DT_FLOAT", tensor.dtype()),
            });
        };
        let mut probabilities = softmax(&self.network.logits(pixels));
        let mut order: Vec<usize> = (0..probabilities.len()).collect();
        order.sort_by(|one, other| probabilities[*other].total_cmp(&probabilities[*one]));
        order.truncate(5);
        Ok(order
            .into_iter()
            .map(|class| {
                (self.labels.name(class).to_owned(), std::mem::take(&mut probabilities[class]))
            })
            .collect())
    }

    fn files(&self, files: &[Vec<u8>]) -> Result<Tensors, ModelError> {
        let (mut labels, mut probabilities) = (Vec::new(), Vec::new());
        for (index, file) in files.iter().enumerate() {
            let best = self.classify(file).map_err(|error| {
                ModelError::invalid(format!("the input 'raw_images', image {index}: {error}"))
            })?;
            for (label, probability) in best {
                labels.push(label.into_bytes());
                probabilities.push(probability);
            }
        }
        let shape = vec![files.len(), 5];
        Ok(vec![
            ("labels".to_owned(), tensor(shape.clone(), TensorData::String(labels))?),
            ("probabilities".to_owned(), tensor(shape, TensorData::Float(probabilities))?),
        ])
    }

    fn pixels(&self, shape: &[usize], pixels: &[f32]) -> Result<Tensors, ModelError> {
        let side = self.network.variant().resolution();
        if !matches!(shape, [_, height, width, 3] if *height == side && *width == side) {
            return Err(ModelError::invalid(format!(
                "the input 'x' has the shape {shape:?}, expected [?, {side}, {side}, 3]"
            )));
        }
        let mut logits = Vec::with_capacity(shape[0] * CLASSES);
        for image in pixels.chunks_exact(side * side * 3) {
            // Scales from [0, 1] to the range that the network was trained on.
            let scaled: Vec<f32> =
                image.iter().map(|value| (value * 255.0 - 127.0) / 128.0).collect();
            logits.extend(self.network.logits(&scaled));
        }
        let logits = tensor(vec![shape[0], CLASSES], TensorData::Float(logits))?;
        Ok(vec![("logits".to_owned(), logits)])
    }
}

fn tensor(shape: Vec<usize>, data: TensorData) -> Result<Tensor, ModelError> {
    Tensor::new(shape, data).map_err(|error| ModelError::new(Code::Internal, error.to_string()))
}

/// The middle 7/8 of the largest square.
fn centre(pixels: &Pixels<'_>) -> Result<Pixels<'static>> {
    let square = Crop::CentreSquare.region(pixels.height(), pixels.width())?;
    let inner = Crop::CentralFraction(0.875).region(square.height, square.width)?;
    let PixelData::U8(samples) = pixels.data() else {
        return Err(Error::Input {
            what: "image".to_owned(),
            reason: "is not made of bytes; give a file of 8 bits a colour".to_owned(),
        });
    };
    let row = |y: usize| {
        let start = ((square.top + inner.top + y) * pixels.width() + square.left + inner.left) * 3;
        samples[start..start + inner.width * 3].iter().copied()
    };
    let cut: Vec<u8> = (0..inner.height).flat_map(row).collect();
    Pixels::rgb8(inner.height, inner.width, cut)
}

fn softmax(logits: &[f32]) -> Vec<f32> {
    let best = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f32> = logits.iter().map(|logit| (logit - best).exp()).collect();
    let sum: f32 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

impl Model for Classifier {
    fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    fn predict(&self, signature: &str, inputs: Tensors) -> Result<Tensors, ModelError> {
        let Some((name, input)) = inputs.first() else {
            return Err(ModelError::invalid("the request has no input"));
        };
        match input.data() {
            TensorData::String(files) if signature == PREPROCESS_SIGNATURE => self.files(files),
            TensorData::Float(pixels) if signature != PREPROCESS_SIGNATURE => {
                self.pixels(input.shape(), pixels)
            }
            _ => Err(ModelError::invalid(format!(
                "the input '{name}' of the signature {signature} is {}",
                input.dtype()
            ))),
        }
    }
}
