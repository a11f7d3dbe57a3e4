//! `exportTo`: which namespaces see an object.

/// The namespaces that see an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Exports {
    all: bool,
    /// Sorted, with the object's own written out.
    namespaces: Vec<String>,
}

/// How far an object is exported, seen from one namespace; nearer ones come first among candidates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Nearness {
    /// From the namespace to itself.
    Private,
    /// To the namespace by name.
    Named,
    /// To all.
    Public,
}

impl Exports {
    /// Reads an `exportTo` list of an object in `namespace`; an absent or empty one exports to all.
    pub(super) fn new(written: Option<&Vec<String>>, namespace: &str) -> Self {
        let written = written.map(Vec::as_slice).unwrap_or_default();
        let mut namespaces: Vec<String> = written
            .iter()
            .filter(|entry| !matches!(entry.as_str(), "*" | "~"))
            .map(|entry| if entry == "." { namespace.to_owned() } else { entry.clone() })
            .collect();
        namespaces.sort();
        namespaces.dedup();
        Self { all: written.is_empty() || written.iter().any(|entry| entry == "*"), namespaces }
    }

    /// How near the object is to `viewer`, when it is seen from there at all. `own` is the object's namespace.
    pub(super) fn seen_from(&self, viewer: &str, own: &str) -> Option<Nearness> {
        if self.all {
            return Some(Nearness::Public);
        }
        let named = self.namespaces.binary_search_by(|name| name.as_str().cmp(viewer)).is_ok();
        named.then_some(if viewer == own { Nearness::Private } else { Nearness::Named })
    }

    /// Whether only the object's own namespace sees it.
    pub(super) fn only(&self, own: &str) -> bool {
        !self.all && self.namespaces.len() == 1 && self.namespaces[0] == own
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exports(entries: &[&str]) -> Exports {
        let entries = entries.iter().map(|entry| (*entry).to_owned()).collect();
        Exports::new(Some(&entries), "shop")
    }

    #[test]
    fn lists_say_who_sees() {
        assert_eq!(Exports::new(None, "shop").seen_from("x", "shop"), Some(Nearness::Public));
        assert_eq!(exports(&[]).seen_from("x", "shop"), Some(Nearness::Public));
        assert_eq!(exports(&["."]).seen_from("shop", "shop"), Some(Nearness::Private));
        assert_eq!(exports(&["."]).seen_from("x", "shop"), None);
        assert_eq!(exports(&["x"]).seen_from("x", "shop"), Some(Nearness::Named));
        assert_eq!(exports(&["x"]).seen_from("shop", "shop"), None);
        assert_eq!(exports(&["~"]).seen_from("shop", "shop"), None);
        assert!(exports(&["."]).only("shop") && exports(&["shop"]).only("shop"));
        assert!(!exports(&["*"]).only("shop"));
    }
}
