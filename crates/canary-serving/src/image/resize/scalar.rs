//! The reference: what every kernel must give, byte for byte.
//!
//! Written so that the compiler can turn it into vector code; it may not reorder or fuse the arithmetic.
//! The functions are inlined always, so that they are compiled anew with the instructions of their caller.
#![allow(clippy::inline_always)]

use super::{
    Sample,
    axis::{Pairs, Taps},
};
use crate::image::preset::Affine;

/// `a + (b - a) * t` for each sample of two rows.
#[inline(always)]
pub(super) fn mix_rows<S: Sample>(a: &[S], b: &[S], t: f32, out: &mut [f32]) {
    if t == 0.0 {
        for (out, a) in out.iter_mut().zip(a) {
            *out = a.to_f32();
        }
        return;
    }
    for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
        let (a, b) = (a.to_f32(), b.to_f32());
        *out = a + (b - a) * t;
    }
}

/// The sum of as many rows as there are weights, `stride` samples apart.
#[inline(always)]
pub(super) fn sum_rows<S: Sample>(samples: &[S], stride: usize, weights: &[f32], out: &mut [f32]) {
    const BLOCK: usize = 32;
    let length = out.len();
    let mut blocks = out.chunks_exact_mut(BLOCK);
    let mut at = 0;
    for block in &mut blocks {
        let mut sum = [0.0; BLOCK];
        for (row, &weight) in weights.iter().enumerate() {
            let source = &samples[row * stride + at..][..BLOCK];
            for (sum, sample) in sum.iter_mut().zip(source) {
                *sum += sample.to_f32() * weight;
            }
        }
        block.copy_from_slice(&sum);
        at += BLOCK;
    }
    for (out, at) in blocks.into_remainder().iter_mut().zip(at..length) {
        let mut sum = 0.0;
        for (row, &weight) in weights.iter().enumerate() {
            sum += samples[row * stride + at].to_f32() * weight;
        }
        *out = sum;
    }
}

/// Where each channel of a pixel is written.
fn order(affine: &Affine) -> [usize; 3] {
    if affine.bgr { [2, 1, 0] } else { [0, 1, 2] }
}

/// Resizes a row along its columns by pairs and normalises it.
pub(super) fn mix_columns(row: &[f32], pairs: &Pairs, affine: &Affine, out: &mut [f32]) {
    mix_columns_from(0, row, pairs, affine, out);
}

/// The same for the output columns from `first` on.
pub(super) fn mix_columns_from(
    first: usize,
    row: &[f32],
    pairs: &Pairs,
    affine: &Affine,
    out: &mut [f32],
) {
    let order = order(affine);
    let (lower, upper, t) = pairs.parts();
    let columns = lower.iter().zip(upper).zip(t).skip(first);
    for (pixel, ((lower, upper), t)) in out.chunks_exact_mut(3).skip(first).zip(columns) {
        let (a, b) = (&row[lower * 3..lower * 3 + 3], &row[upper * 3..upper * 3 + 3]);
        for channel in 0..3 {
            let mixed = a[channel] + (b[channel] - a[channel]) * t[0];
            pixel[order[channel]] = mixed * affine.scale[channel] + affine.offset[channel];
        }
    }
}

/// Resizes a row along its columns by weighted sums and normalises it. The row has at least one float after
/// its last pixel.
#[inline(always)]
pub(super) fn sum_columns(row: &[f32], taps: &Taps, affine: &Affine, out: &mut [f32]) {
    let order = order(affine);
    for (x, pixel) in out.chunks_exact_mut(3).enumerate() {
        let (start, weights) = taps.at(x);
        let neighbours = &row[start * 3..=(start + weights.len()) * 3];
        // Four lanes, of which the last is not used: a width that vector code likes.
        let mut sum = [0.0; 4];
        for (at, &weight) in weights.iter().enumerate() {
            let neighbour = &neighbours[at * 3..at * 3 + 4];
            for (sum, sample) in sum.iter_mut().zip(neighbour) {
                *sum += sample * weight;
            }
        }
        for channel in 0..3 {
            pixel[order[channel]] = sum[channel] * affine.scale[channel] + affine.offset[channel];
        }
    }
}
