//! From pixels to the samples of a result: crop, grey, resize, place, normalise, lay out.

use half::{
    f16,
    slice::{HalfBitsSliceExt, HalfFloatSliceExt},
};

use super::{
    Channels, Filter, Fit, Layout, Library, PixelData, Pixels, Preprocess, Preset, Region,
    channels,
    preset::Affine,
    resize::{PillowResizer, Resizer, Sample, Side, Source},
};
use crate::{Error, Result};

/// The number of rows of a result between two calls of `go_on`.
const ROWS: usize = 16;

/// Memory for samples of a result.
pub(super) enum Samples<'a> {
    Float(&'a mut [f32]),
    /// The bits of 16-bit floats.
    Half(&'a mut [u16]),
    Uint8(&'a mut [u8]),
}

impl Samples<'_> {
    /// Parts of `length` samples each, in their order.
    pub(super) fn split(self, length: usize) -> Vec<Self> {
        match self {
            Self::Float(all) => all.chunks_mut(length).map(Self::Float).collect(),
            Self::Half(all) => all.chunks_mut(length).map(Self::Half).collect(),
            Self::Uint8(all) => all.chunks_mut(length).map(Self::Uint8).collect(),
        }
    }
}

/// Writes the result of one image to `out`, which is as long as it.
pub(super) fn write(
    preprocess: &Preprocess,
    pixels: &Pixels<'_>,
    out: Samples<'_>,
    go_on: &dyn Fn() -> bool,
) -> Result<()> {
    let floats = |length| laid_out(preprocess, pixels, length, go_on);
    let as_they_are = preprocess.layout == Layout::Nhwc && preprocess.channels == Channels::Rgb;
    match out {
        Samples::Float(out) if as_they_are => write_rows(preprocess, pixels, out, go_on)?,
        Samples::Float(out) => out.copy_from_slice(&floats(out.len())?),
        Samples::Half(out) => {
            let floats = floats(out.len())?;
            let halves: &mut [f16] = out.reinterpret_cast_mut();
            halves.convert_from_f32_slice(&floats);
        }
        Samples::Uint8(out) => {
            let floats = floats(out.len())?;
            for (out, float) in out.iter_mut().zip(floats) {
                *out = level(float);
            }
        }
    }
    Ok(())
}

/// The result as floats in its layout, `length` of them.
fn laid_out(
    preprocess: &Preprocess,
    pixels: &Pixels<'_>,
    length: usize,
    go_on: &dyn Fn() -> bool,
) -> Result<Vec<f32>> {
    let mut rows = vec![0.0; length / preprocess.channels.count() * 3];
    write_rows(preprocess, pixels, &mut rows, go_on)?;
    Ok(match (preprocess.channels, preprocess.layout) {
        (Channels::Grey, _) => rows.into_iter().step_by(3).collect(),
        (Channels::Rgb, Layout::Nhwc) => rows,
        (Channels::Rgb, Layout::Nchw) => {
            let mut planes = vec![0.0; length];
            split_channels(&rows, &mut planes);
            planes
        }
    })
}

/// Writes the rows of the result, three floats a pixel, from top to bottom.
fn write_rows(
    preprocess: &Preprocess,
    pixels: &Pixels<'_>,
    out: &mut [f32],
    go_on: &dyn Fn() -> bool,
) -> Result<()> {
    check_scale(preprocess, pixels)?;
    let grey;
    let pixels = match preprocess.channels {
        Channels::Rgb => pixels,
        Channels::Grey => {
            grey = channels::grey(pixels, preprocess.library);
            &grey
        }
    };
    let (region, size) = preprocess.region_and_size(pixels)?;
    let canvas = Canvas { size, affine: preprocess.preset.affine()?, out, go_on };
    let width = pixels.width();
    match (pixels.data(), preprocess.library) {
        (PixelData::U8(samples), Library::TensorFlow) => {
            resize(preprocess, Source { samples, width, region }, canvas)
        }
        (PixelData::F32(samples), Library::TensorFlow) => {
            resize(preprocess, Source { samples, width, region }, canvas)
        }
        (PixelData::U8(samples), Library::Pillow) => {
            resize_levels(preprocess, Source { samples, width, region }, canvas)
        }
        (PixelData::F32(_), Library::Pillow) => Err(Error::Input {
            what: "image".to_owned(),
            reason: "found floats, expected 8-bit levels, which Pillow resizes; round them, or resize as TensorFlow does"
                .to_owned(),
        }),
    }
}

/// Refuses floats from 0 to 1 where levels from 0 to 255 are scaled down: the result would be nearly black.
fn check_scale(preprocess: &Preprocess, pixels: &Pixels<'_>) -> Result<()> {
    let PixelData::F32(samples) = pixels.data() else { return Ok(()) };
    let fractions = |samples: &[f32]| {
        samples.iter().all(|sample| (0.0..=1.0).contains(sample))
            && samples.iter().any(|sample| sample.fract() != 0.0)
    };
    if preprocess.preset == Preset::Identity || !fractions(samples) {
        return Ok(());
    }
    Err(Error::Input {
        what: "image".to_owned(),
        reason: format!(
            "found floats from 0 to 1, expected levels from 0 to 255, which {:?} scales; multiply the image by 255",
            preprocess.preset
        ),
    })
}

/// The memory of a result's rows, and the numbers that levels become there.
struct Canvas<'a> {
    size: (usize, usize),
    affine: Affine,
    out: &'a mut [f32],
    go_on: &'a dyn Fn() -> bool,
}

impl Canvas<'_> {
    /// Writes level 0 everywhere, unless `rows` × `columns` positions cover it all.
    fn clear(&mut self, rows: usize, columns: usize) {
        if (rows, columns) == self.size {
            return;
        }
        let [red, green, blue] = self.affine.offset;
        let black = if self.affine.bgr { [blue, green, red] } else { [red, green, blue] };
        self.out.as_chunks_mut().0.fill(black);
    }

    /// Calls `write` with each of `rows` rows and its memory of `columns` pixels, placed at `at`.
    fn each_row(
        &mut self,
        (rows, columns): (usize, usize),
        at: (usize, usize),
        mut write: impl FnMut(usize, &mut [f32]),
    ) -> Result<()> {
        let width = self.size.1 * 3;
        for (y, row) in self.out.chunks_exact_mut(width).skip(at.0).take(rows).enumerate() {
            go_on(y, self.go_on)?;
            write(y, &mut row[at.1 * 3..][..columns * 3]);
        }
        Ok(())
    }
}

/// Resizes in floats, as TensorFlow does.
fn resize<S: Sample>(
    preprocess: &Preprocess,
    source: Source<'_, S>,
    mut canvas: Canvas<'_>,
) -> Result<()> {
    let (rows, columns) = sides(preprocess, source.region, canvas.size)?;
    let covered = (rows.axis.len(), columns.axis.len());
    canvas.clear(covered.0, covered.1);
    let mut resizer = Resizer::new(source, (&rows.axis, &columns.axis), canvas.affine);
    canvas.each_row(covered, (rows.at, columns.at), |y, row| resizer.write_row(y, row))
}

/// The sides of the resize: rows and columns.
fn sides(preprocess: &Preprocess, region: Region, size: (usize, usize)) -> Result<(Side, Side)> {
    let from = (region.height, region.width);
    let (filter, antialias) = (preprocess.filter, preprocess.antialias);
    if let Fit::Box(part) = preprocess.fit {
        let nearest = filter == Filter::Nearest;
        let rows = Side::of_box(nearest, (part.top, part.bottom), from.0, size.0);
        let columns = Side::of_box(nearest, (part.left, part.right), from.1, size.1);
        return Ok((rows, columns));
    }
    let (rows, columns) = preprocess.fit.windows(from, size, preprocess.decode.max_pixels)?;
    let shown = |length, window| Side::of_window(filter, antialias, length, window);
    Ok((shown(from.0, &rows), shown(from.1, &columns)))
}

/// Resizes in levels, as Pillow does.
fn resize_levels(
    preprocess: &Preprocess,
    source: Source<'_, u8>,
    mut canvas: Canvas<'_>,
) -> Result<()> {
    let from = (source.region.height, source.region.width);
    let (rows, columns) =
        preprocess.fit.windows(from, canvas.size, preprocess.decode.max_pixels)?;
    let covered = (rows.shown.len(), columns.shown.len());
    canvas.clear(covered.0, covered.1);
    let go_on_at = |row: usize| go_on(row, canvas.go_on).is_ok();
    let resizer = PillowResizer::new(preprocess.filter, source, (&rows, &columns), go_on_at);
    let resizer = resizer.ok_or_else(stopped)?;
    let affine = canvas.affine;
    let mut levels = vec![[0; 3]; covered.1];
    canvas.each_row(covered, (rows.at, columns.at), |y, row| {
        resizer.write_row(y, &mut levels);
        for (out, level) in row.as_chunks_mut().0.iter_mut().zip(&levels) {
            *out = affine.pixel(level.map(f32::from));
        }
    })
}

fn go_on(row: usize, go_on: &dyn Fn() -> bool) -> Result<()> {
    if row % ROWS == ROWS - 1 && !go_on() { Err(stopped()) } else { Ok(()) }
}

/// The error of a result that its caller no longer wants.
fn stopped() -> Error {
    Error::Input { what: "image".to_owned(), reason: "preprocessing was stopped".to_owned() }
}

/// Copies pixels of three samples each into three planes.
fn split_channels(pixels: &[f32], out: &mut [f32]) {
    let (first, rest) = out.split_at_mut(pixels.len() / 3);
    let (second, third) = rest.split_at_mut(pixels.len() / 3);
    let samples = first.iter_mut().zip(second).zip(third);
    for (((first, second), third), pixel) in samples.zip(pixels.as_chunks::<3>().0) {
        [*first, *second, *third] = *pixel;
    }
}

/// The nearest whole level, ties to the even one, within 0 to 255.
#[allow(clippy::cast_possible_truncation, clippy::manual_clamp)] // `clamp` would keep what is not a number.
fn level(value: f32) -> u8 {
    // From 2^23 on floats are whole numbers: the sum is rounded, and the level is its lowest bits.
    (value.max(0.0).min(255.0) + 8_388_608.0).to_bits() as u8
}

#[cfg(test)]
mod tests {
    use super::level;

    #[test]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn levels_are_rounded_as_floats_are() {
        let samples = (-2000..20_000).map(|at: i16| f32::from(at) / 64.0);
        for value in samples.chain([f32::INFINITY, f32::NEG_INFINITY, 254.499_98, 0.500_000_06]) {
            assert_eq!(level(value), value.round_ties_even().clamp(0.0, 255.0) as u8, "{value}");
        }
        assert_eq!(level(f32::NAN), 0);
    }
}
