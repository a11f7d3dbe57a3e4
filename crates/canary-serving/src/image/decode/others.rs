//! PNG, GIF, WebP, BMP and TIFF, by the crate `image`.

use std::io::Cursor;

use ::image::{
    DynamicImage, ExtendedColorType, ImageDecoder, ImageError, Limits,
    codecs::{
        bmp::BmpDecoder, gif::GifDecoder, png::PngDecoder, tiff::TiffDecoder, webp::WebPDecoder,
    },
    metadata::Orientation,
};

use super::{DecodeOptions, Decoded, Failure, one_line};
use crate::image::Format;

type Decoder<'a> = Box<dyn ImageDecoder + 'a>;

/// Memory beside that for the pixels: tables, profiles, windows of a compression.
const BESIDE: u64 = 64 << 20;

/// The most pixels that a byte of a file can stand for; a header that promises more lies.
///
/// Deflate shortens 1032 times at most, and eight pixels of a bit each are a byte; the run lengths of BMP and the codes
/// of GIF and TIFF reach less. A white row of a fax is a bit, and one colour in all of a WebP file takes no bits at all.
fn pixels_a_byte(format: Format, stored: ExtendedColorType) -> u64 {
    match (format, stored) {
        (Format::WebP, _) => u64::MAX,
        (_, ExtendedColorType::L1) => 8 << 14,
        _ => 8 * 1032,
    }
}

pub(super) fn decode(format: Format, bytes: &[u8], options: &DecodeOptions) -> Decoded {
    let mut limits = Limits::default();
    limits.max_alloc = Some(BESIDE);
    let mut decoder = open(format, bytes, limits.clone())?;
    let (height, width) = size(decoder.as_ref())?;
    let pixels = height.checked_mul(width).filter(|&pixels| pixels <= options.max_pixels);
    let pixels = pixels.ok_or(Failure::TooLarge { height, width })?;
    let stored = decoder.original_color_type();
    if pixels / pixels_a_byte(format, stored) > bytes.len() as u64 {
        return Err(Failure::Broken(format!("too little of it for {height} × {width} pixels")));
    }
    match stored {
        ExtendedColorType::Cmyk8 | ExtendedColorType::Cmyk16 => {
            return Err(Failure::Unsupported("inks".to_owned()));
        }
        ExtendedColorType::Rgb32F | ExtendedColorType::Rgba32F => {
            return Err(Failure::Unsupported("samples that are floats".to_owned()));
        }
        _ => {}
    }
    // The decoded image, and one frame or strip of it.
    limits.max_alloc = Some(decoder.total_bytes().saturating_mul(2).saturating_add(BESIDE));
    if format == Format::Png {
        // It takes its limit when it is opened.
        decoder = open(format, bytes, limits)?;
    } else {
        decoder.set_limits(limits).map_err(|error| failure(&error))?;
    }
    let orientation = if options.honour_exif && (format != Format::WebP || exif_is_there(bytes)) {
        decoder.orientation().map_err(|error| failure(&error))?
    } else {
        Orientation::NoTransforms
    };
    let image = DynamicImage::from_decoder(decoder).map_err(|error| failure(&error))?;
    Ok((if format == Format::Gif { hide_transparent(image) } else { image }, orientation))
}

pub(super) fn dimensions(format: Format, bytes: &[u8]) -> Result<(u64, u64), Failure> {
    let mut limits = Limits::default();
    limits.max_alloc = Some(BESIDE);
    size(open(format, bytes, limits)?.as_ref())
}

fn open(format: Format, bytes: &[u8], limits: Limits) -> Result<Decoder<'_>, Failure> {
    let bytes = Cursor::new(bytes);
    let decoder = match format {
        Format::Png => PngDecoder::with_limits(bytes, limits).map(|d| Box::new(d) as Decoder<'_>),
        Format::Gif => GifDecoder::new(bytes).map(|d| Box::new(d) as Decoder<'_>),
        Format::WebP => WebPDecoder::new(bytes).map(|d| Box::new(d) as Decoder<'_>),
        Format::Bmp => BmpDecoder::new(bytes).map(|d| Box::new(d) as Decoder<'_>),
        Format::Tiff => TiffDecoder::new(bytes).map(|d| Box::new(d) as Decoder<'_>),
        Format::Jpeg => return Err(Failure::Broken("a JPEG file".to_owned())),
    };
    decoder.map_err(|error| failure(&error))
}

/// Height and width.
fn size(decoder: &dyn ImageDecoder) -> Result<(u64, u64), Failure> {
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(Failure::Broken("no pixels".to_owned()));
    }
    Ok((height.into(), width.into()))
}

/// Black where nothing was drawn, as TensorFlow has it.
fn hide_transparent(image: DynamicImage) -> DynamicImage {
    let mut rgba = image.into_rgba8();
    for pixel in rgba.pixels_mut().filter(|pixel| pixel[3] == 0) {
        pixel.0 = [0; 4];
    }
    rgba.into()
}

/// True if a WebP file has all bytes of its EXIF chunk: the decoder allocates memory for them before it reads them.
fn exif_is_there(bytes: &[u8]) -> bool {
    let mut rest = bytes.get(12..).unwrap_or_default();
    while let Some(([name @ .., a, b, c, d], behind)) = rest.split_first_chunk::<8>() {
        let length = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
        if name == b"EXIF" {
            return length <= behind.len();
        }
        rest = behind.get(length.saturating_add(length % 2)..).unwrap_or_default();
    }
    true
}

fn failure(error: &ImageError) -> Failure {
    match error {
        ImageError::Unsupported(_) => Failure::Unsupported(one_line(&error.to_string())),
        error => Failure::Broken(one_line(&error.to_string())),
    }
}
