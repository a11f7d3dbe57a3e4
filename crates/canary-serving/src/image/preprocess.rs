//! From a file or pixels to the tensor that a model takes.

use super::{
    Channels, Crop, DecodeOptions, Filter, Fit, Layout, Library, Pixels, Preset, Region, decode,
    model,
    render::{self, Samples},
};
use crate::{
    Error, Result,
    tensor::{DType, Tensor, TensorData},
};

/// The steps from an image to the input of a model: decode, crop, make grey, fit to a size, normalise, lay out.
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
    /// The samples of each pixel: red, green and blue, or grey.
    pub channels: Channels,
    /// Height and width of the result; `None` leaves them as they are.
    pub size: Option<(usize, usize)>,
    /// The way in which that part is fitted to the size.
    pub fit: Fit,
    /// The weighing of pixels when the size changes.
    pub filter: Filter,
    /// Widen the filter when an image becomes smaller (`tf.image.resize(antialias=True)`).
    pub antialias: bool,
    /// The library whose arithmetic is followed.
    pub library: Library,
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
            channels: Channels::Rgb,
            size: None,
            fit: Fit::Stretch,
            filter: Filter::Bilinear,
            antialias: false,
            library: Library::TensorFlow,
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

    /// The recipe of a model by its name: those of `keras.applications`, such as `ResNet50` or `efficientnet_b0`, and those
    /// of torchvision's weights, such as `torchvision/resnet50/imagenet1k_v2`. [`model_names`](super::model_names) lists them.
    ///
    /// Keras states the size and the numbers; the resize is `tf.image.resize`, bilinear. Torchvision states all of it:
    /// PIL images resized by Pillow, the middle cut out, and channels first.
    ///
    /// Case, `-` and `_` in a name make no difference.
    ///
    /// ```
    /// use canary_core::image::{Fit, Preprocess, Preset};
    ///
    /// let xception = Preprocess::for_model("Xception")?;
    /// assert_eq!((xception.size, xception.preset), (Some((299, 299)), Preset::Tf));
    /// let resnet = Preprocess::for_model("torchvision/resnet50/imagenet1k_v2")?;
    /// assert_eq!((resnet.size, resnet.fit), (Some((224, 224)), Fit::ShorterSide(232)));
    /// let error = Preprocess::for_model("resnet5").unwrap_err().to_string();
    /// assert!(error.contains("ResNet50"), "{error}");
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Input`] for another name; it gives those that are like it.
    pub fn for_model(name: &str) -> Result<Self> {
        model::recipe(name)
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

    /// Changes the samples of each pixel.
    #[must_use]
    pub fn channels(mut self, channels: Channels) -> Self {
        self.channels = channels;
        self
    }

    /// Changes height and width of the result.
    #[must_use]
    pub fn size(mut self, height: usize, width: usize) -> Self {
        self.size = Some((height, width));
        self
    }

    /// Changes how an image is fitted to the size.
    #[must_use]
    pub fn fit(mut self, fit: Fit) -> Self {
        self.fit = fit;
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

    /// Changes the library whose arithmetic is followed.
    #[must_use]
    pub fn library(mut self, library: Library) -> Self {
        self.library = library;
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
    /// The tensor of one image file: `[height, width, 3]`, or `[3, height, width]` as [`Layout::Nchw`]; a grey one has
    /// 1 in place of 3.
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
        let data =
            self.data(shape.iter().product(), |out| render::write(self, pixels, out, go_on))?;
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
    /// [`Error::Input`] when one is impossible, such as a size of zero, a crop fraction outside (0, 1], a deviation of
    /// zero, a dtype that images do not become, or a filter that the library does not have.
    pub fn validate(&self) -> Result<()> {
        // Impossible settings also fail for an image of one pixel.
        self.crop.region(1, 1)?;
        self.fit.check(self.size)?;
        let uniform = self.preset.affine()?.is_uniform();
        let wrong = |what: &str, reason: String| {
            Err(Error::Input { what: format!("preprocess.{what}"), reason })
        };
        let most = self.decode.max_pixels;
        let possible = |(height, width): (usize, usize)| {
            height.checked_mul(width).is_some_and(|pixels| pixels > 0 && pixels as u64 <= most)
        };
        if let Some((height, width)) = self.size.filter(|&size| !possible(size)) {
            return wrong(
                "size",
                format!(
                    "found {height} × {width}, expected at least one pixel and at most {most} in all"
                ),
            );
        }
        if self.channels == Channels::Grey && !uniform {
            return wrong(
                "preset",
                format!(
                    "found {:?}, whose numbers are those of red, green and blue, for a grey image; use MeanStd with \
                     one mean and one deviation",
                    self.preset
                ),
            );
        }
        if let Some((setting, reason)) = self.conflict() {
            return wrong(setting, reason);
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

    /// The settings of a resize that exclude each other: the one at fault, and the reason.
    fn conflict(&self) -> Option<(&'static str, String)> {
        let filter = self.filter;
        if self.library == Library::Pillow {
            if !matches!(
                filter,
                Filter::Nearest | Filter::Bilinear | Filter::Bicubic | Filter::Lanczos3
            ) {
                let known = "Nearest, Bilinear, Bicubic or Lanczos3, the filters of Pillow";
                return Some(("filter", format!("found {filter:?}, expected {known}")));
            }
            if !self.antialias && filter != Filter::Nearest {
                let reason = "found false, expected true: Pillow widens the filter always when an image becomes smaller";
                return Some(("antialias", reason.to_owned()));
            }
        }
        if let Fit::Box(_) = self.fit {
            if self.library == Library::Pillow {
                let reason = "found a box, which TensorFlow resizes; use Crop and another way to fit with Pillow";
                return Some(("fit", reason.to_owned()));
            }
            if !matches!(filter, Filter::Nearest | Filter::Bilinear) {
                let known = "Nearest or Bilinear, the filters of crop_and_resize";
                return Some(("filter", format!("found {filter:?} for a box, expected {known}")));
            }
            if self.antialias {
                let reason =
                    "found true for a box, expected false: crop_and_resize has no antialiasing";
                return Some(("antialias", reason.to_owned()));
            }
        }
        None
    }

    pub(super) fn shape(&self, height: usize, width: usize) -> Vec<usize> {
        match self.layout {
            Layout::Nhwc => vec![height, width, self.channels.count()],
            Layout::Nchw => vec![self.channels.count(), height, width],
        }
    }

    /// The part of an image that is used, and the height and width of its result.
    pub(super) fn region_and_size(&self, pixels: &Pixels<'_>) -> Result<(Region, (usize, usize))> {
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
}
