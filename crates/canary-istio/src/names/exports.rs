//! `exportTo`: the namespaces that see an object.

/// The namespaces that see an object.
///
/// See <https://istio.io/latest/docs/reference/config/networking/virtual-service/#VirtualService-export_to>.
///
/// ```
/// use canary_core::names::{Exports, Nearness};
///
/// let private = Exports::new(["."], "shop");
/// assert_eq!(private.seen_from("shop", "shop"), Some(Nearness::Private));
/// assert!(!private.includes("edge"));
/// assert!(Exports::new([], "shop").includes("edge"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exports {
    all: bool,
    /// Sorted, with the object's own written out.
    namespaces: Vec<String>,
}

/// The distance over which an object is exported to a namespace; nearer ones come first among candidates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Nearness {
    /// From the namespace to itself.
    Private,
    /// To the namespace by name.
    Named,
    /// To all.
    Public,
}

/// The namespace that an entry of `exportTo` of an object in `own` names; `*` and `~` stay unchanged.
pub fn export_namespace<'e>(entry: &'e str, own: &'e str) -> &'e str {
    if entry == "." { own } else { entry }
}

impl Exports {
    /// Reads the `exportTo` list of an object in `own`; an absent or empty one exports to all, `~` to nobody.
    pub fn new<'e>(entries: impl IntoIterator<Item = &'e str>, own: &str) -> Self {
        let mut written = false;
        let mut all = false;
        let mut namespaces = Vec::new();
        for entry in entries {
            written = true;
            match export_namespace(entry, own) {
                "*" => all = true,
                "~" => {}
                namespace => namespaces.push(namespace.to_owned()),
            }
        }
        namespaces.sort();
        namespaces.dedup();
        Self { all: all || !written, namespaces }
    }

    /// The nearness of the object to `viewer`, `None` when it is not seen from there. `own` is the object's namespace.
    pub fn seen_from(&self, viewer: &str, own: &str) -> Option<Nearness> {
        if self.all {
            return Some(Nearness::Public);
        }
        let near = if viewer == own { Nearness::Private } else { Nearness::Named };
        self.includes(viewer).then_some(near)
    }

    /// Returns true when objects of the namespace `viewer` see the object.
    pub fn includes(&self, viewer: &str) -> bool {
        self.all || self.namespaces.binary_search_by(|name| name.as_str().cmp(viewer)).is_ok()
    }

    /// Returns true when only the object's own namespace sees it.
    pub fn only(&self, own: &str) -> bool {
        !self.all && self.namespaces.len() == 1 && self.namespaces[0] == own
    }

    /// The namespaces that see the object, or `*` alone for all.
    pub(crate) fn scopes(&self) -> impl Iterator<Item = &str> {
        let named = if self.all { &[][..] } else { &self.namespaces };
        self.all.then_some("*").into_iter().chain(named.iter().map(String::as_str))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exports(entries: &[&str]) -> Exports {
        Exports::new(entries.iter().copied(), "shop")
    }

    #[test]
    fn lists_say_who_sees() {
        assert_eq!(exports(&[]).seen_from("x", "shop"), Some(Nearness::Public));
        assert_eq!(exports(&["x", "*"]).seen_from("x", "shop"), Some(Nearness::Public));
        assert_eq!(exports(&["."]).seen_from("shop", "shop"), Some(Nearness::Private));
        assert_eq!(exports(&["."]).seen_from("x", "shop"), None);
        assert_eq!(exports(&["x"]).seen_from("x", "shop"), Some(Nearness::Named));
        assert_eq!(exports(&["x"]).seen_from("shop", "shop"), None);
        assert_eq!(exports(&["~"]).seen_from("shop", "shop"), None);
        assert!(exports(&["."]).only("shop") && exports(&["shop"]).only("shop"));
        assert!(!exports(&["*"]).only("shop"));
    }

    #[test]
    fn scopes_are_the_namespaces_or_all() {
        let scopes = |entries| exports(entries).scopes().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(scopes(&[]), ["*"]);
        assert_eq!(scopes(&["x", "*"]), ["*"]);
        assert_eq!(scopes(&["x", ".", "shop"]), ["shop", "x"]);
        assert!(scopes(&["~"]).is_empty());
    }
}
