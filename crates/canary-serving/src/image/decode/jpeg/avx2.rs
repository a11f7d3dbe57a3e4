//! The loops of [`super::colour`] compiled for AVX2: the same code, hence the same levels.
#![allow(unsafe_code)]

use super::colour::{Rows, write_rows};

/// Writes all pixels if the processor has AVX2; whether it did.
pub(super) fn write(
    width: usize,
    luma: Rows<'_>,
    blue: Rows<'_>,
    red: Rows<'_>,
    rgb: &mut [u8],
) -> bool {
    #[target_feature(enable = "avx2")]
    fn with_avx2(width: usize, luma: Rows<'_>, blue: Rows<'_>, red: Rows<'_>, rgb: &mut [u8]) {
        write_rows(width, luma, blue, red, rgb);
    }
    if !is_x86_feature_detected!("avx2") {
        return false;
    }
    // SAFETY: the processor has AVX2.
    unsafe { with_avx2(width, luma, blue, red, rgb) };
    true
}
