//! The part of the mesh that a sidecar knows: Istio's `Sidecar` resources.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::{
    address::Address,
    declared::{labels, list, namespace, texts},
    destination_rules::Client,
    services::Speaks,
};
use crate::{
    names::{covers, overlap},
    networking::Destination,
};

/// The scopes of all sidecars.
#[derive(Debug, Default)]
pub(super) struct Scopes {
    /// By namespace, those for some workloads before those for all.
    by_namespace: HashMap<String, Vec<Scope>>,
    /// The scope of the root namespace, which applies to namespaces without their own.
    root: Option<Scope>,
    /// True when the mesh lets sidecars reach only what it knows.
    registry_only: bool,
}

/// The services that one `Sidecar` resource lets its workloads reach.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    /// The resource, as `Sidecar namespace/name`.
    pub(super) object: String,
    selector: Option<BTreeMap<String, String>>,
    listeners: Vec<Egress>,
    beyond: Option<Beyond>,
}

/// One entry of `egress`.
#[derive(Clone, Debug)]
pub(super) struct Egress {
    port: Option<u16>,
    /// The protocol of the port, which overrides the ports of services.
    speaks: Option<Speaks>,
    hosts: Vec<Import>,
}

/// One host of an entry of `egress`.
#[derive(Clone, Debug)]
struct Import {
    /// The namespace of services and VirtualServices; `*` for any, `.` for that of the client.
    namespace: String,
    name: String,
    excluded: bool,
}

/// The treatment of requests to hosts that a sidecar does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Beyond {
    /// They are passed on to where the client was going.
    Passed,
    /// They are answered with 502.
    Refused,
    /// They are sent to this destination.
    Sent(Address),
}

impl Scopes {
    /// Reads the resources, oldest first.
    pub(super) fn new(objects: &[Value], root: &str, domain: &str, registry_only: bool) -> Self {
        let mut scopes = Self { registry_only, ..Self::default() };
        let selects = |object: &&Value| object["spec"]["workloadSelector"].is_object();
        let (some, all): (Vec<_>, Vec<_>) = objects.iter().partition(selects);
        for object in some.into_iter().chain(all) {
            let scope = Scope::new(object, domain);
            let namespace = namespace(object);
            if namespace == root && scope.selector.is_none() && scopes.root.is_none() {
                scopes.root = Some(scope.clone());
            }
            scopes.by_namespace.entry(namespace.to_owned()).or_default().push(scope);
        }
        scopes
    }

    /// The scope of a client; `None` when it sees everything (`doGetSidecarScope` of
    /// `pilot/pkg/model/push_context.go`).
    pub(super) fn of(&self, client: &Client<'_>) -> Option<&Scope> {
        let selects = |scope: &&Scope| {
            scope.selector.iter().flatten().all(|(key, value)| (client.label)(key) == Some(value))
        };
        let own = self.by_namespace.get(client.namespace);
        own.and_then(|scopes| scopes.iter().find(selects)).or(self.root.as_ref())
    }

    /// The treatment of requests to hosts that a client with this scope does not know.
    pub(super) fn beyond<'s>(&'s self, scope: Option<&'s Scope>) -> &'s Beyond {
        let of_mesh = if self.registry_only { &Beyond::Refused } else { &Beyond::Passed };
        scope.and_then(|scope| scope.beyond.as_ref()).unwrap_or(of_mesh)
    }
}

impl Scope {
    fn new(object: &Value, domain: &str) -> Self {
        let spec = &object["spec"];
        let namespace = namespace(object);
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let selector = &spec["workloadSelector"];
        let mut listeners: Vec<Egress> = list(&spec["egress"]).map(Egress::new).collect();
        if listeners.is_empty() {
            let all = Import { namespace: "*".to_owned(), name: "*".to_owned(), excluded: false };
            listeners.push(Egress { port: None, speaks: None, hosts: vec![all] });
        }
        let policy = &spec["outboundTrafficPolicy"];
        let beyond = policy.is_object().then(|| Beyond::new(policy, namespace, domain));
        Self {
            object: format!("Sidecar {namespace}/{name}"),
            selector: selector.is_object().then(|| labels(&selector["labels"])),
            listeners,
            beyond,
        }
    }

    /// The entry of `egress` with the routes of a port; `None` when there are none (`GetEgressListenerForRDS` of
    /// `pilot/pkg/model/sidecar.go`).
    pub(super) fn listener(&self, port: u16) -> Option<&Egress> {
        self.listeners_on(port).next()
    }

    /// The entries of `egress` that may make listeners on a port, in order.
    pub(super) fn listeners_on(&self, port: u16) -> impl Iterator<Item = &Egress> {
        self.listeners.iter().filter(move |listener| listener.port.is_none_or(|own| own == port))
    }
}

impl Beyond {
    /// Reads `outboundTrafficPolicy`, whose mode without a name is `REGISTRY_ONLY`, the zero value.
    fn new(policy: &Value, namespace: &str, domain: &str) -> Self {
        let mode = policy["mode"].as_str().unwrap_or("REGISTRY_ONLY");
        let proxy = &policy["egressProxy"];
        match serde_json::from_value::<Destination>(proxy.clone()) {
            _ if mode == "REGISTRY_ONLY" => Self::Refused,
            Ok(destination) if proxy.is_object() => {
                Self::Sent(Address::new(&destination, namespace, domain))
            }
            _ => Self::Passed,
        }
    }
}

impl Egress {
    fn new(written: &Value) -> Self {
        let number = written["port"]["number"].as_u64().filter(|number| *number != 0);
        let protocol = written["port"]["protocol"].as_str().unwrap_or_default();
        // A listener that is an HTTP proxy serves every port that clients name.
        let proxies = protocol.eq_ignore_ascii_case("HTTP_PROXY");
        let port = number.and_then(|number| u16::try_from(number).ok()).filter(|_| !proxies);
        Self {
            port,
            speaks: port.map(|_| Speaks::named(protocol)),
            hosts: texts(&written["hosts"]).filter_map(Import::new).collect(),
        }
    }

    /// The protocol of its port; `None` when it is for every port, each with what services declare.
    pub(super) fn speaks(&self) -> Option<Speaks> {
        self.speaks
    }

    /// Returns true when clients in namespace `own` know the service of this host and namespace.
    pub(super) fn has_service(&self, host: &str, namespace: &str, own: &str) -> bool {
        self.has(namespace, own, |import| covers(&import.name, host), &[host])
    }

    /// Returns true when clients in namespace `own` know the VirtualService of this namespace: by one of its hosts,
    /// which may be wider than what is imported.
    pub(super) fn has_virtual_service(&self, hosts: &[String], namespace: &str, own: &str) -> bool {
        hosts.iter().any(|host| {
            self.has(namespace, own, |import| overlap(&import.name, host), &[host.as_str()])
        })
    }

    fn has(
        &self,
        namespace: &str,
        own: &str,
        fits: impl Fn(&Import) -> bool,
        hosts: &[&str],
    ) -> bool {
        let concerns = |import: &&Import| match import.namespace.as_str() {
            "*" => true,
            "." => namespace == own,
            named => namespace == named,
        };
        let concerned = || self.hosts.iter().filter(concerns);
        let excluded =
            |host: &&str| concerned().any(|import| import.excluded && covers(&import.name, host));
        !hosts.iter().any(excluded) && concerned().any(|import| !import.excluded && fits(import))
    }
}

impl Import {
    /// Reads `namespace/name`; a `~` as the namespace excludes the hosts.
    fn new(written: &str) -> Option<Self> {
        let (namespace, name) = written.split_once('/').filter(|(_, name)| !name.contains('/'))?;
        let excluded = namespace.strip_prefix('~');
        let namespace = match excluded {
            Some("") => "*",
            Some(rest) => rest,
            None => namespace,
        };
        Some(Self {
            namespace: namespace.to_owned(),
            name: name.to_ascii_lowercase(),
            excluded: excluded.is_some(),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn egress(hosts: &[&str]) -> Egress {
        Egress::new(&json!({"hosts": hosts}))
    }

    #[test]
    fn hosts_are_imported_by_namespace_and_name() {
        let some = egress(&["./*", "shop/a.shop.svc.cluster.local", "*/*.example.com"]);
        let knows = |host, namespace| some.has_service(host, namespace, "web");
        assert!(knows("x.web.svc.cluster.local", "web"));
        assert!(knows("a.shop.svc.cluster.local", "shop"));
        assert!(!knows("b.shop.svc.cluster.local", "shop"));
        assert!(knows("api.example.com", "shop"));
        assert!(!knows("x.web.svc.cluster.local", "shop"));
        let hosts = |host: &str| vec![host.to_owned()];
        assert!(some.has_virtual_service(&hosts("*.shop.svc.cluster.local"), "shop", "web"));
        assert!(!some.has_virtual_service(&hosts("b.shop.svc.cluster.local"), "shop", "web"));
    }

    #[test]
    fn a_tilde_leaves_hosts_out() {
        assert!(!egress(&["~/*"]).has_service("a", "web", "web"));
        let some = egress(&["*/*", "~shop/a.shop.svc.cluster.local"]);
        assert!(!some.has_service("a.shop.svc.cluster.local", "shop", "web"));
        assert!(some.has_service("b.shop.svc.cluster.local", "shop", "web"));
    }

    #[test]
    fn the_scope_of_a_client_is_its_own_then_its_namespaces_then_the_roots() {
        let sidecar = |namespace: &str, name: &str, spec: Value| json!({"metadata": {"namespace": namespace, "name": name}, "spec": spec});
        let objects = [
            sidecar("istio-system", "all", json!({})),
            sidecar("web", "rest", json!({"outboundTrafficPolicy": {}})),
            sidecar(
                "web",
                "some",
                json!({
                    "workloadSelector": {"labels": {"app": "a"}}, "outboundTrafficPolicy": {"mode": "ALLOW_ANY"},
                }),
            ),
        ];
        let scopes = Scopes::new(&objects, "istio-system", "cluster.local", false);
        let of = |namespace, app: Option<&'static str>| {
            let label = move |key: &str| app.filter(|_| key == "app");
            let scope = scopes.of(&Client { namespace, label: &label });
            (
                scope.map(|scope| scope.object.clone()).unwrap_or_default(),
                scopes.beyond(scope).clone(),
            )
        };
        assert_eq!(of("web", Some("a")), ("Sidecar web/some".to_owned(), Beyond::Passed));
        assert_eq!(of("web", Some("b")), ("Sidecar web/rest".to_owned(), Beyond::Refused));
        assert_eq!(of("shop", None), ("Sidecar istio-system/all".to_owned(), Beyond::Passed));
    }
}
