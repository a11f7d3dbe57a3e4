//! Filters as the fields of Istio's own rules (`createHeadersFilter` and its siblings of
//! `pilot/pkg/config/kube/gateway/conversion.go`).

use std::collections::BTreeMap;

use super::{
    super::address::Named,
    backends::{Reference, Referrer},
};
use crate::{
    gateway_api::{
        BackendObjectRef, HeaderModifier, HttpHeader, PathModifier, RedirectScheme, RequestMirror,
        RequestRedirect, RouteFilter, UrlRewrite,
    },
    networking::{
        Destination, HeaderOperations, Headers, HttpMatchRequest, HttpMirrorPolicy, HttpRedirect,
        HttpRewrite, Percent, RedirectPort, RedirectPortSelection, RegexRewrite, StringMatch,
    },
};

/// Writes a header modifier into the headers of a rule or of a backend; false for a filter that is none.
///
/// # Errors
/// The reason why Istio leaves the whole route out.
pub(super) fn headers(filter: &RouteFilter, headers: &mut Option<Headers>) -> Result<bool, String> {
    match filter {
        RouteFilter::RequestHeaderModifier(modifier) => {
            headers.get_or_insert_default().request = Some(operations(modifier)?);
        }
        RouteFilter::ResponseHeaderModifier(modifier) => {
            headers.get_or_insert_default().response = Some(operations(modifier)?);
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn operations(modifier: &HeaderModifier) -> Result<HeaderOperations, String> {
    let mut written = modifier.set.iter().chain(&modifier.add).flatten();
    let broken = written.find(|header| !is_valid(&header.value));
    if let Some(header) = broken {
        return Err(format!("the value of header {:?} has a control character", header.name));
    }
    Ok(HeaderOperations {
        set: first_of_each(modifier.set.as_deref()),
        add: first_of_each(modifier.add.as_deref()),
        remove: modifier.remove.clone(),
    })
}

fn is_valid(value: &str) -> bool {
    value.bytes().all(|byte| byte == b'\t' || byte >= b' ' && byte != 0x7f)
}

/// The headers by name in lower case; of several of one name the first counts.
fn first_of_each(headers: Option<&[HttpHeader]>) -> Option<BTreeMap<String, String>> {
    let mut first = BTreeMap::new();
    for header in headers.into_iter().flatten() {
        first.entry(header.name.to_ascii_lowercase()).or_insert_with(|| header.value.clone());
    }
    Some(first).filter(|first| !first.is_empty())
}

/// The mirror of a filter.
///
/// # Errors
/// The reason why its backend is not followed, or that it does not exist.
pub(super) fn mirror(
    filter: &RequestMirror,
    referrer: Referrer<'_>,
) -> Result<HttpMirrorPolicy, String> {
    let BackendObjectRef { group, kind, namespace, name, port } = &filter.backend_ref;
    let address = referrer.follow(Reference {
        group: group.as_deref().unwrap_or_default(),
        kind: kind.as_deref().unwrap_or("Service"),
        namespace: namespace.as_deref(),
        name,
        port: *port,
    })?;
    if let Named::Refused(reason) = &address.named {
        return Err(reason.to_string());
    }
    if !referrer.exists(&address) {
        return Err(format!("no service {} is known", address.host));
    }
    let percentage = match (&filter.fraction, filter.percent) {
        (Some(fraction), _) => {
            let of = f64::from(fraction.denominator.unwrap_or(100));
            Some(Percent::new(100.0 * f64::from(fraction.numerator) / of))
        }
        (None, Some(percent)) => Some(Percent::new(f64::from(percent))),
        (None, None) => None,
    };
    let destination = Destination::new(&address.host).port(u32::from(address.port.unwrap_or(0)));
    Ok(HttpMirrorPolicy { destination, percentage })
}

/// The redirect of a filter, with the status that the API server fills in.
pub(super) fn redirect(filter: &RequestRedirect) -> HttpRedirect {
    let scheme = filter.scheme.map(|scheme| match scheme {
        RedirectScheme::Http => "http",
        RedirectScheme::Https => "https",
    });
    let port = match (filter.port, scheme) {
        (Some(port), _) => RedirectPort::Port(port),
        (None, Some(_)) => RedirectPort::DerivePort(RedirectPortSelection::FromProtocolDefault),
        (None, None) => RedirectPort::DerivePort(RedirectPortSelection::FromRequestPort),
    };
    let (uri, prefix_rewrite) = match filter.path.clone() {
        Some(PathModifier::ReplaceFullPath(path)) => (Some(path), None),
        Some(PathModifier::ReplacePrefixMatch(prefix)) => (None, Some(prefix)),
        None => (None, None),
    };
    HttpRedirect {
        uri,
        prefix_rewrite,
        authority: filter.hostname.clone(),
        scheme: scheme.map(str::to_owned),
        redirect_port: Some(port),
        redirect_code: Some(filter.status_code.unwrap_or(302)),
    }
}

/// The rewrite of a filter; `None` when it changes nothing. `found` is the match of the rule.
pub(super) fn rewrite(
    filter: &UrlRewrite,
    found: Option<&HttpMatchRequest>,
) -> Option<HttpRewrite> {
    let mut rewrite = HttpRewrite { authority: filter.hostname.clone(), ..HttpRewrite::default() };
    match &filter.path {
        Some(PathModifier::ReplaceFullPath(path)) => {
            rewrite.uri_regex_rewrite = Some(regex("/.*".to_owned(), path));
        }
        Some(PathModifier::ReplacePrefixMatch(to)) => match to.strip_suffix('/').unwrap_or(to) {
            // The prefix is removed; a slash stays where nothing else does (`applyHTTPRouteDestination` of
            // `pilot/pkg/networking/core/route/route.go`).
            "" => {
                let prefix = match found.and_then(|found| found.uri.as_ref()) {
                    Some(StringMatch::Prefix(prefix)) if prefix != "/" => prefix,
                    _ => "",
                };
                let pattern = format!("^{}(/?)(.*)", regex::escape(prefix));
                rewrite.uri_regex_rewrite = Some(regex(pattern, r"/\2"));
            }
            to => rewrite.uri = Some(to.to_owned()),
        },
        None => {}
    }
    Some(rewrite).filter(|rewrite| *rewrite != HttpRewrite::default())
}

fn regex(pattern: String, to: &str) -> RegexRewrite {
    RegexRewrite { matches: Some(pattern), rewrite: Some(to.to_owned()) }
}
