//! The translation of all objects of the Gateway API in a mesh.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use serde_json::Value;

use super::{
    super::{
        declared,
        entry::{Entry, Origin},
        registry::Registry,
        rules::RuleCompiler,
        sorted::Age,
        virtual_host::{Size, TooManyRoutes},
    },
    gateways::{self, Deployed},
    grants::Grants,
    merge::{Merger, Rules},
    namespaces::Namespaces,
    objects::GatewayApiObjects,
    parents::{Attached, Parents, serves},
    refusal::Refusal,
    routes::Route,
    rules::RouteRule,
};
use crate::names::MESH;

/// The objects around those of the Gateway API.
pub(in crate::route) struct Surroundings<'s> {
    /// The domain of the cluster.
    pub(in crate::route) domain: &'s str,
    /// The services.
    pub(in crate::route) registry: &'s Registry,
    /// The `Namespace` objects.
    pub(in crate::route) namespaces: &'s [Value],
    /// The `Service` and `ServiceEntry` objects.
    pub(in crate::route) declared: &'s [Value],
}

/// The gateways and routes that Istio makes of the objects.
#[derive(Default)]
pub(in crate::route) struct Translated {
    pub(in crate::route) deployed: Vec<Deployed>,
    /// The merged routes, with the age by which Istio orders them among VirtualServices.
    pub(in crate::route) entries: Vec<(Age, Entry)>,
    /// The objects, or parts of them, that are not in force, with the reasons.
    pub(in crate::route) notes: Vec<String>,
}

/// Translates the objects; mistakes for which Envoy would refuse the routes are added to the findings of `rules`.
///
/// # Errors
/// When host names, parents and rules multiply to too many rules.
pub(in crate::route) fn translate(
    objects: &GatewayApiObjects,
    around: &Surroundings<'_>,
    rules: &mut RuleCompiler<'_>,
    size: &mut Size,
) -> Result<Translated, TooManyRoutes> {
    let mut out = Translated::default();
    let routes: Vec<Route> = objects
        .http_routes
        .iter()
        .map(Route::http)
        .chain(objects.grpc_routes.iter().map(Route::grpc))
        .collect();
    let of_routes = routes.iter().map(|route| route.namespace.as_str());
    let namespaces = Namespaces::new(around.namespaces, of_routes);
    let mut listeners = HashMap::new();
    for gateway in &objects.gateways {
        match gateways::read(gateway, &objects.classes, &namespaces, around.domain) {
            Ok(read) => {
                listeners.insert(read.deployed.name.clone(), read.parents);
                out.deployed.push(read.deployed);
                out.notes.extend(read.notes);
            }
            Err(reason) => out.notes.push(reason),
        }
    }
    let service_entries = service_entries(around.declared);
    let parents = Parents { listeners, service_entries, domain: around.domain };
    let grants = Grants::new(&objects.grants);
    let mut merger = Merger::default();
    for route in &routes {
        let attached = parents.of(route, &mut out.notes);
        let before = merger.rules();
        let known = BTreeMap::new();
        let mut made = Made { route, grants: &grants, around, ordered: false, known };
        for parent in attached {
            made.attach(&parent, &mut merger, rules, &mut out.notes);
        }
        size.add_for(merger.rules() - before, route.object())?;
    }
    out.entries = merger.entries();
    Ok(out)
}

/// The rules of one route, for each kind of parent and port.
struct Made<'r> {
    route: &'r Route,
    grants: &'r Grants,
    around: &'r Surroundings<'r>,
    /// True after a service without a port, for which Istio has put the rules in order.
    ordered: bool,
    known: BTreeMap<(bool, Option<u32>), Option<Rules>>,
}

impl<'r> Made<'r> {
    /// Adds the route's rules for one parent.
    fn attach(
        &mut self,
        parent: &Attached<'_>,
        merger: &mut Merger<'r>,
        compiler: &mut RuleCompiler<'_>,
        notes: &mut Vec<String>,
    ) {
        let route = self.route;
        match parent {
            Attached::Listener { listener, siblings } => {
                let Some(rules) = self.rules(None, false, compiler, notes) else { return };
                for host in route.hostnames().iter().filter(|host| serves(listener, siblings, host))
                {
                    let scope = &listener.internal;
                    merger.add(scope, host, scope, Origin::Routes, route, &rules);
                }
            }
            Attached::Mesh { hosts, namespace, port } => {
                let place = port.as_ref().map(|(port, place)| (*port, place.as_str()));
                let Some(rules) = self.rules(place, true, compiler, notes) else { return };
                self.ordered |= place.is_none();
                let own = &route.namespace;
                let scope = place.map_or_else(|| own.clone(), |(port, _)| format!("{own}/{port}"));
                let origin = if namespace == own { Origin::Routes } else { Origin::Consumer };
                for host in hosts {
                    merger.add(&scope, host, MESH, origin, route, &rules);
                }
            }
        }
    }

    /// The compiled rules; `None` when the route has none, or is not in force.
    fn rules(
        &mut self,
        port: Option<(u32, &str)>,
        mesh: bool,
        compiler: &mut RuleCompiler<'_>,
        notes: &mut Vec<String>,
    ) -> Option<Rules> {
        let key = (mesh, port.map(|(port, _)| port));
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let grants = (!mesh).then_some(self.grants);
        let made = match self.route.rules(grants, self.around.registry, self.around.domain) {
            Ok(mut rules) => {
                if mesh && self.ordered {
                    rules.sort_by_key(|rule| rule.precedence(false));
                }
                compiled(&rules, port, &self.route.namespace, compiler)
            }
            Err(Refusal { path, reason }) => {
                let object = self.route.object();
                let note = format!(
                    "{object} is not in force, because Istio leaves a route with such a rule out as a whole: {path}: {reason}"
                );
                if !notes.contains(&note) {
                    notes.push(note);
                }
                None
            }
        };
        self.known.insert(key, made.clone());
        made
    }
}

fn compiled(
    rules: &[RouteRule],
    port: Option<(u32, &str)>,
    namespace: &str,
    compiler: &mut RuleCompiler<'_>,
) -> Option<Rules> {
    let rules: Vec<_> = rules
        .iter()
        .filter_map(|rule| {
            let precedence = rule.precedence(port.is_some());
            Some((precedence, rule.compile(port, namespace, compiler)?))
        })
        .collect();
    (!rules.is_empty()).then(|| Arc::from(rules))
}

/// The hosts of each `ServiceEntry`.
fn service_entries(declared: &[Value]) -> HashMap<String, Vec<String>> {
    let entries = declared.iter().filter(|object| object["kind"] == "ServiceEntry");
    entries
        .filter_map(|object| {
            let name = object["metadata"]["name"].as_str()?;
            let hosts = declared::texts(&object["spec"]["hosts"]).map(str::to_ascii_lowercase);
            Some((format!("{}/{name}", declared::namespace(object)), hosts.collect()))
        })
        .collect()
}
