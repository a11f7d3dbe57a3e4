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

/// The instructions of the inner loops. Every choice gives the same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kernel {
    /// The reference code, compiled for the baseline processor.
    Scalar,
    /// AVX2. Exists only where [`Kernel::best`] found it.
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Available),
}

impl Kernel {
    /// Every kernel that this processor can run.
    #[cfg(test)]
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let all = [Some(Self::Scalar)].into_iter();
        #[cfg(target_arch = "x86_64")]
        let all = all.chain([avx2::Available::detect().map(Self::Avx2)]);
        all.flatten()
    }

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
    /// The index of the first sample of a row of the rectangle.
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

/// The number of floats after a combined row.
const PADDING: usize = 8;

impl<'a, S: Sample> Resizer<'a, S> {
    /// The axes must be those of the region's height and width.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Every combination of filter, size, channel order and kernel, on rectangles inside of images.
    #[test]
    fn every_kernel_gives_the_bytes_of_the_reference() {
        let mut state = 1_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state.to_be_bytes()[0]
        };
        let filters = [
            (Filter::Bilinear, false),
            (Filter::Bilinear, true),
            (Filter::Nearest, false),
            (Filter::Bicubic, false),
            (Filter::Area, false),
            (Filter::Lanczos3, true),
        ];
        let sizes = [
            ((1, 1), (3, 5)),
            ((7, 9), (7, 9)),
            ((5, 3), (13, 22)),
            ((40, 64), (16, 28)),
            ((33, 150), (8, 61)),
            ((20, 400), (4, 9)),
        ];
        for ((height, width), (to_height, to_width)) in sizes {
            let (whole_height, whole_width) = (height + 3, width + 2);
            let levels: Vec<u8> = (0..whole_height * whole_width * 3).map(|_| next()).collect();
            let floats: Vec<f32> =
                levels.iter().map(|level| f32::from(*level) * 1.1 - 3.0).collect();
            for (filter, antialias) in filters {
                let rows = Axis::new(filter, antialias, height, to_height);
                let columns = Axis::new(filter, antialias, width, to_width);
                for bgr in [false, true] {
                    let affine = Affine { scale: [0.1, 0.2, 0.3], offset: [-1.0, 0.5, 2.0], bgr };
                    let region = Region { top: 2, left: 1, height, width };
                    let resized = |kernel| {
                        let axes = (&rows, &columns);
                        let source = Source { samples: &levels[..], width: whole_width, region };
                        let mut from_levels = Resizer::new(source, axes, affine, kernel);
                        let source = Source { samples: &floats[..], width: whole_width, region };
                        let mut from_floats = Resizer::new(source, axes, affine, kernel);
                        let mut rows = vec![f32::NAN; to_height * to_width * 6];
                        for (y, pair) in rows.chunks_exact_mut(to_width * 6).enumerate() {
                            let (levels, floats) = pair.split_at_mut(to_width * 3);
                            from_levels.write_row(y, levels);
                            from_floats.write_row(y, floats);
                        }
                        rows.iter().map(|value| value.to_bits()).collect::<Vec<_>>()
                    };
                    let wanted = resized(Kernel::Scalar);
                    for kernel in Kernel::all() {
                        assert!(
                            resized(kernel) == wanted,
                            "{kernel:?} {filter:?} {height} × {width} to {to_height} × {to_width}, bgr {bgr}"
                        );
                    }
                }
            }
        }
    }
}
