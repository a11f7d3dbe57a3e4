//! `canary.copy_model`.

mod job;

use canary_python_macros::binding;
use pyo3::prelude::*;

use self::job::Job;
use crate::door::{Call, Task};

/// Declares the function and its awaitable twin, which take the same.
macro_rules! twins {
    ($($name:ident: $way:ident;)*) => {
        $(
            /// Copies a SavedModel from one place to another.
            #[binding]
            #[pyfunction]
            #[pyo3(signature = (source, target, *, progress = None, concurrency = 4, read_back = true, proxy = None))]
            pub(crate) fn $name<'py>(
                py: Python<'py>,
                source: &Bound<'py, PyAny>,
                target: &Bound<'py, PyAny>,
                progress: Option<Py<PyAny>>,
                concurrency: usize,
                read_back: bool,
                proxy: Option<&Bound<'py, PyAny>>,
            ) -> PyResult<Bound<'py, PyAny>> {
                let job = Job::new(source, target, progress, concurrency, read_back, proxy)?;
                Task::new(job.run()).$way(py)
            }
        )*
    };
}

twins! {
    copy_model: wait;
    copy_model_async: awaitable;
}
