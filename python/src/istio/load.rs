//! `canary.load` and `canary.loads`.

use canary_core::{
    Manifest, Object, gateway_api::GatewayApiObject, manifest::Source, rollout::Error,
};
use canary_python_macros::binding;
use pyo3::{prelude::*, types::PyList};

use super::{destination_rule::DestinationRule, gateway::Gateway, virtual_service::VirtualService};
use crate::{
    convert::{file::File, plain},
    door,
    error::IntoPy,
    finding::Finding,
    gateway_api::{
        backend_tls_policy::BackendTlsPolicy, gateway::KubernetesGateway,
        gateway_class::GatewayClass, grpc_route::GrpcRoute, http_route::HttpRoute,
        reference_grant::ReferenceGrant,
    },
};

/// An object of the core as the Python class of its kind, or as a plain dictionary.
pub(crate) fn to_python(
    py: Python<'_>,
    object: Object,
    source: Option<Source>,
) -> PyResult<Bound<'_, PyAny>> {
    Ok(match object {
        Object::Gateway(gateway) => Bound::new(py, Gateway(gateway, source))?.into_any(),
        Object::VirtualService(service) => {
            Bound::new(py, VirtualService(service, source))?.into_any()
        }
        Object::DestinationRule(rule) => Bound::new(py, DestinationRule(rule, source))?.into_any(),
        Object::GatewayApi(object) => return gateway_api(py, object, source),
        other => plain::to_python(py, &other.to_json_value().py()?)?,
    })
}

/// An object of the Gateway API as the Python class of its kind.
fn gateway_api(
    py: Python<'_>,
    object: GatewayApiObject,
    source: Option<Source>,
) -> PyResult<Bound<'_, PyAny>> {
    Ok(match object {
        GatewayApiObject::HttpRoute(one) => Bound::new(py, HttpRoute(one, source))?.into_any(),
        GatewayApiObject::GrpcRoute(one) => Bound::new(py, GrpcRoute(one, source))?.into_any(),
        GatewayApiObject::Gateway(one) => {
            Bound::new(py, KubernetesGateway(one, source))?.into_any()
        }
        GatewayApiObject::GatewayClass(one) => {
            Bound::new(py, GatewayClass(one, source))?.into_any()
        }
        GatewayApiObject::ReferenceGrant(one) => {
            Bound::new(py, ReferenceGrant(one, source))?.into_any()
        }
        GatewayApiObject::BackendTlsPolicy(one) => {
            Bound::new(py, BackendTlsPolicy(one, source))?.into_any()
        }
        other => plain::to_python(py, &other.to_json_value().py()?)?,
    })
}

fn text_of(path: &File) -> canary_core::rollout::Result<String> {
    let unreadable = |what, reason| Error::manifest(what, reason);
    String::from_utf8(path.read(unreadable)?).map_err(|error| {
        unreadable(path.path().display().to_string(), format!("it is not UTF-8: {error}"))
    })
}

/// Text from which on it is read on a thread of its own, which Ctrl-C leaves alone: some milliseconds.
const LARGE: usize = 64 << 10;

/// The objects of a text, with the findings of reading it.
fn read(py: Python<'_>, name: String, text: String, lenient: bool) -> PyResult<Bound<'_, PyAny>> {
    let large = text.len() > LARGE;
    let work = move || {
        if lenient {
            return Ok(Manifest::read_lenient(&text));
        }
        let (manifest, findings) = Manifest::read_with_findings(&name, &text).py()?;
        if findings.has_errors() {
            // With the rules that the objects break, too.
            return Ok((Manifest::read_named(&name, &text).py()?, findings));
        }
        Ok((manifest, findings))
    };
    let (manifest, found) = if large { door::abandon(py, work) } else { py.detach(work) }?;
    let sources: Vec<_> =
        (0..manifest.objects.len()).map(|at| manifest.source(at).cloned()).collect();
    let objects = manifest.objects.into_iter().zip(sources).map(|(object, source)| {
        py.check_signals()?;
        to_python(py, object, source)
    });
    let objects = PyList::new(py, objects.collect::<PyResult<Vec<_>>>()?)?;
    let findings: Vec<Finding> = found.into_iter().map(Finding).collect();
    py.import("canary._objects")?.getattr("Objects")?.call1((objects, findings))
}

/// Reads every object of a file, YAML or JSON, one document or several.
#[binding]
#[pyfunction]
#[pyo3(signature = (path, *, lenient = false))]
#[expect(clippy::needless_pass_by_value, reason = "an argument is read into a value")]
pub(crate) fn load(py: Python<'_>, path: File, lenient: bool) -> PyResult<Bound<'_, PyAny>> {
    let text = text_of(&path).py()?;
    read(py, path.path().display().to_string(), text, lenient)
}

/// Reads every object of a text.
#[binding]
#[pyfunction]
#[pyo3(signature = (text, *, lenient = false))]
pub(crate) fn loads(py: Python<'_>, text: String, lenient: bool) -> PyResult<Bound<'_, PyAny>> {
    let suffixes = [".yaml", ".yml", ".json"];
    if !text.contains('\n') && suffixes.iter().any(|suffix| text.trim_end().ends_with(suffix)) {
        let reason = format!("the text {text:?} is the name of a file; load({text:?}) reads it");
        return Err(Error::manifest("manifest".to_owned(), reason)).py();
    }
    read(py, "manifest".to_owned(), text, lenient)
}
