//! The order of matches, in which the most specific one decides.

use crate::{
    finding::Severity,
    gateway_api::{
        GrpcRouteMatch, GrpcRouteRule, HeaderMatch, HttpMethod, HttpRouteMatch, HttpRouteRule,
        MatchType, PathMatchType,
    },
    path::Path,
    validate::sink::Sink,
};

/// The relation of two matches that tie in precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tie {
    /// They have the same conditions: one of them never decides.
    Same,
    /// A request can meet both.
    Overlap,
}

/// Returns true for a match of every request, which Istio puts before every regular expression.
pub(crate) fn takes_all(one: &HttpRouteMatch) -> bool {
    let everything = one.path.as_ref().is_none_or(|path| {
        path.type_or_default() == PathMatchType::PathPrefix && path.value_or_default() == "/"
    });
    everything
        && one.method.is_none()
        && one.headers.iter().flatten().next().is_none()
        && one.query_params.iter().flatten().next().is_none()
}

/// Returns true for a match by a regular expression on the path.
pub(crate) fn is_regex(one: &HttpRouteMatch) -> bool {
    one.path.as_ref().is_some_and(|path| path.type_or_default() == PathMatchType::RegularExpression)
}

/// A name with its condition, of a header or of a parameter.
type Condition<'m> = (String, MatchType, &'m str);

fn headers(list: Option<&Vec<HeaderMatch>>) -> Vec<Condition<'_>> {
    let mut all: Vec<_> = list
        .into_iter()
        .flatten()
        .map(|one| (one.name.to_ascii_lowercase(), one.type_or_default(), one.value.as_str()))
        .collect();
    all.sort();
    all
}

fn parameters(one: &HttpRouteMatch) -> Vec<Condition<'_>> {
    let list = one.query_params.iter().flatten();
    let mut all: Vec<_> =
        list.map(|one| (one.name.clone(), one.type_or_default(), one.value.as_str())).collect();
    all.sort();
    all
}

/// Returns true when no request meets both: they want different values of one name.
fn contradict(one: &[Condition<'_>], other: &[Condition<'_>]) -> bool {
    one.iter().any(|(name, kind, value)| {
        *kind == MatchType::Exact
            && other.iter().any(|(other_name, other_kind, other_value)| {
                name == other_name && *other_kind == MatchType::Exact && value != other_value
            })
    })
}

fn tie_of(pairs: &[(Vec<Condition<'_>>, Vec<Condition<'_>>)]) -> Option<Tie> {
    if pairs.iter().any(|(one, other)| one.len() != other.len() || contradict(one, other)) {
        return None;
    }
    let same = pairs.iter().all(|(one, other)| one == other);
    Some(if same { Tie::Same } else { Tie::Overlap })
}

/// The path, the method and the numbers of conditions, by which a match is ordered; two matches that tie have the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Rank {
    /// Of an `HTTPRoute`.
    Http(PathMatchType, String, Option<HttpMethod>, usize, usize),
    /// Of a `GRPCRoute`.
    Grpc(Option<(MatchType, Option<String>, Option<String>)>, usize),
}

/// The rank of a match.
pub(crate) fn http_rank(one: &HttpRouteMatch) -> Rank {
    let path = one.path.clone().unwrap_or_default();
    let kind = path.type_or_default();
    let value = path.value_or_default();
    // A slash at the end of a prefix does not count.
    let short = value.strip_suffix('/').filter(|_| kind == PathMatchType::PathPrefix);
    let headers = one.headers.as_ref().map_or(0, Vec::len);
    let parameters = one.query_params.as_ref().map_or(0, Vec::len);
    Rank::Http(kind, short.unwrap_or(value).to_owned(), one.method, headers, parameters)
}

/// The rank of a match.
pub(crate) fn grpc_rank(one: &GrpcRouteMatch) -> Rank {
    let method = one
        .method
        .as_ref()
        .map(|one| (one.type_or_default(), one.service.clone(), one.method.clone()));
    Rank::Grpc(method, one.headers.as_ref().map_or(0, Vec::len))
}

/// The tie of two matches, when they have the same rank and a request can meet both.
pub(crate) fn http_tie(one: &HttpRouteMatch, other: &HttpRouteMatch) -> Option<Tie> {
    if http_rank(one) != http_rank(other) {
        return None;
    }
    tie_of(&[
        (headers(one.headers.as_ref()), headers(other.headers.as_ref())),
        (parameters(one), parameters(other)),
    ])
}

/// The tie of two matches, when they have the same rank and a request can meet both.
pub(crate) fn grpc_tie(one: &GrpcRouteMatch, other: &GrpcRouteMatch) -> Option<Tie> {
    if grpc_rank(one) != grpc_rank(other) {
        return None;
    }
    tie_of(&[(headers(one.headers.as_ref()), headers(other.headers.as_ref()))])
}

/// The rules of one `HTTPRoute`.
pub(super) fn http(rules: &[HttpRouteRule], path: &Path<'_>, sink: &mut Sink<'_>) {
    let matches: Vec<Vec<&HttpRouteMatch>> =
        rules.iter().map(|rule| rule.matches.iter().flatten().collect()).collect();
    ties(&matches, http_tie, path, sink);
    if !matches.iter().flatten().any(|one| takes_all(one)) {
        return;
    }
    for (rule, list) in matches.iter().enumerate() {
        let place = path.index(rule);
        let place = place.field("matches");
        for (index, one) in list.iter().enumerate().filter(|(_, one)| is_regex(one)) {
            sink.warning(
                "C035",
                &place.index(index).field("path"),
                "no request reaches this expression: the route has a match of every path too, and Istio tries that first",
            )
            .found(&one.path)
            .help("write an exact path or a prefix, or narrow the match of every path");
        }
    }
}

/// The rules of one `GRPCRoute`. Rules without matches take every request, and tie too.
pub(super) fn grpc(rules: &[GrpcRouteRule], path: &Path<'_>, sink: &mut Sink<'_>) {
    let any = GrpcRouteMatch::default();
    let matches: Vec<Vec<&GrpcRouteMatch>> = rules
        .iter()
        .map(|rule| match rule.matches.as_deref() {
            None | Some([]) => vec![&any],
            Some(list) => list.iter().collect(),
        })
        .collect();
    ties(&matches, grpc_tie, path, sink);
}

/// Compares the matches of different rules; those of one rule lead to the same backends.
fn ties<M>(
    rules: &[Vec<&M>],
    tie: impl Fn(&M, &M) -> Option<Tie>,
    path: &Path<'_>,
    sink: &mut Sink<'_>,
) {
    for (rule, list) in rules.iter().enumerate() {
        let place = path.index(rule);
        let place = place.field("matches");
        for (index, one) in list.iter().enumerate() {
            let earlier = rules[..rule].iter().enumerate().find_map(|(earlier, others)| {
                others.iter().find_map(|other| tie(other, one)).map(|tie| (earlier, tie))
            });
            let at = place.index(index);
            match earlier {
                Some((earlier, Tie::Same)) => sink
                    .warning(
                        "C040",
                        &at,
                        format!("rule {earlier} has the same match and comes first, so this one takes no request"),
                    )
                    .help("remove one of them, or make this one more specific"),
                Some((earlier, Tie::Overlap)) => sink
                    .info(
                        "C040",
                        &at,
                        format!("the match ties with one of rule {earlier}, which takes the requests that meet both"),
                    )
                    .help("add a condition to the one that must win"),
                None => {}
            }
        }
    }
}

/// The severity of a tie.
pub(crate) fn severity(tie: Tie) -> Severity {
    match tie {
        Tie::Same => Severity::Warning,
        Tie::Overlap => Severity::Info,
    }
}
