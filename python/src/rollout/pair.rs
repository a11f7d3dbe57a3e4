//! `canary.Pair`.

use canary_core::evidence::{Answer, Pair as Core};
use canary_python_macros::binding;
use pyo3::prelude::*;
use serde::{Deserialize, Serialize};

use crate::macros::pymethods;

/// Both models' answers to one input.
#[binding]
#[pyclass(frozen, eq, module = "canary")]
#[derive(PartialEq, Deserialize, Serialize)]
pub(crate) struct Pair(pub(crate) Core);

pymethods! {
    Pair [value, card(render_value)]
    get |pair| {
        input: Option<&str> = pair.0.name.as_deref();
        stable: (&str, Option<f64>) = (&pair.0.stable.class, pair.0.stable.score);
        canary: (&str, Option<f64>) = (&pair.0.canary.class, pair.0.canary.score);
        stable_failed: bool = pair.0.stable.failed;
        canary_failed: bool = pair.0.canary.failed;
        label: Option<&str> = pair.0.label.as_deref();
        agrees: bool = pair.0.agrees();
    }
    methods {
        fn __repr__(&self) -> String {
            let Self(pair) = self;
            let name = pair.name.as_deref().unwrap_or("?");
            let half = |half: &Answer| {
                if half.failed { described(half) } else { format!("{:?}", half.class) }
            };
            format!("Pair({name:?}: {} / {})", half(&pair.stable), half(&pair.canary))
        }
    }
}

/// The class of a response, or the reason why there is none.
pub(crate) fn described(half: &Answer) -> String {
    if half.failed { format!("failed: {}", half.class) } else { half.class.clone() }
}
