//! The loops of [`crate::colour`] and [`crate::upsample`] compiled for AVX2: the same code, hence the same levels.
#![allow(unsafe_code)]

use crate::{
    colour::{Colours, write_rows},
    upsample::Rows,
};

/// Writes all pixels if the processor has AVX2, and says if it did.
pub(crate) fn write(width: usize, planes: &[Rows<'_>], colours: Colours, rgb: &mut [u8]) -> bool {
    #[target_feature(enable = "avx2")]
    fn with_avx2(width: usize, planes: &[Rows<'_>], colours: Colours, rgb: &mut [u8]) {
        write_rows(width, planes, colours, rgb);
    }
    if !is_x86_feature_detected!("avx2") {
        return false;
    }
    // SAFETY: the processor has AVX2.
    unsafe { with_avx2(width, planes, colours, rgb) };
    true
}
