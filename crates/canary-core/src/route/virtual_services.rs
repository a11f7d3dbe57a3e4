//! VirtualServices with names completed, delegates put in, and everything compiled that no listener changes.

use std::{collections::HashMap, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    chance::{Chance, Fault},
    clusters::Address,
    conditions::{Conditions, HeaderNames},
    cors::Cors,
    delegate::{MergedMatch, merge_fields, merge_matches},
    exports::Exports,
    headers::{Edits, authority},
    names::{qualify, qualify_gateway},
    request::MESH,
    retries::RetryPolicy,
    rewrite::{PathRewrite, RedirectTo},
    split::Split,
};
use crate::{
    Finding, Findings,
    istio::{HttpBody, HttpRedirect, HttpRoute, VirtualService},
};

/// Which rule, and which entry of its `match`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RuleRef {
    /// The VirtualService, as `VirtualService namespace/name`.
    pub object: String,
    /// The place in it: `spec.http[0].match[1]`, or `spec.http[0]` for a rule without matches.
    pub path: String,
    /// Envoy's name of the route: those of rule and match, joined with a dot; empty when the rule has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The rule of a delegate that stands in for it, as object and path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delegate: Option<String>,
}

impl std::fmt::Display for RuleRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.object, self.path)?;
        if !self.name.is_empty() {
            write!(f, " ({})", self.name)?;
        }
        if let Some(delegate) = &self.delegate {
            write!(f, " by {delegate}")?;
        }
        Ok(())
    }
}

/// The answer of a rule with `directResponse`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DirectResponse {
    /// The HTTP status.
    pub status: u16,
    /// The body; written as text, with a mark for each byte that is none.
    #[serde(serialize_with = "text")]
    pub body: Vec<u8>,
}

fn text<S: serde::Serializer>(body: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&String::from_utf8_lossy(body))
}

/// What a rule does with a request.
#[derive(Debug)]
pub(super) enum Action {
    Forward,
    Redirect(HttpRedirect),
    Direct(Arc<DirectResponse>),
}

/// One destination of a rule.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) address: Address,
    pub(super) edits: Edits,
    pub(super) authority: Option<Box<str>>,
}

/// A rule, compiled as far as it can be without knowing the listener.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) action: Action,
    pub(super) targets: Box<[Target]>,
    pub(super) split: Split,
    pub(super) mirrors: Box<[(Address, Chance)]>,
    pub(super) rewrite: PathRewrite,
    pub(super) timeout: Option<Duration>,
    pub(super) retries: Option<RetryPolicy>,
    pub(super) fault: Fault,
    pub(super) cors: Option<Cors>,
    /// The rule's own edits, for answers that no destination gives.
    pub(super) edits: Edits,
    pub(super) place: Arc<RuleRef>,
    /// One for each entry of `match`; empty when the rule matches everything.
    pub(super) matches: Vec<(Conditions, Arc<RuleRef>)>,
}

/// A VirtualService, ready to be bound to listeners.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) object: String,
    pub(super) namespace: String,
    pub(super) hosts: Vec<String>,
    pub(super) gateways: Vec<String>,
    pub(super) exports: Exports,
    pub(super) rules: Vec<Arc<Rule>>,
    /// Rules that are not in force, and why.
    pub(super) notes: Vec<String>,
}

/// How many matches the delegates of one mesh may multiply to.
const MAX_MERGED_MATCHES: usize = 100_000;

/// Objects of one kind with namespace and name, in the order in which Istio prefers them: oldest first, then by name,
/// then by namespace.
pub(super) type Sorted<T> = Vec<(String, String, T)>;

/// Compiles every VirtualService.
pub(super) struct Compiler<'c> {
    pub(super) domain: &'c str,
    pub(super) default_retries: Option<RetryPolicy>,
    pub(super) names: HeaderNames,
    pub(super) findings: Findings,
    merged_matches: usize,
}

/// A rule before it is compiled: its fields, its matches with where they stand, and the namespace of its hosts.
struct Written<'w> {
    http: HttpRoute,
    place: RuleRef,
    matches: Vec<(crate::istio::HttpMatchRequest, RuleRef)>,
    namespace: &'w str,
    object: &'w str,
    path: String,
}

impl<'c> Compiler<'c> {
    pub(super) fn new(domain: &'c str, default_retries: Option<RetryPolicy>) -> Self {
        Self {
            domain,
            default_retries,
            names: HeaderNames::default(),
            findings: Findings::default(),
            merged_matches: 0,
        }
    }

    /// Compiles those with hosts; the others are the delegates they may name.
    pub(super) fn entries(&mut self, all: &Sorted<VirtualService>) -> Vec<Entry> {
        let is_delegate =
            |service: &VirtualService| service.spec.hosts.as_deref().unwrap_or_default().is_empty();
        let delegates: HashMap<(&str, &str), &VirtualService> = all
            .iter()
            .filter(|(_, _, service)| is_delegate(service))
            .map(|(namespace, name, service)| ((namespace.as_str(), name.as_str()), service))
            .collect();
        all.iter()
            .filter(|(_, _, service)| !is_delegate(service))
            .map(|(namespace, name, service)| self.entry(namespace, name, service, &delegates))
            .collect()
    }

    fn entry(
        &mut self,
        namespace: &str,
        name: &str,
        service: &VirtualService,
        delegates: &HashMap<(&str, &str), &VirtualService>,
    ) -> Entry {
        let object = format!("VirtualService {namespace}/{name}");
        let spec = &service.spec;
        let mut hosts: Vec<String> = Vec::new();
        for host in spec.hosts.iter().flatten() {
            let host = qualify(host, namespace, self.domain);
            if !hosts.contains(&host) {
                hosts.push(host);
            }
        }
        let mut gateways: Vec<String> = spec
            .gateways
            .iter()
            .flatten()
            .map(|gateway| qualify_gateway(gateway, namespace))
            .collect();
        if gateways.is_empty() {
            gateways.push(MESH.to_owned());
        }
        let mut rules = Vec::new();
        let mut notes = Vec::new();
        for (index, http) in spec.http.iter().flatten().enumerate() {
            let path = format!("spec.http[{index}]");
            match &http.delegate {
                None => {
                    let written = own_rule(http, &object, path, namespace);
                    rules.extend(self.rule(written));
                }
                Some(delegate) => {
                    let target = delegate.name.as_deref().unwrap_or_default();
                    let target_namespace = delegate
                        .namespace
                        .as_deref()
                        .filter(|n| !n.is_empty())
                        .unwrap_or(namespace);
                    match delegates.get_key_value(&(target_namespace, target)) {
                        Some(((inner_namespace, inner_name), inner)) => self.delegated(
                            (&object, &path, http),
                            (inner_namespace, inner_name, inner),
                            namespace,
                            &mut rules,
                            &mut notes,
                        ),
                        None => notes.push(format!(
                            "{object} {path} is not in force: no VirtualService without hosts is called \
                             {target_namespace}/{target}"
                        )),
                    }
                }
            }
        }
        Entry {
            exports: Exports::new(spec.export_to.as_ref(), namespace),
            object,
            namespace: namespace.to_owned(),
            hosts,
            gateways,
            rules,
            notes,
        }
    }

    /// Puts the rules of a delegate in place of one of the root's.
    fn delegated(
        &mut self,
        (object, path, root): (&str, &str, &HttpRoute),
        (namespace, name, delegate): (&str, &str, &VirtualService),
        root_namespace: &str,
        rules: &mut Vec<Arc<Rule>>,
        notes: &mut Vec<String>,
    ) {
        let inner_object = format!("VirtualService {namespace}/{name}");
        let exports = Exports::new(delegate.spec.export_to.as_ref(), namespace);
        if exports.seen_from(root_namespace, namespace).is_none() {
            notes.push(format!(
                "{object} {path} is not in force: {inner_object} is not exported to namespace {root_namespace}"
            ));
            return;
        }
        for (index, http) in delegate.spec.http.iter().flatten().enumerate() {
            let inner_path = format!("spec.http[{index}]");
            let product = root.matches.as_ref().map_or(1, Vec::len).max(1)
                * http.matches.as_ref().map_or(1, Vec::len).max(1);
            self.merged_matches = self.merged_matches.saturating_add(product);
            if self.merged_matches > MAX_MERGED_MATCHES {
                self.findings.push(
                    Finding::error(
                        "C902",
                        path,
                        "the matches of roots and delegates multiply to too many",
                    )
                    .object(object)
                    .help(format!("keep them to {MAX_MERGED_MATCHES} in all")),
                );
                return;
            }
            let Some(merged) = merge_matches(root, http) else {
                notes.push(format!(
                    "{inner_object} {inner_path} is not in force under {object} {path}: one of its matches conflicts \
                     with every match there"
                ));
                continue;
            };
            let fields = merge_fields(root, http);
            let place = |found: Option<&MergedMatch>| {
                let at = |path: &str, index: Option<usize>| match index {
                    Some(index) => format!("{path}.match[{index}]"),
                    None => path.to_owned(),
                };
                RuleRef {
                    object: object.to_owned(),
                    path: at(path, found.and_then(|found| found.root)),
                    name: route_name(&fields, found.map(|found| &found.matches)),
                    delegate: Some(format!(
                        "{inner_object} {}",
                        at(&inner_path, found.and_then(|found| found.delegate))
                    )),
                }
            };
            let matches =
                merged.iter().map(|found| (found.matches.clone(), place(Some(found)))).collect();
            let written = Written {
                place: place(None),
                matches,
                namespace,
                object: &inner_object,
                path: inner_path.clone(),
                http: fields,
            };
            rules.extend(self.rule(written));
        }
    }

    fn rule(&mut self, written: Written<'_>) -> Option<Arc<Rule>> {
        let Written { http, place, matches, namespace, object, path } = written;
        let before = self.findings.len();
        let mut broken = |field: &str, code: &str, message: String, help: &str| {
            let finding = Finding::error(code, format!("{path}.{field}"), message).object(object);
            self.findings.push(if help.is_empty() { finding } else { finding.help(help) });
        };
        let targets = http.route.as_deref().unwrap_or_default();
        let single = targets.len() == 1;
        let mut weights = Vec::with_capacity(targets.len());
        for (index, target) in targets.iter().enumerate() {
            let weight = target.weight.unwrap_or(0);
            weights.push(u32::try_from(weight).unwrap_or_else(|_| {
                let field = format!("route[{index}].weight");
                broken(&field, "V073", format!("a weight is {weight}"), "give 0 or more");
                0
            }));
        }
        let total: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
        if targets.len() > 1 && total == 0 {
            let help = "give at least one destination a weight above 0";
            broken("route", "V074", "the weights of the destinations sum to 0".to_owned(), help);
        }
        if total > u64::from(u32::MAX) {
            let help = "Envoy refuses sums above 4294967295";
            broken(
                "route",
                "C901",
                format!("the weights of the destinations sum to {total}"),
                help,
            );
        }
        let rewrite = http.rewrite.as_ref().map(PathRewrite::new).transpose().unwrap_or_else(
            |(field, reason)| {
                broken(field, "V071", reason, "write RE2 syntax, groups as \\1");
                None
            },
        );
        let cors = http.cors_policy.as_ref().map(Cors::new).transpose().unwrap_or_else(
            |(field, reason)| {
                broken(&field, "V065", reason, "write RE2 syntax");
                None
            },
        );
        let action = match (&http.redirect, &http.direct_response) {
            (Some(redirect), _) => {
                if RedirectTo::new(redirect, 80, false).is_none() {
                    let code = redirect.redirect_code.unwrap_or_default();
                    let help = "Envoy has 301, 302, 303, 307 and 308";
                    broken(
                        "redirect.redirectCode",
                        "C903",
                        format!("status {code} is no redirect"),
                        help,
                    );
                }
                Action::Redirect(redirect.clone())
            }
            (None, Some(direct)) => Action::Direct(Arc::new(DirectResponse {
                status: u16::try_from(direct.status).unwrap_or_else(|_| {
                    let message = format!("status {} is no HTTP status", direct.status);
                    broken("directResponse.status", "V069", message, "give 200 to 599");
                    0
                }),
                body: match &direct.body {
                    Some(HttpBody::String(text)) => text.clone().into_bytes(),
                    Some(HttpBody::Bytes(bytes)) => bytes.clone(),
                    Some(HttpBody::Unset) | None => Vec::new(),
                },
            })),
            (None, None) => {
                if targets.is_empty() {
                    let help = "add route, redirect or directResponse";
                    broken("route", "V059", "the rule leads nowhere".to_owned(), help);
                }
                Action::Forward
            }
        };
        let mut compiled = Vec::with_capacity(matches.len());
        for (written, place) in matches {
            match Conditions::new(&written, namespace, &mut self.names) {
                Ok(conditions) => compiled.push((conditions, Arc::new(place))),
                Err(broken) => {
                    let of_delegate = place
                        .delegate
                        .as_deref()
                        .filter(|inner| inner.contains(".match"))
                        .and_then(|inner| inner.rsplit_once(' '));
                    let (object, at) = of_delegate.unwrap_or((&place.object, &place.path));
                    for (field, reason) in broken {
                        let code = if field.starts_with("uri") { "V015" } else { "V014" };
                        self.findings.push(
                            Finding::error(code, format!("{at}.{field}"), reason)
                                .object(object)
                                .help("write RE2 syntax, at most 1024 bytes"),
                        );
                    }
                }
            }
        }
        if self.findings.len() > before {
            return None;
        }
        let route_authority = http
            .rewrite
            .as_ref()
            .and_then(|rewrite| rewrite.authority.as_deref())
            .filter(|authority| !authority.is_empty())
            .or_else(|| authority(http.headers.as_ref()));
        let headers = http.headers.as_ref();
        let targets = targets
            .iter()
            .map(|target| Target {
                address: Address::new(&target.destination, namespace, self.domain),
                edits: Edits::new(headers, target.headers.as_ref(), single),
                authority: route_authority
                    .or_else(|| authority(target.headers.as_ref()))
                    .filter(|authority| !authority.is_empty())
                    .map(Into::into),
            })
            .collect();
        let retries = match &http.retries {
            None => self.default_retries.clone(),
            written => RetryPolicy::of(written.as_ref()),
        };
        Some(Arc::new(Rule {
            action,
            targets,
            split: Split::new(&weights),
            mirrors: mirrors(&http, namespace, self.domain),
            rewrite: rewrite.unwrap_or_default(),
            timeout: http
                .timeout
                .as_ref()
                .and_then(|timeout| timeout.as_std())
                .filter(|timeout| !timeout.is_zero()),
            retries,
            fault: http.fault.as_ref().map(Fault::new).unwrap_or_default(),
            cors,
            edits: Edits::new(headers, None, true),
            place: Arc::new(place),
            matches: compiled,
        }))
    }
}

fn own_rule<'w>(
    http: &HttpRoute,
    object: &'w str,
    path: String,
    namespace: &'w str,
) -> Written<'w> {
    let place = |path: String, name: String| RuleRef {
        object: object.to_owned(),
        path,
        name,
        delegate: None,
    };
    let matches = http
        .matches
        .iter()
        .flatten()
        .enumerate()
        .map(|(index, found)| {
            let at = format!("{path}.match[{index}]");
            (found.clone(), place(at, route_name(http, Some(found))))
        })
        .collect();
    Written {
        http: http.clone(),
        place: place(path.clone(), route_name(http, None)),
        matches,
        namespace,
        object,
        path,
    }
}

/// Envoy's name of a route: the rule's, then a dot and the match's when it has one.
fn route_name(http: &HttpRoute, matches: Option<&crate::istio::HttpMatchRequest>) -> String {
    let rule = http.name.as_deref().unwrap_or_default();
    match matches.and_then(|matches| matches.name.as_deref()).filter(|name| !name.is_empty()) {
        Some(name) => format!("{rule}.{name}"),
        None => rule.to_owned(),
    }
}

/// The mirrors that can receive anything. `mirrorPercentage` wins over `mirrorPercent`; both concern `mirror` alone.
fn mirrors(http: &HttpRoute, namespace: &str, domain: &str) -> Box<[(Address, Chance)]> {
    let single = http.mirror.iter().map(|destination| {
        let chance = match (&http.mirror_percentage, http.mirror_percent) {
            (Some(percentage), _) => Chance::percent(percentage),
            (None, Some(percent)) => Chance::whole_percent(percent),
            (None, None) => Chance::ALWAYS,
        };
        (destination, chance)
    });
    let several = http.mirrors.iter().flatten().map(|mirror| {
        let chance = mirror.percentage.as_ref().map_or(Chance::ALWAYS, Chance::percent);
        (&mirror.destination, chance)
    });
    single
        .chain(several)
        .filter(|(_, chance)| *chance > Chance::NEVER)
        .map(|(destination, chance)| (Address::new(destination, namespace, domain), chance))
        .collect()
}
