//! VirtualServices with completed names and merged delegates, compiled as far as they do not depend on a listener.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    connections::{ConnectionRule, Match},
    delegate::{MergedMatch, in_full, merge_fields, merge_matches},
    entry::{Entry, Note, NoteKind, Origin},
    retries::Retries,
    rule_ref::RuleRef,
    rules::{Rule, RuleCompiler, Written},
    sorted::{Age, Sorted},
};
use crate::{
    Finding, Findings,
    names::{Exports, MESH, qualify, qualify_gateway},
    networking::{HttpRoute, VirtualService},
};

/// The rules of some VirtualServices that are not in force because of their delegates.
pub(crate) fn delegation_notes(all: &Sorted<VirtualService>, domain: &str) -> Vec<Note> {
    let mut compiler = Compiler::new(domain, Retries::of(None));
    compiler.entries(all).into_iter().flat_map(|(_, entry)| entry.notes).collect()
}

/// The number of matches that the delegates of one mesh may multiply to.
const MAX_MERGED_MATCHES: usize = 100_000;
/// The number of bytes of JSON that they may multiply to.
const MAX_MERGED_BYTES: usize = 8 << 20;

/// Compiles every VirtualService.
pub(super) struct Compiler<'c> {
    rules: RuleCompiler<'c>,
    merged_matches: usize,
    merged_bytes: usize,
    /// The sizes of the rules of delegates, by where they are.
    rule_sizes: HashMap<*const HttpRoute, usize>,
}

impl<'c> Compiler<'c> {
    pub(super) fn new(domain: &'c str, default_retries: Retries) -> Self {
        Self {
            rules: RuleCompiler::new(domain, default_retries),
            merged_matches: 0,
            merged_bytes: 0,
            rule_sizes: HashMap::new(),
        }
    }

    /// The compiler of rules, which routes of the Gateway API share.
    pub(super) fn rules(&mut self) -> &mut RuleCompiler<'c> {
        &mut self.rules
    }

    /// Everything that is wrong with the rules.
    pub(super) fn into_findings(self) -> Findings {
        self.rules.findings
    }

    /// Compiles those with hosts, each with its age; the others are the delegates they may name.
    pub(super) fn entries(&mut self, all: &Sorted<VirtualService>) -> Vec<(Age, Entry)> {
        let is_delegate =
            |service: &VirtualService| service.spec.hosts.as_deref().unwrap_or_default().is_empty();
        let delegates: HashMap<(&str, &str), &VirtualService> = all
            .iter()
            .filter(|(_, _, service)| is_delegate(service))
            .map(|(namespace, name, service)| ((namespace.as_str(), name.as_str()), service))
            .collect();
        all.iter()
            .filter(|(_, _, service)| !is_delegate(service))
            .map(|(namespace, name, service)| {
                let time = service.metadata.creation_timestamp.clone();
                let age = (time, name.clone(), namespace.clone());
                (age, self.entry(namespace, name, service, &delegates))
            })
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
        let mut known = HashSet::new();
        let hosts: Vec<String> = spec
            .hosts
            .iter()
            .flatten()
            .map(|host| qualify(host, namespace, self.rules.domain))
            .filter(|host| known.insert(host.clone()))
            .collect();
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
        let note = |kind: NoteKind, path: &str, text: String| Note {
            kind,
            object: object.clone(),
            path: path.to_owned(),
            text,
        };
        for (index, http) in spec.http.iter().flatten().enumerate() {
            let path = format!("spec.http[{index}]");
            match &http.delegate {
                None => {
                    let written = own_rule(http, &object, path, namespace);
                    rules.extend(self.rules.compile(written));
                }
                Some(delegate) => {
                    let target = delegate.name.as_deref().unwrap_or_default();
                    let target_namespace = delegate
                        .namespace
                        .as_deref()
                        .filter(|n| !n.is_empty())
                        .unwrap_or(namespace);
                    let found = delegates.get_key_value(&(target_namespace, target));
                    if let Some(((inner_namespace, inner_name), inner)) = found {
                        self.delegated(
                            (&object, &path, http),
                            (inner_namespace, inner_name, inner),
                            namespace,
                            &mut rules,
                            &mut notes,
                        );
                    } else {
                        let text = format!(
                            "{object} {path} is not in force: no VirtualService without hosts is called \
                             {target_namespace}/{target}"
                        );
                        notes.push(note(NoteKind::NoDelegate, &path, text));
                    }
                }
            }
        }
        let tls = spec.tls.iter().flatten().enumerate().filter_map(|(index, written)| {
            let place = |at: Option<usize>| connection_place(&object, "tls", index, at);
            let (route, path) = (written.route.as_deref().unwrap_or_default(), place(None).path);
            let rule = self.rules.connection(route, place(None), namespace, &object, &path)?;
            let matches = written.matches.iter().flatten().enumerate();
            let matches =
                matches.map(|(at, found)| Match::of_tls(found, place(Some(at)), namespace));
            Some(ConnectionRule { rule, matches: matches.collect() })
        });
        let tls = tls.collect();
        let tcp = spec.tcp.iter().flatten().enumerate().filter_map(|(index, written)| {
            let place = |at: Option<usize>| connection_place(&object, "tcp", index, at);
            let (route, path) = (written.route.as_deref().unwrap_or_default(), place(None).path);
            let rule = self.rules.connection(route, place(None), namespace, &object, &path)?;
            let matches = written.matches.iter().flatten().enumerate();
            let matches =
                matches.map(|(at, found)| Match::of_tcp(found, place(Some(at)), namespace));
            Some(ConnectionRule { rule, matches: matches.collect() })
        });
        let tcp = tcp.collect();
        Entry {
            origin: Origin::VirtualService,
            exports: Exports::new(spec.export_to.iter().flatten().map(String::as_str), namespace),
            object,
            namespace: namespace.to_owned(),
            hosts,
            gateways,
            rules,
            tls,
            tcp,
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
        notes: &mut Vec<Note>,
    ) {
        let inner_object = format!("VirtualService {namespace}/{name}");
        let note = |kind: NoteKind, text: String| Note {
            kind,
            object: object.to_owned(),
            path: path.to_owned(),
            text,
        };
        let exports =
            Exports::new(delegate.spec.export_to.iter().flatten().map(String::as_str), namespace);
        if exports.seen_from(root_namespace, namespace).is_none() {
            let text = format!(
                "{object} {path} is not in force: {inner_object} is not exported to namespace {root_namespace}"
            );
            notes.push(note(NoteKind::NoDelegate, text));
            return;
        }
        let root_size = size(root);
        let completed = in_full(root, root_namespace, self.rules.domain);
        for (index, http) in delegate.spec.http.iter().flatten().enumerate() {
            let inner_path = format!("spec.http[{index}]");
            let count = |rule: &HttpRoute| rule.matches.as_ref().map_or(1, Vec::len).max(1);
            self.merged_matches = self.merged_matches.saturating_add(count(root) * count(http));
            let inner_size =
                *self.rule_sizes.entry(std::ptr::from_ref(http)).or_insert_with(|| size(http));
            self.merged_bytes += count(http) * root_size + count(root) * inner_size;
            if self.merged_matches > MAX_MERGED_MATCHES || self.merged_bytes > MAX_MERGED_BYTES {
                self.rules.findings.push(
                    Finding::error(
                        "C902",
                        path,
                        "the matches of roots and delegates multiply to too many",
                    )
                    .object(object)
                    .help(format!(
                        "keep them to {MAX_MERGED_MATCHES}, and to {} MiB of JSON, in all",
                        MAX_MERGED_BYTES >> 20
                    )),
                );
                return;
            }
            let http = &in_full(http, namespace, self.rules.domain);
            let root = &completed;
            let Some(merged) = merge_matches(root, http) else {
                let text = format!(
                    "{inner_object} {inner_path} is not in force under {object} {path}: one of its matches conflicts \
                     with every match there"
                );
                notes.push(note(NoteKind::Conflict, text));
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
                route: None,
            };
            rules.extend(self.rules.compile(written));
        }
    }
}

/// The place of a rule for connections, or of one of its matches.
fn connection_place(object: &str, list: &str, index: usize, found: Option<usize>) -> RuleRef {
    let path = match found {
        Some(at) => format!("spec.{list}[{index}].match[{at}]"),
        None => format!("spec.{list}[{index}]"),
    };
    RuleRef { object: object.to_owned(), path, name: String::new(), delegate: None }
}

/// The size of a rule as JSON.
fn size(rule: &HttpRoute) -> usize {
    serde_json::to_vec(rule).map_or(0, |json| json.len())
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
        route: None,
    }
}

/// Envoy's name of a route: the rule's, then a dot and the match's when it has one.
fn route_name(http: &HttpRoute, matches: Option<&crate::networking::HttpMatchRequest>) -> String {
    let rule = http.name.as_deref().unwrap_or_default();
    match matches.and_then(|matches| matches.name.as_deref()).filter(|name| !name.is_empty()) {
        Some(name) => format!("{rule}.{name}"),
        None => rule.to_owned(),
    }
}
