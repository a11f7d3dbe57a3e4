//! Matches as conditions of Istio's own rules (`createURIMatch` and its siblings of
//! `pilot/pkg/config/kube/gateway/conversion.go`).

use std::collections::BTreeMap;

use crate::{
    gateway_api::{
        GrpcMethodMatch, GrpcRouteMatch, HeaderMatch, HttpRouteMatch, MatchType, PathMatch,
        PathMatchType, QueryParamMatch,
    },
    networking::{HttpMatchRequest, StringMatch},
};

/// The conditions of a match of an `HTTPRoute`.
pub(super) fn http(found: &HttpRouteMatch) -> HttpMatchRequest {
    let none = PathMatch::default();
    HttpMatchRequest {
        uri: Some(path(found.path.as_ref().unwrap_or(&none))),
        headers: headers(found.headers.as_deref()),
        query_params: query(found.query_params.as_deref()),
        method: found.method.map(|method| StringMatch::exact(method.as_str())),
        ..HttpMatchRequest::default()
    }
}

/// The conditions of a match of a `GRPCRoute`, whose requests have the path `/service/method`.
///
/// # Errors
/// When it names neither service nor method.
pub(super) fn grpc(found: &GrpcRouteMatch) -> Result<HttpMatchRequest, &'static str> {
    let uri = found.method.as_ref().map(method).transpose()?;
    let headers = headers(found.headers.as_deref());
    Ok(HttpMatchRequest { uri, headers, ..HttpMatchRequest::default() })
}

fn path(found: &PathMatch) -> StringMatch {
    let value = found.value.as_deref().unwrap_or("/");
    match found.match_type.unwrap_or_default() {
        // A slash at the end of a prefix does not count.
        PathMatchType::PathPrefix if value == "/" => StringMatch::prefix("/"),
        PathMatchType::PathPrefix => StringMatch::prefix(value.strip_suffix('/').unwrap_or(value)),
        PathMatchType::Exact => StringMatch::exact(value),
        PathMatchType::RegularExpression => StringMatch::regex(value),
    }
}

fn method(found: &GrpcMethodMatch) -> Result<StringMatch, &'static str> {
    let expression = found.match_type.unwrap_or_default() == MatchType::RegularExpression;
    Ok(match (found.service.as_deref(), found.method.as_deref()) {
        (None, None) => return Err("a method match needs a service or a method"),
        (None, Some(method)) => StringMatch::regex(format!("/[^/]+/{method}")),
        (Some(service), None) if expression => StringMatch::regex(format!("/{service}/.+")),
        (Some(service), None) => StringMatch::prefix(format!("/{service}/")),
        (Some(service), Some(method)) if expression => {
            StringMatch::regex(format!("/{service}/{method}"))
        }
        (Some(service), Some(method)) => StringMatch::exact(format!("/{service}/{method}")),
    })
}

/// Of entries with one name the last counts; names that differ in case are different here.
fn headers(found: Option<&[HeaderMatch]>) -> Option<BTreeMap<String, StringMatch>> {
    let pairs = found?.iter();
    let pairs = pairs.map(|one| (one.name.clone(), text(one.match_type, &one.value)));
    Some(pairs.collect::<BTreeMap<_, _>>()).filter(|all| !all.is_empty())
}

fn query(found: Option<&[QueryParamMatch]>) -> Option<BTreeMap<String, StringMatch>> {
    let pairs = found?.iter();
    let pairs = pairs.map(|one| (one.name.clone(), text(one.match_type, &one.value)));
    Some(pairs.collect::<BTreeMap<_, _>>()).filter(|all| !all.is_empty())
}

fn text(kind: Option<MatchType>, value: &str) -> StringMatch {
    match kind.unwrap_or_default() {
        MatchType::Exact => StringMatch::exact(value),
        MatchType::RegularExpression => StringMatch::regex(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_lose_the_slash_at_their_end() {
        for (written, expected) in [("/", "/"), ("/v2/", "/v2"), ("/v2", "/v2")] {
            let found = http(&HttpRouteMatch::default().path(PathMatch::prefix(written)));
            assert_eq!(found.uri, Some(StringMatch::prefix(expected)), "{written}");
        }
    }

    #[test]
    fn grpc_methods_are_paths() {
        let uri = |service: Option<&str>, method: Option<&str>, kind| {
            let found = GrpcMethodMatch {
                match_type: kind,
                service: service.map(str::to_owned),
                method: method.map(str::to_owned),
            };
            grpc(&GrpcRouteMatch::default().method(found)).map(|found| found.uri.unwrap())
        };
        let regex = Some(MatchType::RegularExpression);
        assert_eq!(uri(Some("a.S"), Some("M"), None), Ok(StringMatch::exact("/a.S/M")));
        assert_eq!(uri(Some("a.S"), None, None), Ok(StringMatch::prefix("/a.S/")));
        assert_eq!(uri(None, Some("M"), None), Ok(StringMatch::regex("/[^/]+/M")));
        assert_eq!(uri(Some("a.*"), None, regex), Ok(StringMatch::regex("/a.*/.+")));
        assert_eq!(uri(Some("a"), Some("M.*"), regex), Ok(StringMatch::regex("/a/M.*")));
        assert!(uri(None, None, None).is_err());
    }
}
