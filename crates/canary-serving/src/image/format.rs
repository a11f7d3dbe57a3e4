//! The file format of bytes, by their signature.

use std::fmt;

use ::image::{ImageFormat, guess_format};

use crate::{Error, Result};

/// The image file formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// JPEG, baseline and progressive.
    Jpeg,
    /// PNG; of an animated one the default image.
    Png,
    /// GIF, the first frame.
    Gif,
    /// WebP, lossy and lossless; of an animated one the first frame.
    WebP,
    /// Windows bitmap.
    Bmp,
    /// TIFF, the first image, of 8- or 16-bit grey or RGB samples.
    Tiff,
}

impl Format {
    /// The format whose signature the bytes begin with.
    ///
    /// ```
    /// use canary_core::image::Format;
    ///
    /// assert_eq!(Format::sniff(b"GIF89a...")?, Format::Gif);
    /// assert!(Format::sniff(b"<html>").unwrap_err().to_string().contains("HTML"));
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Input`] when no known signature is there; it says what the bytes look like.
    pub fn sniff(bytes: &[u8]) -> Result<Self> {
        match guess_format(bytes) {
            Ok(ImageFormat::Jpeg) => Ok(Self::Jpeg),
            Ok(ImageFormat::Png) => Ok(Self::Png),
            Ok(ImageFormat::Gif) => Ok(Self::Gif),
            Ok(ImageFormat::WebP) => Ok(Self::WebP),
            Ok(ImageFormat::Bmp) => Ok(Self::Bmp),
            Ok(ImageFormat::Tiff) => Ok(Self::Tiff),
            _ => Err(Error::Input { what: "image".to_owned(), reason: not_an_image(bytes) }),
        }
    }

    /// The name people use, such as `JPEG`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::Gif => "GIF",
            Self::WebP => "WebP",
            Self::Bmp => "BMP",
            Self::Tiff => "TIFF",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn not_an_image(bytes: &[u8]) -> String {
    let found = match bytes {
        [] => "no bytes at all".to_owned(),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => {
            "a file of the HEIF, AVIF or MP4 family".to_owned()
        }
        [b'%', b'P', b'D', b'F', ..] => "a PDF file".to_owned(),
        [b'P', b'K', 3, 4, ..] => "a ZIP archive".to_owned(),
        [0x1F, 0x8B, ..] => "gzip data".to_owned(),
        _ => found_text(bytes).unwrap_or_else(|| {
            let first: Vec<String> = bytes.iter().take(8).map(|b| format!("{b:02x}")).collect();
            format!("{} bytes that begin with {}", bytes.len(), first.join(" "))
        }),
    };
    format!(
        "found {found}, expected a JPEG, PNG, GIF, WebP, BMP or TIFF file; convert it to one of these"
    )
}

/// A description of bytes that are text.
fn found_text(bytes: &[u8]) -> Option<String> {
    let head = &bytes[..bytes.len().min(256)];
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&head[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    if text.chars().any(|c| c.is_control() && !c.is_whitespace()) {
        return None;
    }
    let lower = text.trim_start_matches('\u{feff}').trim_start().to_ascii_lowercase();
    if lower.starts_with("<!doctype html") || lower.starts_with("<html") {
        return Some("an HTML page".to_owned());
    }
    if lower.starts_with("<?xml") || lower.starts_with("<svg") {
        return Some("an XML or SVG text".to_owned());
    }
    if lower.starts_with("version https://git-lfs") {
        return Some("a Git LFS pointer instead of the file itself".to_owned());
    }
    if lower.starts_with("data:") {
        return Some("a data: URL (decode its base64 part first)".to_owned());
    }
    let start: String = text.trim_start().chars().take(24).collect();
    Some(format!("text that begins {start:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_image_is_named() {
        for (bytes, said) in [
            (&b""[..], "no bytes at all"),
            (b"<!DOCTYPE html><p>", "an HTML page"),
            (b"\0\0\0\x18ftypheic", "HEIF"),
            (b"/9j/4AAQSkZJRg==", "text that begins \"/9j/4AAQSkZJRg==\""),
            (&[1, 2, 3, 0xFE], "4 bytes that begin with 01 02 03 fe"),
            ("é".repeat(200).as_bytes(), "text that begins"),
        ] {
            let error = Format::sniff(bytes).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
            assert!(error.contains("expected a JPEG"), "{error}");
        }
    }
}
