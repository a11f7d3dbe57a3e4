//! The keyword arguments that the constructors of routes take.

use std::borrow::Cow;

use pyo3::prelude::*;

use crate::convert::given::{Given, Names, Refused, ordered};

/// The weights of Services, given as a mapping or as pairs; the order is kept.
pub(super) struct Weights(pub(super) Vec<(String, i32)>);

impl<'py> Given<'py> for Weights {
    fn wanted() -> Cow<'static, str> {
        "a dict from each Service to its weight, such as {\"pets-v1\": 90, \"pets-v2\": 10}".into()
    }

    fn several() -> Cow<'static, str> {
        "weights of Services".into()
    }

    fn read(value: &Bound<'py, PyAny>) -> Result<Self, Refused> {
        if value.hasattr("items").map_err(Refused::Raised)? {
            return ordered(value, Self::wanted).map(Self);
        }
        Vec::read(value).map(Self).map_err(|refused| refused.unless_within(value, Self::wanted))
    }
}

/// The parents, host names, port and namespace of a route.
pub(super) struct About {
    pub(super) gateways: Option<Names>,
    pub(super) services: Option<Names>,
    pub(super) hostnames: Option<Names>,
    pub(super) port: Option<u32>,
    pub(super) namespace: Option<String>,
}

/// A route with what its arguments say.
macro_rules! about {
    ($route:expr, $about:expr) => {{
        let (mut route, about) = ($route, $about);
        for gateway in about.gateways.into_iter().flat_map(|names| names.0) {
            route = route.gateway(gateway);
        }
        for service in about.services.into_iter().flat_map(|names| names.0) {
            route = route.service(service);
        }
        if let Some(names) = about.hostnames {
            route = route.hosts(names.0);
        }
        if let Some(port) = about.port {
            route = route.port(port);
        }
        if let Some(namespace) = about.namespace {
            route = route.namespace(namespace);
        }
        route
    }};
}

pub(super) use about;

/// Declares the class of one kind of routes.
macro_rules! route_class {
    ($kind:ident, $named:literal, $spec:literal, $doc:literal) => {
        use canary_core::gateway_api as core;
        use pyo3::prelude::*;

        use super::{
            arguments::{About, Weights, about},
            gateway_api_class,
        };
        use crate::convert::given::Names;

        gateway_api_class!($kind, $kind, $named, $spec, $doc, {
            #[staticmethod]
            #[pyo3(signature = (name, weights, *, gateways = None, services = None, hostnames = None, port = None, namespace = None))]
            fn weighted(
                name: String,
                weights: Weights,
                gateways: Option<Names>,
                services: Option<Names>,
                hostnames: Option<Names>,
                port: Option<u32>,
                namespace: Option<String>,
            ) -> Self {
                let given = About { gateways, services, hostnames, port, namespace };
                about!(core::$kind::weighted(name, weights.0), given).into()
            }

            #[staticmethod]
            #[pyo3(signature = (service, *, gateways = None, services = None, hostnames = None, port = None, namespace = None))]
            fn to(
                service: String,
                gateways: Option<Names>,
                services: Option<Names>,
                hostnames: Option<Names>,
                port: Option<u32>,
                namespace: Option<String>,
            ) -> Self {
                let given = About { gateways, services, hostnames, port, namespace };
                about!(core::$kind::to(service), given).into()
            }

            fn when_header(&self, header: String, value: String, service: String) -> Self {
                self.0.clone().when_header(header, value, service).into()
            }
        });
    };
}

pub(super) use route_class;
