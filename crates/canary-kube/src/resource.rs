//! The paths of objects on the API server, and the names that may stand in them.

use canary_rollout::cluster::ObjectRef;

/// The path under which the objects of a kind are listed, such as `/apis/apps/v1/namespaces/default/deployments`.
pub(crate) fn collection_path(api_version: &str, plural: &str, namespace: Option<&str>) -> String {
    let root = if api_version.contains('/') { "/apis" } else { "/api" };
    match namespace {
        Some(namespace) => format!("{root}/{api_version}/namespaces/{namespace}/{plural}"),
        None => format!("{root}/{api_version}/{plural}"),
    }
}

/// The reason why a name or namespace cannot be used in a request's path; `None` when it can.
///
/// Names come from files and annotations, and one with a `/` or a `?` would address another object.
pub(crate) fn unsafe_name(object: &ObjectRef) -> Option<String> {
    let safe = |text: &str| {
        !text.is_empty()
            && text != "."
            && text != ".."
            && text.bytes().all(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b':')
            })
    };
    if !safe(&object.name) {
        return Some(format!("{:?} is not a name that Kubernetes allows", object.name));
    }
    if !object.namespace.is_empty() && !safe(&object.namespace) {
        return Some(format!("{:?} is not a namespace that Kubernetes allows", object.namespace));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_api_server() {
        assert_eq!(
            collection_path("v1", "services", Some("default")),
            "/api/v1/namespaces/default/services"
        );
        assert_eq!(
            collection_path("networking.istio.io/v1", "virtualservices", None),
            "/apis/networking.istio.io/v1/virtualservices"
        );
    }

    #[test]
    fn a_name_cannot_address_another_object() {
        for name in ["", "..", "a/b", "a?b", "a#b", "a b"] {
            let object = ObjectRef::virtual_service("default", name);
            assert!(unsafe_name(&object).is_some(), "{name:?}");
        }
        assert_eq!(unsafe_name(&ObjectRef::virtual_service("default", "image-classifier")), None);
        assert!(unsafe_name(&ObjectRef::virtual_service("../x", "a")).is_some());
    }
}
