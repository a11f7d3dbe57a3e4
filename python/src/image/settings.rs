//! The arguments of a preparation, as Python gives them.

use std::borrow::Cow;

use canary_core::{
    image::{Crop, Fit, NormalizedBox, Preprocess, Preset},
    serving::Error,
};
use pyo3::{exceptions::PyValueError, prelude::*};

use super::{
    decode,
    names::{CHANNELS, DTYPES, FILTERS, LAYOUTS, LIBRARIES, Names, PRESETS},
};
use crate::{
    convert::{
        choice::choose,
        given::{Given, Refused},
    },
    error::IntoPy,
};

/// The arguments of the constructor; those that are absent are the preset's.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) size: Option<(usize, usize)>,
    pub(super) preset: String,
    pub(super) mean_std: Option<(Numbers, Numbers)>,
    pub(super) crop: Option<CropArgument>,
    pub(super) fit: Option<String>,
    pub(super) shorter_side: Option<usize>,
    pub(super) crop_box: Option<[f32; 4]>,
    pub(super) channels: usize,
    pub(super) filter: Option<String>,
    pub(super) antialias: Option<bool>,
    pub(super) library: Option<String>,
    pub(super) layout: Option<String>,
    pub(super) dtype: String,
    pub(super) exif: bool,
    pub(super) max_pixels: Option<u64>,
}

/// `"square"`, or the fraction of each side that is kept.
#[derive(Clone, IntoPyObjectRef)]
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

/// A number for every channel, or one for red, green and blue each.
#[derive(Clone, IntoPyObjectRef)]
pub(super) enum Numbers {
    One(f32),
    Each([f32; 3]),
}

impl Numbers {
    fn each(&self) -> [f32; 3] {
        match self {
            Self::One(number) => [*number; 3],
            Self::Each(numbers) => *numbers,
        }
    }
}

impl<'py> Given<'py> for Numbers {
    fn wanted() -> Cow<'static, str> {
        "a number, or three for red, green and blue".into()
    }

    fn several() -> Cow<'static, str> {
        "numbers, or threes of them".into()
    }

    fn read(value: &Bound<'py, PyAny>) -> Result<Self, Refused> {
        f32::read(value).map(Self::One).or_else(|_| <[f32; 3]>::read(value).map(Self::Each))
    }
}

impl Settings {
    /// The preparation.
    pub(super) fn build(&self) -> PyResult<Preprocess> {
        let mut core = recipe(&self.preset)?;
        core.decode = decode::options(self.exif, self.max_pixels);
        if let Some((mean, std)) = &self.mean_std {
            core.preset = Preset::MeanStd { mean: mean.each(), std: std.each() };
        }
        core.size = self.size.or(core.size);
        core.crop = match &self.crop {
            None => Crop::None,
            Some(CropArgument::Fraction(fraction)) => Crop::CentralFraction(*fraction),
            Some(CropArgument::Name(name)) => {
                choose("crop", name, &[("none", Crop::None), ("square", Crop::CentreSquare)])?
            }
        };
        core.fit = self.fit()?.unwrap_or(core.fit);
        core.channels = CHANNELS
            .iter()
            .find(|(count, _)| *count == self.channels)
            .map(|&(_, channels)| channels)
            .ok_or_else(|| {
                let found = self.channels;
                PyValueError::new_err(format!("channels is {found}; choose 3, or 1 for grey"))
            })?;
        core.antialias = self.antialias.unwrap_or(core.antialias);
        core.filter = chosen("filter", self.filter.as_ref(), FILTERS, core.filter)?;
        core.library = chosen("library", self.library.as_ref(), LIBRARIES, core.library)?;
        core.layout = chosen("layout", self.layout.as_ref(), LAYOUTS, core.layout)?;
        core.dtype = choose("dtype", &self.dtype, DTYPES)?;
        core.validate().py()?;
        Ok(core)
    }

    /// The way of fitting, of which there is one.
    fn fit(&self) -> PyResult<Option<Fit>> {
        let name = self
            .fit
            .as_ref()
            .map(|name| choose("fit", name, &[("stretch", Fit::Stretch), ("pad", Fit::Pad)]));
        let part = self.crop_box.map(|[top, left, bottom, right]| {
            Fit::Box(NormalizedBox::new(top, left, bottom, right))
        });
        let ways = [name.transpose()?, self.shorter_side.map(Fit::ShorterSide), part];
        let mut given = ways.into_iter().flatten();
        match (given.next(), given.next()) {
            (_, Some(_)) => Err(PyValueError::new_err(
                "fit, shorter_side and crop_box are three ways of fitting an image to the size; give one of them",
            )),
            (one, None) => Ok(one),
        }
    }
}

/// The value of a name that is given, or else the preset's.
fn chosen<T: Clone>(
    what: &str,
    name: Option<&String>,
    known: Names<T>,
    otherwise: T,
) -> PyResult<T> {
    name.map_or(Ok(otherwise), |name| choose(what, name, known))
}

/// The recipe of a preset: numbers by their name, or a model.
fn recipe(preset: &str) -> PyResult<Preprocess> {
    if let Some((_, numbers)) = PRESETS.iter().find(|(name, _)| *name == preset) {
        return Ok(Preprocess::default().preset(*numbers));
    }
    Preprocess::for_model(preset).map_err(|error| match error {
        Error::Input { reason, .. } => {
            let names: Vec<_> = PRESETS.iter().map(|(name, _)| format!("{name:?}")).collect();
            let names = names.join(", ");
            PyValueError::new_err(format!(
                "preset: {reason}; the numbers alone have the names {names}"
            ))
        }
        other => crate::error::to_py(other),
    })
}
