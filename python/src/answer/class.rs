//! `canary.Answer`.

use canary_core::predict;
use canary_python_macros::binding;
use pyo3::{
    exceptions::PyKeyError,
    prelude::*,
    types::{PyBytes, PyDict, PyString},
};

use super::pickle::{Item, Parts, Trace, put_together, take_apart};
use crate::{array, error::IntoPy, macros::pymethods};

/// The answer of a model: its outputs by name, and how it came.
#[binding]
#[pyclass(frozen, module = "canary")]
pub(crate) struct Answer {
    pub(crate) core: predict::Answer,
    /// The file that was sent, for the thumbnail of the notebook's view; kept only while it is small.
    pub(crate) image: Option<Vec<u8>>,
}

/// A view of the outputs, of a class of `collections.abc`.
fn view<'py>(answer: &Bound<'py, Answer>, class: &str) -> PyResult<Bound<'py, PyAny>> {
    answer.py().import("collections.abc")?.getattr(class)?.call1((answer,))
}

impl Answer {
    /// Every output with its name; the arrays share the answer's memory.
    pub(super) fn shared<'py>(slf: &Bound<'py, Self>) -> PyResult<Vec<Item<'py>>> {
        let shared = |(name, tensor)| {
            Ok((PyString::new(slf.py(), name), array::share(tensor, slf.as_any())?))
        };
        slf.get().core.outputs().map(shared).collect()
    }

    /// The most probable class of the first row.
    fn first(&self) -> PyResult<Option<(String, f32)>> {
        Ok(self.core.top().py()?.into_iter().next())
    }
}

pymethods! {
    Answer [table, plot]
    get |answer| {
        top: PyResult<Vec<(String, f32)>> = answer.core.top().py();
        top_rows: PyResult<Vec<Vec<(String, f32)>>> = answer.core.top_rows().py();
        label: PyResult<Option<String>> = Ok(answer.first()?.map(|(label, _)| label));
        probability: PyResult<Option<f32>> = Ok(answer.first()?.map(|(_, probability)| probability));
        subset: Option<&str> = answer.core.subset();
        version: Option<&str> = answer.core.version();
        elapsed: f64 = answer.core.elapsed().as_secs_f64();
        attempts: u32 = answer.core.attempts();
    }
    make |answer, py| {
        headers: PyResult<Bound<'py, PyDict>> = {
            let headers = PyDict::new(py);
            for (name, value) in answer.core.headers() {
                headers.set_item(name.as_str(), String::from_utf8_lossy(value.as_bytes()))?;
            }
            Ok(headers)
        };
        raw: Bound<'py, PyBytes> = PyBytes::new(py, answer.core.raw());
    }
    methods {
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

        fn keys<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
            view(slf, "KeysView")
        }

        fn values<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
            view(slf, "ValuesView")
        }

        fn items<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
            view(slf, "ItemsView")
        }

        #[pyo3(signature = (name, default = None))]
        fn get<'py>(
            slf: &Bound<'py, Self>,
            name: &str,
            default: Option<Bound<'py, PyAny>>,
        ) -> PyResult<Option<Bound<'py, PyAny>>> {
            match slf.get().core.get(name) {
                Some(tensor) => array::share(tensor, slf.as_any()).map(Some),
                None => Ok(default),
            }
        }

        fn __contains__(&self, name: &Bound<'_, PyAny>) -> bool {
            name.cast::<PyString>().is_ok_and(|name| self.core.get(&name.to_string_lossy()).is_some())
        }

        fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, Parts<'py>)> {
            let restore = slf.py().get_type::<Self>().getattr("_restore")?;
            let Self { core, image } = slf.get();
            Ok((restore, take_apart(slf.py(), core, Self::shared(slf)?, image.as_deref())))
        }

        #[staticmethod]
        #[pyo3(name = "_restore")]
        fn restore(
            outputs: Vec<(String, Bound<'_, PyAny>)>,
            body: Vec<u8>,
            headers: Vec<(String, Vec<u8>)>,
            trace: Trace,
            image: Option<Vec<u8>>,
        ) -> PyResult<Self> {
            Ok(Self { core: put_together(outputs, body, headers, trace)?, image })
        }

        fn __iter__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
            let names: Vec<&str> = slf.get().core.outputs().map(|(name, _)| name).collect();
            Ok(names.into_pyobject(slf.py())?.try_iter()?.into_any())
        }

        #[pyo3(signature = (names, count = 5))]
        #[allow(clippy::needless_pass_by_value)]
        fn top_of_logits(&self, names: Vec<String>, count: usize) -> PyResult<Vec<Vec<(String, f32)>>> {
            self.core.top_of_logits(&names, count).py()
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
                            format!("{name}: {}{:?}", tensor.dtype().as_str(), tensor.shape())
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
}
