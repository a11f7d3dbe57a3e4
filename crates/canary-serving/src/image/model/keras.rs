//! The models of `keras.applications`: their usual input size, and the numbers of their `preprocess_input`.
//!
//! Source: <https://keras.io/api/applications/>, Keras 3.

use crate::image::{
    Preprocess,
    Preset::{self, Caffe, Identity, Tf, Torch},
};

/// Name, height and width, numbers.
const MODELS: &[(&str, usize, Preset)] = &[
    ("ConvNeXtTiny", 224, Identity),
    ("ConvNeXtSmall", 224, Identity),
    ("ConvNeXtBase", 224, Identity),
    ("ConvNeXtLarge", 224, Identity),
    ("ConvNeXtXLarge", 224, Identity),
    ("DenseNet121", 224, Torch),
    ("DenseNet169", 224, Torch),
    ("DenseNet201", 224, Torch),
    ("EfficientNetB0", 224, Identity),
    ("EfficientNetB1", 240, Identity),
    ("EfficientNetB2", 260, Identity),
    ("EfficientNetB3", 300, Identity),
    ("EfficientNetB4", 380, Identity),
    ("EfficientNetB5", 456, Identity),
    ("EfficientNetB6", 528, Identity),
    ("EfficientNetB7", 600, Identity),
    ("EfficientNetV2B0", 224, Identity),
    ("EfficientNetV2B1", 240, Identity),
    ("EfficientNetV2B2", 260, Identity),
    ("EfficientNetV2B3", 300, Identity),
    ("EfficientNetV2S", 384, Identity),
    ("EfficientNetV2M", 480, Identity),
    ("EfficientNetV2L", 480, Identity),
    ("InceptionResNetV2", 299, Tf),
    ("InceptionV3", 299, Tf),
    ("MobileNet", 224, Tf),
    ("MobileNetV2", 224, Tf),
    ("MobileNetV3Large", 224, Identity),
    ("MobileNetV3Small", 224, Identity),
    ("NASNetLarge", 331, Tf),
    ("NASNetMobile", 224, Tf),
    ("ResNet50", 224, Caffe),
    ("ResNet101", 224, Caffe),
    ("ResNet152", 224, Caffe),
    ("ResNet50V2", 224, Tf),
    ("ResNet101V2", 224, Tf),
    ("ResNet152V2", 224, Tf),
    ("VGG16", 224, Caffe),
    ("VGG19", 224, Caffe),
    ("Xception", 299, Tf),
];

/// The names, as Keras spells them.
pub(super) fn names() -> impl Iterator<Item = String> {
    MODELS.iter().map(|(name, ..)| (*name).to_owned())
}

/// The recipe of a name in lower case, with or without `_` between its parts.
pub(super) fn recipe(name: &str) -> Option<Preprocess> {
    let name = name.replace('_', "");
    let &(_, side, preset) = MODELS.iter().find(|(known, ..)| known.to_lowercase() == name)?;
    Some(Preprocess::unit(side, side).preset(preset))
}
