//! Resizing as `tf.image.resize` does it, with the normalisation in the same pass.
//!
//! Rows first: the source rows that an output row needs are combined into one row of floats, and that row
//! is then resized along its columns. A large photo so costs one pass over the rows in use.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod axis;
mod filter;
mod pillow;
mod scalar;

pub(crate) use axis::{Axis, Side};
pub use filter::Filter;
pub(crate) use pillow::PillowResizer;

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
    /// One source row's worth of samples, combined from several; padded so that four may be read at any pixel.
    combined: Vec<f32>,
}

/// The number of floats after a combined row.
const PADDING: usize = 1;

impl<'a, S: Sample> Resizer<'a, S> {
    /// The axes must be those of the region's height and width.
    pub(crate) fn new(
        source: Source<'a, S>,
        (rows, columns): (&'a Axis, &'a Axis),
        affine: Affine,
    ) -> Self {
        let combined = vec![0.0; source.region.width * 3 + PADDING];
        Self { source, rows, columns, affine, combined }
    }

    /// Writes output row `y`, three floats a pixel.
    pub(crate) fn write_row(&mut self, y: usize, out: &mut [f32]) {
        #[cfg(target_arch = "x86_64")]
        if avx2::write_row(self, y, out) {
            return;
        }
        self.write_row_with_any(y, out);
    }

    /// The reference, compiled again with the instructions of its caller: the same bytes with any of them.
    #[inline(always)]
    #[allow(clippy::inline_always)]
    fn write_row_with_any(&mut self, y: usize, out: &mut [f32]) {
        let length = self.source.region.width * 3;
        let combined = &mut self.combined[..length];
        match self.rows {
            Axis::Pair(pairs) => {
                let pair = pairs[y];
                let (a, b) = (self.source.row(pair.lower), self.source.row(pair.upper));
                scalar::mix_rows(a, b, pair.t, combined);
            }
            Axis::Taps(taps) => {
                let (start, weights) = taps.at(y);
                let stride = self.source.width * 3;
                let from = self.source.start_of(start);
                scalar::sum_rows(&self.source.samples[from..], stride, weights, combined);
            }
        }
        match self.columns {
            Axis::Pair(pairs) => scalar::mix_columns(&self.combined, pairs, &self.affine, out),
            Axis::Taps(taps) => scalar::sum_columns(&self.combined, taps, &self.affine, out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every combination of filter, size and channel order, on rectangles inside of images.
    #[test]
    fn every_processor_gives_the_bytes_of_the_reference() {
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
                let rows = Axis::new(filter, antialias, height, to_height, 0..to_height);
                let columns = Axis::new(filter, antialias, width, to_width, 0..to_width);
                for bgr in [false, true] {
                    let affine = Affine { scale: [0.1, 0.2, 0.3], offset: [-1.0, 0.5, 2.0], bgr };
                    let region = Region { top: 2, left: 1, height, width };
                    let source = Source { samples: &levels[..], width: whole_width, region };
                    let mut from_levels = Resizer::new(source, (&rows, &columns), affine);
                    let source = Source { samples: &floats[..], width: whole_width, region };
                    let mut from_floats = Resizer::new(source, (&rows, &columns), affine);
                    let row = || vec![f32::NAN; to_width * 3];
                    for y in 0..to_height {
                        let [mut found, mut wanted] = [[row(), row()], [row(), row()]];
                        from_levels.write_row(y, &mut found[0]);
                        from_levels.write_row_with_any(y, &mut wanted[0]);
                        from_floats.write_row(y, &mut found[1]);
                        from_floats.write_row_with_any(y, &mut wanted[1]);
                        let bits = |rows: [Vec<f32>; 2]| {
                            rows.concat().into_iter().map(f32::to_bits).collect::<Vec<_>>()
                        };
                        assert!(
                            bits(found) == bits(wanted),
                            "row {y}, {filter:?} {height} × {width} to {to_height} × {to_width}, bgr {bgr}"
                        );
                    }
                }
            }
        }
    }
}
