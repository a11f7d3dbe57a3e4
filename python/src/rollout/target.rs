//! `canary.Target`.

use canary_core::rollout::{self, Arms, Routes};
use canary_python_macros::binding;
use pyo3::{exceptions::PyValueError, prelude::*};
use serde::{Deserialize, Serialize};

use super::{route::Route, version_labels::VersionLabels};
use crate::{
    convert::{choice::choose, value},
    json,
    macros::pymethods,
};

/// The target in an argument: a `Target`, or a mapping as in YAML.
pub(super) fn target_of(given: &Bound<'_, PyAny>) -> PyResult<rollout::Target> {
    if let Ok(labels) = given.extract::<VersionLabels>() {
        return Ok(labels.core.into());
    }
    match given.extract::<Target>() {
        Ok(target) => Ok(target.core),
        Err(_) => json::read("target", json::from_python(given)?),
    }
}

/// The target as the object that it is made by: a `Target` of routes, or `VersionLabels`.
pub(super) fn shown<'py>(py: Python<'py>, target: &rollout::Target) -> PyResult<Bound<'py, PyAny>> {
    match target.version_labels() {
        Some(labels) => Ok(Bound::new(py, VersionLabels { core: labels.clone() })?.into_any()),
        None => Ok(Bound::new(py, Target { core: target.clone() })?.into_any()),
    }
}

/// The target of a rollout.
#[binding("Target(Route.http_route(\"pets\"))")]
#[pyclass(frozen, eq, module = "canary", from_py_object)]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Target {
    pub(crate) core: rollout::Target,
}

pymethods! {
    Target [value, dict, card(render_value)]
    get |target| {
        namespace: &str = target.core.namespace();
        state_object: String = target.core.state_object().to_string();
        routes: Vec<Route> = target.core.routes().into_iter().flat_map(|routes| &routes.routes).cloned().map(|core| Route { core }).collect();
    }
    methods {
        #[new]
        #[pyo3(signature = (*routes, namespace = "default", arms = None, destination_rule = None, destination_rule_namespace = None))]
        fn new(
            routes: Vec<Route>,
            namespace: &str,
            arms: Option<&str>,
            destination_rule: Option<String>,
            destination_rule_namespace: Option<String>,
        ) -> PyResult<Self> {
            if routes.is_empty() {
                return Err(PyValueError::new_err(
                    "a target needs at least one route, such as Route.http_route(\"pets\")",
                ));
            }
            let mut core = Routes::of(routes.into_iter().map(|route| route.core)).namespace(namespace);
            if let Some(arms) = arms {
                let known = [("subsets", Arms::Subsets), ("services", Arms::Services)];
                core.arms = choose("arms", arms, &known)?;
            }
            (core.destination_rule, core.destination_rule_namespace) =
                (destination_rule, destination_rule_namespace);
            Ok(Self { core: core.into() })
        }

        fn __repr__(&self) -> PyResult<String> {
            Ok(format!("Target({})", value::json(&self.core)?))
        }
    }
}
