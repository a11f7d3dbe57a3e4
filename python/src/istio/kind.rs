//! `canary.Gateway`, `canary.VirtualService` and `canary.DestinationRule`.

use std::hash::{DefaultHasher, Hash, Hasher};

use canary_core::{Findings, Manifest, Object, istio, manifest::Source};
use pyo3::{
    exceptions::PyTypeError,
    prelude::*,
    types::{PyDict, PyType},
};
use serde_json::{Map, Value};

use crate::{error::IntoPy, finding::Finding, json};

/// Weights given as a mapping or as pairs; the order is kept.
#[derive(FromPyObject)]
enum Weights<'py> {
    Mapping(Bound<'py, PyDict>),
    Pairs(Vec<(String, i32)>),
}

impl Weights<'_> {
    fn pairs(self) -> PyResult<Vec<(String, i32)>> {
        match self {
            Self::Pairs(pairs) => Ok(pairs),
            Self::Mapping(mapping) => {
                mapping.iter().map(|(key, value)| Ok((key.extract()?, value.extract()?))).collect()
            }
        }
    }
}

/// Findings with their places in the text that the object was read from.
pub(crate) fn located(mut findings: Findings, source: Option<&Source>) -> Findings {
    if let Some(source) = source {
        findings.0.iter_mut().for_each(|finding| source.locate(finding));
    }
    findings
}

/// Puts fields given as keyword arguments into metadata and spec.
fn replaced(mut object: Value, changes: &Bound<'_, PyDict>) -> PyResult<Value> {
    let fields = |object: &mut Value, part: &str| -> PyResult<Map<String, Value>> {
        match object[part].take() {
            Value::Object(fields) => Ok(fields),
            _ => Ok(Map::new()),
        }
    };
    let mut metadata = fields(&mut object, "metadata")?;
    let mut spec = fields(&mut object, "spec")?;
    for (key, value) in changes {
        let key: String = key.extract()?;
        let (part, key) = match key.as_str() {
            "name" | "namespace" | "labels" | "annotations" => (&mut metadata, key),
            _ => (&mut spec, camel(&key)),
        };
        if value.is_none() {
            part.remove(&key);
        } else {
            part.insert(key, json::from_python(&value)?);
        }
    }
    object["metadata"] = Value::Object(metadata);
    object["spec"] = Value::Object(spec);
    Ok(object)
}

fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let mut camel = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut letters = part.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    camel
}

/// The hosts given, or all.
fn or_all(hosts: Option<Vec<String>>) -> Vec<String> {
    hosts.unwrap_or_else(|| vec!["*".to_owned()])
}

/// A value as the core's JSON, which every object has.
fn value_of(object: &impl serde::Serialize) -> PyResult<Value> {
    serde_json::to_value(object)
        .map_err(|error| PyTypeError::new_err(format!("cannot be written as JSON: {error}")))
}

/// The class of one kind: what is common to all, and what its own block adds.
macro_rules! kind_class {
    ($kind:ident, $doc:literal, { $($own:tt)* }) => {
        #[doc = $doc]
        #[pyclass(frozen, module = "canary", from_py_object)]
        #[derive(Clone)]
        pub(crate) struct $kind(
            pub(crate) istio::$kind,
            /// The places in the text that the caller gave, if there was one.
            pub(crate) Option<Source>,
        );

        /// Objects compare by content, wherever they were read.
        impl PartialEq for $kind {
            fn eq(&self, other: &Self) -> bool {
                self.0 == other.0
            }
        }

        impl From<istio::$kind> for $kind {
            fn from(object: istio::$kind) -> Self {
                Self(object, None)
            }
        }

        impl $kind {
            /// Reads one object from JSON that the caller never saw: places in it would mislead.
            fn from_json(json: &Value) -> PyResult<Self> {
                Ok(Self(Self::read(&json.to_string(), stringify!($kind))?.0, None))
            }

            /// Reads one object of this kind from text, strictly.
            fn read(text: &str, what: &str) -> PyResult<Self> {
                let manifest = Manifest::read_named(what, text).py()?;
                let source = manifest.source(0).cloned();
                let mut objects = manifest.objects.into_iter();
                match (objects.next(), objects.next()) {
                    (Some(Object::$kind(object)), None) => Ok(Self(object, source)),
                    (Some(object), None) => Err(crate::error::to_py(canary_core::rollout::Error::manifest(what.to_owned(), format!("found a {}, expected a {}", object.kind(), stringify!($kind))))),
                    (None, _) => Err(crate::error::to_py(canary_core::rollout::Error::manifest(what.to_owned(), concat!("found no object, expected a ", stringify!($kind)).to_owned()))),
                    (Some(_), Some(_)) => Err(crate::error::to_py(canary_core::rollout::Error::manifest(what.to_owned(), "found several objects, expected one; canary.load reads them all".to_owned()))),
                }
            }
        }

        #[pymethods]
        impl $kind {
            #[new]
            #[pyo3(signature = (name, **fields))]
            fn new(name: String, fields: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
                let mut object = istio::$kind::default();
                object.metadata.name = Some(name);
                let mut object = value_of(&object)?;
                // Required fields must be given; the default has them empty.
                object["spec"] = Value::Object(Map::new());
                if let Some(fields) = fields {
                    object = replaced(object, fields)?;
                }
                Self::from_json(&object)
            }

            $($own)*

            #[classmethod]
            fn from_dict(_class: &Bound<'_, PyType>, object: &Bound<'_, PyAny>) -> PyResult<Self> {
                Self::from_json(&json::from_python(object)?)
            }

            #[classmethod]
            fn from_yaml(_class: &Bound<'_, PyType>, text: &str) -> PyResult<Self> {
                Self::read(text, stringify!($kind))
            }

            fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                json::to_python(py, &value_of(&self.0)?)
            }

            fn to_json(&self) -> PyResult<String> {
                Ok(value_of(&self.0)?.to_string())
            }

            fn to_yaml(&self) -> PyResult<String> {
                Manifest::of([&self.0]).to_yaml().py()
            }

            #[pyo3(signature = (**changes))]
            fn replace(&self, changes: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
                let Some(changes) = changes else { return Ok(self.clone()) };
                Self::from_json(&replaced(value_of(&self.0)?, changes)?)
            }

            fn validate<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                let findings = located(self.0.validate(), self.1.as_ref());
                let findings: Vec<_> = findings.into_iter().map(Finding).collect();
                crate::show::records(py, findings)
            }

            #[getter]
            fn name(&self) -> &str {
                self.0.name()
            }

            #[getter]
            fn namespace(&self) -> Option<&str> {
                self.0.metadata.namespace.as_deref()
            }

            #[getter]
            fn metadata<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                json::to_message(py, "ObjectMeta", &value_of(&self.0.metadata)?, "metadata")
            }

            #[getter]
            fn spec<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                json::to_message(py, concat!(stringify!($kind), "Spec"), &value_of(&self.0.spec)?, "spec")
            }

            fn __eq__(&self, other: &Self) -> bool {
                self == other
            }

            fn __hash__(&self) -> PyResult<u64> {
                let mut hasher = DefaultHasher::new();
                self.to_json()?.hash(&mut hasher);
                Ok(hasher.finish())
            }

            fn __reduce__<'py>(
                &self,
                py: Python<'py>,
            ) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyAny>,))> {
                let class = py.get_type::<Self>();
                Ok((class.getattr("from_dict")?, (self.to_dict(py)?,)))
            }

            fn __str__(&self) -> PyResult<String> {
                self.to_yaml()
            }

            fn __repr__(&self) -> String {
                let namespace = self.0.metadata.namespace.as_deref().unwrap_or("default");
                format!(concat!(stringify!($kind), "({}/{})"), namespace, self.0.name())
            }

            fn _repr_html_(&self, py: Python<'_>) -> PyResult<String> {
                let render = py.import("canary._html")?.getattr(concat!("render_", stringify!($kind)))?;
                render.call1((self.to_dict(py)?, self.to_yaml()?))?.extract()
            }
        }
    };
}

kind_class!(Gateway, "Istio's `Gateway`: which ports and hosts the mesh lets in.", {
    #[staticmethod]
    #[pyo3(signature = (name, port = 80, hosts = None, *, selector = None, namespace = None))]
    fn http(
        name: String,
        port: u32,
        hosts: Option<Vec<String>>,
        selector: Option<std::collections::BTreeMap<String, String>>,
        namespace: Option<String>,
    ) -> Self {
        let mut gateway = istio::Gateway::http(name, port, or_all(hosts));
        if let Some(selector) = selector {
            gateway.spec.selector = Some(selector);
        }
        gateway.metadata.namespace = namespace;
        gateway.into()
    }

    #[staticmethod]
    #[pyo3(signature = (name, port = 443, hosts = None, *, credential_name, selector = None, namespace = None))]
    fn https(
        name: String,
        port: u32,
        hosts: Option<Vec<String>>,
        credential_name: String,
        selector: Option<std::collections::BTreeMap<String, String>>,
        namespace: Option<String>,
    ) -> Self {
        let mut gateway = istio::Gateway::https(name, port, or_all(hosts), credential_name);
        if let Some(selector) = selector {
            gateway.spec.selector = Some(selector);
        }
        gateway.metadata.namespace = namespace;
        gateway.into()
    }
});

kind_class!(VirtualService, "Istio's `VirtualService`: where requests to certain hosts go.", {
    #[staticmethod]
    #[pyo3(signature = (host, weights, *, hosts = None, gateways = None, port = None, name = None, namespace = None, timeout = None, stamp_subset = None))]
    #[allow(clippy::too_many_arguments)]
    fn weighted(
        host: String,
        weights: Weights<'_>,
        hosts: Option<Vec<String>>,
        gateways: Option<Vec<String>>,
        port: Option<u32>,
        name: Option<String>,
        namespace: Option<String>,
        timeout: Option<Bound<'_, PyAny>>,
        stamp_subset: Option<String>,
    ) -> PyResult<Self> {
        let service = istio::VirtualService::weighted(host, weights.pairs()?);
        finish(service, hosts, gateways, port, name, namespace, timeout, stamp_subset)
    }

    #[staticmethod]
    #[pyo3(signature = (host, *, subset = None, hosts = None, gateways = None, port = None, name = None, namespace = None, timeout = None, stamp_subset = None))]
    #[allow(clippy::too_many_arguments)]
    fn to(
        host: String,
        subset: Option<String>,
        hosts: Option<Vec<String>>,
        gateways: Option<Vec<String>>,
        port: Option<u32>,
        name: Option<String>,
        namespace: Option<String>,
        timeout: Option<Bound<'_, PyAny>>,
        stamp_subset: Option<String>,
    ) -> PyResult<Self> {
        let mut service = istio::VirtualService::to(host);
        if let Some(subset) = subset {
            service = service.subset(subset);
        }
        finish(service, hosts, gateways, port, name, namespace, timeout, stamp_subset)
    }

    fn when_header(&self, header: String, value: String, subset: String) -> Self {
        self.0.clone().when_header(header, value, subset).into()
    }

    #[pyo3(signature = (subset, percent = 100.0))]
    fn mirror(&self, subset: String, percent: f64) -> Self {
        self.0.clone().mirror(subset, percent).into()
    }

    #[pyo3(signature = (header = "x-canary-subset"))]
    fn stamp_subset(&self, header: &str) -> Self {
        self.0.clone().stamp_subset(header).into()
    }

    fn records<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        crate::show::rows(slf)
    }

    fn to_pandas<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        crate::show::frame(slf, "pandas")
    }

    fn to_polars<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        crate::show::frame(slf, "polars")
    }
});

kind_class!(
    DestinationRule,
    "Istio's `DestinationRule`: the subsets of a service, and how to call them.",
    {
        #[staticmethod]
        #[pyo3(signature = (host, names, *, namespace = None))]
        fn subsets(host: String, names: Vec<String>, namespace: Option<String>) -> Self {
            let mut rule = istio::DestinationRule::subsets(host, names);
            rule.metadata.namespace = namespace;
            rule.into()
        }
    }
);

/// The keyword arguments that both constructors of a `VirtualService` take.
#[allow(clippy::too_many_arguments)]
fn finish(
    mut service: istio::VirtualService,
    hosts: Option<Vec<String>>,
    gateways: Option<Vec<String>>,
    port: Option<u32>,
    name: Option<String>,
    namespace: Option<String>,
    timeout: Option<Bound<'_, PyAny>>,
    stamp_subset: Option<String>,
) -> PyResult<VirtualService> {
    if let Some(hosts) = hosts {
        service = service.hosts(hosts);
    }
    if let Some(gateways) = gateways {
        service = service.gateways(gateways);
    }
    if let Some(port) = port {
        service = service.port(port);
    }
    if let Some(name) = name {
        service.metadata.name = Some(name);
    }
    if let Some(namespace) = namespace {
        service = service.namespace(namespace);
    }
    if let Some(timeout) = timeout {
        service = service.timeout(crate::time::seconds(&timeout)?);
    }
    if let Some(header) = stamp_subset {
        service = service.stamp_subset(header);
    }
    Ok(service.into())
}
