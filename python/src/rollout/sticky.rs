//! `canary.Sticky`.

use canary_core::rollout;
use canary_python_macros::binding;
use pyo3::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    convert::{time::Seconds, value},
    macros::pymethods,
};

/// The cookie that keeps a user at the version met first.
#[binding("Sticky(\"canary-pets\")")]
#[pyclass(frozen, eq, module = "canary", from_py_object)]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Sticky {
    pub(crate) core: rollout::Sticky,
}

pymethods! {
    Sticky [value, dict, card(render_value)]
    get |sticky| {
        cookie: &str = &sticky.core.cookie;
        max_age: f64 = sticky.core.max_age.as_secs_f64();
    }
    methods {
        #[new]
        #[pyo3(signature = (cookie, *, max_age = None))]
        fn new(cookie: &str, max_age: Option<Seconds>) -> Self {
            let core = rollout::Sticky::cookie(cookie);
            Self { core: match max_age {
                Some(Seconds(time)) => core.max_age(time),
                None => core,
            } }
        }

        fn __repr__(&self) -> PyResult<String> {
            Ok(format!("Sticky({})", value::json(&self.core)?))
        }
    }
}
