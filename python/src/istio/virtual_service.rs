//! `canary.VirtualService`.

use std::borrow::Cow;

use canary_core::istio;
use pyo3::prelude::*;

use super::kind::kind_class;
use crate::{
    convert::{
        given::{Given, Names, Refused, ordered},
        time::Seconds,
    },
    error::IntoPy,
    json,
};

/// Weights given as a mapping or as pairs; the order is kept.
struct Weights(Vec<(String, i32)>);

impl<'py> Given<'py> for Weights {
    fn wanted() -> Cow<'static, str> {
        "a dict from each subset to its weight, such as {\"v1\": 90, \"v2\": 10}".into()
    }

    fn several() -> Cow<'static, str> {
        "weights of subsets".into()
    }

    fn read(value: &Bound<'py, PyAny>) -> Result<Self, Refused> {
        if value.hasattr("items").map_err(Refused::Raised)? {
            return ordered(value, Self::wanted).map(Self);
        }
        Vec::read(value).map(Self).map_err(|refused| refused.unless_within(value, Self::wanted))
    }
}

/// The keyword arguments that both constructors of a `VirtualService` take.
#[allow(clippy::too_many_arguments)]
fn finish(
    mut service: istio::VirtualService,
    hosts: Option<Names>,
    gateways: Option<Names>,
    port: Option<u32>,
    name: Option<String>,
    namespace: Option<String>,
    timeout: Option<Seconds>,
    stamp_subset: Option<String>,
) -> VirtualService {
    if let Some(Names(hosts)) = hosts {
        service = service.hosts(hosts);
    }
    if let Some(Names(gateways)) = gateways {
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
        service = service.timeout(timeout.0);
    }
    if let Some(header) = stamp_subset {
        service = service.stamp_subset(header);
    }
    service.into()
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
            weights: Weights,
            hosts: Option<Names>,
            gateways: Option<Names>,
            port: Option<u32>,
            name: Option<String>,
            namespace: Option<String>,
            timeout: Option<Seconds>,
            stamp_subset: Option<String>,
        ) -> Self {
            let service = istio::VirtualService::weighted(host, weights.0);
            finish(service, hosts, gateways, port, name, namespace, timeout, stamp_subset)
        }

        #[staticmethod]
        #[pyo3(signature = (host, *, subset = None, hosts = None, gateways = None, port = None, name = None, namespace = None, timeout = None, stamp_subset = None))]
        #[allow(clippy::too_many_arguments)]
        fn to(
            host: String,
            subset: Option<String>,
            hosts: Option<Names>,
            gateways: Option<Names>,
            port: Option<u32>,
            name: Option<String>,
            namespace: Option<String>,
            timeout: Option<Seconds>,
            stamp_subset: Option<String>,
        ) -> Self {
            let mut service = istio::VirtualService::to(host);
            if let Some(subset) = subset {
                service = service.subset(subset);
            }
            finish(service, hosts, gateways, port, name, namespace, timeout, stamp_subset)
        }

        #[pyo3(signature = (weights, *, route = None))]
        fn with_weights(&self, weights: Weights, route: Option<&str>) -> PyResult<Self> {
            Ok(self.0.clone().with_weights(route, weights.0).py()?.into())
        }

        fn with_route(&self, route: &Bound<'_, PyAny>) -> PyResult<Self> {
            let rule = json::from_python(route)?;
            // As the only rule of an object, so that its errors have its place.
            let object = serde_json::json!({
                "apiVersion": self.0.api_version(),
                "kind": "VirtualService",
                "metadata": {"name": self.0.name()},
                "spec": {"http": [rule]},
            });
            let Self(read, _) = Self::from_json(&object)?;
            let rule = read.spec.http.into_iter().flatten().next().unwrap_or_default();
            Ok(self.0.clone().with_rule(rule).into())
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
