//! The methods that the classes of Istio's kinds have in common.

use canary_core::{Manifest, Object, manifest::Source, rollout::Error};
use pyo3::prelude::*;

use crate::error::{IntoPy, to_py};

/// Reads one object from text, strictly; `of` takes it when it is of the wanted kind.
pub(crate) fn read<T>(
    text: &str,
    kind: &str,
    of: impl FnOnce(Object) -> Option<T>,
) -> PyResult<(T, Option<Source>)> {
    let wrong = |reason: String| to_py(Error::manifest(kind.to_owned(), reason));
    let manifest = Manifest::read_named(kind, text).py()?;
    let source = manifest.source(0).cloned();
    let mut objects = manifest.objects.into_iter();
    match (objects.next(), objects.next()) {
        (Some(object), None) => {
            let found = object.kind().to_owned();
            match of(object) {
                Some(object) => Ok((object, source)),
                None => Err(wrong(format!("found a {found}, expected a {kind}"))),
            }
        }
        (None, _) => Err(wrong(format!("found no object, expected a {kind}"))),
        (Some(_), Some(_)) => {
            Err(wrong("found several objects, expected one; canary.load reads them all".to_owned()))
        }
    }
}

/// `Kind(namespace/name)`, or `Kind(name)` for a kind that belongs to no namespace.
pub(crate) fn shown(class: &str, namespace: Option<&str>, name: &str) -> String {
    match namespace {
        Some(namespace) => format!("{class}({namespace}/{name})"),
        None if class == "GatewayClass" => format!("{class}({name})"),
        None => format!("{class}(default/{name})"),
    }
}

/// Declares the class of one kind: the methods that all kinds have, and those of its own block.
macro_rules! kind_class {
    ($kind:ident [$($block:ident),*], $spec:literal, $doc:literal, { $($own:tt)* }) => {
        $crate::istio::kind::kind_class!(
            @class $kind [$($block),*], $spec, $doc,
            canary_core::istio::$kind, stringify!($kind), "canary.istio", "canary._html",
            |object| match object {
                canary_core::Object::$kind(object) => Some(object),
                _ => None,
            },
            { $($own)* }
        );
    };
    (
        @class $kind:ident [$($block:ident),*], $spec:literal, $doc:literal,
        $core:path, $named:expr, $module:literal, $html:literal, $take:expr, { $($own:tt)* }
    ) => {
        #[doc = $doc]
        #[canary_python_macros::binding]
        #[pyclass(frozen, eq, module = "canary", from_py_object)]
        #[derive(Clone)]
        pub(crate) struct $kind(
            pub(crate) $core,
            /// The places in the text that the caller gave, if there was one.
            pub(crate) Option<canary_core::manifest::Source>,
        );

        /// Objects compare by content, wherever they were read.
        impl PartialEq for $kind {
            fn eq(&self, other: &Self) -> bool {
                self.0 == other.0
            }
        }

        impl From<$core> for $kind {
            fn from(object: $core) -> Self {
                Self(object, None)
            }
        }

        impl $kind {
            /// Reads one object from JSON that the caller never saw: places in it would mislead.
            fn from_json(json: &serde_json::Value) -> PyResult<Self> {
                Ok(Self(Self::read(&json.to_string())?.0, None))
            }

            /// Reads one object of this kind from text, strictly.
            fn read(text: &str) -> PyResult<Self> {
                let (object, source) = $crate::istio::kind::read(text, $named, $take)?;
                Ok(Self(object, source))
            }
        }

        $crate::macros::pymethods! {
            $kind [$($block),*]
            get |object| {
                name: &str = object.0.name();
                namespace: Option<&str> = object.0.metadata.namespace.as_deref();
                api_version: String = object.0.api_version();
            }
            make |object, py| {
                metadata: PyResult<Bound<'py, PyAny>> = $crate::convert::plain::to_message(
                    py, "canary.istio", "ObjectMeta", &$crate::convert::value::json(&object.0.metadata)?, "metadata",
                );
                spec: PyResult<Bound<'py, PyAny>> = $crate::convert::plain::to_message(
                    py, $module, $spec, &$crate::convert::value::json(&object.0.spec)?, "spec",
                );
            }
            methods {
                #[new]
                #[pyo3(signature = (name, **fields))]
                fn new(name: String, fields: Option<&Bound<'_, pyo3::types::PyDict>>) -> PyResult<Self> {
                    let mut object = <$core>::default();
                    object.metadata.name = Some(name);
                    let mut object = $crate::convert::value::json(&object)?;
                    // Required fields must be given; the default has them empty.
                    object["spec"] = serde_json::Value::Object(serde_json::Map::new());
                    if let Some(fields) = fields {
                        object = $crate::istio::fields::replaced(stringify!($kind), object, fields)?;
                    }
                    Self::from_json(&object)
                }

                $($own)*

                #[classmethod]
                fn from_dict(
                    _class: &Bound<'_, pyo3::types::PyType>,
                    object: &Bound<'_, PyAny>,
                ) -> PyResult<Self> {
                    Self::from_json(&$crate::json::from_python(object)?)
                }

                #[classmethod]
                fn from_yaml(_class: &Bound<'_, pyo3::types::PyType>, text: &str) -> PyResult<Self> {
                    Self::read(text)
                }

                fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                    $crate::convert::plain::to_dict(py, &self.0)
                }

                fn to_json(&self) -> PyResult<String> {
                    Ok($crate::convert::value::json(&self.0)?.to_string())
                }

                fn to_yaml(&self) -> PyResult<String> {
                    $crate::error::IntoPy::py(canary_core::Manifest::of([&self.0]).to_yaml())
                }

                #[pyo3(signature = (**changes))]
                fn replace(&self, changes: Option<&Bound<'_, pyo3::types::PyDict>>) -> PyResult<Self> {
                    let Some(changes) = changes else { return Ok(self.clone()) };
                    let object = $crate::convert::value::json(&self.0)?;
                    Self::from_json(&$crate::istio::fields::replaced(stringify!($kind), object, changes)?)
                }

                fn to_version(&self, version: &str) -> PyResult<Self> {
                    let object = self.0.clone().to_version(version);
                    Ok(Self($crate::error::IntoPy::py(object)?, self.1.clone()))
                }

                fn validate<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                    $crate::finding::records(py, self.0.validate(), self.1.as_ref())
                }

                fn __hash__(&self) -> PyResult<u64> {
                    $crate::convert::value::hash(&self.0)
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
                    let namespace = self.0.metadata.namespace.as_deref();
                    $crate::istio::kind::shown(stringify!($kind), namespace, self.0.name())
                }

                fn _repr_html_(&self, py: Python<'_>) -> PyResult<String> {
                    let render = py.import($html)?.getattr(concat!("render_", stringify!($kind)))?;
                    render.call1((self.to_dict(py)?, self.to_yaml()?))?.extract()
                }
            }
        }
    };
}

pub(crate) use kind_class;
