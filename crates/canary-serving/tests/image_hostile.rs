//! Damaged, cut off and lying image files: a clear error or pixels, never a panic, within bounded memory.
#![cfg(feature = "image")]
#![allow(clippy::unwrap_used)]

use std::{fs, path::PathBuf};

use canary_core::image::{Crop, DecodeOptions, Filter, Pixels, Preprocess, Preset, decode};
use canary_core::tensor::DType;
use fastrand::Rng;

fn fixtures() -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/image");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file() && path.extension().is_some_and(|end| end != "json"))
        .map(|path| {
            (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(path).unwrap())
        })
        .collect();
    files.sort();
    assert!(files.len() > 30);
    files
}

/// Few pixels, so that a changed header cannot make a test slow.
fn options() -> DecodeOptions {
    DecodeOptions::default().max_pixels(20_000)
}

#[test]
fn a_file_cut_off_anywhere_is_an_error() {
    for (name, bytes) in fixtures() {
        let step = (bytes.len() / 60).max(1);
        for end in (0..bytes.len()).step_by(step) {
            match decode(&bytes[..end], &options()) {
                Err(error) => {
                    let text = error.to_string();
                    assert!(
                        text.len() < 500 && !text.contains('\n'),
                        "{name} cut at {end}: {text}"
                    );
                }
                // What stands after the pixels (a trailer, a further frame, padding) may be missing.
                Ok(_) => assert!(
                    end + 16 > bytes.len() || name == "animated.gif",
                    "{name} of {} bytes cut at {end} was taken as whole",
                    bytes.len()
                ),
            }
        }
    }
}

#[test]
fn changed_bytes_never_panic() {
    let mut random = Rng::with_seed(0x9E37_79B9_7F4A_7C15);
    for (_, bytes) in fixtures() {
        for _ in 0..40 {
            let mut changed = bytes.clone();
            for _ in 0..=random.usize(..4) {
                // Headers are where the lies are: half of the changes go there.
                let reach = if random.bool() { changed.len().min(64) } else { changed.len() };
                let at = random.usize(..reach);
                changed[at] = random.u8(..);
            }
            let _ = decode(&changed, &options().honour_exif(true));
        }
    }
}

#[test]
fn random_bytes_after_a_signature_never_panic() {
    let mut random = Rng::with_seed(42);
    let signatures: [&[u8]; 7] = [
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR",
        b"GIF89a",
        b"RIFF\xff\0\0\0WEBPVP8 ",
        b"RIFF\xff\0\0\0WEBPVP8L",
        b"RIFF\xff\0\0\0WEBPVP8X",
        b"BM",
    ];
    for round in 0..2000 {
        let mut bytes = signatures[round % signatures.len()].to_vec();
        let length = random.usize(..400);
        bytes.extend((0..length).map(|_| random.u8(..)));
        let _ = decode(&bytes, &options());
    }
}

/// Header fields of each format that promise 60 000 × 60 000 pixels, or nearly as many as the format can.
fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    let files = fixtures();
    let of = |wanted: &str| files.iter().find(|(name, _)| name == wanted).unwrap().1.clone();
    let patch = |name: &str, at: usize, with: &[u8]| {
        let mut bytes = of(name);
        bytes[at..at + with.len()].copy_from_slice(with);
        bytes
    };
    let frame = of("s420.jpg").windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    let mut png = patch("rgba.png", 16, &[0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60]);
    // The checksum of that IHDR; without it the decoder stops earlier.
    let sum = crc32(&png[12..29]);
    png[29..33].copy_from_slice(&sum.to_be_bytes());
    vec![
        ("JPEG", patch("s420.jpg", frame + 5, &[0xEA, 0x60, 0xEA, 0x60])),
        ("PNG", png),
        ("GIF", patch("plain.gif", 6, &[0x60, 0xEA, 0x60, 0xEA])),
        ("BMP", patch("rgb.bmp", 18, &[0x60, 0xEA, 0, 0, 0x60, 0xEA, 0, 0])),
        ("WebP", patch("lossless.webp", 21, &[0xFE, 0xBF, 0xFF, 0x0F])),
    ]
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, &byte| {
        (0..8).fold(sum ^ u32::from(byte), |sum, _| {
            (sum >> 1) ^ (0xEDB8_8320 & (sum & 1).wrapping_neg())
        })
    })
}

#[test]
fn a_header_that_promises_too_much_is_refused_before_memory_is_taken() {
    for (format, bytes) in bombs() {
        let text = decode(&bytes, &DecodeOptions::default()).unwrap_err().to_string();
        assert!(text.starts_with(&format!("{format} image: found ")), "{text}");
        assert!(text.contains("expected at most 100000000 in all"), "{text}");
        assert!(text.contains("raise max_pixels"), "{text}");
    }
    let (_, whole) = fixtures().into_iter().find(|(name, _)| name == "s420.jpg").unwrap();
    assert!(decode(&whole, &DecodeOptions::default().max_pixels(90 * 121)).is_ok());
    assert!(decode(&whole, &DecodeOptions::default().max_pixels(90 * 121 - 1)).is_err());
}

#[test]
fn impossible_settings_are_named() {
    let pixels = Pixels::rgb8(2, 2, vec![0; 12]).unwrap();
    for (preprocess, said) in [
        (Preprocess::unit(0, 5), "preprocess.size: found 0 × 5"),
        (Preprocess::unit(usize::MAX, 2), "preprocess.size"),
        (Preprocess::unit(100_000, 100_000), "at most 100000000"),
        (Preprocess::default().dtype(DType::Int64), "preprocess.dtype: found DT_INT64"),
        (Preprocess::default().dtype(DType::Uint8), "use Identity"),
        (Preprocess::default().crop(Crop::CentralFraction(1.5)), "crop: found a central fraction"),
        (Preprocess::default().preset(Preset::mean_std(0.0, 0.0)), "preset.std: found [0.0"),
        (Preprocess::default().preset(Preset::mean_std(f32::NAN, 1.0)), "preset.mean"),
    ] {
        let text = preprocess.apply_pixels(&pixels).unwrap_err().to_string();
        assert!(text.contains(said), "{text}");
    }
}

#[test]
fn every_filter_takes_every_size() {
    for filter in [
        Filter::Bilinear,
        Filter::Bicubic,
        Filter::Area,
        Filter::Nearest,
        Filter::Lanczos3,
        Filter::Lanczos5,
        Filter::Gaussian,
        Filter::MitchellCubic,
    ] {
        for antialias in [false, true] {
            for (height, width) in [(1, 1), (1, 9), (3, 1), (2, 2), (5, 4), (37, 41)] {
                let pixels = Pixels::rgb8(height, width, vec![200; height * width * 3]).unwrap();
                for (to_height, to_width) in [(1, 1), (2, 3), (7, 1), (40, 33), (100, 5)] {
                    let tensor = Preprocess::unit(to_height, to_width)
                        .preset(Preset::Identity)
                        .filter(filter)
                        .antialias(antialias)
                        .dtype(DType::Uint8)
                        .apply_pixels(&pixels)
                        .unwrap();
                    let canary_core::tensor::TensorData::Uint8(levels) = tensor.data() else {
                        panic!()
                    };
                    // Weights sum to one: an even image stays even.
                    assert!(
                        levels.iter().all(|&level| level == 200),
                        "{filter:?} {antialias} {height}×{width} to {to_height}×{to_width}: {levels:?}"
                    );
                }
            }
        }
    }
}
