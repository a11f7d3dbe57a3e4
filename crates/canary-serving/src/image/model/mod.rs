//! The recipes of well-known models, by name.

mod keras;
mod torchvision;

use super::Preprocess;
use crate::{Error, Result};
use canary_istio::manifest::nearest;

/// The names that [`Preprocess::for_model`] knows.
///
/// ```
/// use canary_core::image::model_names;
///
/// let names = model_names();
/// assert!(names.iter().any(|name| name == "EfficientNetV2B0"));
/// assert!(names.iter().any(|name| name == "torchvision/resnet50/imagenet1k_v2"));
/// ```
pub fn model_names() -> Vec<String> {
    keras::names().chain(torchvision::names()).collect()
}

/// The recipe of a model.
pub(super) fn recipe(name: &str) -> Result<Preprocess> {
    let lower = name.to_lowercase().replace('-', "_");
    let found = match lower.strip_prefix(torchvision::PREFIX) {
        Some(weights) => torchvision::recipe(weights)?,
        None => keras::recipe(&lower),
    };
    found.ok_or_else(|| Error::Input {
        what: "model".to_owned(),
        reason: format!("found {name:?}, expected {}", expected(&lower)),
    })
}

/// The names that are like one that is not known, or else the ways of naming a model.
fn expected(name: &str) -> String {
    const MOST: usize = 6;
    let bare = |name: &str| name.replace('_', "").to_lowercase();
    let name = bare(name);
    let all = model_names();
    let mut alike: Vec<String> = all
        .iter()
        .filter(|known| !name.is_empty() && bare(known).contains(&name))
        .take(MOST)
        .map(|known| format!("{known:?}"))
        .collect();
    if alike.is_empty() {
        let known: Vec<&str> = all.iter().map(String::as_str).collect();
        alike.extend(nearest(&name, &known).map(|near| format!("{near:?}")));
    }
    if alike.is_empty() {
        "the name of a model of keras.applications, such as \"ResNet50\", or of torchvision, such as \
         \"torchvision/resnet50/imagenet1k_v2\""
            .to_owned()
    } else {
        format!("one of the known names, such as {}", alike.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::{Filter, Fit, Layout, Library, Preset};

    #[test]
    fn every_name_has_a_recipe() {
        let names = model_names();
        assert!(names.len() > 140, "{}", names.len());
        for name in names {
            let recipe = recipe(&name).unwrap();
            assert!(recipe.size.is_some() && recipe.validate().is_ok(), "{name}");
        }
    }

    #[test]
    fn spelling_is_forgiven_and_a_wrong_name_is_explained() {
        let one = recipe("ResNet50V2").unwrap();
        for other in ["resnet50v2", "resnet50_v2", "RESNET-50-V2"] {
            assert_eq!(recipe(other).unwrap(), one, "{other}");
        }
        let error = recipe("resnet5").unwrap_err().to_string();
        assert!(error.contains("found \"resnet5\"") && error.contains("\"ResNet50\""), "{error}");
        for unknown in ["", "yolo", "torchvision/yolo"] {
            let error = recipe(unknown).unwrap_err().to_string();
            assert!(error.contains("keras.applications"), "{error}");
        }
    }

    #[test]
    fn weights_of_torchvision_are_named_as_there() {
        let one = recipe("torchvision/resnet50/imagenet1k_v2").unwrap();
        assert_eq!(recipe("torchvision/ResNet50_Weights.IMAGENET1K_V2").unwrap(), one);
        assert_eq!((one.size, one.fit), (Some((224, 224)), Fit::ShorterSide(232)));
        assert_eq!((one.library, one.layout), (Library::Pillow, Layout::Nchw));
        assert_eq!((one.filter, one.preset), (Filter::Bilinear, Preset::Torch));
        // One set of weights needs no name; several do.
        assert_eq!(
            recipe("torchvision/alexnet").unwrap(),
            recipe("torchvision/alexnet/imagenet1k_v1").unwrap()
        );
        let error = recipe("torchvision/resnet50").unwrap_err().to_string();
        assert!(error.contains("resnet50/imagenet1k_v1") && error.contains("_v2"), "{error}");
        let other = recipe("torchvision/regnet_x_16gf/imagenet1k_v1").unwrap();
        assert_eq!(other.fit, Fit::ShorterSide(256));
    }
}
