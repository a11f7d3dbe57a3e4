//! The proxy for requests.

use std::fmt;

use reqwest::{NoProxy, Url};

use crate::Error;

/// Hosts that no proxy of the environment is used for: a proxy cannot reach this machine's loopback.
const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";

/// Hosts that no proxy is used for: link-local addresses, among them the clouds' services that give a machine its
/// credentials.
const LINK_LOCAL: &str = "169.254.0.0/16,fe80::/10,metadata.google.internal";

/// The proxy for requests.
///
/// By default it comes from the environment, in upper or lower case: `HTTPS_PROXY` for `https://`, `HTTP_PROXY` for
/// `http://`, `ALL_PROXY` where neither is set, and `NO_PROXY` for the hosts that are reached directly (names with
/// their subdomains, addresses, networks such as `10.0.0.0/8`, or `*`). The environment's proxies are never used for
/// `localhost`, `127.0.0.0/8` and `::1`. A proxy that is set with [`Proxy::at`] is used for every host. Link-local
/// addresses (`169.254.0.0/16`, `fe80::/10`, `metadata.google.internal`) are reached directly in either case.
///
/// ```
/// use canary_http::Proxy;
///
/// let proxy = Proxy::at("http://me:hunter2@proxy.example:3128")?;
/// assert_eq!(format!("{proxy:?}"), "Proxy(http://proxy.example:3128)");
/// # Ok::<(), canary_http::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Proxy(Kind);

#[derive(Clone, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Environment,
    Direct,
    At(Url),
}

impl Proxy {
    /// The environment's proxies, as a new client uses them.
    pub fn from_environment() -> Self {
        Self(Kind::Environment)
    }

    /// No proxy, whatever the environment says.
    pub fn direct() -> Self {
        Self(Kind::Direct)
    }

    /// The proxy at `http://host:port` for all requests; also `https://`, and `socks5://` or `socks5h://`. A user name
    /// and a password may precede the host.
    ///
    /// # Errors
    /// [`Error::Input`] when this is not the URL of a proxy. The error does not repeat it, as it may hold a password.
    pub fn at(url: &str) -> Result<Self, Error> {
        parse(url).map(|url| Self(Kind::At(url))).ok_or_else(|| {
            Error::input(
                "the proxy is not a URL such as http://host:port, https://host:port or socks5://host:port",
            )
        })
    }

    /// The rules for `reqwest`, and whether a proxy is itself reached over TLS.
    pub(crate) fn rules(&self) -> Result<(Vec<reqwest::Proxy>, bool), Error> {
        match &self.0 {
            Kind::Direct => Ok((Vec::new(), false)),
            Kind::At(url) => {
                let rule = reqwest::Proxy::all(url.clone()).map_err(refused)?;
                let rule = rule.no_proxy(NoProxy::from_string(LINK_LOCAL));
                Ok((vec![rule], is_secure(url)))
            }
            Kind::Environment => environment(|name| std::env::var(name).ok()),
        }
    }
}

impl fmt::Debug for Proxy {
    /// Without the user name and the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Environment => f.write_str("Proxy(environment)"),
            Kind::Direct => f.write_str("Proxy(direct)"),
            Kind::At(url) => {
                let host = url.host_str().unwrap_or_default();
                let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
                write!(f, "Proxy({}://{host}{port})", url.scheme())
            }
        }
    }
}

fn parse(text: &str) -> Option<Url> {
    let text = text.trim();
    // A proxy without a scheme speaks HTTP, as in other tools.
    let url = if text.contains("://") { text.parse() } else { format!("http://{text}").parse() };
    let url: Url = url.ok()?;
    let known =
        matches!(url.scheme(), "http" | "https" | "socks4" | "socks4a" | "socks5" | "socks5h");
    (known && url.has_host()).then_some(url)
}

fn is_secure(url: &Url) -> bool {
    url.scheme() == "https"
}

fn refused(cause: reqwest::Error) -> Error {
    Error::Input {
        reason: "the proxy cannot be used".to_owned(),
        source: Some(Box::new(cause.without_url())),
    }
}

/// The rules that variables state, read as curl reads them.
fn environment(
    variable: impl Fn(&str) -> Option<String>,
) -> Result<(Vec<reqwest::Proxy>, bool), Error> {
    let get = |name: &'static str| {
        let found = variable(name).or_else(|| variable(&name.to_lowercase()));
        found.filter(|text| !text.trim().is_empty()).map(|text| (name, text))
    };
    let named = |found: Option<(&'static str, String)>| {
        let Some((name, text)) = found else { return Ok(None) };
        parse(&text).map(Some).ok_or_else(|| {
            Error::input(format!(
                "the environment variable {name} is not the URL of a proxy, such as http://host:port"
            ))
        })
    };
    // A CGI script receives the header `Proxy` of a request under the name HTTP_PROXY.
    let is_cgi = variable("REQUEST_METHOD").is_some();
    let all = named(get("ALL_PROXY"))?;
    let plain = if is_cgi { None } else { named(get("HTTP_PROXY"))? };
    let plain = plain.or_else(|| all.clone());
    let secure = named(get("HTTPS_PROXY"))?.or(all);
    let direct = get("NO_PROXY").map_or_else(String::new, |(_, hosts)| hosts);
    let direct = NoProxy::from_string(&format!("{direct},{LOOPBACK},{LINK_LOCAL}"));
    let over_tls = plain.iter().chain(&secure).any(is_secure);
    let mut rules = Vec::new();
    if let Some(url) = plain {
        rules.push(reqwest::Proxy::http(url).map_err(refused)?.no_proxy(direct.clone()));
    }
    if let Some(url) = secure {
        rules.push(reqwest::Proxy::https(url).map_err(refused)?.no_proxy(direct));
    }
    Ok((rules, over_tls))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Result<(usize, bool), Error> {
        let find = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        environment(find).map(|(rules, over_tls)| (rules.len(), over_tls))
    }

    #[test]
    fn variables_are_read_as_curl_reads_them() {
        for (variables, rules) in [
            (&[][..], (0, false)),
            (&[("HTTPS_PROXY", "http://p:1")], (1, false)),
            (&[("https_proxy", "p:1")], (1, false)),
            (&[("ALL_PROXY", "socks5://p:1")], (2, false)),
            (&[("HTTP_PROXY", "https://p:1")], (1, true)),
            (&[("HTTP_PROXY", "  ")], (0, false)),
            (&[("HTTP_PROXY", "http://p:1"), ("REQUEST_METHOD", "GET")], (0, false)),
        ] {
            assert_eq!(with(variables).unwrap(), rules, "{variables:?}");
        }
    }

    #[test]
    fn a_bad_variable_is_named_and_not_repeated() {
        for value in ["ftp://me:hunter2@p", "http://", "http://me:hunter2@p:port"] {
            let error = with(&[("HTTPS_PROXY", value)]).unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(text.contains("HTTPS_PROXY") && !text.contains("hunter2"), "{text}");
        }
    }
}
