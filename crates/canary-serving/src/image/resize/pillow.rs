//! Resizing as Pillow does it: 8-bit levels, columns first, each pass rounded to whole levels.
//!
//! The formulas are those of Pillow's `Resample.c` and, for the nearest pixel, `Geometry.c`: weights in 64-bit floats,
//! turned into whole numbers of 2^-22, and sums of integers.

use std::{f64::consts::PI, ops::Range};

use super::{Filter, Source};
use crate::image::fit::Window;

/// The bits behind the point of a weight.
const PRECISION: u32 = 32 - 8 - 2;

/// A kernel and its radius.
type Kernel = (fn(f64) -> f64, f64);

/// The output positions of one side, each the sum of weighted neighbours.
struct Taps(Vec<(usize, Vec<i32>)>);

impl Taps {
    /// The positions that a window shows of `from` source positions; `None` for a filter that Pillow does not have.
    fn new(filter: Filter, from: usize, window: &Window) -> Option<Self> {
        let kernel: Kernel = match filter {
            Filter::Nearest => return Some(Self(nearest(from, window))),
            Filter::Bilinear => (triangle, 1.0),
            Filter::Bicubic => (cubic, 2.0),
            Filter::Lanczos3 => (lanczos, 3.0),
            _ => return None,
        };
        Some(Self(window.shown.clone().map(|x| weighted(kernel, from, window.length, x)).collect()))
    }

    /// The source positions in use.
    fn used(&self) -> Range<usize> {
        let first = self.0.iter().map(|(start, _)| *start).min().unwrap_or(0);
        let last = self.0.iter().map(|(start, weights)| start + weights.len()).max().unwrap_or(0);
        first..last
    }
}

/// The rows of a window, resized one after the other.
pub(crate) struct PillowResizer {
    rows: Taps,
    /// The source rows in use, resized along their columns.
    narrowed: Vec<u8>,
    first: usize,
    width: usize,
}

impl PillowResizer {
    /// Resizes the columns of all rows in use, as long as `go_on` returns true.
    ///
    /// Returns `None` for a filter that Pillow does not have, and when it was stopped.
    pub(crate) fn new(
        filter: Filter,
        source: Source<'_, u8>,
        (rows, columns): (&Window, &Window),
        go_on: impl Fn(usize) -> bool,
    ) -> Option<Self> {
        let rows = Taps::new(filter, source.region.height, rows)?;
        let width = columns.shown.len();
        let columns = Taps::new(filter, source.region.width, columns)?;
        let used = rows.used();
        let mut narrowed = Vec::with_capacity(used.len() * width * 3);
        for (done, row) in used.clone().enumerate() {
            if !go_on(done) {
                return None;
            }
            let row = source.row(row).as_chunks::<3>().0;
            for (start, weights) in &columns.0 {
                narrowed.extend(sum(&row[*start..], weights, 1));
            }
        }
        Some(Self { rows, narrowed, first: used.start, width })
    }

    /// Writes row `y` of the window, three levels a pixel.
    pub(crate) fn write_row(&self, y: usize, out: &mut [[u8; 3]]) {
        let (start, weights) = &self.rows.0[y];
        let pixels = &self.narrowed.as_chunks::<3>().0[(start - self.first) * self.width..];
        for (x, out) in out.iter_mut().enumerate() {
            *out = sum(&pixels[x..], weights, self.width);
        }
    }
}

/// The weighted sum of pixels that are `stride` apart, rounded and kept within the levels.
fn sum(pixels: &[[u8; 3]], weights: &[i32], stride: usize) -> [u8; 3] {
    let mut sums = [1_i32 << (PRECISION - 1); 3];
    for (pixel, weight) in pixels.iter().step_by(stride).zip(weights) {
        for (sum, level) in sums.iter_mut().zip(pixel) {
            *sum = sum.wrapping_add(i32::from(*level) * weight);
        }
    }
    sums.map(|sum| u8::try_from((sum >> PRECISION).clamp(0, 255)).unwrap_or(u8::MAX))
}

#[allow(clippy::cast_precision_loss)]
fn float(position: usize) -> f64 {
    position as f64
}

/// A position cut to a whole number on the axis.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn cut(position: f64, length: usize) -> usize {
    (position.max(0.0) as usize).min(length)
}

/// `precompute_coeffs` and `normalize_coeffs_8bpc` for position `x` of `to`.
fn weighted((kernel, radius): Kernel, from: usize, to: usize, x: usize) -> (usize, Vec<i32>) {
    let scale = float(from) / float(to);
    let widened = scale.max(1.0);
    let (reach, narrowed) = (radius * widened, 1.0 / widened);
    let centre = (float(x) + 0.5) * scale;
    let start = cut(centre - reach + 0.5, from);
    let end = cut(centre + reach + 0.5, from);
    let weight = |at: usize| kernel((float(at) - centre + 0.5) * narrowed);
    let weights: Vec<f64> = (start..end).map(weight).collect();
    let total: f64 = weights.iter().sum();
    let inverse = if total == 0.0 { 1.0 } else { total };
    (start, weights.into_iter().map(|weight| fixed(weight / inverse)).collect())
}

/// A weight as a whole number of 2^-22, halves away from zero.
#[allow(clippy::cast_possible_truncation)]
fn fixed(weight: f64) -> i32 {
    let scaled = weight * f64::from(1 << PRECISION);
    (scaled + if scaled < 0.0 { -0.5 } else { 0.5 }) as i32
}

/// `ImagingScaleAffine`: the positions are added up one after the other.
fn nearest(from: usize, window: &Window) -> Vec<(usize, Vec<i32>)> {
    let step = float(from) / float(window.length);
    let places = std::iter::successors(Some(step * 0.5), |place| Some(place + step));
    let shown = places.skip(window.shown.start).take(window.shown.len());
    shown.map(|place| (cut(place, from - 1), vec![1 << PRECISION])).collect()
}

fn triangle(x: f64) -> f64 {
    (1.0 - x.abs()).max(0.0)
}

/// Keys' cubic with a = -0.5.
fn cubic(x: f64) -> f64 {
    const A: f64 = -0.5;
    let x = x.abs();
    if x < 1.0 {
        ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * A
    } else {
        0.0
    }
}

fn lanczos(x: f64) -> f64 {
    if (-3.0..3.0).contains(&x) { sinc(x) * sinc(x / 3.0) } else { 0.0 }
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 {
        return 1.0;
    }
    let angle = x * PI;
    angle.sin() / angle
}
