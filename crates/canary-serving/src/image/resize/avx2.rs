//! The loops of [`super::scalar`] with AVX2, byte-identical to them: the same operations in the same order, no fused
//! multiply-add.
//!
//! Invariants, which each `unsafe` here names. *Detected*: a value of [`Available`] exists only on a processor with AVX2.
//! *Bounds*: each pointer comes from a slice of at least as many floats as are read or written; loads and stores need no
//! alignment.
#![allow(unsafe_code)]
// `self` is not read: that it exists is the proof.
#![allow(clippy::unused_self)]

use std::arch::x86_64::{
    _mm_loadu_ps, _mm256_add_ps, _mm256_loadu_ps, _mm256_mul_ps, _mm256_permutevar8x32_ps,
    _mm256_set_m128, _mm256_setr_epi32, _mm256_setr_ps, _mm256_storeu_ps, _mm256_sub_ps,
};

use super::{
    Sample,
    axis::{Pairs, Taps},
    scalar,
};
use crate::image::preset::Affine;

/// Proof that the processor has AVX2: only [`Available::detect`] constructs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Available(());

impl Available {
    pub(super) fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx2").then_some(Self(()))
    }

    pub(super) fn mix_rows<S: Sample>(self, a: &[S], b: &[S], t: f32, out: &mut [f32]) {
        #[target_feature(enable = "avx2")]
        fn with_avx2<S: Sample>(a: &[S], b: &[S], t: f32, out: &mut [f32]) {
            scalar::mix_rows(a, b, t, out);
        }
        // SAFETY: *detected*.
        unsafe { with_avx2(a, b, t, out) }
    }

    pub(super) fn sum_rows<S: Sample>(
        self,
        samples: &[S],
        stride: usize,
        weights: &[f32],
        out: &mut [f32],
    ) {
        #[target_feature(enable = "avx2")]
        fn with_avx2<S: Sample>(samples: &[S], stride: usize, weights: &[f32], out: &mut [f32]) {
            scalar::sum_rows(samples, stride, weights, out);
        }
        // SAFETY: *detected*.
        unsafe { with_avx2(samples, stride, weights, out) }
    }

    pub(super) fn sum_columns(self, row: &[f32], taps: &Taps, affine: &Affine, out: &mut [f32]) {
        #[target_feature(enable = "avx2")]
        fn with_avx2(row: &[f32], taps: &Taps, affine: &Affine, out: &mut [f32]) {
            scalar::sum_columns(row, taps, affine, out);
        }
        // SAFETY: *detected*.
        unsafe { with_avx2(row, taps, affine, out) }
    }

    pub(super) fn mix_columns(self, row: &[f32], pairs: &Pairs, affine: &Affine, out: &mut [f32]) {
        // SAFETY: *detected*.
        let done = unsafe { mix_column_pairs(row, pairs, affine, out) };
        scalar::mix_columns_from(done, row, pairs, affine, out);
    }
}

/// Writes output columns two at a time as long as eight floats fit into what is left of `out`, and returns how
/// many it wrote.
///
/// # Panics
/// When `row` is not at least one float longer than the pixels that `pairs` refers to.
#[target_feature(enable = "avx2")]
fn mix_column_pairs(row: &[f32], pairs: &Pairs, affine: &Affine, out: &mut [f32]) -> usize {
    let (lower, upper, t) = pairs.parts();
    assert!(row.len() > pairs.source_length() * 3, "a row shorter than its axis");
    let [red, green, blue] = affine.scale;
    let scale = _mm256_setr_ps(red, green, blue, 0.0, red, green, blue, 0.0);
    let [red, green, blue] = affine.offset;
    let offset = _mm256_setr_ps(red, green, blue, 0.0, red, green, blue, 0.0);
    let order = if affine.bgr {
        _mm256_setr_epi32(2, 1, 0, 6, 5, 4, 7, 7)
    } else {
        _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 7, 7)
    };
    let columns = lower.chunks_exact(2).zip(upper.chunks_exact(2)).zip(t.chunks_exact(2));
    let mut done = 0;
    for ((lower, upper), t) in columns {
        let Some(target) = out.get_mut(done * 3..done * 3 + 8) else { break };
        // SAFETY: *bounds*: by the invariant of `Pairs` every position is below `source_length`, so position * 3 + 4 is at
        // most source_length * 3 + 1, which is at most row.len() as asserted above.
        let pixel = |position: usize| unsafe { _mm_loadu_ps(row.as_ptr().add(position * 3)) };
        let a = _mm256_set_m128(pixel(lower[1]), pixel(lower[0]));
        let b = _mm256_set_m128(pixel(upper[1]), pixel(upper[0]));
        // SAFETY: *bounds*: two entries of four floats each.
        let t = unsafe { _mm256_loadu_ps(t.as_ptr().cast()) };
        let mixed = _mm256_add_ps(a, _mm256_mul_ps(_mm256_sub_ps(b, a), t));
        let normalised = _mm256_add_ps(_mm256_mul_ps(mixed, scale), offset);
        let packed = _mm256_permutevar8x32_ps(normalised, order);
        // SAFETY: *bounds*: `target` has eight floats. The two beyond these pixels are written again later.
        unsafe { _mm256_storeu_ps(target.as_mut_ptr(), packed) };
        done += 2;
    }
    done
}
