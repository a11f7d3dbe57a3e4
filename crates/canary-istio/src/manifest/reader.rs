//! Reads documents as objects of their kinds, and collects every problem.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    json,
    nearest::nearest,
    notes::{Notes, place},
    object::{Object, id},
    problem::Inner,
    read::Reader,
    source::Source,
    tree::{Content, Mark, Node, SyntaxError},
    yaml,
};
use crate::{
    Error, Finding, Findings, Result, gateway_api,
    networking::{DestinationRule, Gateway, VirtualService, object::ISTIO},
    resource::Kind,
};

/// The number of unreadable values that are reported of one object.
const MAX_PROBLEMS: usize = 50;

/// The depth to which a `List` may be nested in a `List`.
const MAX_LISTS: usize = 4;

const KINDS: [&str; 3] = ["DestinationRule", "Gateway", "VirtualService"];

/// The kinds of Istio's networking group that are not modelled here.
const OTHER_KINDS: [&str; 6] =
    ["EnvoyFilter", "ProxyConfig", "ServiceEntry", "Sidecar", "WorkloadEntry", "WorkloadGroup"];

/// The documents of a text, which is JSON when it begins like JSON and YAML otherwise.
pub(super) fn documents(text: &str) -> Result<Vec<Node<'_>>, SyntaxError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // YAML may begin with a bracket too, but then rarely with a quotation mark: `{kind: Gateway}`.
    let mut marks = text.bytes().filter(|byte| !byte.is_ascii_whitespace());
    let like_json = matches!(
        (marks.next(), marks.next()),
        (Some(b'{'), Some(b'"')) | (Some(b'['), Some(b'{' | b'"'))
    );
    // JSON documents in a stream of YAML have its marks between them.
    let stream = || text.lines().any(|line| line.starts_with("---") || line.starts_with("..."));
    if like_json && !stream() { json::parse(text) } else { yaml::parse(text) }
}

/// Objects, and the findings of reading them.
#[derive(Default)]
pub(super) struct Reading {
    pub(super) objects: Vec<Object>,
    /// The places of each object; none when there is no text.
    pub(super) sources: Vec<Source>,
    pub(super) findings: Findings,
    lenient: bool,
    /// The number of the document that is being read, from 1.
    document: usize,
}

/// The kind of the items of a typed list that do not name their own.
#[derive(Clone, Copy)]
struct Defaults<'n> {
    api_version: &'n str,
    kind: &'n str,
}

impl Reading {
    pub(super) fn new(lenient: bool) -> Self {
        Self { lenient, ..Self::default() }
    }

    /// Reads the objects of one document.
    pub(super) fn document(&mut self, node: &Node<'_>) {
        self.document += 1;
        self.any(node, None, 0);
    }

    fn push(&mut self, node: &Node<'_>, object: Object) {
        if node.at.line > 0 {
            self.sources.push(Source::new(node, self.document, &object));
        }
        self.objects.push(object);
    }

    fn any(&mut self, node: &Node<'_>, defaults: Option<Defaults<'_>>, depth: usize) {
        if !matches!(node.content, Content::Map(_)) {
            let found = match node.content {
                Content::List(_) => "a list",
                _ => "a single value",
            };
            let message = format!("expected a Kubernetes object, found {found}");
            self.refuse(Finding::error("C306", "", message), node.at);
            return;
        }
        let api_version = node.get("apiVersion").and_then(Node::name);
        let kind = node.get("kind").and_then(Node::name);
        let api_version = api_version.or(defaults.map(|defaults| defaults.api_version));
        let kind = kind.or(defaults.map(|defaults| defaults.kind));
        let (Some(api_version), Some(kind)) = (api_version, kind) else {
            let missing = if kind.is_none() { "kind" } else { "apiVersion" };
            let finding = Finding::error("C306", missing, "missing")
                .help("every object says `apiVersion` and `kind`, such as networking.istio.io/v1 and VirtualService");
            self.refuse(finding, node.at);
            return;
        };
        if let (Some(kind), Some(Node { content: Content::List(items), .. })) =
            (kind.strip_suffix("List"), node.get("items"))
        {
            self.list(node, items, Defaults { api_version, kind }, depth);
            return;
        }
        let id = name_of(node, kind);
        if ISTIO.has(api_version) {
            match kind {
                "Gateway" => self.typed::<Gateway>(node, &id),
                "VirtualService" => self.typed::<VirtualService>(node, &id),
                "DestinationRule" => self.typed::<DestinationRule>(node, &id),
                _ if OTHER_KINDS.contains(&kind) => self.other(node, &id),
                _ => self.unknown_kind(node, kind, &id),
            }
        } else if gateway_api::is_in_group(api_version) {
            self.gateway_api(node, api_version, kind, &id);
        } else if api_version.starts_with(ISTIO.group)
            || !api_version.contains('/') && ["VirtualService", "DestinationRule"].contains(&kind)
        {
            let finding = Finding::error("C306", "apiVersion", "not a version that Istio has")
                .object(id)
                .found(api_version)
                .help(format!("write {}/v1", ISTIO.group));
            self.refuse(finding, at(node, "apiVersion"));
        } else {
            self.other(node, &id);
        }
    }

    fn list(&mut self, node: &Node<'_>, items: &[Node<'_>], of: Defaults<'_>, depth: usize) {
        if depth == MAX_LISTS {
            let message = format!("lists are nested more than {MAX_LISTS} deep");
            self.refuse(Finding::error("C306", "items", message), node.at);
            return;
        }
        // A plain `List` holds objects of any kind, each with its own `kind`.
        let defaults = (!of.kind.is_empty()).then_some(of);
        for item in items {
            self.any(item, defaults, depth + 1);
        }
    }

    fn unknown_kind(&mut self, node: &Node<'_>, kind: &str, id: &str) {
        let known: Vec<&str> = KINDS.into_iter().chain(OTHER_KINDS).collect();
        let help = match nearest(kind, &known) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("the kinds of {} are {}", ISTIO.group, known.join(", ")),
        };
        let finding = Finding::error("C306", "kind", "not a kind that Istio has");
        self.refuse(finding.object(id).found(kind).help(help), at(node, "kind"));
    }

    /// An object of the group of the Gateway API.
    fn gateway_api(&mut self, node: &Node<'_>, api_version: &str, kind: &str, id: &str) {
        let read = match kind {
            "GatewayClass" => Self::spec::<gateway_api::GatewayClass>,
            "Gateway" => Self::spec::<gateway_api::Gateway>,
            "HTTPRoute" => Self::spec::<gateway_api::HttpRoute>,
            "GRPCRoute" => Self::spec::<gateway_api::GrpcRoute>,
            "ReferenceGrant" => Self::spec::<gateway_api::ReferenceGrant>,
            "BackendTLSPolicy" => Self::spec::<gateway_api::BackendTlsPolicy>,
            _ if gateway_api::OTHER_KINDS.contains(&kind) => return self.other(node, id),
            _ => {
                let known: Vec<&str> =
                    gateway_api::KINDS.into_iter().chain(gateway_api::OTHER_KINDS).collect();
                let help = match nearest(kind, &known) {
                    Some(name) => format!("did you mean `{name}`?"),
                    None => format!("the kinds of {} are {}", gateway_api::GROUP, known.join(", ")),
                };
                let finding = Finding::error("C306", "kind", "not a kind that the Gateway API has");
                self.refuse(finding.object(id).found(kind).help(help), at(node, "kind"));
                return;
            }
        };
        read(self, node, api_version, id);
    }

    /// An object whose `spec` the API server requires.
    fn spec<T: Kind + DeserializeOwned + Into<Object>>(
        &mut self,
        node: &Node<'_>,
        api_version: &str,
        id: &str,
    ) {
        if !T::API.has(api_version) {
            let finding = Finding::error("C306", "apiVersion", "not a version that this kind has")
                .object(id)
                .found(api_version)
                .help(format!("write {}", T::API_VERSION));
            self.refuse(finding, at(node, "apiVersion"));
            return;
        }
        if node.get("spec").is_none() {
            let finding = Finding::error("C307", "spec", "missing field `spec`")
                .object(id)
                .help("the API server refuses an object without it");
            self.refuse(finding, node.at);
        }
        self.typed::<T>(node, id);
    }

    fn typed<T: DeserializeOwned + Into<Object>>(&mut self, node: &Node<'_>, id: &str) {
        if let Some(object) = self.read::<T>(node, id) {
            self.push(node, object.into());
        }
    }

    /// Any other object, as JSON.
    fn other(&mut self, node: &Node<'_>, id: &str) {
        if let Some(value) = self.read::<Value>(node, id) {
            self.push(node, Object::Other(value));
        }
    }

    /// Reads a node; after a problem, leaves the value out and reads again, so that every problem is found.
    pub(super) fn read<T: DeserializeOwned>(&mut self, node: &Node<'_>, id: &str) -> Option<T> {
        let notes = Notes::new(self.lenient);
        let (object, problems) = read_through::<T>(node, &notes);
        let mut found = notes.findings.take();
        let mut problems: Vec<Finding> = problems
            .into_iter()
            .map(|problem| finding(checked::<T>(node, &notes, problem), node.at))
            .collect();
        if found.is_empty() && problems.is_empty() {
            return object;
        }
        found.append(&mut problems);
        found.sort_by_key(|finding| (finding.line, finding.column));
        let document = self.document;
        self.findings
            .extend(found.into_iter().map(|finding| in_document(finding, document).object(id)));
        // Reading rules of the text must not hide rules of the object: quoted numbers count as numbers there.
        if self.lenient {
            return object;
        }
        read_through(node, &Notes::new(true)).0.or(object)
    }

    fn refuse(&mut self, finding: Finding, at: Mark) {
        self.findings.push(in_document(place(finding, at), self.document));
    }
}

/// Reads a node; after a problem, leaves the value out and reads again, so that every problem is found.
fn read_through<T: DeserializeOwned>(node: &Node<'_>, notes: &Notes) -> (Option<T>, Vec<Inner>) {
    let mut problems = Vec::new();
    loop {
        match T::deserialize(Reader::new(node, notes)) {
            Ok(object) => return (Some(object), problems),
            Err(problem) => {
                let problem = problem.into_inner();
                let left_out = problem.place.as_ref().map(|place| place.node);
                problems.push(problem);
                match left_out {
                    Some(part) if part != node.id() && problems.len() < MAX_PROBLEMS => {
                        notes.findings.borrow_mut().clear();
                        notes.leave_out(part);
                    }
                    _ => return (None, problems),
                }
            }
        }
    }
}

/// Removes the advice to quote a value if the quoted value would be refused too.
fn checked<T: DeserializeOwned>(node: &Node<'_>, notes: &Notes, mut problem: Inner) -> Inner {
    let (true, Some(place)) = (problem.quotes, &problem.place) else { return problem };
    let trial = notes.with_quotes(place.node);
    if let Err(next) = T::deserialize(Reader::new(node, &trial)) {
        let next = next.into_inner();
        if next.place.is_some_and(|next| next.node == place.node) {
            problem.help = next.help.or(Some(next.message));
        }
    }
    problem
}

/// Records the document of a finding that has a place.
fn in_document(mut finding: Finding, document: usize) -> Finding {
    finding.document = finding.line.is_some().then_some(document);
    finding
}

fn finding(problem: Inner, root: Mark) -> Finding {
    let (path, at) = problem.place.map_or((String::new(), root), |place| (place.path, place.at));
    let mut finding =
        place(Finding::error(problem.code.unwrap_or("C307"), path, problem.message), at);
    finding.found = problem.found;
    finding.help = problem.help;
    finding
}

/// The place of an entry, or of the object when it has no such entry.
fn at(node: &Node<'_>, key: &str) -> Mark {
    node.get(key).map_or(node.at, |value| value.at)
}

fn name_of(node: &Node<'_>, kind: &str) -> String {
    let metadata = node.get("metadata");
    let text = |key| metadata.and_then(|metadata| metadata.get(key)).and_then(Node::name);
    id(kind, text("namespace"), text("name").unwrap_or_default())
}

/// Reads one of the modelled kinds from JSON, strictly.
fn strict<T: Kind + DeserializeOwned>(value: &Value) -> Result<T> {
    let kind = T::KIND;
    let bad = |reason: String| Error::Manifest { what: kind.to_owned(), reason };
    let node = json::from_value(value, 0).map_err(|error| bad(error.message))?;
    for (key, expected) in [("kind", kind), ("apiVersion", T::API_VERSION)] {
        let found = value.get(key).and_then(Value::as_str);
        let fits = found
            .is_some_and(|found| if key == "kind" { found == expected } else { T::API.has(found) });
        if !fits {
            let found = found.map_or("nothing".to_owned(), |found| format!("`{found}`"));
            return Err(bad(format!("{key} is {found}, expected `{expected}`")));
        }
    }
    if T::API.group == gateway_api::GROUP && value.get("spec").is_none() {
        return Err(bad("missing field `spec`, which the API server requires".to_owned()));
    }
    let mut reading = Reading::new(false);
    let object = reading.read::<T>(&node, &name_of(&node, kind));
    reading.findings.into_result()?;
    object.ok_or_else(|| bad("not an object".to_owned()))
}

macro_rules! from_json_value {
    ($($kind:path),*) => {
        $(impl $kind {
            /// Reads the object from JSON, strictly: every field must be known.
            ///
            /// # Errors
            /// [`Error::Manifest`] when `kind` or `apiVersion` is another one; [`Error::Invalid`] with
            /// every field that is not known or cannot be read.
            pub fn from_json_value(value: &Value) -> Result<Self> {
                strict(value)
            }
        })*
    };
}

from_json_value!(Gateway, VirtualService, DestinationRule);
from_json_value!(
    gateway_api::GatewayClass,
    gateway_api::Gateway,
    gateway_api::HttpRoute,
    gateway_api::GrpcRoute,
    gateway_api::ReferenceGrant,
    gateway_api::BackendTlsPolicy
);
