//! Any bytes through the whole image path: an error or a tensor of the size asked for, never a panic.
//!
//! `cargo +nightly fuzz run image fuzz/corpus/image crates/canary-serving/tests/data/image`
#![no_main]

use canary_core::image::{Crop, DecodeOptions, Filter, Preprocess};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let decode = DecodeOptions::default().max_pixels(1 << 16).honour_exif(true);
    let filter = match bytes.last() {
        Some(0..64) => Filter::Bicubic,
        Some(64..128) => Filter::Area,
        _ => Filter::Bilinear,
    };
    let preprocess = Preprocess::unit(7, 9).decode(decode).crop(Crop::CentralFraction(0.875)).filter(filter);
    match preprocess.apply(bytes) {
        Ok(tensor) => assert_eq!(tensor.shape(), [7, 9, 3]),
        Err(error) => assert!(!error.to_string().contains('\n')),
    }
});
