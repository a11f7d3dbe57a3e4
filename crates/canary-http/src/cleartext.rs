//! Credentials on the way to a server whose connection is not encrypted.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, Uri};

use crate::is_credential;

/// Returns `true` when requests to this address can be read on their way: by `http://` to another machine.
///
/// ```
/// use canary_http::is_cleartext;
///
/// assert!(is_cleartext(&"http://models.example:8501/v1".parse().unwrap()));
/// for safe in ["https://models.example", "http://127.0.0.1:8501", "http://LOCALHOST", "http://[::1]:80"] {
///     assert!(!is_cleartext(&safe.parse().unwrap()), "{safe}");
/// }
/// ```
pub fn is_cleartext(uri: &Uri) -> bool {
    uri.scheme_str() == Some("http") && !is_loopback(uri.host().unwrap_or_default())
}

/// Returns `true` for a host that is this machine, in brackets or not.
///
/// ```
/// use canary_http::is_loopback;
///
/// assert!(is_loopback("localhost") && is_loopback("127.8.9.10") && is_loopback("[::1]"));
/// assert!(!is_loopback("localhost.example") && !is_loopback("10.0.0.1") && !is_loopback(""));
/// ```
pub fn is_loopback(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    address.map_or_else(|_| host.eq_ignore_ascii_case("localhost"), |address| address.is_loopback())
}

/// The first header with credentials, by its name; none of their values is looked at.
///
/// ```
/// use canary_http::credential_in;
/// use http::HeaderMap;
///
/// let mut headers = HeaderMap::new();
/// headers.insert("user-group", "canary".parse().unwrap());
/// assert_eq!(credential_in(&headers), None);
/// headers.insert("x-api-key", "k".parse().unwrap());
/// assert_eq!(credential_in(&headers).unwrap(), "x-api-key");
/// ```
pub fn credential_in(headers: &HeaderMap) -> Option<&HeaderName> {
    headers.keys().find(|name| is_credential(name.as_str()))
}
