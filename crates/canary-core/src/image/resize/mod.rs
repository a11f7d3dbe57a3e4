//! Resizing as `tf.image.resize` does it, with the normalisation in the same pass.
//!
//! Rows first: the source rows that an output row needs are combined into one row of floats, and that row
//! is then resized along its columns. A large photo so costs one pass over the rows in use.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod axis;
mod scalar;

pub(crate) use axis::Axis;
pub use axis::Filter;

use super::{Region, preset::Affine};

/// A sample of a source image.
pub(crate) trait Sample: Copy {
    fn to_f32(self) -> f32;
}

#[allow(clippy::inline_always)] // A conversion, for the loops of `scalar`.
impl Sample for u8 {
    #[inline(always)]
    fn to_f32(self) -> f32 {
        f32::from(self)
    }
}

#[allow(clippy::inline_always)] // As above.
impl Sample for f32 {
    #[inline(always)]
    fn to_f32(self) -> f32 {
        self
    }
}

/// Which instructions the inner loops use. Every choice gives the same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kernel {
    /// What the compiler makes of the reference code on the baseline processor.
    Scalar,
    /// AVX2. Exists only where [`Kernel::best`] found it.
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Available),
}

impl Kernel {
    /// The fastest one that this processor has.
    pub(crate) fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(available) = avx2::Available::detect() {
            return Self::Avx2(available);
        }
        Self::Scalar
    }
}

/// Samples of which a rectangle is read.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a, S> {
    pub(crate) samples: &'a [S],
    /// The number of columns of the whole image.
    pub(crate) width: usize,
    pub(crate) region: Region,
}

impl<S> Source<'_, S> {
    /// Where a row of the rectangle begins among the samples.
    fn start_of(&self, row: usize) -> usize {
        ((self.region.top + row) * self.width + self.region.left) * 3
    }

    /// The samples of one row of the rectangle.
    fn row(&self, row: usize) -> &[S] {
        let start = self.start_of(row);
        &self.samples[start..start + self.region.width * 3]
    }
}

/// Resizes and normalises row by row into rows of floats.
pub(crate) struct Resizer<'a, S> {
    source: Source<'a, S>,
    rows: &'a Axis,
    columns: &'a Axis,
    affine: Affine,
    kernel: Kernel,
    /// One source row's worth of samples, combined from several; padded so that four may be read at any pixel.
    combined: Vec<f32>,
}

/// How many floats stand after a combined row.
const PADDING: usize = 8;

impl<'a, S: Sample> Resizer<'a, S> {
    /// The axes must be made for the region's height and width.
    pub(crate) fn new(
        source: Source<'a, S>,
        (rows, columns): (&'a Axis, &'a Axis),
        affine: Affine,
        kernel: Kernel,
    ) -> Self {
        let combined = vec![0.0; source.region.width * 3 + PADDING];
        Self { source, rows, columns, affine, kernel, combined }
    }

    /// Writes output row `y`, three floats a pixel.
    pub(crate) fn write_row(&mut self, y: usize, out: &mut [f32]) {
        let length = self.source.region.width * 3;
        let combined = &mut self.combined[..length];
        match self.rows {
            Axis::Pair(pairs) => {
                let pair = pairs.at(y);
                let (a, b) = (self.source.row(pair.lower), self.source.row(pair.upper));
                self.kernel.mix_rows(a, b, pair.t, combined);
            }
            Axis::Taps(taps) => {
                let (start, weights) = taps.at(y);
                let stride = self.source.width * 3;
                let from = self.source.start_of(start);
                self.kernel.sum_rows(&self.source.samples[from..], stride, weights, combined);
            }
        }
        match self.columns {
            Axis::Pair(pairs) => self.kernel.mix_columns(&self.combined, pairs, &self.affine, out),
            Axis::Taps(taps) => self.kernel.sum_columns(&self.combined, taps, &self.affine, out),
        }
    }
}

macro_rules! by_kernel {
    ($kernel:expr, $name:ident($($argument:expr),*)) => {
        match $kernel {
            Kernel::Scalar => scalar::$name($($argument),*),
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2(available) => available.$name($($argument),*),
        }
    };
}

impl Kernel {
    fn mix_rows<S: Sample>(self, a: &[S], b: &[S], t: f32, out: &mut [f32]) {
        by_kernel!(self, mix_rows(a, b, t, out));
    }

    fn sum_rows<S: Sample>(self, samples: &[S], stride: usize, weights: &[f32], out: &mut [f32]) {
        by_kernel!(self, sum_rows(samples, stride, weights, out));
    }

    fn mix_columns(self, row: &[f32], pairs: &axis::Pairs, affine: &Affine, out: &mut [f32]) {
        by_kernel!(self, mix_columns(row, pairs, affine, out));
    }

    fn sum_columns(self, row: &[f32], taps: &axis::Taps, affine: &Affine, out: &mut [f32]) {
        by_kernel!(self, sum_columns(row, taps, affine, out));
    }
}
