//! The forms of DNS names that Istio admits.

/// The longest name, in bytes.
const MAX_NAME: usize = 255;
/// The longest label, in bytes.
const MAX_LABEL: usize = 63;

/// Returns true for a DNS label: letters of either case, digits and inner hyphens, 63 at most.
pub(crate) fn is_label(text: &str) -> bool {
    text.len() <= MAX_LABEL && is_unbounded_label(text)
}

/// Returns true for a DNS label of any length.
pub(crate) fn is_unbounded_label(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return false;
    };
    first.is_ascii_alphanumeric()
        && last.is_ascii_alphanumeric()
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
}

/// Returns true for a DNS subdomain, as Kubernetes demands of the names of objects: lower-case labels with dots between
/// them, 253 bytes at most.
///
/// ```
/// use canary_core::names::is_subdomain;
///
/// assert!(is_subdomain("image-classifier.v2"));
/// assert!(!is_subdomain("Image") && !is_subdomain("-image") && !is_subdomain("a..b"));
/// ```
pub fn is_subdomain(name: &str) -> bool {
    name.len() <= 253
        && name.split('.').all(is_unbounded_label)
        && !name.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// Returns true for a DNS label, `*`, or a label after `*` or `*-`.
fn is_wildcard_label(text: &str) -> bool {
    if text.len() > MAX_LABEL {
        return false;
    }
    match text.strip_prefix('*') {
        None => is_label(text),
        Some("") => true,
        Some(rest) => is_label(rest.strip_prefix('-').unwrap_or(rest)),
    }
}

/// The reason why a text is not a domain name.
type Reason = &'static str;

const LABEL: Reason = "a label must have 1 to 63 letters, digits and inner hyphens, and `*` is allowed only as the whole first label";

fn check_length(name: &str) -> Result<(), Reason> {
    match name.len() {
        0 => Err("it is empty"),
        length if length > MAX_NAME => Err("it is longer than 255 characters"),
        _ => Ok(()),
    }
}

fn check_labels(name: &str) -> Result<(), Reason> {
    // A name may end in a dot, which leaves an empty last label.
    let last = name.rsplit('.').next().unwrap_or_default();
    // Go reads the last label as a 64-bit number; a longer row of digits does not count as a number.
    if !last.is_empty()
        && last.bytes().all(|byte| byte.is_ascii_digit())
        && last.parse::<i64>().is_ok()
    {
        return Err("its last label must not be a number");
    }
    let labels = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() || labels.split('.').all(is_label) { Ok(()) } else { Err(LABEL) }
}

/// Checks a fully qualified domain name.
///
/// # Errors
/// The reason, as the end of a sentence.
pub(crate) fn check_fqdn(name: &str) -> Result<(), Reason> {
    check_length(name)?;
    check_labels(name)
}

/// Checks a domain name whose first label may be a wildcard.
///
/// # Errors
/// The reason, as the end of a sentence.
pub(crate) fn check_wildcard_domain(name: &str) -> Result<(), Reason> {
    check_length(name)?;
    let (first, rest) =
        name.split_once('.').map_or((name, None), |(first, rest)| (first, Some(rest)));
    if !is_wildcard_label(first) {
        return Err(LABEL);
    }
    rest.map_or(Ok(()), check_labels)
}

/// Checks a host of a `VirtualService` that is bound to gateways; with `sni`, the names that Istio generates for
/// `AUTO_PASSTHROUGH`, `outbound_.<port>_._.<host>`, are names too.
///
/// # Errors
/// The reason, as the end of a sentence.
pub(crate) fn check_gateway_domain(name: &str, sni: bool) -> Result<(), Reason> {
    check_length(name)?;
    if !(sni && name.starts_with("outbound_")) {
        return check_wildcard_domain(name);
    }
    let mut parts = name.split('_').skip(1);
    let port = parts.next().unwrap_or_default();
    let host = parts.nth(1);
    let has_port = port.trim_matches('.').bytes().any(|byte| byte.is_ascii_digit());
    let has_host = host
        .is_some_and(|host| host.trim_matches('.').bytes().any(|byte| byte.is_ascii_alphabetic()));
    if has_port && has_host {
        Ok(())
    } else {
        Err("a generated name has the form `outbound_.<port>_._.<host>`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels() {
        for text in ["a", "A", "0", "a-b", "A1", &"a".repeat(63)] {
            assert!(is_label(text), "{text}");
        }
        for text in ["", "-a", "a-", "a_b", "a.b", "é", "*", &"a".repeat(64)] {
            assert!(!is_label(text), "{text}");
        }
    }

    #[test]
    fn wildcard_labels() {
        for text in ["*", "*foo", "*-foo", "foo", "*-a-b"] {
            assert!(is_wildcard_label(text), "{text}");
        }
        for text in ["", "**", "*--", "*-", "f*", "*foo-", &format!("*{}", "a".repeat(63))] {
            assert!(!is_wildcard_label(text), "{text}");
        }
    }

    #[test]
    fn fully_qualified_names() {
        for name in [
            "a",
            "a.b",
            "a.b.",
            "a.1b",
            "1.a",
            "a.99999999999999999999",
            &format!("{}.a", "a".repeat(63)),
        ] {
            assert_eq!(check_fqdn(name), Ok(()), "{name}");
        }
        for name in
            ["", ".", "a..b", ".a", "a.1", "1", "10.0.0.1", "*.a", "a_b", "a b", &"a.".repeat(128)]
        {
            assert!(check_fqdn(name).is_err(), "{name}");
        }
    }

    #[test]
    fn wildcard_domains() {
        for name in ["*", "*.a", "*foo.com", "*-foo.com", "a", "a.b", "123", "a."] {
            assert_eq!(check_wildcard_domain(name), Ok(()), "{name}");
        }
        for name in ["", "a.*", "*.*", "**.a", "a.1", "10.0.0.1", "::1", "a..b", "*.1"] {
            assert!(check_wildcard_domain(name).is_err(), "{name}");
        }
    }

    #[test]
    fn generated_names() {
        assert_eq!(check_gateway_domain("outbound_.80_._.e2e.foobar.mesh", true), Ok(()));
        assert_eq!(check_gateway_domain("*.a", true), Ok(()));
        assert!(check_gateway_domain("outbound_.80_._.e2e.foobar.mesh", false).is_err());
        for name in ["outbound_80", "outbound_.x_._.a", "outbound_.80_._.1", "outbound_.80_."] {
            assert!(check_gateway_domain(name, true).is_err(), "{name}");
        }
    }
}
