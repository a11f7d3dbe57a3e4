//! The settings of a preparation, as Python names them.

use std::borrow::Cow;

use canary_core::{
    image::{Crop, Filter, Layout, Preprocess, Preset},
    tensor::DType,
};
use pyo3::prelude::*;

use super::decode;
use crate::{
    convert::{
        choice::choose,
        given::{Given, Refused},
    },
    error::IntoPy,
};

#[derive(Clone, PartialEq)]
pub(super) struct Settings {
    pub(super) size: Option<(usize, usize)>,
    pub(super) preset: String,
    pub(super) mean_std: Option<([f32; 3], [f32; 3])>,
    pub(super) crop: Option<CropArgument>,
    pub(super) filter: String,
    pub(super) antialias: bool,
    pub(super) layout: String,
    pub(super) dtype: String,
    pub(super) exif: bool,
    pub(super) max_pixels: Option<u64>,
}

/// `"square"`, or the fraction of each side that is kept.
#[derive(Clone, PartialEq, IntoPyObjectRef)]
pub(super) enum CropArgument {
    Name(String),
    Fraction(f64),
}

impl<'py> Given<'py> for CropArgument {
    fn wanted() -> Cow<'static, str> {
        "\"square\", or the fraction of each side to keep, such as 0.875".into()
    }

    fn several() -> Cow<'static, str> {
        "crops".into()
    }

    fn read(value: &Bound<'py, PyAny>) -> Result<Self, Refused> {
        let name = || String::read(value).map(Self::Name);
        f64::read(value)
            .map(Self::Fraction)
            .or_else(|_| name())
            .map_err(|_| Refused::kind(value, Self::wanted()))
    }
}

impl Settings {
    /// The preparation.
    pub(super) fn build(&self) -> PyResult<Preprocess> {
        let preset = match self.mean_std {
            Some((mean, std)) => Preset::MeanStd { mean, std },
            None => choose(
                "preset",
                &self.preset,
                &[
                    ("unit", Preset::Unit),
                    ("identity", Preset::Identity),
                    ("tf", Preset::Tf),
                    ("caffe", Preset::Caffe),
                    ("torch", Preset::Torch),
                ],
            )?,
        };
        let crop = match &self.crop {
            None => Crop::None,
            Some(CropArgument::Fraction(fraction)) => Crop::CentralFraction(*fraction),
            Some(CropArgument::Name(name)) => {
                choose("crop", name, &[("none", Crop::None), ("square", Crop::CentreSquare)])?
            }
        };
        let mut core = Preprocess::default();
        core.decode = decode::options(self.exif, self.max_pixels);
        core.crop = crop;
        core.size = self.size;
        core.antialias = self.antialias;
        core.preset = preset;
        core.filter = choose(
            "filter",
            &self.filter,
            &[
                ("bilinear", Filter::Bilinear),
                ("bicubic", Filter::Bicubic),
                ("nearest", Filter::Nearest),
                ("area", Filter::Area),
            ],
        )?;
        let layouts = [("nhwc", Layout::Nhwc), ("nchw", Layout::Nchw)];
        core.layout = choose("layout", &self.layout, &layouts)?;
        let dtypes = [("float32", DType::Float), ("float16", DType::Half), ("uint8", DType::Uint8)];
        core.dtype = choose("dtype", &self.dtype, &dtypes)?;
        core.validate().py()?;
        Ok(core)
    }
}
