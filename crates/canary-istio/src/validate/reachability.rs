//! Rules and matches that Istio itself reports as never used.
//!
//! This repeats Istio's check, which compares texts: it misses some unreachable matches and reports some reachable
//! ones. [`crate::analyze`] decides exactly.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use super::sink::Sink;
use crate::networking::{
    HttpMatchRequest, L4MatchAttributes, StringMatch, TlsMatchAttributes, VirtualServiceSpec,
};
use crate::path::Path;

/// Checks each of the three lists of rules.
pub(super) fn check(spec: &VirtualServiceSpec, sink: &mut Sink<'_>) {
    let root = Path::root("spec");
    let http: Vec<_> = lists(spec.http.as_deref(), |rule| rule.matches.as_deref());
    check_list(&http, &root.field("http"), same_http, hash_http, sink);
    check_prefixes(spec, &root.field("http"), sink);
    let tls: Vec<_> = lists(spec.tls.as_deref(), |rule| rule.matches.as_deref());
    check_list(&tls, &root.field("tls"), same_tls, |condition| hash_of(&condition.sni_hosts), sink);
    let tcp: Vec<_> = lists(spec.tcp.as_deref(), |rule| rule.matches.as_deref());
    check_list(&tcp, &root.field("tcp"), same_l4, |condition| hash_of(&condition.port), sink);
}

/// The matches of each rule; nothing when there is at most one match in all, which cannot be unreachable.
fn lists<R, M>(rules: Option<&[R]>, matches: impl Fn(&R) -> Option<&[M]>) -> Vec<&[M]> {
    let rules = rules.unwrap_or_default();
    let rules = if rules.len() == 1 && matches(&rules[0]).is_none_or(|list| list.len() < 2) {
        &[]
    } else {
        rules
    };
    rules.iter().map(|rule| matches(rule).unwrap_or_default()).collect()
}

/// The name under which a finding mentions a rule.
fn place(list: &Path<'_>, rule: usize) -> String {
    list.index(rule).to_string()
}

/// Below this many matches they are compared pair by pair, without a table.
const FEW: usize = 8;

fn check_list<M>(
    rules: &[&[M]],
    list: &Path<'_>,
    same: fn(&M, &M) -> bool,
    hash: fn(&M) -> u64,
    sink: &mut Sink<'_>,
) {
    let total: usize = rules.iter().map(|matches| matches.len()).sum();
    let mut seen: Vec<(usize, &M)> = Vec::new();
    let mut table: HashMap<u64, Vec<(usize, &M)>> = HashMap::new();
    let mut catch_all: Option<usize> = None;
    for (rule, matches) in rules.iter().enumerate() {
        let at_rule = list.index(rule);
        if matches.is_empty() {
            if let Some(earlier) = catch_all {
                sink.warning(
                    "IST0130",
                    &at_rule,
                    format!(
                        "the rule is never used: {} before it has no matches",
                        place(list, earlier)
                    ),
                )
                .help("only the last rule can be without matches");
            }
            catch_all = Some(rule);
            continue;
        }
        let field = at_rule.field("match");
        let mut repeated = 0;
        for (index, condition) in matches.iter().enumerate() {
            if let Some(earlier) = catch_all {
                sink.warning(
                    "IST0130",
                    &at_rule,
                    format!(
                        "the rule is never used: {} before it has no matches",
                        place(list, earlier)
                    ),
                )
                .help("move the rule without matches to the end");
                continue;
            }
            let earlier =
                if total <= FEW { &seen } else { table.entry(hash(condition)).or_default() };
            if let Some((other, _)) = earlier.iter().find(|(_, other)| same(other, condition)) {
                sink.warning(
                    "IST0131",
                    &field.index(index),
                    format!(
                        "the match is never used: {} before it has the same",
                        place(list, *other)
                    ),
                )
                .help("remove it");
                repeated += 1;
            } else if total <= FEW {
                seen.push((rule, condition));
            } else {
                table.entry(hash(condition)).or_default().push((rule, condition));
            }
        }
        if repeated == matches.len() {
            sink.warning(
                "IST0130",
                &at_rule,
                "the rule is never used: rules before it have all of its matches",
            )
            .help("remove it");
        }
    }
}

fn hash_of(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn hash_http(condition: &HttpMatchRequest) -> u64 {
    hash_of(&(&condition.uri, &condition.method, &condition.authority, &condition.headers))
}

/// Returns true when both are the same as Istio writes them: zero and empty are treated as absent, and names do not count.
fn same_http(one: &HttpMatchRequest, other: &HttpMatchRequest) -> bool {
    one.uri == other.uri
        && one.scheme == other.scheme
        && one.method == other.method
        && one.authority == other.authority
        && same_or_empty(one.headers.as_ref(), other.headers.as_ref())
        && one.port.unwrap_or(0) == other.port.unwrap_or(0)
        && same_or_empty(one.source_labels.as_ref(), other.source_labels.as_ref())
        && same_or_empty(one.gateways.as_ref(), other.gateways.as_ref())
        && same_or_empty(one.query_params.as_ref(), other.query_params.as_ref())
        && one.ignore_uri_case.unwrap_or(false) == other.ignore_uri_case.unwrap_or(false)
        && same_or_empty(one.without_headers.as_ref(), other.without_headers.as_ref())
        && same_or_empty(one.source_namespace.as_ref(), other.source_namespace.as_ref())
        && same_or_empty(one.stat_prefix.as_ref(), other.stat_prefix.as_ref())
}

fn same_tls(one: &TlsMatchAttributes, other: &TlsMatchAttributes) -> bool {
    same_or_empty(one.sni_hosts.as_ref(), other.sni_hosts.as_ref())
        && same_or_empty(one.destination_subnets.as_ref(), other.destination_subnets.as_ref())
        && one.port.unwrap_or(0) == other.port.unwrap_or(0)
        && same_or_empty(one.source_labels.as_ref(), other.source_labels.as_ref())
        && same_or_empty(one.gateways.as_ref(), other.gateways.as_ref())
        && same_or_empty(one.source_namespace.as_ref(), other.source_namespace.as_ref())
}

fn same_l4(one: &L4MatchAttributes, other: &L4MatchAttributes) -> bool {
    same_or_empty(one.destination_subnets.as_ref(), other.destination_subnets.as_ref())
        && one.port.unwrap_or(0) == other.port.unwrap_or(0)
        && same_or_empty(one.source_subnet.as_ref(), other.source_subnet.as_ref())
        && same_or_empty(one.source_labels.as_ref(), other.source_labels.as_ref())
        && same_or_empty(one.gateways.as_ref(), other.gateways.as_ref())
        && same_or_empty(one.source_namespace.as_ref(), other.source_namespace.as_ref())
}

fn same_or_empty<T: Default + PartialEq>(one: Option<&T>, other: Option<&T>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => one == other,
        (Some(one), None) | (None, Some(one)) => *one == T::default(),
    }
}

/// A match on a prefix, with its place.
struct PrefixMatch<'v> {
    rule: usize,
    index: usize,
    prefix: &'v str,
    condition: &'v HttpMatchRequest,
}

/// Reports matches on a prefix that a match on a shorter prefix covers, by Istio's comparison.
fn check_prefixes(spec: &VirtualServiceSpec, list: &Path<'_>, sink: &mut Sink<'_>) {
    let rules = spec.http.as_deref().unwrap_or_default();
    let mut matches: Vec<PrefixMatch<'_>> = Vec::new();
    for (rule, route) in rules.iter().enumerate() {
        let own = route.matches.as_deref().unwrap_or_default();
        if own.is_empty() {
            // The following matches are already reported as never used.
            break;
        }
        for (index, condition) in own.iter().enumerate() {
            if let Some(StringMatch::Prefix(prefix)) = &condition.uri
                && !prefix.is_empty()
                && !repeats_earlier(rules, rule, index, condition)
            {
                matches.push(PrefixMatch { rule, index, prefix, condition });
            }
        }
    }
    if matches.len() < 2 {
        return;
    }
    let mut by_prefix: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, later) in matches.iter().enumerate() {
        let shorter = (1..later.prefix.len()).filter(|end| later.prefix.is_char_boundary(*end));
        let mut covering: Vec<usize> = shorter
            .filter_map(|end| by_prefix.get(&later.prefix[..end]))
            .flatten()
            .copied()
            .filter(|earlier| covers(matches[*earlier].condition, later.condition))
            .collect();
        covering.sort_unstable();
        for earlier in covering {
            let earlier = &matches[earlier];
            let at_rule = list.index(later.rule);
            let field = at_rule.field("match");
            sink.warning(
                "IST0131",
                &field.index(later.index),
                format!(
                    "the match on prefix {} is never used: {}.match[{}] before it takes prefix {}",
                    later.prefix,
                    place(list, earlier.rule),
                    earlier.index,
                    earlier.prefix
                ),
            )
            .help("move the longer prefix before the shorter one");
        }
        by_prefix.entry(later.prefix).or_default().push(at);
    }
}

/// Returns true when an earlier match is the same, which is reported elsewhere. Only few matches make this worth a look.
fn repeats_earlier(
    rules: &[crate::networking::HttpRoute],
    rule: usize,
    index: usize,
    condition: &HttpMatchRequest,
) -> bool {
    let earlier = rules[..rule].iter().flat_map(|route| route.matches.iter().flatten());
    let same_rule = rules[rule].matches.iter().flatten().take(index);
    earlier.chain(same_rule).take(4 * FEW).any(|other| same_http(other, condition))
}

/// The text that Istio compares conditions by; a regular expression counts as nothing.
fn text(condition: Option<&StringMatch>) -> (&'static str, &str) {
    match condition {
        Some(StringMatch::Exact(text)) if !text.is_empty() => ("exact:", text),
        Some(StringMatch::Prefix(text)) if !text.is_empty() => ("prefix:", text),
        _ => ("", ""),
    }
}

/// Returns true when the text of the earlier condition begins with that of the later one.
fn begins(earlier: (&str, &str), later: (&str, &str)) -> bool {
    later.0.is_empty() || (earlier.0 == later.0 && earlier.1.starts_with(later.1))
}

fn covers(earlier: &HttpMatchRequest, later: &HttpMatchRequest) -> bool {
    // A request without a condition on its method counts as GET.
    let method = |condition: &HttpMatchRequest| match &condition.method {
        Some(StringMatch::Exact(_) | StringMatch::Prefix(_)) => None,
        _ => Some(("exact:", "GET")),
    };
    let method_of =
        |condition| method(condition).unwrap_or_else(|| text(condition.method.as_ref()));
    let same_maps =
        |one: &Option<std::collections::BTreeMap<String, StringMatch>>,
         other: &Option<std::collections::BTreeMap<String, StringMatch>>| {
            let count = |map: &Option<std::collections::BTreeMap<String, StringMatch>>| {
                map.as_ref().map_or(0, std::collections::BTreeMap::len)
            };
            count(one) == count(other)
                && one.iter().flatten().all(|(name, value)| {
                    other
                        .as_ref()
                        .and_then(|map| map.get(name))
                        .is_some_and(|later| begins(text(Some(value)), text(Some(later))))
                })
        };
    earlier.port.unwrap_or(0) == later.port.unwrap_or(0)
        && begins(method_of(earlier), method_of(later))
        && begins(text(earlier.authority.as_ref()), text(later.authority.as_ref()))
        && same_maps(&earlier.headers, &later.headers)
        && same_maps(&earlier.query_params, &later.query_params)
        && same_maps(&earlier.without_headers, &later.without_headers)
}
