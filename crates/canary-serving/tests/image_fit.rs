//! Fitting to a size, grey images, and the recipes of models, against what TensorFlow, Pillow and torchvision computed.
//!
//! The values stand in `tests/data/image`, made by `scripts/image_fixtures.py` and `scripts/torchvision_fixtures.py`.
#![cfg(feature = "image")]
#![allow(clippy::unwrap_used)]

use std::{collections::BTreeMap, fs, path::PathBuf};

use canary_core::{
    image::{
        Channels, DecodeOptions, Filter, Fit, Layout, Library, NormalizedBox, PixelData, Pixels,
        Preprocess, Preset, decode, model_names,
    },
    tensor::DType,
};
use serde_json::Value;

/// The largest difference of a resize from the library's, in levels of 255.
const TOLERANCE: f32 = 1e-3;

fn file(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/image");
    fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn table(name: &str) -> Vec<Value> {
    serde_json::from_slice(&file(name)).unwrap()
}

fn pixels(case: &Value) -> Pixels<'static> {
    decode(&file(case["file"].as_str().unwrap()), &DecodeOptions::default()).unwrap()
}

fn numbers(value: &Value) -> Vec<f32> {
    #[allow(clippy::cast_possible_truncation)]
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap() as f32).collect()
}

fn size(value: &Value) -> (usize, usize) {
    let side = |at: usize| usize::try_from(value[at].as_u64().unwrap()).unwrap();
    (side(0), side(1))
}

fn filter(case: &Value) -> Filter {
    match case["filter"].as_str().unwrap() {
        "bilinear" => Filter::Bilinear,
        "bicubic" => Filter::Bicubic,
        "area" => Filter::Area,
        "nearest" => Filter::Nearest,
        "lanczos3" => Filter::Lanczos3,
        "lanczos5" => Filter::Lanczos5,
        "gaussian" => Filter::Gaussian,
        "mitchellcubic" => Filter::MitchellCubic,
        other => panic!("{other}"),
    }
}

/// The largest difference of a result, of which every n-th value is compared.
fn difference(preprocess: &Preprocess, pixels: &Pixels<'_>, case: &Value) -> f32 {
    let every = usize::try_from(case["every"].as_u64().unwrap_or(1)).unwrap();
    let tensor = preprocess.apply_pixels(pixels).unwrap_or_else(|error| panic!("{case}: {error}"));
    let found: Vec<f32> = tensor.as_floats().unwrap().iter().copied().step_by(every).collect();
    let wanted = numbers(&case["values"]);
    assert_eq!(found.len(), wanted.len(), "{case}");
    found.iter().zip(&wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

fn levels((height, width): (usize, usize)) -> Preprocess {
    Preprocess::unit(height, width).preset(Preset::Identity)
}

/// A case of a table without its values.
fn told(case: &Value) -> String {
    let fields = case.as_object().unwrap().iter().filter(|(name, _)| *name != "values");
    fields.map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
}

#[test]
fn padded_images_and_boxes_are_those_of_tensorflow() {
    let (mut wrong, mut kinds) = (Vec::new(), BTreeMap::<&str, usize>::new());
    for case in table("fit.json") {
        let (fit, kind) = match &case["fit"] {
            Value::String(_) => (Fit::Pad, "pad"),
            part => {
                let part = numbers(part);
                (Fit::Box(NormalizedBox::new(part[0], part[1], part[2], part[3])), "box")
            }
        };
        *kinds.entry(kind).or_default() += 1;
        let preprocess = levels(size(&case["size"]))
            .fit(fit)
            .filter(filter(&case))
            .antialias(case["antialias"].as_bool().unwrap());
        let found = difference(&preprocess, &pixels(&case), &case);
        if found > TOLERANCE {
            wrong.push(format!("{}: {found}", told(&case)));
        }
    }
    assert!(kinds["pad"] > 100 && kinds["box"] > 80, "{kinds:?}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn grey_images_are_those_of_tensorflow() {
    for case in table("grey.json") {
        let mut pixels = pixels(&case);
        let as_floats = case["floats"] == Value::Bool(true);
        if as_floats {
            let PixelData::U8(levels) = pixels.data() else { panic!("{pixels:?}") };
            let floats: Vec<f32> = levels.iter().copied().map(f32::from).collect();
            pixels = Pixels::rgb32f(pixels.height(), pixels.width(), floats).unwrap();
        }
        let mut preprocess =
            Preprocess::default().preset(Preset::Identity).channels(Channels::Grey).antialias(true);
        let whole = case["size"].is_null();
        if !whole {
            let (height, width) = size(&case["size"]);
            preprocess = preprocess.size(height, width);
        }
        let found = difference(&preprocess, &pixels, &case);
        let allowed = if whole && !as_floats { 0.0 } else { TOLERANCE };
        assert!(found <= allowed, "{}: {found}", told(&case));
    }
    for case in table("pillow_grey.json") {
        let preprocess = Preprocess::default()
            .preset(Preset::Identity)
            .channels(Channels::Grey)
            .library(Library::Pillow)
            .antialias(true);
        assert_eq!(difference(&preprocess, &pixels(&case), &case).to_bits(), 0, "{}", told(&case));
    }
}

#[test]
fn levels_are_resized_as_pillow_does() {
    let mut wrong = Vec::new();
    let cases = table("pillow.json");
    assert!(cases.len() > 100, "{}", cases.len());
    for case in cases {
        let mut preprocess = levels(size(&case["size"]))
            .filter(filter(&case))
            .library(Library::Pillow)
            .antialias(true);
        if let Some(shorter) = case["shorter"].as_u64() {
            preprocess = preprocess.fit(Fit::ShorterSide(usize::try_from(shorter).unwrap()));
        }
        let found = difference(&preprocess, &pixels(&case), &case);
        if found > 0.0 {
            wrong.push(format!("{}: {found}", told(&case)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn recipes_are_those_of_keras_applications() {
    let cases = table("models.json");
    let names: Vec<String> = model_names().into_iter().filter(|name| !name.contains('/')).collect();
    let tiny = decode(&file("tiny.png"), &DecodeOptions::default()).unwrap();
    assert_eq!(cases.len(), names.len());
    for case in cases {
        let name = case["name"].as_str().unwrap();
        assert!(names.iter().any(|known| known == name), "{name}");
        let mut recipe = Preprocess::for_model(name).unwrap();
        // MobileNetV3 takes any size.
        let usual = if case["size"].is_null() { (224, 224) } else { size(&case["size"]) };
        assert_eq!(recipe.size, Some(usual), "{name}");
        recipe.size = None;
        let found = difference(&recipe, &tiny, &case);
        assert!(found <= 2e-5, "{name}: {found}");
    }
}

#[test]
fn recipes_are_those_of_torchvision() {
    let cases = table("torchvision.json");
    let names: Vec<String> = model_names().into_iter().filter(|name| name.contains('/')).collect();
    let wide = decode(&file("wide.png"), &DecodeOptions::default()).unwrap();
    let found: Vec<&str> = cases.iter().map(|case| case["name"].as_str().unwrap()).collect();
    assert_eq!(found, names);
    for case in &cases {
        let name = case["name"].as_str().unwrap();
        let recipe = Preprocess::for_model(name).unwrap();
        let side = usize::try_from(case["size"].as_u64().unwrap()).unwrap();
        assert_eq!(recipe.size, Some((side, side)), "{name}");
        if let Some(other) = case["as"].as_str() {
            assert_eq!(recipe, Preprocess::for_model(other).unwrap(), "{name}");
        } else {
            // The levels are equal; the numbers made of them differ by the last place of a float.
            let found = difference(&recipe, &wide, case);
            assert!(found <= 2e-5, "{name}: {found}");
        }
    }
}

#[test]
fn a_layout_and_an_element_type_hold_grey_and_padded_images() {
    let wide = decode(&file("wide.png"), &DecodeOptions::default()).unwrap();
    let grey = levels((9, 9)).channels(Channels::Grey).fit(Fit::Pad);
    let tensor = grey.apply_pixels(&wide).unwrap();
    assert_eq!(tensor.shape(), [9, 9, 1]);
    let planes = grey.clone().layout(Layout::Nchw).apply_pixels(&wide).unwrap();
    assert_eq!((planes.shape(), planes.data()), (&[1, 9, 9][..], tensor.data()));
    let bytes = grey.dtype(DType::Uint8).apply_pixels(&wide).unwrap();
    assert_eq!((bytes.dtype(), bytes.data().len()), (DType::Uint8, 81));
    // Blue, green, red: the margin is level 0 of each.
    let caffe = Preprocess::unit(9, 9).preset(Preset::Caffe).fit(Fit::Pad);
    let tensor = caffe.apply_pixels(&wide).unwrap();
    assert_eq!(tensor.as_floats().unwrap()[..3], [-103.939, -116.779, -123.68]);
}

#[test]
fn settings_that_exclude_each_other_are_errors() {
    let pillow = Preprocess::unit(2, 2).library(Library::Pillow).antialias(true);
    let part = Preprocess::unit(2, 2).fit(Fit::Box(NormalizedBox::new(0.0, 0.0, 1.0, 1.0)));
    for (preprocess, said) in [
        (pillow.clone().filter(Filter::Gaussian), "filters of Pillow"),
        (pillow.clone().antialias(false), "expected true"),
        (pillow.clone().fit(part.fit), "TensorFlow resizes"),
        (part.clone().filter(Filter::Bicubic), "crop_and_resize"),
        (part.antialias(true), "expected false"),
        (Preprocess::default().fit(Fit::Pad), "needs a size"),
        (Preprocess::unit(2, 2).channels(Channels::Grey).preset(Preset::Caffe), "grey"),
    ] {
        let error = preprocess.validate().unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    assert!(pillow.clone().filter(Filter::Nearest).antialias(false).validate().is_ok());
    let floats = Pixels::rgb32f(1, 1, vec![7.5; 3]).unwrap();
    let error = pillow.apply_pixels(&floats).unwrap_err().to_string();
    assert!(error.contains("8-bit levels"), "{error}");
}

#[test]
fn floats_from_0_to_1_are_not_scaled_down_again() {
    let unit = Pixels::rgb32f(1, 2, vec![0.0, 0.5, 1.0, 0.25, 0.75, 1.0]).unwrap();
    let error = Preprocess::unit(2, 2).apply_pixels(&unit).unwrap_err().to_string();
    assert!(error.contains("multiply the image by 255"), "{error}");
    assert!(levels((2, 2)).apply_pixels(&unit).is_ok());
    let black = Pixels::rgb32f(1, 1, vec![0.0, 1.0, 0.0]).unwrap();
    assert!(Preprocess::unit(2, 2).apply_pixels(&black).is_ok());
}
