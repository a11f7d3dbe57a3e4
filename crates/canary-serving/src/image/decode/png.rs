//! PNG at every bit depth and colour type.

use std::io::Cursor;

use png::{ColorType, DecodingError, Limits, Transformations};

use super::{Decoded, Failure, check_size, drop_alpha, one_line, spread_grey};
use crate::image::exif::Orientation;

pub(super) fn decode(bytes: &[u8], max_pixels: u64) -> Result<Decoded, Failure> {
    // Chunks beside the pixels may take as much as a small file; what the pixels take is bounded below.
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: 64 << 20 });
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let header = decoder.read_header_info().map_err(|error| broken(&error))?;
    let (height, width) = (header.height, header.width);
    let length = check_size(height.into(), width.into(), max_pixels)?;
    // Up to four samples of 16 bits a pixel, read row by row.
    decoder.set_limits(Limits { bytes: length.saturating_mul(3).saturating_add(64 << 20) });
    let mut reader = decoder.read_info().map_err(|error| broken(&error))?;
    let size = reader.output_buffer_size().ok_or_else(|| one_line("too large for this machine"))?;
    let mut samples = vec![0; size];
    let frame = reader.next_frame(&mut samples).map_err(|error| broken(&error))?;
    let orientation = reader.info().exif_metadata.as_deref().and_then(Orientation::read);
    let rgb = match frame.color_type {
        ColorType::Rgb => samples,
        ColorType::Rgba => drop_alpha(samples),
        ColorType::Grayscale => spread_grey(&samples, 1),
        ColorType::GrayscaleAlpha => spread_grey(&samples, 2),
        ColorType::Indexed => return Err(one_line("a palette that could not be applied")),
    };
    let (height, width) = (height as usize, width as usize);
    Ok(Decoded { height, width, rgb, orientation })
}

fn broken(error: &DecodingError) -> Failure {
    one_line(&error.to_string())
}
