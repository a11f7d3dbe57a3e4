//! Decodes JPEG files to the RGB levels that TensorFlow gives.
//!
//! A model is trained on the pixels that `tf.io.decode_image` gives, and those are libjpeg's with the fast integer
//! transform and "fancy" upsampling. [`decode`] gives the same levels, none of them off by one:
//!
//! ```
//! # let file: &[u8] = include_bytes!("example.jpg");
//! use canary_jpeg::{Header, Limits};
//!
//! let header = Header::read(file)?;
//! assert_eq!((header.height(), header.width()), (8, 16));
//! let image = canary_jpeg::decode(file, &Limits::default())?;
//! assert_eq!(image.rgb().len(), 8 * 16 * 3);
//! # Ok::<(), canary_jpeg::Error>(())
//! ```
//!
//! What is decoded: baseline, extended sequential and progressive images of 8-bit samples with Huffman coding; grey,
//! YCbCr, RGB, CMYK and YCCK; every sampling whose factors divide the largest; restart intervals; any number of scans.
//!
//! What is not: arithmetic coding, lossless and hierarchical images, other precisions. [`Error::Unsupported`] names it.
//!
//! Damaged and incomplete files are errors, never half an image. Memory is taken only for pixels that the file's bytes
//! can fill, and the work grows with them: a header alone costs nothing.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod bits;
mod colour;
mod decoder;
mod error;
mod frame;
mod huffman;
mod idct;
mod planes;
mod progressive;
mod reader;
mod scan;
mod sequential;
#[cfg(target_arch = "x86_64")]
mod sse2;
mod upsample;
mod zigzag;

pub use decoder::{Header, Image, Limits, decode};
pub use error::{Error, Result};
