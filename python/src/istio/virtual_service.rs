//! `canary.VirtualService`.

use canary_core::istio;
use pyo3::{prelude::*, types::PyDict};

use super::kind::kind_class;
use crate::convert::time;

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
        service = service.timeout(time::seconds(&timeout)?);
    }
    if let Some(header) = stamp_subset {
        service = service.stamp_subset(header);
    }
    Ok(service.into())
}

kind_class!(
    VirtualService[table],
    "VirtualServiceSpec",
    "Istio's `VirtualService`: where requests to certain hosts go.",
    {
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
    }
);
