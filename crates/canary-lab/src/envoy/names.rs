//! Names as istiod completes and compares them.

/// A host of an object in `namespace`, in full: short names belong to the namespace, all others stay.
pub(super) fn full_host(host: &str, namespace: &str, domain: &str) -> String {
    let lower = host.to_ascii_lowercase();
    let short = !lower.is_empty()
        && lower != "*"
        && !lower.contains('.')
        && lower.parse::<std::net::IpAddr>().is_err();
    if short { format!("{lower}.{namespace}.svc.{domain}") } else { lower }
}

/// A name in a `gateways` list as `namespace/name`; `mesh` stays.
pub(super) fn full_gateway(name: &str, namespace: &str) -> String {
    if name == "mesh" {
        return name.to_owned();
    }
    match name.split_once('/') {
        Some((".", rest)) => format!("{namespace}/{rest}"),
        Some(_) => name.to_owned(),
        None => match name.split('.').collect::<Vec<_>>()[..] {
            [name, namespace, ..] => format!("{namespace}/{name}"),
            _ => format!("{namespace}/{name}"),
        },
    }
}

/// Whether an object of `own` is seen from `viewer`, and how near: 0 private, 1 by name, 2 by everybody.
pub(super) fn exported(export_to: Option<&Vec<String>>, own: &str, viewer: &str) -> Option<u8> {
    let list = export_to.map(Vec::as_slice).unwrap_or_default();
    if list.is_empty() || list.iter().any(|entry| entry == "*") {
        return Some(2);
    }
    let named = list.iter().any(|entry| if entry == "." { own == viewer } else { entry == viewer });
    match (named, own == viewer) {
        (true, true) => Some(0),
        (true, false) => Some(1),
        (false, _) => None,
    }
}

/// The names that a server and a `VirtualService` have in common: of each covering pair the more specific one.
pub(super) fn in_common(server: &[String], wanted: &[String]) -> Vec<String> {
    let mut common: Vec<String> = Vec::new();
    for one in server {
        for other in wanted {
            let narrow = if is_within(one, other) {
                one
            } else if is_within(other, one) {
                other
            } else {
                continue;
            };
            if !common.contains(narrow) {
                common.push(narrow.clone());
            }
        }
    }
    common
}

/// Whether `wide` stands for every host that `narrow` stands for.
pub(super) fn is_within(narrow: &str, wide: &str) -> bool {
    match (narrow.starts_with('*'), wide.starts_with('*')) {
        (true, true) => narrow.len() >= wide.len() && narrow[1..].ends_with(&wide[1..]),
        (true, false) => false,
        (false, true) => narrow.ends_with(&wide[1..]),
        (false, false) => narrow == wide,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_completed() {
        assert_eq!(full_host("a", "shop", "cluster.local"), "a.shop.svc.cluster.local");
        assert_eq!(full_host("a.shop", "shop", "cluster.local"), "a.shop");
        assert_eq!(full_gateway("gw", "shop"), "shop/gw");
        assert_eq!(full_gateway("./gw", "shop"), "shop/gw");
        assert_eq!(full_gateway("gw.edge.svc.cluster.local", "shop"), "edge/gw");
    }

    #[test]
    fn the_narrow_name_is_common() {
        let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            in_common(&names(&["*.foo.com"]), &names(&["a.foo.com", "*"])),
            ["a.foo.com", "*.foo.com"]
        );
        assert!(in_common(&names(&["foo.com"]), &names(&["*.foo.com"])).is_empty());
    }
}
