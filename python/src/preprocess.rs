//! `canary.Preprocess`.

use canary_core::{
    image::{
        Crop, DecodeOptions, Filter, Image, Layout, PixelData, Pixels, Preprocess as Core, Preset,
        decode, dimensions,
    },
    tensor::{DType, Tensor},
};
use numpy::{PyReadonlyArray3, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::{
    exceptions::PyValueError,
    prelude::*,
    types::{PyBytes, PyDict, PyTuple},
};

use crate::{
    array, door,
    error::{IntoPy, to_py},
    input, value,
};

/// The preparation of an image before a model sees it: crop, resize, normalise, layout, element type.
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
        core.validate().py()?;
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

/// An image as it arrives from Python; its memory is read where it lies.
enum Source<'py> {
    Bytes(Bound<'py, PyBytes>),
    File(Vec<u8>),
    Levels(PyReadonlyArray3<'py, u8>),
    Floats(PyReadonlyArray3<'py, f32>),
}

fn source<'py>(image: &Bound<'py, PyAny>) -> PyResult<Source<'py>> {
    if let Ok(bytes) = image.cast::<PyBytes>() {
        return Ok(Source::Bytes(bytes.clone()));
    }
    if !image.is_instance_of::<PyUntypedArray>()
        && let Some(file) = input::file(image)?
    {
        return Ok(Source::File(file));
    }
    let array = array::contiguous(image)?;
    if let Ok(pixels) = array.extract() {
        return Ok(Source::Levels(pixels));
    }
    if let Ok(pixels) = array.extract() {
        return Ok(Source::Floats(pixels));
    }
    Err(PyValueError::new_err(format!(
        "an image array has shape [height, width, 3] and dtype uint8 or float32; found shape {} and dtype {}",
        array.getattr("shape")?,
        array.getattr("dtype")?
    )))
}

impl Source<'_> {
    fn image(&self) -> PyResult<Image<'_>> {
        let contiguous = |_| PyValueError::new_err("the array is not contiguous");
        Ok(match self {
            Self::Bytes(bytes) => Image::File(bytes.as_bytes()),
            Self::File(file) => Image::File(file),
            Self::Levels(pixels) => {
                let (height, width) = channels(pixels.shape())?;
                let samples = pixels.as_slice().map_err(contiguous)?;
                Image::Pixels(Pixels::rgb8(height, width, samples).py()?)
            }
            Self::Floats(pixels) => {
                let (height, width) = channels(pixels.shape())?;
                let samples = pixels.as_slice().map_err(contiguous)?;
                Image::Pixels(Pixels::rgb32f(height, width, samples).py()?)
            }
        })
    }
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
    fn run(&self, py: Python<'_>, image: &Image<'_>) -> PyResult<Tensor> {
        let decoded;
        let pixels = match image {
            Image::File(file) => {
                decoded = decoded_file(py, file, self.core.decode)?;
                &decoded
            }
            Image::Pixels(pixels) => pixels,
            _ => return Err(PyValueError::new_err("found an unknown kind of image")),
        };
        door::compute(py, |go_on| self.core.apply_pixels_while(pixels, go_on))?.py()
    }
}

/// Pixels from which on a file is decoded on a thread of its own, which Ctrl-C leaves alone: about ten milliseconds.
const LARGE: u64 = 1 << 20;

/// The pixels of a file.
fn decoded_file(py: Python<'_>, file: &[u8], options: DecodeOptions) -> PyResult<Pixels<'static>> {
    let large = dimensions(file).is_ok_and(|(height, width)| height.saturating_mul(width) > LARGE);
    if large {
        let file = file.to_vec();
        return door::abandon(py, move || decode(&file, &options).py());
    }
    py.detach(|| decode(file, &options)).py()
}

#[pymethods]
impl Preprocess {
    #[pyo3(signature = (**changes))]
    fn replace(slf: &Bound<'_, Self>, changes: Option<&Bound<'_, PyDict>>) -> PyResult<Py<Self>> {
        value::replace(slf, &["size"], changes)
    }

    fn __hash__(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let Settings { size, preset, filter, antialias, layout, dtype, exif, max_pixels, .. } =
            &self.settings;
        let mut hasher = DefaultHasher::new();
        (size, preset, filter, antialias, layout, dtype, exif, max_pixels).hash(&mut hasher);
        hasher.finish()
    }

    #[new]
    #[pyo3(signature = (size = None, *, preset = "unit", mean_std = None, crop = None, filter = "bilinear", antialias = false, layout = "nhwc", dtype = "float32", exif = false, max_pixels = None))]
    #[expect(clippy::too_many_arguments, reason = "a keyword argument each")]
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
        let image = source.image()?;
        let tensor = self.run(py, &image)?;
        array::give(py, tensor)
    }

    fn batch<'py>(
        &self,
        py: Python<'py>,
        images: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let sources = images
            .try_iter()?
            .map(|image| {
                py.check_signals()?;
                source(&image?)
            })
            .collect::<PyResult<Vec<_>>>()?;
        let images = sources.iter().map(Source::image).collect::<PyResult<Vec<_>>>()?;
        if self.core.size.is_some() {
            let tensor = door::compute_apart(py, |stop| self.core.batch_until(&images, stop))?;
            return array::give(py, tensor.map_err(to_py)?);
        }
        let arrays = images
            .iter()
            .map(|image| {
                py.check_signals()?;
                array::give(py, self.run(py, image)?)
            })
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

    fn _repr_html_(slf: &Bound<'_, Self>) -> PyResult<String> {
        crate::show::card(slf, "render_value")
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
    let pixels = decoded_file(py, &file, options)?;
    let shape = [pixels.height(), pixels.width(), 3];
    match pixels.into_data() {
        PixelData::U8(samples) => array::own(py, samples.into_owned(), &shape),
        PixelData::F32(samples) => array::own(py, samples.into_owned(), &shape),
        _ => Err(PyValueError::new_err("the image's levels have an unknown type")),
    }
}
