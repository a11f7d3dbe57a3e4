//! The authority of a request: host and port.

use std::borrow::Cow;

/// Splits an authority into host and port; the brackets of an IPv6 address stay with the host.
pub(crate) fn split_authority(authority: &str) -> (&str, Option<&str>) {
    let after_bracket = authority.rfind(']').map_or(0, |at| at + 1);
    match authority[after_bracket..].rfind(':') {
        Some(at) => {
            let at = after_bracket + at;
            let port = &authority[at + 1..];
            // Two colons and no bracket: an IPv6 address without a port.
            if after_bracket == 0 && authority[..at].contains(':') {
                (authority, None)
            } else {
                (&authority[..at], Some(port))
            }
        }
        None => (authority, None),
    }
}

/// Lower case, without a copy when it is lower case already.
pub(crate) fn lower(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorities_with_and_without_port() {
        assert_eq!(split_authority("a.example:80"), ("a.example", Some("80")));
        assert_eq!(split_authority("a.example"), ("a.example", None));
        assert_eq!(split_authority("[::1]:80"), ("[::1]", Some("80")));
        assert_eq!(split_authority("[::1]"), ("[::1]", None));
        assert_eq!(split_authority("::1"), ("::1", None));
        assert_eq!(split_authority(""), ("", None));
    }

    #[test]
    fn lower_case_is_not_copied() {
        assert!(matches!(lower("a.example"), Cow::Borrowed("a.example")));
        assert_eq!(lower("A.Example"), "a.example");
    }
}
