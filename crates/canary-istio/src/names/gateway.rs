//! References to gateways in `gateways` lists.

/// The name of the sidecars of the mesh in a list of gateways.
pub const MESH: &str = "mesh";

/// Splits a gateway reference of an object in `namespace` into the Gateway's namespace and name.
///
/// The forms are `namespace/name`, `./name`, `name`, and the old `name.namespace` with any suffix, as in
/// `name.namespace.svc.cluster.local`. See
/// <https://istio.io/latest/docs/reference/config/networking/virtual-service/#VirtualService-gateways>.
///
/// ```
/// use canary_core::names::gateway_name;
///
/// assert_eq!(gateway_name("edge/public", "shop"), ("edge", "public"));
/// assert_eq!(gateway_name("public", "shop"), ("shop", "public"));
/// assert_eq!(gateway_name("public.edge.svc.cluster.local", "shop"), ("edge", "public"));
/// ```
pub fn gateway_name<'n>(reference: &'n str, namespace: &'n str) -> (&'n str, &'n str) {
    match reference.split_once('/') {
        Some((".", name)) => (namespace, name),
        Some((of, name)) => (of, name),
        None => match reference.split_once('.') {
            Some((name, rest)) => (rest.split('.').next().unwrap_or(rest), name),
            None => (namespace, reference),
        },
    }
}

/// Writes a gateway reference of an object in `namespace` as `namespace/name`; [`MESH`] stays unchanged.
///
/// ```
/// use canary_core::names::{MESH, qualify_gateway};
///
/// assert_eq!(qualify_gateway("public", "shop"), "shop/public");
/// assert_eq!(qualify_gateway(MESH, "shop"), "mesh");
/// ```
pub fn qualify_gateway(reference: &str, namespace: &str) -> String {
    if reference == MESH {
        return reference.to_owned();
    }
    let (namespace, name) = gateway_name(reference, namespace);
    format!("{namespace}/{name}")
}

/// Returns true when a `gateways` list applies to sidecars: it is absent, empty or names [`MESH`].
///
/// ```
/// use canary_core::names::applies_to_mesh;
///
/// assert!(applies_to_mesh(None) && applies_to_mesh(Some(&[])));
/// assert!(!applies_to_mesh(Some(&["public".to_owned()])));
/// ```
pub fn applies_to_mesh(gateways: Option<&[String]>) -> bool {
    let gateways = gateways.unwrap_or_default();
    gateways.is_empty() || gateways.iter().any(|name| name == MESH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gateways_in_every_spelling() {
        let full = |gateway| qualify_gateway(gateway, "shop");
        assert_eq!(full("mesh"), "mesh");
        assert_eq!(full("gw"), "shop/gw");
        assert_eq!(full("./gw"), "shop/gw");
        assert_eq!(full("edge/gw"), "edge/gw");
        assert_eq!(full("edge/gw.x"), "edge/gw.x");
        assert_eq!(full("gw.edge"), "edge/gw");
        assert_eq!(full("gw.edge.svc.cluster.local"), "edge/gw");
        assert_eq!(full("gw."), "/gw");
    }

    #[test]
    fn a_list_without_gateways_is_the_mesh() {
        let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert!(applies_to_mesh(None));
        assert!(applies_to_mesh(Some(&names(&["gw", "mesh"]))));
        assert!(!applies_to_mesh(Some(&names(&["gw"]))));
    }
}
