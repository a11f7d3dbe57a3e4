//! JPEG, baseline and progressive.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod baseline;
mod colour;
mod huffman;
mod idct;
#[cfg(target_arch = "x86_64")]
mod sse2;

use zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions};
use zune_jpeg::{JpegDecoder, errors::DecodeErrors};

use super::{Decoded, Failure, check_size, one_line};
use crate::image::exif::Orientation;

/// The most scans that are read: a progressive file of a camera or an editor has about ten, and each passes over all
/// pixels however few its bytes are.
const MAX_SCANS: usize = 500;

pub(super) fn decode(bytes: &[u8], max_pixels: u64) -> Result<Decoded, Failure> {
    if !bytes.ends_with(&[0xFF, 0xD9]) && !bytes.windows(2).any(|pair| pair == [0xFF, 0xD9]) {
        return Err(Failure::Broken("no end-of-image marker".to_owned()));
    }
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(|error| broken(&error))?;
    let info = decoder.info().ok_or_else(|| one_line("no frame header"))?;
    let (height, width) = (usize::from(info.height), usize::from(info.width));
    check_size(height as u64, width as u64, max_pixels)?;
    let orientation = info.exif_data.as_deref().and_then(Orientation::read);
    if let Some(rgb) = baseline::decode(bytes, (height, width)) {
        return Ok(Decoded { height, width, rgb, orientation });
    }
    // Within a scan such a pair of bytes cannot stand, for 0xFF is followed by 0 there.
    let scans = bytes.windows(2).filter(|pair| *pair == [0xFF, 0xDA]).count();
    if scans > MAX_SCANS {
        return Err(Failure::Broken(format!("{scans} scans, more than {MAX_SCANS}")));
    }
    let stored = decoder.input_colorspace().unwrap_or(ColorSpace::RGB);
    let four = matches!(stored, ColorSpace::CMYK | ColorSpace::YCCK) && info.components == 4;
    if four {
        decoder.set_options(options.jpeg_set_out_colorspace(stored));
    }
    let samples = decoder.decode().map_err(|error| broken(&error))?;
    let rgb = if four {
        let inverted = has_adobe_marker(bytes);
        samples.chunks_exact(4).flat_map(|ink| ink_to_rgb(ink, stored, inverted)).collect()
    } else {
        samples
    };
    Ok(Decoded { height, width, rgb, orientation })
}

/// One pixel of four inks to RGB, as TensorFlow multiplies it out. Adobe's files store inks inverted.
fn ink_to_rgb(ink: &[u8], stored: ColorSpace, inverted: bool) -> [u8; 3] {
    let [mut c, mut m, mut y, k] = [ink[0], ink[1], ink[2], ink[3]];
    if stored == ColorSpace::YCCK {
        [c, m, y] = ycc_to_rgb(c, m, y).map(|level| 255 - level);
    }
    [c, m, y].map(|ink| {
        let (ink, k) = if inverted { (ink, k) } else { (255 - ink, 255 - k) };
        // At most 255, being a product of two levels over 255.
        u8::try_from(u16::from(ink) * u16::from(k) / 255).unwrap_or(u8::MAX)
    })
}

/// ITU-R BT.601 at full range, as JFIF has it.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn ycc_to_rgb(luma: u8, blue: u8, red: u8) -> [u8; 3] {
    let (luma, blue, red) = (f32::from(luma), f32::from(blue) - 128.0, f32::from(red) - 128.0);
    let level = |x: f32| x.round().clamp(0.0, 255.0) as u8;
    [
        level(luma + 1.402 * red),
        level(luma - 0.344_136 * blue - 0.714_136 * red),
        level(luma + 1.772 * blue),
    ]
}

/// Whether an APP14 segment of Adobe's stands before the first scan.
fn has_adobe_marker(bytes: &[u8]) -> bool {
    let mut at = 2;
    while let Some(&[0xFF, marker, high, low]) = bytes.get(at..at + 4) {
        if marker == 0xDA {
            return false;
        }
        if marker == 0xEE && bytes[at + 4..].starts_with(b"Adobe") {
            return true;
        }
        at += 2 + usize::from(u16::from_be_bytes([high, low]));
    }
    false
}

fn broken(error: &DecodeErrors) -> Failure {
    one_line(&format!("{error:?}"))
}
