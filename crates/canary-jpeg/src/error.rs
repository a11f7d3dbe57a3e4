//! The reasons why a file cannot be decoded, by the remedy.

/// The reason why a file cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are not a JPEG file: try another decoder.
    #[error("no JPEG signature")]
    NotJpeg,
    /// The file is incomplete: get the whole file.
    #[error("the file ends after {length} bytes, before {what}")]
    Truncated {
        /// The number of bytes that there are.
        length: usize,
        /// The part that is missing.
        what: &'static str,
    },
    /// A kind of JPEG that is not decoded: convert the file.
    #[error("{kind} is not supported")]
    Unsupported {
        /// The kind, such as `arithmetic coding`.
        kind: String,
    },
    /// The header gives more pixels than the limit allows: raise [`Limits::max_pixels`](crate::Limits::max_pixels) for
    /// a file that is trusted.
    #[error("{height} × {width} pixels, more than {max_pixels}")]
    TooLarge {
        /// The rows that the header gives.
        height: u16,
        /// The columns that the header gives.
        width: u16,
        /// The limit.
        max_pixels: u64,
    },
    /// The header gives more pixels than the bytes after it can fill.
    #[error(
        "{height} × {width} pixels in the header, and {found} bytes of data where at least {least} belong"
    )]
    TooShort {
        /// The rows that the header gives.
        height: u16,
        /// The columns that the header gives.
        width: u16,
        /// The bytes after the header.
        found: usize,
        /// The fewest bytes that encode so many pixels.
        least: u64,
    },
    /// The file has more scans over the image than any encoder writes; it may be built to waste time.
    #[error("too many scans for an image of its size ({scans} so far)")]
    TooManyScans {
        /// The scans up to the one that is refused.
        scans: u32,
    },
    /// The file is not what the standard allows: save it again.
    #[error("{what} at byte {at}")]
    Damaged {
        /// The finding.
        what: &'static str,
        /// The position in the file near which it was found.
        at: usize,
    },
}

/// A result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
