//! New paths: rewrites before forwarding, and the location of a redirect.

use std::sync::Arc;

use regex_automata::meta::Regex;
use serde::Serialize;

use super::{
    expressions::Expressions,
    normalize::target,
    request::{RequestView, path_only, query_with_mark},
    substitution::Substitution,
    uri::Uri,
};
use crate::names::split_authority;
use crate::networking::{HttpRedirect, HttpRewrite, RedirectPort, RedirectPortSelection};

/// The change of a path before the request is sent on.
#[derive(Clone, Debug, Default)]
pub(super) enum PathRewrite {
    /// No change.
    #[default]
    None,
    /// Replaces the matched part: the prefix, or the whole path after an exact or regex match.
    Matched(Box<str>),
    /// Every match of an expression is replaced.
    Regex(Arc<Regex>, Substitution),
}

impl PathRewrite {
    /// Compiles a rewrite; an error names the field and says what is wrong.
    pub(super) fn new(
        written: &HttpRewrite,
        expressions: &mut Expressions,
    ) -> Result<Self, (&'static str, String)> {
        if let Some(rewrite) = &written.uri_regex_rewrite {
            let pattern = rewrite.matches.as_deref().unwrap_or_default();
            let regex = expressions
                .search(pattern)
                .map_err(|reason| ("rewrite.uriRegexRewrite.match", reason))?;
            let to = rewrite.rewrite.as_deref().unwrap_or_default();
            let substitution = Substitution::new(to, &regex)
                .map_err(|reason| ("rewrite.uriRegexRewrite.rewrite", reason))?;
            return Ok(Self::Regex(regex, substitution));
        }
        Ok(match written.uri.as_deref() {
            None | Some("") => Self::None,
            Some(uri) => Self::Matched(uri.into()),
        })
    }

    /// The new path with the old query, or `None` when nothing is rewritten.
    pub(super) fn apply(&self, matched: &Uri, path: &str) -> Option<String> {
        let bare = path_only(path);
        let query = query_with_mark(path);
        match self {
            Self::None => None,
            Self::Matched(to) => Some(replace_matched(matched, bare, query, to)),
            Self::Regex(regex, substitution) => Some(substitution.replace_all(regex, bare) + query),
        }
    }
}

fn replace_matched(matched: &Uri, bare: &str, query: &str, to: &str) -> String {
    let rest = match matched {
        Uri::Exact(_) | Uri::Regex(_) => "",
        Uri::Prefix(prefix) | Uri::Segments(prefix) => bare.get(prefix.len()..).unwrap_or_default(),
        Uri::Any => bare.strip_prefix('/').unwrap_or(bare),
    };
    format!("{to}{rest}{query}")
}

/// A compiled redirect.
#[derive(Clone, Debug)]
pub(super) struct RedirectTo {
    pub(super) status: u16,
    scheme: Option<Box<str>>,
    authority: Option<Box<str>>,
    port: Option<u16>,
    path: RedirectPath,
}

#[derive(Clone, Debug)]
enum RedirectPath {
    Same,
    Whole(Box<str>),
    Prefix(Box<str>),
}

/// The answer of a rule with `redirect`, or of a server with `httpsRedirect`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Redirect {
    /// The HTTP status: 301, 302, 303, 307 or 308.
    pub status: u16,
    /// The `location` header.
    pub location: String,
}

impl RedirectTo {
    /// Compiles a redirect for a listener; `None` when its status is none that Envoy has.
    pub(super) fn new(written: &HttpRedirect, listener_port: u16, tls: bool) -> Option<Self> {
        let status = match written.redirect_code.unwrap_or(0) {
            0 | 301 => 301,
            code @ (302 | 303 | 307 | 308) => u16::try_from(code).ok()?,
            _ => return None,
        };
        let scheme = written.scheme.as_deref().filter(|scheme| !scheme.is_empty());
        let port = match &written.redirect_port {
            Some(RedirectPort::Port(port)) => u16::try_from(*port).ok(),
            Some(RedirectPort::DerivePort(RedirectPortSelection::FromRequestPort)) => {
                Some(listener_port)
            }
            Some(RedirectPort::DerivePort(_)) | None => None,
        };
        let shown = scheme.unwrap_or(if tls { "https" } else { "http" });
        // The port that the scheme has anyhow is not written.
        let port = port
            .filter(|port| *port != 0 && !matches!((shown, port), ("http", 80) | ("https", 443)));
        let path = match (written.uri.as_deref(), written.prefix_rewrite.as_deref()) {
            (_, Some(prefix)) if !prefix.is_empty() => RedirectPath::Prefix(prefix.into()),
            (Some(uri), _) if !uri.is_empty() => RedirectPath::Whole(uri.into()),
            _ => RedirectPath::Same,
        };
        let authority = written.authority.as_deref().filter(|authority| !authority.is_empty());
        Some(Self {
            status,
            scheme: scheme.map(Into::into),
            authority: authority.map(Into::into),
            port,
            path,
        })
    }

    /// The answer to one request.
    pub(super) fn answer<R: RequestView>(&self, request: &R, matched: &Uri) -> Redirect {
        let scheme = self.scheme.as_deref().unwrap_or(request.scheme());
        let host = match self.authority.as_deref() {
            Some(authority) => authority,
            None => self.kept_authority(request, scheme),
        };
        let port = self.port.map_or_else(String::new, |port| format!(":{port}"));
        let path = &*target(request.path());
        let (bare, query) = (path_only(path), query_with_mark(path));
        let path = match &self.path {
            RedirectPath::Same => format!("{bare}{query}"),
            // A query in the rule replaces the request's query.
            RedirectPath::Whole(uri) if uri.contains('?') => uri.to_string(),
            RedirectPath::Whole(uri) => format!("{uri}{query}"),
            RedirectPath::Prefix(to) => replace_matched(matched, bare, query, to),
        };
        let root = if path.starts_with('/') { "" } else { "/" };
        Redirect { status: self.status, location: format!("{scheme}://{host}{port}{root}{path}") }
    }

    /// The request's authority, without its port when the port or the scheme is another one.
    fn kept_authority<'r, R: RequestView>(&self, request: &'r R, scheme: &str) -> &'r str {
        let authority = request.authority();
        let (host, port) = split_authority(authority);
        let usual =
            matches!((request.scheme(), port), ("http", Some("80")) | ("https", Some("443")));
        if self.port.is_some() || (scheme != request.scheme() && usual) { host } else { authority }
    }
}

/// The answer of a server with `httpsRedirect` to a plain request.
pub(super) fn https_redirect<R: RequestView>(request: &R) -> Redirect {
    let path = target(request.path());
    Redirect { status: 301, location: format!("https://{}{path}", request.authority()) }
}

#[cfg(test)]
mod tests {
    use super::{super::request::Request, *};
    use crate::networking::RegexRewrite;

    fn rewrite(uri: &str, matched: &Uri, path: &str) -> String {
        let written = HttpRewrite { uri: Some(uri.to_owned()), ..HttpRewrite::default() };
        PathRewrite::new(&written, &mut Expressions::default())
            .unwrap()
            .apply(matched, path)
            .unwrap()
    }

    #[test]
    fn a_prefix_is_cut_as_text() {
        let prefix = |text: &str| Uri::Prefix(text.into());
        assert_eq!(
            rewrite("/", &prefix("/v1"), "/v1/models/m:predict?x=1"),
            "//models/m:predict?x=1"
        );
        assert_eq!(rewrite("/", &prefix("/v1/"), "/v1/models/m"), "/models/m");
        assert_eq!(rewrite("/api", &prefix("/v1"), "/v1beta"), "/apibeta");
        assert_eq!(rewrite("/new", &Uri::Exact("/old".into()), "/old?q"), "/new?q");
        // Without a condition on the path the prefix is the first slash.
        assert_eq!(rewrite("/api", &Uri::Any, "/v1"), "/apiv1");
    }

    #[test]
    fn an_expression_wins_over_a_prefix_and_replaces_everywhere() {
        let written = HttpRewrite {
            uri: Some("/no".to_owned()),
            uri_regex_rewrite: Some(RegexRewrite {
                matches: Some("o".to_owned()),
                rewrite: Some("0".to_owned()),
            }),
            ..HttpRewrite::default()
        };
        let rewrite = PathRewrite::new(&written, &mut Expressions::default()).unwrap();
        assert_eq!(rewrite.apply(&Uri::Any, "/foo?o").as_deref(), Some("/f00?o"));
    }

    fn location(written: &HttpRedirect, url: &str, matched: &Uri) -> String {
        RedirectTo::new(written, 8080, false).unwrap().answer(&Request::get(url), matched).location
    }

    #[test]
    fn redirects_keep_what_they_do_not_change() {
        let none = HttpRedirect::default;
        let with = |change: fn(&mut HttpRedirect)| {
            let mut redirect = HttpRedirect::default();
            change(&mut redirect);
            redirect
        };
        assert_eq!(location(&none(), "http://a:81/x?y", &Uri::Any), "http://a:81/x?y");
        let uri = with(|redirect| redirect.uri = Some("/new".to_owned()));
        assert_eq!(location(&uri, "http://a/x?y", &Uri::Any), "http://a/new?y");
        let query = with(|redirect| redirect.uri = Some("/new?z".to_owned()));
        assert_eq!(location(&query, "http://a/x?y", &Uri::Any), "http://a/new?z");
        let secure = with(|redirect| redirect.scheme = Some("https".to_owned()));
        assert_eq!(location(&secure, "http://a:80/x", &Uri::Any), "https://a/x");
        assert_eq!(location(&secure, "http://a:81/x", &Uri::Any), "https://a:81/x");
        let port = with(|redirect| redirect.redirect_port = Some(RedirectPort::Port(9)));
        assert_eq!(location(&port, "http://a:81/x", &Uri::Any), "http://a:9/x");
        let usual = with(|redirect| redirect.redirect_port = Some(RedirectPort::Port(80)));
        assert_eq!(location(&usual, "http://a/x", &Uri::Any), "http://a/x");
        let derived = with(|redirect| {
            redirect.redirect_port =
                Some(RedirectPort::DerivePort(RedirectPortSelection::FromRequestPort));
        });
        assert_eq!(location(&derived, "http://a/x", &Uri::Any), "http://a:8080/x");
        let bare = with(|redirect| redirect.uri = Some("new".to_owned()));
        assert_eq!(location(&bare, "http://a/x", &Uri::Any), "http://a/new");
        assert_eq!(location(&none(), "http://a/b/../%78", &Uri::Any), "http://a/x");
        let prefix = with(|redirect| redirect.prefix_rewrite = Some("/v2".to_owned()));
        assert_eq!(
            location(&prefix, "http://a/v1/x?y", &Uri::Prefix("/v1".into())),
            "http://a/v2/x?y"
        );
    }

    #[test]
    fn only_five_statuses_redirect() {
        let with = |code| HttpRedirect { redirect_code: Some(code), ..HttpRedirect::default() };
        assert!(RedirectTo::new(&with(304), 80, false).is_none());
        assert_eq!(RedirectTo::new(&with(308), 80, false).map(|to| to.status), Some(308));
    }
}
