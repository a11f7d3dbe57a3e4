//! The loops of [`super::scalar`] compiled for AVX2: the same code, hence the same bytes.
//!
//! Invariant of the only `unsafe` here: a function compiled for AVX2 is called after the processor was found to have it.
#![allow(unsafe_code)]

use super::{Resizer, Sample};

/// Writes a row if the processor has AVX2; returns false, and writes nothing, if it does not.
pub(super) fn write_row<S: Sample>(
    resizer: &mut Resizer<'_, S>,
    y: usize,
    out: &mut [f32],
) -> bool {
    #[target_feature(enable = "avx2")]
    fn with_avx2<S: Sample>(resizer: &mut Resizer<'_, S>, y: usize, out: &mut [f32]) {
        resizer.write_row_with_any(y, out);
    }
    if !is_x86_feature_detected!("avx2") {
        return false;
    }
    // SAFETY: the processor has AVX2, as was just detected.
    unsafe { with_avx2(resizer, y, out) };
    true
}
