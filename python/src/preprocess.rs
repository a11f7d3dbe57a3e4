//! `canary.Preprocess`.

use canary_core::{
    image::{Crop, DecodeOptions, Filter, Layout, PixelData, Pixels, Preprocess as Core, Preset},
    tensor::{DType, Tensor},
};
use numpy::{PyReadonlyArray3, PyUntypedArrayMethods};
use pyo3::{
    exceptions::PyValueError,
    prelude::*,
    types::{PyDict, PyTuple},
};

use crate::{
    array,
    error::{IntoPy, to_py},
    input,
};

/// What happens to an image before a model sees it: crop, resize, normalise, layout, element type.
#[pyclass(frozen, eq, module = "canary", from_py_object)]
#[derive(Clone, PartialEq)]
pub(crate) struct Preprocess {
    core: Core,
    settings: Settings,
}

#[derive(Clone, PartialEq)]
struct Settings {
    size: Option<(usize, usize)>,
    preset: String,
    mean_std: Option<([f32; 3], [f32; 3])>,
    crop: Option<CropArgument>,
    filter: String,
    antialias: bool,
    layout: String,
    dtype: String,
    exif: bool,
    max_pixels: Option<u64>,
}

/// `"square"`, or the fraction of each side that is kept.
#[derive(Clone, PartialEq, FromPyObject, IntoPyObject)]
enum CropArgument {
    Name(String),
    Fraction(f64),
}

fn choose<T>(what: &str, found: &str, known: &[(&str, T)]) -> PyResult<T>
where
    T: Clone,
{
    known.iter().find(|(name, _)| *name == found).map(|(_, value)| value.clone()).ok_or_else(|| {
        let names: Vec<_> = known.iter().map(|(name, _)| format!("{name:?}")).collect();
        PyValueError::new_err(format!("{what} is {found:?}; choose one of {}", names.join(", ")))
    })
}

impl Settings {
    fn build(self) -> PyResult<Preprocess> {
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
        let mut core = Core::default();
        core.decode = decode_options(self.exif, self.max_pixels);
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
        Ok(Preprocess { core, settings: self })
    }
}

fn decode_options(exif: bool, max_pixels: Option<u64>) -> DecodeOptions {
    let mut options = DecodeOptions::default();
    options.honour_exif = exif;
    if let Some(max_pixels) = max_pixels {
        options.max_pixels = max_pixels;
    }
    options
}

/// An image as it arrives from Python.
enum Source {
    File(Vec<u8>),
    Pixels(Pixels<'static>),
}

fn source(image: &Bound<'_, PyAny>) -> PyResult<Source> {
    if let Some(file) = input::file(image)? {
        return Ok(Source::File(file));
    }
    let numpy = image.py().import("numpy")?;
    let array = numpy.call_method1("ascontiguousarray", (image,))?;
    if let Ok(pixels) = array.extract::<PyReadonlyArray3<'_, u8>>() {
        let shape = channels(pixels.shape())?;
        let samples =
            pixels.as_slice().map_err(|_| PyValueError::new_err("the array is not contiguous"))?;
        return Ok(Source::Pixels(Pixels::rgb8(shape.0, shape.1, samples.to_vec()).py()?));
    }
    if let Ok(pixels) = array.extract::<PyReadonlyArray3<'_, f32>>() {
        let shape = channels(pixels.shape())?;
        let samples =
            pixels.as_slice().map_err(|_| PyValueError::new_err("the array is not contiguous"))?;
        return Ok(Source::Pixels(Pixels::rgb32f(shape.0, shape.1, samples.to_vec()).py()?));
    }
    Err(PyValueError::new_err(format!(
        "an image array has shape [height, width, 3] and dtype uint8 or float32; found shape {} and dtype {}",
        array.getattr("shape")?,
        array.getattr("dtype")?
    )))
}

fn channels(shape: &[usize]) -> PyResult<(usize, usize)> {
    match *shape {
        [height, width, 3] => Ok((height, width)),
        _ => Err(PyValueError::new_err(format!(
            "an image array has shape [height, width, 3]; found {shape:?}"
        ))),
    }
}

impl Preprocess {
    fn run(&self, source: &Source) -> canary_core::Result<Tensor> {
        match source {
            Source::File(file) => self.core.apply(file),
            Source::Pixels(pixels) => self.core.apply_pixels(pixels),
        }
    }
}

#[pymethods]
impl Preprocess {
    #[new]
    #[pyo3(signature = (size = None, *, preset = "unit", mean_std = None, crop = None, filter = "bilinear", antialias = false, layout = "nhwc", dtype = "float32", exif = false, max_pixels = None))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        size: Option<(usize, usize)>,
        preset: &str,
        mean_std: Option<([f32; 3], [f32; 3])>,
        crop: Option<CropArgument>,
        filter: &str,
        antialias: bool,
        layout: &str,
        dtype: &str,
        exif: bool,
        max_pixels: Option<u64>,
    ) -> PyResult<Self> {
        Settings {
            size,
            preset: preset.to_owned(),
            mean_std,
            crop,
            filter: filter.to_owned(),
            antialias,
            layout: layout.to_owned(),
            dtype: dtype.to_owned(),
            exif,
            max_pixels,
        }
        .build()
    }

    #[pyo3(name = "__call__")]
    fn call<'py>(&self, py: Python<'py>, image: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let source = source(image)?;
        let tensor = py.detach(|| self.run(&source)).map_err(to_py)?;
        array::give(py, tensor)
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "an argument from Python is made for the call"
    )]
    fn batch<'py>(
        &self,
        py: Python<'py>,
        images: Vec<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let sources = images.iter().map(source).collect::<PyResult<Vec<_>>>()?;
        let tensors = py
            .detach(|| -> canary_core::Result<Vec<Tensor>> {
                let files: Option<Vec<&[u8]>> = sources
                    .iter()
                    .map(|source| match source {
                        Source::File(file) => Some(file.as_slice()),
                        Source::Pixels(_) => None,
                    })
                    .collect();
                match files {
                    Some(files) => self.core.apply_many(&files).into_iter().collect(),
                    None => sources.iter().map(|source| self.run(source)).collect(),
                }
            })
            .map_err(to_py)?;
        let arrays = tensors
            .into_iter()
            .map(|tensor| array::give(py, tensor))
            .collect::<PyResult<Vec<_>>>()?;
        py.import("numpy")?.call_method1("stack", (arrays,))
    }

    fn __getnewargs_ex__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        let settings = self.settings.clone();
        let arguments = PyDict::new(py);
        arguments.set_item("preset", settings.preset)?;
        arguments.set_item("mean_std", settings.mean_std)?;
        arguments.set_item("crop", settings.crop)?;
        arguments.set_item("filter", settings.filter)?;
        arguments.set_item("antialias", settings.antialias)?;
        arguments.set_item("layout", settings.layout)?;
        arguments.set_item("dtype", settings.dtype)?;
        arguments.set_item("exif", settings.exif)?;
        arguments.set_item("max_pixels", settings.max_pixels)?;
        Ok(((settings.size,).into_pyobject(py)?, arguments))
    }

    fn __repr__(&self) -> String {
        let Settings { size, preset, crop, filter, layout, dtype, .. } = &self.settings;
        let size = size.map_or_else(|| "None".to_owned(), |size| format!("{size:?}"));
        let crop = match crop {
            None => String::new(),
            Some(CropArgument::Name(name)) => format!(", crop={name:?}"),
            Some(CropArgument::Fraction(fraction)) => format!(", crop={fraction}"),
        };
        format!(
            "Preprocess({size}, preset={preset:?}{crop}, filter={filter:?}, layout={layout:?}, dtype={dtype:?})"
        )
    }
}

/// The pixels of an image file, RGB, as TensorFlow's `decode_image` gives them.
#[pyfunction]
#[pyo3(signature = (image, *, exif = false, max_pixels = None))]
pub(crate) fn decode_image<'py>(
    py: Python<'py>,
    image: &Bound<'py, PyAny>,
    exif: bool,
    max_pixels: Option<u64>,
) -> PyResult<Bound<'py, PyAny>> {
    let Some(file) = input::file(image)? else {
        return Err(PyValueError::new_err("give a path, the bytes of a file, or a PIL image"));
    };
    let options = decode_options(exif, max_pixels);
    let pixels = py.detach(|| canary_core::image::decode(&file, &options)).map_err(to_py)?;
    let shape = (pixels.height(), pixels.width(), 3_usize);
    let flat = match pixels.data() {
        PixelData::U8(samples) => numpy::PyArray::from_slice(py, samples).into_any(),
        PixelData::F32(samples) => numpy::PyArray::from_slice(py, samples).into_any(),
        _ => return Err(PyValueError::new_err("the image's levels have an unknown type")),
    };
    flat.call_method1("reshape", (shape,))
}
