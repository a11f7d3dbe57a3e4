//! JPEG, by the crate `canary-jpeg`, which gives TensorFlow's levels.

use ::image::{DynamicImage, ImageBuffer, metadata::Orientation};
use canary_jpeg::{Error, Header, Limits};

use super::{DecodeOptions, Decoded, Failure, one_line};

pub(super) fn decode(bytes: &[u8], options: &DecodeOptions) -> Decoded {
    let limits = Limits::default().max_pixels(options.max_pixels);
    let image = canary_jpeg::decode(bytes, &limits).map_err(|error| failure(&error))?;
    let orientation = if options.honour_exif { orientation(bytes)? } else { None };
    let (height, width) = (image.height().into(), image.width().into());
    // The decoder gives as many levels as the buffer needs.
    let buffer = ImageBuffer::from_raw(width, height, image.into_rgb());
    let image = buffer.ok_or_else(|| Failure::Broken("levels are missing".to_owned()))?;
    let orientation = orientation.unwrap_or(Orientation::NoTransforms);
    Ok((DynamicImage::ImageRgb8(image), orientation))
}

pub(super) fn dimensions(bytes: &[u8]) -> Result<(u64, u64), Failure> {
    let header = Header::read(bytes).map_err(|error| failure(&error))?;
    Ok((header.height().into(), header.width().into()))
}

fn orientation(bytes: &[u8]) -> Result<Option<Orientation>, Failure> {
    let header = Header::read(bytes).map_err(|error| failure(&error))?;
    Ok(header.exif().and_then(Orientation::from_exif_chunk))
}

fn failure(error: &Error) -> Failure {
    match error {
        &Error::TooLarge { height, width, .. } => {
            Failure::TooLarge { height: height.into(), width: width.into() }
        }
        Error::Unsupported { kind } => Failure::Unsupported(kind.clone()),
        error => Failure::Broken(one_line(&error.to_string())),
    }
}
