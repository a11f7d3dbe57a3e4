//! The kind, namespace, name and subresource in the path of a request.

use std::borrow::Cow;

use canary_core::cluster::ObjectRef;
use percent_encoding::percent_decode_str;

/// The versions under which Istio's objects are served, the preferred one first.
const ISTIO: [&str; 3] =
    ["networking.istio.io/v1", "networking.istio.io/v1beta1", "networking.istio.io/v1alpha3"];

/// The versions under which objects of the Gateway API are served that are older than its release 1.1.
const GATEWAY_API: [&str; 2] =
    ["gateway.networking.k8s.io/v1", "gateway.networking.k8s.io/v1beta1"];

/// The versions under which a kind is served, the preferred one first. A Gateway is a kind of both groups.
pub(super) fn versions_of(kind: &str) -> Vec<&'static str> {
    match ObjectRef::version_of(kind) {
        Some(_) if kind == "Gateway" => [&ISTIO[..], &GATEWAY_API].concat(),
        Some(_) if kind == "HTTPRoute" => GATEWAY_API.to_vec(),
        Some(version) if version == ISTIO[0] => ISTIO.to_vec(),
        Some(version) => vec![version],
        None => Vec::new(),
    }
}

/// The objects that a path names: all of a kind, those of a namespace, or one, with a part of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) api_version: String,
    pub(super) kind: &'static str,
    pub(super) namespace: Option<String>,
    pub(super) name: Option<String>,
    pub(super) subresource: Option<String>,
}

impl Target {
    /// Reads `/api/v1/…` or `/apis/GROUP/VERSION/…`; `None` where nothing is served.
    pub(super) fn read(path: &str) -> Option<Self> {
        let path = path.trim_matches('/').split('/');
        let parts: Vec<String> = path
            .map(|part| percent_decode_str(part).decode_utf8().ok().map(Cow::into_owned))
            .collect::<Option<_>>()?;
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let (api_version, rest) = match parts.as_slice() {
            ["api", version, rest @ ..] => ((*version).to_owned(), rest),
            ["apis", group, version, rest @ ..] => (format!("{group}/{version}"), rest),
            _ => return None,
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (Some(*namespace), rest),
            rest => (None, rest),
        };
        let (plural, name, subresource) = match rest {
            [plural] => (plural, None, None),
            [plural, name] => (plural, Some(*name), None),
            [plural, name, part] => (plural, Some(*name), Some(*part)),
            _ => return None,
        };
        let kind = ObjectRef::known_kinds().find(|kind| {
            ObjectRef::plural_of(kind) == Some(plural)
                && versions_of(kind).contains(&api_version.as_str())
        })?;
        // An object has a namespace where its kind has.
        let cluster_wide = ObjectRef::is_cluster_wide(kind);
        if cluster_wide == namespace.is_some() && (cluster_wide || name.is_some()) {
            return None;
        }
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Some(Self {
            api_version,
            kind,
            namespace: owned(namespace),
            name: owned(name),
            subresource: owned(subresource),
        })
    }

    /// The one object that is named.
    pub(super) fn object(&self) -> Option<ObjectRef> {
        let name = self.name.as_deref()?;
        let namespace = self.namespace.as_deref().unwrap_or_default();
        Some(ObjectRef::new(&*self.api_version, self.kind, namespace, name))
    }

    /// The kind and its group, as the API server's messages name them: `virtualservices.networking.istio.io`.
    pub(super) fn resource(&self) -> String {
        let plural = ObjectRef::plural_of(self.kind).unwrap_or(self.kind);
        match self.api_version.split_once('/') {
            Some((group, _)) => format!("{plural}.{group}"),
            None => plural.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_api_server() {
        let read = |path: &str| {
            let Target { kind, namespace, name, subresource, .. } = Target::read(path)?;
            let text = |part: Option<String>| part.unwrap_or_default();
            Some([kind.to_owned(), text(namespace), text(name), text(subresource)].join(" "))
        };
        let routes = "/apis/networking.istio.io/v1beta1";
        for (path, expected) in [
            (format!("{routes}/virtualservices"), "VirtualService   "),
            (format!("{routes}/namespaces/a/virtualservices"), "VirtualService a  "),
            (format!("{routes}/namespaces/a/virtualservices/pets"), "VirtualService a pets "),
            (
                "/apis/gateway.networking.k8s.io/v1/namespaces/a/gateways/b".to_owned(),
                "Gateway a b ",
            ),
            ("/apis/gateway.networking.k8s.io/v1beta1/httproutes".to_owned(), "HTTPRoute   "),
            ("/apis/apps/v1/namespaces/a/deployments/b/scale".to_owned(), "Deployment a b scale"),
            ("/api/v1/namespaces/a".to_owned(), "Namespace  a "),
            ("/api/v1/namespaces".to_owned(), "Namespace   "),
            ("/api/v1/namespaces/a/pods/b%2Dc".to_owned(), "Pod a b-c "),
        ] {
            assert_eq!(read(&path).as_deref(), Some(expected), "{path}");
        }
        for path in [
            "/apis/gateway.networking.k8s.io/v1beta1/grpcroutes",
            "/",
            "/api/v1",
            "/apis/apps/v1/pods",
            "/api/v1/pods/b",
            "/api/v1/kittens",
        ] {
            assert_eq!(read(path), None, "{path}");
        }
    }
}
