//! Decoding, resizing and presets against what TensorFlow and Keras computed.
//!
//! The values stand in `tests/data/image`, made by `scripts/image_fixtures.py`.
#![cfg(feature = "image")]
#![allow(clippy::unwrap_used)]

use std::{fs, path::PathBuf};

use canary_core::{
    image::{Crop, DecodeOptions, Filter, Layout, PixelData, Pixels, Preprocess, Preset, decode},
    tensor::{DType, Tensor, TensorData},
};
use serde_json::Value;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/image")
}

fn file(name: &str) -> Vec<u8> {
    fs::read(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn table(name: &str) -> Vec<Value> {
    serde_json::from_slice(&file(name)).unwrap()
}

fn levels(pixels: &Pixels<'_>) -> Vec<u8> {
    match pixels.data() {
        PixelData::U8(levels) => levels.to_vec(),
        other => panic!("{other:?}"),
    }
}

fn floats(tensor: &Tensor) -> &[f32] {
    match tensor.data() {
        TensorData::Float(values) => values,
        other => panic!("{}", other.dtype()),
    }
}

fn numbers(value: &Value) -> Vec<f32> {
    #[allow(clippy::cast_possible_truncation)]
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap() as f32).collect()
}

/// The largest and the mean difference.
fn differences(found: &[f32], wanted: &[f32]) -> (f32, f32) {
    assert_eq!(found.len(), wanted.len());
    let each = || found.iter().zip(wanted).map(|(a, b)| (a - b).abs());
    #[allow(clippy::cast_precision_loss)]
    (each().fold(0.0, f32::max), each().sum::<f32>() / found.len() as f32)
}

#[test]
fn every_file_decodes_as_in_tensorflow() {
    let mut seen = 0;
    let mut wrong = Vec::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() || path.extension().is_some_and(|extension| extension == "json") {
            continue;
        }
        seen += 1;
        let found = decode(&file(&name), &DecodeOptions::default())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let wanted =
            decode(&file(&format!("expected/{name}.png")), &DecodeOptions::default()).unwrap();
        assert_eq!((found.height(), found.width()), (wanted.height(), wanted.width()), "{name}");
        let as_floats = |pixels| levels(pixels).into_iter().map(f32::from).collect::<Vec<_>>();
        let (largest, mean) = differences(&as_floats(&found), &as_floats(&wanted));
        if largest > 0.0 {
            wrong.push(format!("{name}: largest {largest}, mean {mean}"));
        }
    }
    assert!(seen > 30, "only {seen} files found");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn filter(name: &str) -> Filter {
    match name {
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

/// The largest difference of a resize from TensorFlow's, in levels of 255. Sums of many weights differ in their last
/// places with the order in which they are added.
const TOLERANCE: f32 = 1e-3;

/// Compares every case of a table: a file, a part of it, a filter and a size, with some or all values of the result.
fn resizes_as_in_tensorflow(cases: &[Value]) {
    let mut wrong = Vec::new();
    for case in cases {
        let size = numbers(&case["size"]);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let (height, width) = (size[0] as usize, size[1] as usize);
        let fraction = case["crop"].as_f64().unwrap_or(1.0);
        let preprocess = Preprocess::unit(height, width)
            .preset(Preset::Identity)
            .crop(Crop::CentralFraction(fraction))
            .filter(filter(case["filter"].as_str().unwrap()))
            .antialias(case["antialias"].as_bool().unwrap());
        let tensor = preprocess.apply(&file(case["file"].as_str().unwrap())).unwrap();
        let every = usize::try_from(case["every"].as_u64().unwrap_or(1)).unwrap();
        let found: Vec<f32> = floats(&tensor).iter().copied().step_by(every).collect();
        let (largest, _) = differences(&found, &numbers(&case["values"]));
        if largest > TOLERANCE {
            wrong.push(format!(
                "{} {} antialias={} crop={fraction} to {height}×{width}: {largest}",
                case["file"], case["filter"], case["antialias"]
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_filter_resizes_as_in_tensorflow() {
    let cases = table("resize.json");
    assert_eq!(cases.len(), 8 * 2 * 8);
    resizes_as_in_tensorflow(&cases);
}

/// Sizes at which the vector code has whole steps and rests, images of one pixel in a row or column, and crops that
/// are not square.
#[test]
fn large_narrow_and_cropped_images_resize_as_in_tensorflow() {
    let cases = table("sampled.json");
    assert_eq!(cases.len(), 8 * 2 * (5 + 3 + 2 + 3 + 3));
    resizes_as_in_tensorflow(&cases);
}

#[test]
fn presets_are_those_of_keras() {
    let values = &table("presets.json")[0];
    for (name, preset, tolerance) in [
        ("caffe", Preset::Caffe, 2e-5),
        ("tf", Preset::Tf, 2e-6),
        ("torch", Preset::Torch, 2e-6),
        ("unit", Preset::Unit, 1e-6),
        ("identity", Preset::Identity, 0.0),
    ] {
        let tensor = Preprocess::default().preset(preset).apply(&file("tiny.png")).unwrap();
        let (largest, _) = differences(floats(&tensor), &numbers(&values[name]));
        assert!(largest <= tolerance, "{name}: {largest}");
    }
}

#[test]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn central_crops_are_those_of_tensorflow() {
    for row in table("crops.json") {
        let whole = |at: usize| row[at].as_u64().unwrap() as usize;
        let region =
            Crop::CentralFraction(row[2].as_f64().unwrap()).region(whole(0), whole(1)).unwrap();
        let found = (region.top, region.left, region.height, region.width);
        assert_eq!(found, (whole(3), whole(4), whole(5), whole(6)), "{row}");
    }
}

#[test]
fn layouts_and_element_types_hold_the_same_numbers() {
    let preprocess = Preprocess::unit(11, 9).preset(Preset::Caffe);
    let nhwc = preprocess.apply(&file("noise.png")).unwrap();
    let nchw = preprocess.clone().layout(Layout::Nchw).apply(&file("noise.png")).unwrap();
    assert_eq!((nhwc.shape(), nchw.shape()), (&[11, 9, 3][..], &[3, 11, 9][..]));
    for (at, value) in floats(&nhwc).iter().enumerate() {
        let (y, x, channel) = (at / 27, at / 3 % 9, at % 3);
        assert_eq!(value.to_bits(), floats(&nchw)[channel * 99 + y * 9 + x].to_bits());
    }
    let half = preprocess.clone().dtype(DType::Half).apply(&file("noise.png")).unwrap();
    let TensorData::Half(bits) = half.data() else { panic!("{}", half.dtype()) };
    for (bits, value) in bits.iter().zip(floats(&nhwc)) {
        let back = half::f16::from_bits(*bits).to_f32();
        assert!((back - value).abs() <= value.abs() / 2048.0, "{back} {value}");
    }
    let bytes = Preprocess::unit(11, 9).preset(Preset::Identity).dtype(DType::Uint8);
    let exact = bytes.clone().dtype(DType::Float).apply(&file("noise.png")).unwrap();
    let bytes = bytes.apply(&file("noise.png")).unwrap();
    let TensorData::Uint8(levels) = bytes.data() else { panic!("{}", bytes.dtype()) };
    for (level, value) in levels.iter().zip(floats(&exact)) {
        assert!((f32::from(*level) - value).abs() <= 0.5, "{level} {value}");
    }
}

#[test]
fn orientation_is_ignored_unless_asked_for() {
    let bytes = file("oriented6.jpg");
    let stored = decode(&bytes, &DecodeOptions::default()).unwrap();
    let upright = decode(&bytes, &DecodeOptions::default().honour_exif(true)).unwrap();
    assert_eq!((stored.height(), stored.width()), (90, 121));
    assert_eq!((upright.height(), upright.width()), (121, 90));
    let (stored, upright) = (levels(&stored), levels(&upright));
    // Value 6: the stored first column, read upwards, is the upright first row.
    for x in 0..90 {
        assert_eq!(upright[3 * x..3 * x + 3], stored[(89 - x) * 121 * 3..][..3]);
    }
}

#[test]
fn many_files_keep_their_order_and_their_own_errors() {
    let files: Vec<Vec<u8>> = (0..20)
        .map(|at| if at == 13 { b"no image".to_vec() } else { file("s420.jpg") })
        .chain([file("noise.png")])
        .collect();
    let preprocess = Preprocess::unit(16, 16);
    let results = preprocess.apply_many(&files);
    assert_eq!(results.len(), 21);
    for (at, result) in results.iter().enumerate() {
        match result {
            Ok(tensor) => assert_eq!(tensor, &preprocess.apply(&files[at]).unwrap()),
            Err(error) => {
                assert_eq!(at, 13);
                assert!(error.to_string().starts_with("image 13 of 21: "), "{error}");
            }
        }
    }
    assert!(results[13].is_err());
}

/// Memory is kept from one JPEG to the next on a thread: what stood in it must not show.
#[test]
fn the_image_before_leaves_no_trace() {
    let entries = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<Vec<u8>> = entries
        .filter(|path| path.extension().is_some_and(|end| end == "jpg"))
        .map(|path| fs::read(path).unwrap())
        .collect();
    files.sort_by_key(Vec::len);
    let decoded = |file: &Vec<u8>| decode(file, &DecodeOptions::default()).ok();
    let alone: Vec<_> = files
        .iter()
        .map(|file| std::thread::scope(|scope| scope.spawn(|| decoded(file)).join().unwrap()))
        .collect();
    assert!(alone.iter().flatten().count() > 4);
    let ascending: Vec<_> = files.iter().map(decoded).collect();
    assert!(ascending == alone);
    let descending: Vec<_> = files.iter().rev().map(decoded).collect();
    assert!(descending.iter().rev().eq(&alone));
}
