//! From a file or pixels to the tensor that a model takes.

use half::{
    f16,
    slice::{HalfBitsSliceExt, HalfFloatSliceExt},
};

use super::{
    Crop, DecodeOptions, Filter, PixelData, Pixels, Preset, Region, decode,
    resize::{Axis, Resizer, Sample, Source},
};
use crate::{
    Error, Result,
    tensor::{DType, Tensor, TensorData},
};

/// The order of a tensor's dimensions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Layout {
    /// Height, width, channel: TensorFlow's order.
    #[default]
    Nhwc,
    /// Channel, height, width.
    Nchw,
}

/// The steps from an image to the input of a model: decode, crop, resize, normalise, lay out.
///
/// The default decodes and gives the whole image in its own size, scaled to [0, 1].
///
/// ```
/// use canary_core::image::{Crop, Layout, Pixels, Preprocess};
///
/// let preprocess = Preprocess::keras_resnet50().crop(Crop::CentreSquare).layout(Layout::Nchw);
/// let photo = Pixels::rgb8(606, 512, vec![0; 606 * 512 * 3])?;
/// let tensor = preprocess.apply_pixels(&photo)?;
/// assert_eq!(tensor.shape(), [3, 224, 224]);
/// # Ok::<(), canary_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Preprocess {
    /// Settings of decoding files.
    pub decode: DecodeOptions,
    /// The part of the image that is used.
    pub crop: Crop,
    /// Height and width of the result; `None` leaves them as they are.
    pub size: Option<(usize, usize)>,
    /// The weighing of pixels when the size changes.
    pub filter: Filter,
    /// Widen the filter when an image becomes smaller (`tf.image.resize(antialias=True)`).
    pub antialias: bool,
    /// The conversion of levels to numbers.
    pub preset: Preset,
    /// The order of the dimensions.
    pub layout: Layout,
    /// The element type: [`DType::Float`], [`DType::Half`], or [`DType::Uint8`] with [`Preset::Identity`].
    pub dtype: DType,
}

impl Default for Preprocess {
    fn default() -> Self {
        Self {
            decode: DecodeOptions::default(),
            crop: Crop::None,
            size: None,
            filter: Filter::Bilinear,
            antialias: false,
            preset: Preset::Unit,
            layout: Layout::Nhwc,
            dtype: DType::Float,
        }
    }
}

/// Named recipes.
impl Preprocess {
    /// The whole image resized (bilinear), scaled to [0, 1], as models of TensorFlow Hub take it.
    pub fn unit(height: usize, width: usize) -> Self {
        Self::default().size(height, width)
    }

    /// `keras.applications.resnet` and `vgg16` in their usual size: 224 × 224, [`Preset::Caffe`].
    pub fn keras_resnet50() -> Self {
        Self::unit(224, 224).preset(Preset::Caffe)
    }

    /// `keras.applications.resnet_v2`: 224 × 224, [`Preset::Tf`].
    pub fn keras_resnet50_v2() -> Self {
        Self::unit(224, 224).preset(Preset::Tf)
    }

    /// `keras.applications.mobilenet_v2` and `mobilenet`: 224 × 224, [`Preset::Tf`].
    pub fn keras_mobilenet_v2() -> Self {
        Self::unit(224, 224).preset(Preset::Tf)
    }

    /// `keras.applications.inception_v3` and `xception`: 299 × 299, [`Preset::Tf`].
    pub fn keras_inception_v3() -> Self {
        Self::unit(299, 299).preset(Preset::Tf)
    }

    /// `keras.applications.densenet`: 224 × 224, [`Preset::Torch`].
    pub fn keras_densenet121() -> Self {
        Self::unit(224, 224).preset(Preset::Torch)
    }

    /// `keras.applications.efficientnet` B0, whose layers scale themselves: 224 × 224, [`Preset::Identity`].
    pub fn keras_efficientnet_b0() -> Self {
        Self::unit(224, 224).preset(Preset::Identity)
    }

    /// EfficientNet-Lite in that size: bicubic, `(x - 127) / 128`.
    pub fn efficientnet_lite(height: usize, width: usize) -> Self {
        Self::unit(height, width).filter(Filter::Bicubic).preset(Preset::mean_std(127.0, 128.0))
    }
}

/// The number of rows of a result between two calls of `go_on`.
const ROWS: usize = 16;

/// Setters.
impl Preprocess {
    /// Changes how files are decoded.
    #[must_use]
    pub fn decode(mut self, decode: DecodeOptions) -> Self {
        self.decode = decode;
        self
    }

    /// Changes the part of the image that is used.
    #[must_use]
    pub fn crop(mut self, crop: Crop) -> Self {
        self.crop = crop;
        self
    }

    /// Changes height and width of the result.
    #[must_use]
    pub fn size(mut self, height: usize, width: usize) -> Self {
        self.size = Some((height, width));
        self
    }

    /// Changes how pixels are weighed.
    #[must_use]
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filter = filter;
        self
    }

    /// Changes whether the filter is widened when an image becomes smaller.
    #[must_use]
    pub fn antialias(mut self, antialias: bool) -> Self {
        self.antialias = antialias;
        self
    }

    /// Changes how levels become numbers.
    #[must_use]
    pub fn preset(mut self, preset: Preset) -> Self {
        self.preset = preset;
        self
    }

    /// Changes the order of the dimensions.
    #[must_use]
    pub fn layout(mut self, layout: Layout) -> Self {
        self.layout = layout;
        self
    }

    /// Changes the element type.
    #[must_use]
    pub fn dtype(mut self, dtype: DType) -> Self {
        self.dtype = dtype;
        self
    }
}

impl Preprocess {
    /// The tensor of one image file: `[height, width, 3]`, or `[3, height, width]` as [`Layout::Nchw`].
    ///
    /// # Errors
    /// [`Error::Input`] when the file cannot be decoded (see [`decode`](super::decode)), or a setting is
    /// impossible (see [`Preprocess::validate`]).
    pub fn apply(&self, file: &[u8]) -> Result<Tensor> {
        self.validate()?;
        self.apply_pixels(&decode(file, &self.decode)?)
    }

    /// The tensor of pixels that the caller already has.
    ///
    /// # Errors
    /// [`Error::Input`] when a setting is impossible.
    pub fn apply_pixels(&self, pixels: &Pixels<'_>) -> Result<Tensor> {
        self.apply_pixels_while(pixels, &|| true)
    }

    /// As [`apply_pixels`](Self::apply_pixels), as long as `go_on` returns true: it is called every few rows of the
    /// result.
    ///
    /// # Errors
    /// As [`apply_pixels`](Self::apply_pixels); also when it was stopped.
    pub fn apply_pixels_while(
        &self,
        pixels: &Pixels<'_>,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Tensor> {
        self.validate()?;
        let (_, (height, width)) = self.region_and_size(pixels)?;
        let shape = self.shape(height, width);
        let data = self.data(shape.iter().product(), |out| self.write(pixels, out, go_on))?;
        Tensor::new(shape, data)
    }

    /// Checks the settings without an image.
    ///
    /// ```
    /// use canary_core::image::Preprocess;
    ///
    /// assert!(Preprocess::unit(224, 224).validate().is_ok());
    /// let error = Preprocess::unit(0, 224).validate().unwrap_err();
    /// assert!(error.to_string().contains("found 0 × 224"));
    /// ```
    ///
    /// # Errors
    /// [`Error::Input`] when one is impossible: a size of zero, a crop fraction outside (0, 1], a deviation of zero, a
    /// dtype that images do not become.
    pub fn validate(&self) -> Result<()> {
        // Impossible settings also fail for an image of one pixel.
        self.crop.region(1, 1)?;
        self.preset.affine()?;
        let wrong = |what: &str, reason: String| {
            Err(Error::Input { what: format!("preprocess.{what}"), reason })
        };
        if let Some((height, width)) = self.size
            && height
                .checked_mul(width)
                .is_none_or(|pixels| pixels == 0 || pixels as u64 > self.decode.max_pixels)
        {
            return wrong(
                "size",
                format!(
                    "found {height} × {width}, expected at least one pixel and at most {} in all",
                    self.decode.max_pixels
                ),
            );
        }
        match self.dtype {
            DType::Float | DType::Half => Ok(()),
            DType::Uint8 if self.preset == Preset::Identity => Ok(()),
            DType::Uint8 => wrong(
                "dtype",
                format!(
                    "found DT_UINT8 with preset {:?}, whose values are not integers; use Identity, or DT_FLOAT",
                    self.preset
                ),
            ),
            other => {
                wrong("dtype", format!("found {other}, expected DT_FLOAT, DT_HALF or DT_UINT8"))
            }
        }
    }

    pub(super) fn shape(&self, height: usize, width: usize) -> Vec<usize> {
        match self.layout {
            Layout::Nhwc => vec![height, width, 3],
            Layout::Nchw => vec![3, height, width],
        }
    }

    /// The part of an image that is used, and the height and width of its result.
    fn region_and_size(&self, pixels: &Pixels<'_>) -> Result<(Region, (usize, usize))> {
        let region = self.crop.region(pixels.height(), pixels.width())?;
        Ok((region, self.size.unwrap_or((region.height, region.width))))
    }

    /// `count` samples of the result's element type, all of which `fill` writes.
    pub(super) fn data(
        &self,
        count: usize,
        fill: impl FnOnce(Samples<'_>) -> Result<()>,
    ) -> Result<TensorData> {
        Ok(match self.dtype {
            DType::Half => {
                let mut halves = vec![0; count];
                fill(Samples::Half(&mut halves))?;
                TensorData::Half(halves)
            }
            DType::Uint8 => {
                let mut levels = vec![0; count];
                fill(Samples::Uint8(&mut levels))?;
                TensorData::Uint8(levels)
            }
            _ => {
                let mut floats = vec![0.0; count];
                fill(Samples::Float(&mut floats))?;
                TensorData::Float(floats)
            }
        })
    }

    /// Writes the result of one image to `out`, which is as long as it.
    pub(super) fn write(
        &self,
        pixels: &Pixels<'_>,
        out: Samples<'_>,
        go_on: &dyn Fn() -> bool,
    ) -> Result<()> {
        let floats = |length: usize| {
            let mut rows = vec![0.0; length];
            self.write_rows(pixels, &mut rows, go_on)?;
            if self.layout == Layout::Nhwc {
                return Ok(rows);
            }
            let mut planes = vec![0.0; length];
            split_channels(&rows, &mut planes);
            Ok::<_, Error>(planes)
        };
        match out {
            Samples::Float(out) if self.layout == Layout::Nhwc => {
                self.write_rows(pixels, out, go_on)?;
            }
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

    /// Writes the rows of the result, three floats a pixel, from top to bottom.
    fn write_rows(
        &self,
        pixels: &Pixels<'_>,
        out: &mut [f32],
        go_on: &dyn Fn() -> bool,
    ) -> Result<()> {
        let width = pixels.width();
        let (region, size) = self.region_and_size(pixels)?;
        match pixels.data() {
            PixelData::U8(samples) => {
                self.resize(Source { samples, width, region }, size, out, go_on)
            }
            PixelData::F32(samples) => {
                self.resize(Source { samples, width, region }, size, out, go_on)
            }
        }
    }

    fn resize<S: Sample>(
        &self,
        source: Source<'_, S>,
        (height, width): (usize, usize),
        out: &mut [f32],
        go_on: &dyn Fn() -> bool,
    ) -> Result<()> {
        let affine = self.preset.affine()?;
        let Region { height: from_height, width: from_width, .. } = source.region;
        let rows = Axis::new(self.filter, self.antialias, from_height, height);
        let columns = Axis::new(self.filter, self.antialias, from_width, width);
        let mut resizer = Resizer::new(source, (&rows, &columns), affine);
        for (y, row) in out.chunks_exact_mut(width * 3).enumerate() {
            if y % ROWS == ROWS - 1 && !go_on() {
                return Err(stopped());
            }
            resizer.write_row(y, row);
        }
        Ok(())
    }
}

/// The error of a result that its caller no longer wants.
fn stopped() -> Error {
    Error::Input { what: "image".to_owned(), reason: "preprocessing was stopped".to_owned() }
}

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
#[allow(clippy::cast_possible_truncation, clippy::manual_clamp)] // `clamp` would keep NaN.
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
