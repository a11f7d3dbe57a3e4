//! `canary.Route`.

use canary_core::rollout::{self, Protocol, Rules};
use canary_python_macros::binding;
use pyo3::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    convert::{choice::choose, value},
    json,
    macros::pymethods,
};

/// An object with routing rules, and those of its rules that a rollout moves.
#[binding("Route.virtual_service(name)")]
#[pyclass(frozen, eq, module = "canary", from_py_object)]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Route {
    pub(crate) core: rollout::Route,
}

impl Route {
    /// The route with these rules: `"all"`, or names and matches.
    fn with(
        mut core: rollout::Route,
        rules: Option<&Bound<'_, PyAny>>,
        namespace: Option<String>,
    ) -> PyResult<Self> {
        core.namespace = namespace;
        core.rules = match rules {
            None => Rules::Only,
            Some(all) if all.extract::<&str>().is_ok_and(|word| word == "all") => Rules::All,
            Some(listed) => Rules::Listed(json::read("rules", json::from_python(listed)?)?),
        };
        Ok(Self { core })
    }
}

pymethods! {
    Route [value, dict, card(render_value)]
    get |route| {
        kind: &'static str = route.core.kind.as_str();
        name: &str = &route.core.name;
        namespace: Option<&str> = route.core.namespace.as_deref();
    }
    methods {
        #[staticmethod]
        #[pyo3(signature = (name, *, rules = None, namespace = None, protocol = "http"))]
        fn virtual_service(
            name: &str,
            rules: Option<&Bound<'_, PyAny>>,
            namespace: Option<String>,
            protocol: &str,
        ) -> PyResult<Self> {
            let known = [Protocol::Http, Protocol::Tls, Protocol::Tcp].map(|one| (one.as_str(), one));
            let protocol = choose("protocol", protocol, &known)?;
            Self::with(rollout::Route::virtual_service(name).protocol(protocol), rules, namespace)
        }

        #[staticmethod]
        #[pyo3(signature = (name, *, rules = None, namespace = None))]
        fn http_route(name: &str, rules: Option<&Bound<'_, PyAny>>, namespace: Option<String>) -> PyResult<Self> {
            Self::with(rollout::Route::http_route(name), rules, namespace)
        }

        #[staticmethod]
        #[pyo3(signature = (name, *, rules = None, namespace = None))]
        fn grpc_route(name: &str, rules: Option<&Bound<'_, PyAny>>, namespace: Option<String>) -> PyResult<Self> {
            Self::with(rollout::Route::grpc_route(name), rules, namespace)
        }

        fn __repr__(&self) -> PyResult<String> {
            Ok(format!("Route({})", value::json(&self.core)?))
        }
    }
}
