//! Windows bitmaps.

use zune_bmp::{BmpDecoder, BmpDecoderErrors};
use zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions};

use super::{Decoded, Failure, check_size, drop_alpha, one_line, spread_grey};

pub(super) fn decode(bytes: &[u8], max_pixels: u64) -> Result<Decoded, Failure> {
    let (height, width) = size(bytes)?;
    check_size(height, width, max_pixels)?;
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX);
    let mut decoder = BmpDecoder::new_with_options(ZCursor::new(bytes), options);
    let samples = decoder.decode().map_err(|error| broken(&error))?;
    let (width, height) = decoder.dimensions().unwrap_or_default();
    let rgb = match decoder.colorspace() {
        Some(ColorSpace::RGB) => samples,
        Some(ColorSpace::RGBA) => drop_alpha(samples),
        Some(ColorSpace::Luma) => spread_grey(&samples, 1),
        other => return Err(Failure::Broken(format!("colours stored as {other:?}"))),
    };
    Ok(Decoded { height, width, rgb, orientation: None })
}

fn broken(error: &BmpDecoderErrors) -> Failure {
    one_line(&format!("{error:?}"))
}

/// Height and width as the header has them; a negative height means rows from top to bottom.
fn size(bytes: &[u8]) -> Result<(u64, u64), Failure> {
    let short = || Failure::Broken("the header is incomplete".to_owned());
    let header: [u8; 8] =
        bytes.get(14..26).ok_or_else(short)?[4..].try_into().map_err(|_| short())?;
    if bytes[14..18] == 12_u32.to_le_bytes() {
        let side = |at: usize| u64::from(u16::from_le_bytes([header[at], header[at + 1]]));
        return Ok((side(2), side(0)));
    }
    let side = |at: usize| {
        i32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    };
    let width =
        u64::try_from(side(0)).map_err(|_| Failure::Broken("a negative width".to_owned()))?;
    Ok((u64::from(side(4).unsigned_abs()), width))
}
