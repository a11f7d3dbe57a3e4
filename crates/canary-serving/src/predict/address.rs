//! The address of a model server, and the path of a model on it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::error::{Error, Origin, PredictError, Result};

/// The characters that are escaped in one segment of a path: all except those "unreserved" by RFC 3986.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The protocols of a model server, with and without TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Http,
    Https,
    Grpc,
    Grpcs,
}

/// A parsed address such as `http://host:8501/prefix`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub scheme: Scheme,
    /// `host` or `host:port`, as in the URL.
    pub authority: String,
    /// A path in front of `/v1/…` or `/v2/…`, without a slash at its end; mostly empty.
    pub prefix: String,
}

fn refuse(text: &str, message: &str, help: &str) -> Error {
    let mut error = PredictError::new(Origin::Request, without_credentials(text), message);
    help.clone_into(&mut error.help);
    error.into()
}

/// The address without parts that may be secret: everything up to the last `@`, and the query.
fn without_credentials(text: &str) -> String {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), text),
    };
    let rest = rest.rsplit('@').next().unwrap_or_default();
    format!("{scheme}{}", rest.split(['?', '#']).next().unwrap_or_default())
}

impl Address {
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(refuse(
                text,
                "the address has no scheme",
                "write it as http://host:port, or grpc://host:port for gRPC",
            ));
        };
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            "grpc" => Scheme::Grpc,
            "grpcs" => Scheme::Grpcs,
            other => {
                return Err(refuse(
                    text,
                    &format!("the scheme {other} is not one of http, https, grpc, grpcs"),
                    "",
                ));
            }
        };
        // Anywhere, because a password may hold a slash.
        if rest.contains('@') {
            return Err(refuse(
                text,
                "the address carries a user name or a password",
                "send them in the header `authorization`; an @ of a path is written %40",
            ));
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if authority.contains(['?', '#']) || path.contains(['?', '#']) {
            return Err(refuse(text, "the address has a query or a fragment", "leave them out"));
        }
        let parsed: http::uri::Authority = authority.parse().map_err(|_| {
            refuse(text, &format!("{authority:?} is not a host with an optional port"), "")
        })?;
        if parsed.host().is_empty() {
            return Err(refuse(text, "the address names no host", "write it as http://host:port"));
        }
        if authority.strip_prefix(parsed.host()).is_some_and(|port| !port.is_empty())
            && parsed.port_u16().is_none()
        {
            return Err(refuse(text, "the port is not a number from 1 to 65535", ""));
        }
        let prefix = path.trim_end_matches('/').to_owned();
        if prefix.parse::<http::uri::PathAndQuery>().is_err() && !prefix.is_empty() {
            return Err(refuse(text, &format!("the path {prefix:?} is not valid in a URL"), ""));
        }
        let of_call = |version: &str| {
            prefix.ends_with(version) || prefix.contains(&format!("{version}/models"))
        };
        if of_call("/v1") || of_call("/v2") {
            return Err(refuse(
                text,
                "the address contains the path of a call",
                "give only http://host:port; name the model with `model`",
            ));
        }
        Ok(Self { scheme, authority: authority.to_owned(), prefix })
    }

    /// The address with its scheme, for messages.
    pub fn text(&self) -> String {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
            Scheme::Grpc => "grpc",
            Scheme::Grpcs => "grpcs",
        };
        format!("{scheme}://{}{}", self.authority, self.prefix)
    }
}

/// The version of a model that a request selects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ModelVersion {
    /// The newest version that is served.
    #[default]
    Latest,
    /// One version by its number.
    Number(u64),
    /// The version that the server's configuration gives this label.
    Label(String),
}

/// `/v1/models/NAME[/versions/V or /labels/L]`, percent-encoded.
pub fn model_path(prefix: &str, model: &str, version: &ModelVersion) -> String {
    let name = utf8_percent_encode(model, SEGMENT);
    match version {
        ModelVersion::Latest => format!("{prefix}/v1/models/{name}"),
        ModelVersion::Number(number) => format!("{prefix}/v1/models/{name}/versions/{number}"),
        ModelVersion::Label(label) => {
            format!("{prefix}/v1/models/{name}/labels/{}", utf8_percent_encode(label, SEGMENT))
        }
    }
}

/// `/v2/models/NAME[/versions/V]`, percent-encoded; the version is left out when it is empty.
pub(super) fn open_path(prefix: &str, model: &str, version: &str) -> String {
    let name = utf8_percent_encode(model, SEGMENT);
    if version.is_empty() {
        return format!("{prefix}/v2/models/{name}");
    }
    format!("{prefix}/v2/models/{name}/versions/{}", utf8_percent_encode(version, SEGMENT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_refused() {
        let address = Address::parse("http://10.0.0.1:8501/").unwrap();
        assert_eq!((address.authority.as_str(), address.prefix.as_str()), ("10.0.0.1:8501", ""));
        assert_eq!(Address::parse("https://a.example/models").unwrap().prefix, "/models");
        assert_eq!(Address::parse("http://[::1]:80").unwrap().authority, "[::1]:80");
        for (text, word) in [
            ("localhost:8501", "no scheme"),
            ("ftp://a", "ftp"),
            ("http://", "not a host"),
            ("http://a:99999", "port"),
            ("http://a/?x=1", "query"),
            ("http://a/v1/models/x", "path of a call"),
            ("http://a/v2/", "path of a call"),
        ] {
            let message = Address::parse(text).unwrap_err().to_string();
            assert!(message.contains(word), "{text}: {message}");
        }
    }

    #[test]
    fn credentials_in_an_address_are_refused_and_not_repeated() {
        for secret in ["hunter2", "hun@ter2", "hun/ter2", "hun?ter2", "hun#ter2"] {
            for text in [
                format!("http://me:{secret}@a"),
                format!("me:{secret}@a"),
                format!("x://{secret}@a"),
            ] {
                let message = Address::parse(&text).unwrap_err().to_string();
                assert!(!message.contains("hun") && !message.contains("ter2"), "{message}");
            }
        }
        let message = Address::parse("http://a/?token=hunter2").unwrap_err().to_string();
        assert!(message.contains("http://a/") && !message.contains("hunter2"), "{message}");
    }

    #[test]
    fn names_and_labels_are_percent_encoded() {
        let label = ModelVersion::Label("käse/brot".into());
        assert_eq!(model_path("", "a b%", &label), "/v1/models/a%20b%25/labels/k%C3%A4se%2Fbrot");
        assert_eq!(model_path("/p", "m", &ModelVersion::Number(7)), "/p/v1/models/m/versions/7");
        assert_eq!(open_path("/p", "a b", ""), "/p/v2/models/a%20b");
        assert_eq!(open_path("", "m", "v1/0"), "/v2/models/m/versions/v1%2F0");
    }
}
