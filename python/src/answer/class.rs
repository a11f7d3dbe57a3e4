//! `canary.Answer`.

use canary_core::predict;
use pyo3::{
    exceptions::PyKeyError,
    prelude::*,
    types::{PyBytes, PyDict},
};

use crate::{array, error::IntoPy, show};

/// The answer of a model: its outputs by name, and how it came.
#[pyclass(frozen, module = "canary")]
pub(crate) struct Answer {
    pub(crate) core: predict::Answer,
    /// The file that was sent, for the thumbnail of the notebook's view; kept only while it is small.
    pub(crate) image: Option<Vec<u8>>,
}

#[pymethods]
impl Answer {
    #[getter]
    fn outputs<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyDict>> {
        let outputs = PyDict::new(slf.py());
        for (name, tensor) in slf.get().core.outputs() {
            outputs.set_item(name, array::share(tensor, slf.as_any())?)?;
        }
        Ok(outputs)
    }

    fn __getitem__<'py>(slf: &Bound<'py, Self>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        let core = &slf.get().core;
        let Some(tensor) = core.get(name) else {
            let known: Vec<_> = core.outputs().map(|(name, _)| name).collect();
            let known = known.join(", ");
            return Err(PyKeyError::new_err(format!("no output {name:?}; the answer has {known}")));
        };
        array::share(tensor, slf.as_any())
    }

    fn array<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        array::share(slf.get().core.single().py()?, slf.as_any())
    }

    fn __len__(&self) -> usize {
        self.core.outputs().len()
    }

    fn keys(&self) -> Vec<&str> {
        self.core.outputs().map(|(name, _)| name).collect()
    }

    fn __iter__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        Ok(slf.get().keys().into_pyobject(slf.py())?.into_any().try_iter()?.into_any())
    }

    #[getter]
    fn top(&self) -> PyResult<Vec<(String, f32)>> {
        self.core.top().py()
    }

    #[getter]
    fn top_rows(&self) -> PyResult<Vec<Vec<(String, f32)>>> {
        self.core.top_rows().py()
    }

    #[pyo3(signature = (names, count = 5))]
    #[allow(clippy::needless_pass_by_value)]
    fn top_of_logits(&self, names: Vec<String>, count: usize) -> PyResult<Vec<Vec<(String, f32)>>> {
        self.core.top_of_logits(&names, count).py()
    }

    #[getter]
    fn label(&self) -> PyResult<Option<String>> {
        Ok(self.core.top().py()?.into_iter().next().map(|(label, _)| label))
    }

    #[getter]
    fn probability(&self) -> PyResult<Option<f32>> {
        Ok(self.core.top().py()?.into_iter().next().map(|(_, probability)| probability))
    }

    #[getter]
    fn subset(&self) -> Option<&str> {
        self.core.subset()
    }

    #[getter]
    fn elapsed(&self) -> f64 {
        self.core.elapsed().as_secs_f64()
    }

    #[getter]
    fn attempts(&self) -> u32 {
        self.core.attempts()
    }

    #[getter]
    fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let headers = PyDict::new(py);
        for (name, value) in self.core.headers() {
            headers.set_item(name.as_str(), String::from_utf8_lossy(value.as_bytes()))?;
        }
        Ok(headers)
    }

    #[getter]
    fn raw<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.core.raw())
    }

    fn records<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        show::rows(slf)
    }

    fn to_pandas<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        show::frame(slf, "pandas")
    }

    fn to_polars<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        show::frame(slf, "polars")
    }

    #[pyo3(signature = (ax = None))]
    fn plot<'py>(
        slf: &Bound<'py, Self>,
        ax: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        show::plot(slf, ax)
    }

    fn __repr__(&self) -> String {
        let by =
            self.core.subset().map(|subset| format!(", subset={subset:?}")).unwrap_or_default();
        match self.core.top() {
            Ok(top) if !top.is_empty() => {
                format!("Answer({:?}, {:.3}{by})", top[0].0, top[0].1)
            }
            _ => {
                let outputs: Vec<_> = self
                    .core
                    .outputs()
                    .map(|(name, tensor)| {
                        format!("{name}: {}{:?}", array::dtype_name(tensor.dtype()), tensor.shape())
                    })
                    .collect();
                format!("Answer({}{by})", outputs.join(", "))
            }
        }
    }

    fn _repr_html_(slf: &Bound<'_, Self>) -> PyResult<String> {
        let this = slf.get();
        let render = slf.py().import("canary._html")?.getattr("render_answer")?;
        let image = this.image.as_deref().map(|image| PyBytes::new(slf.py(), image));
        render.call1((slf, image))?.extract()
    }
}
