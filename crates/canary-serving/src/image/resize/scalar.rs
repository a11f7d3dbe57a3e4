//! The inner loops, written so that the compiler can turn them into vector code; it may not reorder or fuse the
//! arithmetic.
//! The functions are inlined always, so that they are compiled again with the instructions of their caller.
#![allow(clippy::inline_always)]

use super::{
    Sample,
    axis::{Pair, Taps},
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

/// Normalises a pixel, whose last lane is not used, and writes it in the order of its channels.
#[inline(always)]
fn write_pixel(lanes: [f32; 4], affine: &Affine, pixel: &mut [f32; 3]) {
    let channel = |at: usize| lanes[at] * affine.scale[at] + affine.offset[at];
    let [red, green, blue] = [channel(0), channel(1), channel(2)];
    *pixel = if affine.bgr { [blue, green, red] } else { [red, green, blue] };
}

/// The three samples of a pixel and one after them: a width that vector code likes.
#[inline(always)]
fn lanes(row: &[f32], position: usize) -> [f32; 4] {
    let mut lanes = [0.0; 4];
    lanes.copy_from_slice(&row[position * 3..][..4]);
    lanes
}

/// Resizes a row along its columns by pairs and normalises it. The row has at least one float after its last pixel.
#[inline(always)]
pub(super) fn mix_columns(row: &[f32], pairs: &[Pair], affine: &Affine, out: &mut [f32]) {
    for (pixel, pair) in out.as_chunks_mut().0.iter_mut().zip(pairs) {
        let (a, b) = (lanes(row, pair.lower), lanes(row, pair.upper));
        let mixed = std::array::from_fn(|at| a[at] + (b[at] - a[at]) * pair.t);
        write_pixel(mixed, affine, pixel);
    }
}

/// Resizes a row along its columns by weighted sums and normalises it. The row has at least one float after its last
/// pixel.
#[inline(always)]
pub(super) fn sum_columns(row: &[f32], taps: &Taps, affine: &Affine, out: &mut [f32]) {
    for (x, pixel) in out.as_chunks_mut().0.iter_mut().enumerate() {
        let (start, weights) = taps.at(x);
        let neighbours = &row[start * 3..=(start + weights.len()) * 3];
        let mut sum = [0.0; 4];
        for (at, &weight) in weights.iter().enumerate() {
            for (sum, sample) in sum.iter_mut().zip(lanes(neighbours, at)) {
                *sum += sample * weight;
            }
        }
        write_pixel(sum, affine, pixel);
    }
}
