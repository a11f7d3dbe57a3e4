//! WebP, lossy and lossless.

use std::io::Cursor;

use image_webp::{DecodingError, WebPDecoder};

use super::{Decoded, Failure, check_size, drop_alpha, one_line};
use crate::image::exif::Orientation;

pub(super) fn decode(bytes: &[u8], max_pixels: u64) -> Result<Decoded, Failure> {
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(|error| broken(&error))?;
    let (width, height) = decoder.dimensions();
    let length = check_size(height.into(), width.into(), max_pixels)?;
    // Four samples a pixel for each of: what is read, a frame, and the canvas of an animation.
    decoder.set_memory_limit(length.saturating_mul(4).saturating_add(16 << 20));
    let size =
        decoder.output_buffer_size().ok_or_else(|| one_line("too large for this machine"))?;
    let mut samples = vec![0; size];
    decoder.read_image(&mut samples).map_err(|error| broken(&error))?;
    let exif = decoder.exif_metadata().ok().flatten();
    let orientation = exif.as_deref().and_then(Orientation::read);
    let rgb = if decoder.has_alpha() { drop_alpha(samples) } else { samples };
    Ok(Decoded { height: height as usize, width: width as usize, rgb, orientation })
}

fn broken(error: &DecodingError) -> Failure {
    one_line(&error.to_string())
}
