//! `canary.BatchingParameters`.

use canary_core::serving;
use canary_python_macros::binding;
use pyo3::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{convert::time::Seconds, error::IntoPy, finding::Finding, macros::pymethods, show};

/// Batches of requests.
#[binding("BatchingParameters(max_batch_size=32)")]
#[pyclass(frozen, eq, module = "canary", from_py_object)]
#[derive(Clone, PartialEq, Deserialize, Serialize)]
pub(crate) struct BatchingParameters(pub(crate) serving::BatchingParameters);

pymethods! {
    BatchingParameters [value, card(render_value)]
    get |batching| {
        max_batch_size: Option<i64> = batching.0.max_batch_size;
        batch_timeout: Option<f64> = batching.0.batch_timeout.map(|time| time.as_secs_f64());
        max_enqueued_batches: Option<i64> = batching.0.max_enqueued_batches;
        num_batch_threads: Option<i64> = batching.0.num_batch_threads;
        thread_pool_name: Option<&str> = batching.0.thread_pool_name.as_deref();
        allowed_batch_sizes: Vec<i64> = batching.0.allowed_batch_sizes.clone();
        pad_variable_length_inputs: bool = batching.0.pad_variable_length_inputs;
        enable_large_batch_splitting: Option<bool> = batching.0.enable_large_batch_splitting;
        max_execution_batch_size: Option<i64> = batching.0.max_execution_batch_size;
    }
    methods {
        #[new]
        #[pyo3(signature = (*, max_batch_size = None, batch_timeout = None, max_enqueued_batches = None, num_batch_threads = None, thread_pool_name = None, allowed_batch_sizes = None, pad_variable_length_inputs = false, enable_large_batch_splitting = None, max_execution_batch_size = None))]
        #[expect(clippy::too_many_arguments, reason = "a keyword argument each")]
        fn new(
            max_batch_size: Option<i64>,
            batch_timeout: Option<Seconds>,
            max_enqueued_batches: Option<i64>,
            num_batch_threads: Option<i64>,
            thread_pool_name: Option<String>,
            allowed_batch_sizes: Option<Vec<i64>>,
            pad_variable_length_inputs: bool,
            enable_large_batch_splitting: Option<bool>,
            max_execution_batch_size: Option<i64>,
        ) -> PyResult<Self> {
            let batching = serving::BatchingParameters {
                max_batch_size,
                batch_timeout: batch_timeout.map(Into::into),
                max_enqueued_batches,
                num_batch_threads,
                thread_pool_name,
                allowed_batch_sizes: allowed_batch_sizes.unwrap_or_default(),
                pad_variable_length_inputs,
                enable_large_batch_splitting,
                max_execution_batch_size,
            };
            batching.validate().into_result().py()?;
            Ok(Self(batching))
        }

        #[staticmethod]
        fn from_text(text: &str) -> PyResult<Self> {
            text.parse().map(Self).py()
        }

        fn to_text(&self) -> String {
            self.0.to_text()
        }

        fn validate<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
            show::records(py, self.0.validate().into_iter().map(Finding).collect())
        }

        fn __repr__(&self) -> String {
            let text = self.0.to_text();
            format!("BatchingParameters.from_text({:?})", text.split_whitespace().collect::<Vec<_>>().join(" "))
        }
    }
}
