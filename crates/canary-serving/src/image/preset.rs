//! From levels to the numbers a model was trained with.

use crate::{Error, Result};

/// A normalisation of RGB levels from 0 to 255, after `keras.applications.*.preprocess_input`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Preset {
    /// The levels themselves, 0 to 255: `MobileNetV3`, `EfficientNet`, `EfficientNetV2`, `ConvNeXt`.
    Identity,
    /// `x / 255`, 0 to 1: the models of TensorFlow Hub.
    #[default]
    Unit,
    /// `x / 127.5 - 1`, -1 to 1 (keras mode `tf`): `ResNetV2`, `MobileNet`, `MobileNetV2`, Inception, Xception, `NASNet`.
    Tf,
    /// Blue, green, red, minus the means 103.939, 116.779, 123.68 (keras mode `caffe`): `ResNet`, VGG.
    Caffe,
    /// `(x / 255 - mean) / std` with the means and deviations of `ImageNet` (keras mode `torch`): `DenseNet`.
    Torch,
    /// `(x - mean) / std` for red, green and blue, in levels from 0 to 255.
    MeanStd {
        /// The numbers subtracted from red, green and blue.
        mean: [f32; 3],
        /// The numbers that the difference is divided by.
        std: [f32; 3],
    },
}

/// `x * scale + offset` for each channel of the source, and the order in which they are written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Affine {
    pub(crate) scale: [f32; 3],
    pub(crate) offset: [f32; 3],
    pub(crate) bgr: bool,
}

impl Affine {
    /// The numbers of a pixel, in the order in which they are written.
    pub(crate) fn pixel(&self, levels: [f32; 3]) -> [f32; 3] {
        let channel = |at: usize| levels[at] * self.scale[at] + self.offset[at];
        let [red, green, blue] = [channel(0), channel(1), channel(2)];
        if self.bgr { [blue, green, red] } else { [red, green, blue] }
    }

    /// Returns `true` when every channel has the same numbers, as a grey image needs them.
    pub(crate) fn is_uniform(&self) -> bool {
        let same = |numbers: [f32; 3]| {
            let [red, green, blue] = numbers.map(f32::to_bits);
            red == green && green == blue
        };
        same(self.scale) && same(self.offset)
    }
}

impl Preset {
    /// `(x - mean) / std` with one mean and one deviation for every channel.
    pub fn mean_std(mean: f32, std: f32) -> Self {
        Self::MeanStd { mean: [mean; 3], std: [std; 3] }
    }

    /// The preset as one multiplication and one addition a channel.
    ///
    /// # Errors
    /// [`Error::Input`] when a mean is not finite, or a deviation is zero or not finite.
    #[allow(clippy::cast_possible_truncation)]
    pub(crate) fn affine(self) -> Result<Affine> {
        let same = |scale: f64, offset: f64| Affine {
            scale: [scale as f32; 3],
            offset: [offset as f32; 3],
            bgr: false,
        };
        Ok(match self {
            Self::Identity => same(1.0, 0.0),
            Self::Unit => same(1.0 / 255.0, 0.0),
            Self::Tf => same(1.0 / 127.5, -1.0),
            Self::Caffe => {
                Affine { scale: [1.0; 3], offset: [-123.68, -116.779, -103.939], bgr: true }
            }
            Self::Torch => {
                let mean: [f64; 3] = [0.485, 0.456, 0.406];
                let std: [f64; 3] = [0.229, 0.224, 0.225];
                Affine {
                    scale: std.map(|std| (1.0 / (255.0 * std)) as f32),
                    offset: [0, 1, 2].map(|c| (-mean[c] / std[c]) as f32),
                    bgr: false,
                }
            }
            Self::MeanStd { mean, std } => {
                check("mean", mean, f32::is_finite, "finite numbers")?;
                check("std", std, f32::is_normal, "finite numbers other than 0")?;
                Affine {
                    scale: std.map(|std| (1.0 / f64::from(std)) as f32),
                    offset: [0, 1, 2].map(|c| (-f64::from(mean[c]) / f64::from(std[c])) as f32),
                    bgr: false,
                }
            }
        })
    }
}

fn check(name: &str, values: [f32; 3], good: fn(f32) -> bool, expected: &str) -> Result<()> {
    if values.into_iter().all(good) {
        return Ok(());
    }
    Err(Error::Input {
        what: format!("preset.{name}"),
        reason: format!("found {values:?}, expected three {expected}"),
    })
}
