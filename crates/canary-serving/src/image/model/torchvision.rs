//! The weights of torchvision's classifiers, each with the `transforms()` that it states: the shorter side resized by
//! Pillow, the middle cut out, normalised, channels first.
//!
//! Source: <https://docs.pytorch.org/vision/0.15/models.html>; `scripts/torchvision_fixtures.py` writes the table that a
//! test compares this one with.

use self::Numbers::{Features, Tf, Torch};
use crate::{
    Error, Result,
    image::{
        Filter::{self, Bicubic, Bilinear},
        Fit, Layout, Library, Preprocess, Preset,
    },
};

/// The beginning of a name.
pub(super) const PREFIX: &str = "torchvision/";

/// The mean and the deviation of a set of weights.
#[derive(Clone, Copy)]
enum Numbers {
    Torch,
    Tf,
    /// Those of `VGG16_Weights.IMAGENET1K_FEATURES`: means of its own, levels as they are.
    Features,
}

/// Model, weights, shorter side, size, filter, numbers.
type Weights = (&'static str, &'static str, usize, usize, Filter, Numbers);

#[rustfmt::skip]
const WEIGHTS: &[Weights] = &[
    ("alexnet", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("convnext_base", "imagenet1k_v1", 232, 224, Bilinear, Torch),
    ("convnext_large", "imagenet1k_v1", 232, 224, Bilinear, Torch),
    ("convnext_small", "imagenet1k_v1", 230, 224, Bilinear, Torch),
    ("convnext_tiny", "imagenet1k_v1", 236, 224, Bilinear, Torch),
    ("densenet121", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("densenet161", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("densenet169", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("densenet201", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("efficientnet_b0", "imagenet1k_v1", 256, 224, Bicubic, Torch),
    ("efficientnet_b1", "imagenet1k_v1", 256, 240, Bicubic, Torch),
    ("efficientnet_b1", "imagenet1k_v2", 255, 240, Bilinear, Torch),
    ("efficientnet_b2", "imagenet1k_v1", 288, 288, Bicubic, Torch),
    ("efficientnet_b3", "imagenet1k_v1", 320, 300, Bicubic, Torch),
    ("efficientnet_b4", "imagenet1k_v1", 384, 380, Bicubic, Torch),
    ("efficientnet_b5", "imagenet1k_v1", 456, 456, Bicubic, Torch),
    ("efficientnet_b6", "imagenet1k_v1", 528, 528, Bicubic, Torch),
    ("efficientnet_b7", "imagenet1k_v1", 600, 600, Bicubic, Torch),
    ("efficientnet_v2_l", "imagenet1k_v1", 480, 480, Bicubic, Tf),
    ("efficientnet_v2_m", "imagenet1k_v1", 480, 480, Bilinear, Torch),
    ("efficientnet_v2_s", "imagenet1k_v1", 384, 384, Bilinear, Torch),
    ("googlenet", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("inception_v3", "imagenet1k_v1", 342, 299, Bilinear, Torch),
    ("maxvit_t", "imagenet1k_v1", 224, 224, Bicubic, Torch),
    ("mnasnet0_5", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("mnasnet0_75", "imagenet1k_v1", 232, 224, Bilinear, Torch),
    ("mnasnet1_0", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("mnasnet1_3", "imagenet1k_v1", 232, 224, Bilinear, Torch),
    ("mobilenet_v2", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("mobilenet_v2", "imagenet1k_v2", 232, 224, Bilinear, Torch),
    ("mobilenet_v3_large", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("mobilenet_v3_large", "imagenet1k_v2", 232, 224, Bilinear, Torch),
    ("mobilenet_v3_small", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("regnet_x_16gf", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("regnet_x_16gf", "imagenet1k_v2", 232, 224, Bilinear, Torch),
    ("regnet_x_1_6gf", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("regnet_x_1_6gf", "imagenet1k_v2", 232, 224, Bilinear, Torch),
    ("regnet_x_32gf", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("regnet_x_32gf", "imagenet1k_v2", 232, 224, Bilinear, Torch),
    ("regnet_x_3_2gf", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("regnet_x_3_2gf", "imagenet1k_v2", 232, 224, Bilinear, Torch),
    ("regnet_x_400mf", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("regnet_x_400mf", "imagenet1k_v2", 232, 224, Bilinear, Torch),
    ("regnet_x_800mf", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("regnet_x_800mf", "imagenet1k_v2", 232, 224, Bilinear, Torch),
    ("regnet_x_8gf", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("regnet_x_8gf", "imagenet1k_v2", 232, 224, Bilinear, Torch),
    ("regnet_y_128gf", "imagenet1k_swag_e2e_v1", 384, 384, Bicubic, Torch),
    ("regnet_y_128gf", "imagenet1k_swag_linear_v1", 224, 224, Bicubic, Torch),
    ("regnet_y_16gf", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("regnet_y_16gf", "imagenet1k_v2", 232, 224, Bilinear, Torch),
    ("regnet_y_16gf", "imagenet1k_swag_e2e_v1", 384, 384, Bicubic, Torch),
    ("regnet_y_16gf", "imagenet1k_swag_linear_v1", 224, 224, Bicubic, Torch),
    ("regnet_y_1_6gf", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("regnet_y_1_6gf", "imagenet1k_v2", 232, 224, Bilinear, Torch),
    ("regnet_y_32gf", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("regnet_y_32gf", "imagenet1k_v2", 232, 224, Bilinear, Torch),
    ("regnet_y_32gf", "imagenet1k_swag_e2e_v1", 384, 384, Bicubic, Torch),
    ("regnet_y_32gf", "imagenet1k_swag_linear_v1", 224, 224, Bicubic, Torch),
    ("regnet_y_3_2gf", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("regnet_y_3_2gf", "imagenet1k_v2", 232, 224, Bilinear, Torch),
    ("regnet_y_400mf", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("regnet_y_400mf", "imagenet1k_v2", 232, 224, Bilinear, Torch),
    ("regnet_y_800mf", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("regnet_y_800mf", "imagenet1k_v2", 232, 224, Bilinear, Torch),
    ("regnet_y_8gf", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("regnet_y_8gf", "imagenet1k_v2", 232, 224, Bilinear, Torch),
    ("resnet101", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("resnet101", "imagenet1k_v2", 232, 224, Bilinear, Torch),
    ("resnet152", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("resnet152", "imagenet1k_v2", 232, 224, Bilinear, Torch),
    ("resnet18", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("resnet34", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("resnet50", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("resnet50", "imagenet1k_v2", 232, 224, Bilinear, Torch),
    ("resnext101_32x8d", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("resnext101_32x8d", "imagenet1k_v2", 232, 224, Bilinear, Torch),
    ("resnext101_64x4d", "imagenet1k_v1", 232, 224, Bilinear, Torch),
    ("resnext50_32x4d", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("resnext50_32x4d", "imagenet1k_v2", 232, 224, Bilinear, Torch),
    ("shufflenet_v2_x0_5", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("shufflenet_v2_x1_0", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("shufflenet_v2_x1_5", "imagenet1k_v1", 232, 224, Bilinear, Torch),
    ("shufflenet_v2_x2_0", "imagenet1k_v1", 232, 224, Bilinear, Torch),
    ("squeezenet1_0", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("squeezenet1_1", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("swin_b", "imagenet1k_v1", 238, 224, Bicubic, Torch),
    ("swin_s", "imagenet1k_v1", 246, 224, Bicubic, Torch),
    ("swin_t", "imagenet1k_v1", 232, 224, Bicubic, Torch),
    ("swin_v2_b", "imagenet1k_v1", 272, 256, Bicubic, Torch),
    ("swin_v2_s", "imagenet1k_v1", 260, 256, Bicubic, Torch),
    ("swin_v2_t", "imagenet1k_v1", 260, 256, Bicubic, Torch),
    ("vgg11", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("vgg11_bn", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("vgg13", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("vgg13_bn", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("vgg16", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("vgg16", "imagenet1k_features", 256, 224, Bilinear, Features),
    ("vgg16_bn", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("vgg19", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("vgg19_bn", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("vit_b_16", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("vit_b_16", "imagenet1k_swag_e2e_v1", 384, 384, Bicubic, Torch),
    ("vit_b_16", "imagenet1k_swag_linear_v1", 224, 224, Bicubic, Torch),
    ("vit_b_32", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("vit_h_14", "imagenet1k_swag_e2e_v1", 518, 518, Bicubic, Torch),
    ("vit_h_14", "imagenet1k_swag_linear_v1", 224, 224, Bicubic, Torch),
    ("vit_l_16", "imagenet1k_v1", 242, 224, Bilinear, Torch),
    ("vit_l_16", "imagenet1k_swag_e2e_v1", 512, 512, Bicubic, Torch),
    ("vit_l_16", "imagenet1k_swag_linear_v1", 224, 224, Bicubic, Torch),
    ("vit_l_32", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("wide_resnet101_2", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("wide_resnet101_2", "imagenet1k_v2", 232, 224, Bilinear, Torch),
    ("wide_resnet50_2", "imagenet1k_v1", 256, 224, Bilinear, Torch),
    ("wide_resnet50_2", "imagenet1k_v2", 232, 224, Bilinear, Torch),
];

/// The names: the prefix, the model and its weights.
pub(super) fn names() -> impl Iterator<Item = String> {
    WEIGHTS.iter().map(name)
}

fn name((model, weights, ..): &Weights) -> String {
    format!("{PREFIX}{model}/{weights}")
}

/// The recipe of `model/weights`, or of `model` when it has one set of weights. The names of torchvision's enumerations,
/// `resnet50_weights.imagenet1k_v2`, are the same.
pub(super) fn recipe(text: &str) -> Result<Option<Preprocess>> {
    let text = text.replace("_weights.", "/");
    let (model, weights) = match text.split_once('/') {
        Some((model, weights)) => (model, Some(weights)),
        None => (text.as_str(), None),
    };
    let bare = |name: &str| name.replace('_', "");
    let exact = WEIGHTS.iter().any(|known| known.0 == model);
    let of_model = |known: &&Weights| known.0 == model || (!exact && bare(known.0) == bare(model));
    let of_weights = |known: &&Weights| weights.is_none_or(|name| known.1 == name);
    let found: Vec<&Weights> = WEIGHTS.iter().filter(of_model).filter(of_weights).collect();
    match found[..] {
        [] => Ok(None),
        [one] => Ok(Some(preprocess(one))),
        _ => Err(Error::Input {
            what: "model".to_owned(),
            reason: format!(
                "found \"{PREFIX}{model}\", expected a set of weights, too: {}",
                found
                    .into_iter()
                    .map(|one| format!("{:?}", name(one)))
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
        }),
    }
}

fn preprocess(&(_, _, shorter, side, filter, numbers): &Weights) -> Preprocess {
    let preset = match numbers {
        Torch => Preset::Torch,
        Tf => Preset::Tf,
        Features => Preset::MeanStd {
            mean: [0.48235 * 255.0, 0.45882 * 255.0, 0.40784 * 255.0],
            std: [1.0; 3],
        },
    };
    Preprocess::unit(side, side)
        .fit(Fit::ShorterSide(shorter))
        .filter(filter)
        .antialias(true)
        .library(Library::Pillow)
        .preset(preset)
        .layout(Layout::Nchw)
}
