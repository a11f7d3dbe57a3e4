//! Coverage and overlap of host names, either of which may begin with `*`.

/// Returns true when every host that `narrow` stands for is one that `wide` stands for.
///
/// A `*` at the front stands for any text, as in Istio's `Name.SubsetOf`; case counts.
///
/// ```
/// use canary_core::names::covers;
///
/// assert!(covers("*.foo.com", "*.a.foo.com") && covers("*", "foo.com"));
/// assert!(!covers("*.foo.com", "foo.com") && !covers("a.foo.com", "*.foo.com"));
/// ```
pub fn covers(wide: &str, narrow: &str) -> bool {
    match (wide.strip_prefix('*'), narrow.strip_prefix('*')) {
        (Some(wide), Some(narrow)) => narrow.ends_with(wide),
        (Some(wide), None) => narrow.ends_with(wide),
        (None, Some(_)) => false,
        (None, None) => wide == narrow,
    }
}

/// The more specific of two names when one covers the other, else `None`.
///
/// ```
/// use canary_core::names::intersection;
///
/// assert_eq!(intersection("*.foo.com", "a.foo.com"), Some("a.foo.com"));
/// assert_eq!(intersection("a.foo.com", "b.foo.com"), None);
/// ```
pub fn intersection<'h>(one: &'h str, other: &'h str) -> Option<&'h str> {
    if covers(one, other) {
        Some(other)
    } else if covers(other, one) {
        Some(one)
    } else {
        None
    }
}

/// Returns true when some host fits both names.
///
/// Only the front of a name can be a wildcard, so two names that share a host cover one another.
///
/// ```
/// use canary_core::names::overlap;
///
/// assert!(overlap("*.foo.com", "*.a.foo.com"));
/// assert!(!overlap("*.foo.com", "*.bar.com"));
/// ```
pub fn overlap(one: &str, other: &str) -> bool {
    intersection(one, other).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlaps_and_subsets() {
        for (one, other, both, inside) in [
            ("a.com", "a.com", true, true),
            ("a.com", "b.com", false, false),
            ("*.foo.com", "a.foo.com", true, false),
            ("a.foo.com", "*.foo.com", true, true),
            ("*", "a", true, false),
            ("a", "*", true, true),
            ("*.a.foo.com", "*.foo.com", true, true),
            ("*.foo.com", "*.a.foo.com", true, false),
            ("*.foo.com", "foo.com", false, false),
            ("*.foo.com", "*.bar.com", false, false),
            ("*", "*", true, true),
            ("*.foo.com", "a.b.foo.com", true, false),
        ] {
            assert_eq!(overlap(one, other), both, "{one} and {other}");
            assert_eq!(overlap(other, one), both, "{other} and {one}");
            assert_eq!(covers(other, one), inside, "{one} in {other}");
        }
    }

    #[test]
    fn the_intersection_is_the_narrower_name() {
        assert_eq!(intersection("*.foo.com", "a.foo.com"), Some("a.foo.com"));
        assert_eq!(intersection("a.foo.com", "*"), Some("a.foo.com"));
        assert_eq!(intersection("a.foo.com", "b.foo.com"), None);
    }
}
