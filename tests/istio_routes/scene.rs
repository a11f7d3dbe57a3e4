//! One mesh: its objects, as Istio and as the evaluator get them, and the proxy that is asked.

use std::collections::BTreeMap;

use canary_core::{Manifest, Mesh, Object, Request, route::GatewayWorkload};
use canary_tests::meshes::{
    admissible,
    backends::Backends,
    clients::{self, Client},
    draw::Draw,
    objects,
};
use serde_json::{Value, json};

/// The kind of proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Gateway,
    Sidecar,
}

/// A generated mesh and the client or the gateway in it.
pub(crate) struct Scene {
    pub(crate) kind: Kind,
    pub(crate) objects: Vec<Object>,
    pub(crate) client: Client,
}

impl Scene {
    pub(crate) fn new(kind: Kind, draw: &mut Draw, backends: &Backends) -> Self {
        let mut rules = objects::destination_rules(draw);
        clients::with_policies(draw, &mut rules);
        let mut all: Vec<Object> = rules.into_iter().map(Object::from).collect();
        all.extend(clients::kubernetes_services(backends).into_iter().map(Object::Other));
        all.extend(clients::entries(draw, backends).into_iter().map(Object::Other));
        let client = match kind {
            Kind::Gateway => {
                let mut made = objects::objects(draw);
                for gateway in &mut made.gateways {
                    objects::stamp(draw, &mut gateway.metadata);
                    let first = gateway.spec.servers.as_mut().and_then(|all| all.first_mut());
                    if draw.once_in(2)
                        && let Some(first) = first
                    {
                        first.hosts = Some(vec!["*".to_owned()]);
                    }
                }
                for service in &mut made.services {
                    objects::stamp(draw, &mut service.metadata);
                    admissible::mend(service, false);
                    let last = service.spec.http.as_mut().and_then(|rules| rules.last_mut());
                    if draw.once_in(2)
                        && let Some(last) = last
                    {
                        // Otherwise most requests fit no rule.
                        last.matches = None;
                    }
                }
                all.extend(made.gateways.into_iter().map(Object::from));
                all.extend(made.services.into_iter().map(Object::from));
                let labels = BTreeMap::from([("istio".to_owned(), "ingressgateway".to_owned())]);
                let namespace = draw.one(&["istio-system", "istio-system", "default", "shop"]);
                Client { namespace: namespace.to_owned(), labels }
            }
            Kind::Sidecar => {
                let mut made = clients::services(draw);
                for service in &mut made {
                    admissible::mend(service, true);
                }
                all.extend(made.into_iter().map(Object::from));
                all.extend(clients::sidecars(draw).into_iter().map(Object::Other));
                clients::client(draw)
            }
        };
        Self { kind, objects: all, client }
    }

    /// The question to Istio.
    pub(crate) fn question(&self, backends: &Backends) -> Value {
        let endpoints = backends.services.iter().flat_map(|service| {
            service.endpoints.iter().flat_map(move |endpoint| {
                endpoint.addresses.iter().map(move |(port, address)| {
                    json!({
                        "host": service.host, "port": port, "labels": endpoint.labels,
                        "address": address.ip().to_string(), "target": address.port(),
                    })
                })
            })
        });
        json!({
            "ask": "routes",
            "objects": self.objects,
            "endpoints": endpoints.collect::<Vec<_>>(),
            "proxies": [{
                "gateway": self.kind == Kind::Gateway,
                "namespace": self.client.namespace,
                "labels": self.client.labels,
            }],
        })
    }

    /// Leaves out what Istio's admission refuses, by its places in the list.
    pub(crate) fn without(&mut self, refused: &Value) {
        let refused = refused.as_array().into_iter().flatten();
        let refused: Vec<u64> = refused.filter_map(|one| one["place"].as_u64()).collect();
        let mut place = 0;
        self.objects.retain(|_| {
            place += 1;
            !refused.contains(&(place - 1))
        });
    }

    /// The evaluator's mesh.
    pub(crate) fn mesh(&self, backends: &Backends) -> canary_core::Result<Mesh> {
        let mut builder =
            Mesh::builder().objects(self.objects.iter().cloned()).services(backends.inventory());
        if self.kind == Kind::Gateway {
            let names = self.objects.iter().filter_map(|object| match object {
                Object::Gateway(gateway) => Some(&gateway.metadata),
                _ => None,
            });
            let names = names.map(|metadata| {
                let namespace = metadata.namespace.as_deref().unwrap_or("default");
                format!("{namespace}/{}", metadata.name.as_deref().unwrap_or_default())
            });
            builder = builder.gateway_workload(GatewayWorkload {
                gateways: names.collect(),
                namespace: self.client.namespace.clone(),
                labels: self.client.labels.clone(),
            });
        }
        Ok(builder.build()?)
    }

    /// A request that the proxy gets; `ports` are those on which a gateway listens.
    pub(crate) fn request(&self, draw: &mut Draw, ports: &[u16]) -> Request {
        match self.kind {
            Kind::Gateway => {
                let mut request = objects::request(draw, ports);
                let hosts = admissible::hosts(&self.objects);
                if !hosts.is_empty() && !draw.once_in(3) {
                    let place = draw.below(hosts.len() as u64);
                    request.authority.clone_from(&hosts[usize::try_from(place).unwrap()]);
                }
                request
            }
            Kind::Sidecar => clients::request(draw, &self.client),
        }
    }

    /// The objects as a reader sees them.
    pub(crate) fn text(&self) -> String {
        let own = self.objects.iter().filter(|object| object.kind() != "Service");
        let yaml = Manifest::from(own.cloned().collect::<Vec<_>>()).to_yaml().unwrap();
        format!("# asked by {:?} {:?}\n{yaml}", self.kind, self.client)
    }
}
