//! `canary.Preprocess`.

use canary_core::{
    image::{Image, Preprocess as Core},
    tensor::Tensor,
};
use canary_python_macros::binding;
use pyo3::{
    exceptions::PyValueError,
    prelude::*,
    types::{PyDict, PyTuple},
};

use super::{
    decode::decoded_file,
    repr,
    settings::{CropArgument, Numbers, Settings},
    source::{Source, source},
};
use crate::{
    array,
    convert::value::hash_of,
    door,
    error::IntoPy,
    macros::{arguments, pymethods},
};

/// The preparation of an image before a model sees it: crop, resize, normalise, layout, element type.
#[binding]
#[pyclass(frozen, eq, module = "canary", from_py_object)]
#[derive(Clone)]
pub(crate) struct Preprocess {
    core: Core,
    settings: Settings,
}

/// Equal preparations give the same results, in whatever way their settings were given.
impl PartialEq for Preprocess {
    fn eq(&self, other: &Self) -> bool {
        self.core == other.core
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

pymethods! {
    Preprocess [replace(size), card(render_value)]
    methods {
        #[new]
        #[pyo3(signature = (size = None, *, preset = "unit", mean_std = None, crop = None, fit = None, shorter_side = None, crop_box = None, channels = 3, filter = None, antialias = None, library = None, layout = None, dtype = "float32", exif = false, max_pixels = None))]
        #[expect(clippy::too_many_arguments, reason = "a keyword argument each")]
        fn new(
            size: Option<(usize, usize)>,
            preset: &str,
            mean_std: Option<(Numbers, Numbers)>,
            crop: Option<CropArgument>,
            fit: Option<String>,
            shorter_side: Option<usize>,
            crop_box: Option<[f32; 4]>,
            channels: usize,
            filter: Option<String>,
            antialias: Option<bool>,
            library: Option<String>,
            layout: Option<String>,
            dtype: &str,
            exif: bool,
            max_pixels: Option<u64>,
        ) -> PyResult<Self> {
            let settings = Settings {
                size,
                preset: preset.to_owned(),
                mean_std,
                crop,
                fit,
                shorter_side,
                crop_box,
                channels,
                filter,
                antialias,
                library,
                layout,
                dtype: dtype.to_owned(),
                exif,
                max_pixels,
            };
            Ok(Self { core: settings.build()?, settings })
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
                return array::give(py, tensor.py()?);
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

        fn __hash__(&self) -> u64 {
            hash_of(&repr::text(&self.core))
        }

        fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
            let arguments = arguments!(
                py, self.settings;
                preset, mean_std, crop, fit, shorter_side, crop_box, channels, filter, antialias, library, layout, dtype, exif,
                max_pixels
            );
            Ok(((self.settings.size,).into_pyobject(py)?, arguments))
        }

        fn __repr__(&self) -> String {
            repr::text(&self.core)
        }
    }
}
