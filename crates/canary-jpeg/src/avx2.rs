//! The loops of [`crate::colour`] and [`crate::upsample`] compiled for AVX2: the same code, hence the same levels.
//!
//! Invariant of the only `unsafe` here: a function compiled for AVX2 is called after the processor was found to have it.
#![allow(unsafe_code)]

use crate::{
    colour::{self, Colours},
    upsample::Rows,
};

/// Writes all pixels if the processor has AVX2; returns false, and writes nothing, if it does not.
pub(crate) fn write(width: usize, planes: &[Rows<'_>], colours: Colours, rgb: &mut [u8]) -> bool {
    #[target_feature(enable = "avx2")]
    fn with_avx2(width: usize, planes: &[Rows<'_>], colours: Colours, rgb: &mut [u8]) {
        colour::write(width, planes, colours, rgb);
    }
    if !is_x86_feature_detected!("avx2") {
        return false;
    }
    // SAFETY: the processor has AVX2, as was just detected.
    unsafe { with_avx2(width, planes, colours, rgb) };
    true
}
