#![doc = include_str!("../README.md")]

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
