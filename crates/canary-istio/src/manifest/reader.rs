//! Documents to objects: which kind each is, and the readings that collect every problem.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    json,
    nearest::nearest,
    object::{Object, id},
    problem::Inner,
    read::{Notes, Reader, place},
    tree::{Content, Key, Mark, Node, SyntaxError},
    yaml,
};
use crate::{
    Error, Finding, Findings, Result,
    networking::{
        DestinationRule, Gateway, VirtualService,
        object::{GROUP, is_istio},
    },
};

/// How many values that cannot be read are reported of one object.
const MAX_PROBLEMS: usize = 50;

/// How deep a `List` may stand in a `List`.
const MAX_LISTS: usize = 4;

const KINDS: [&str; 3] = ["DestinationRule", "Gateway", "VirtualService"];

/// The kinds of Istio's networking group that are not modelled here.
const OTHER_KINDS: [&str; 6] =
    ["EnvoyFilter", "ProxyConfig", "ServiceEntry", "Sidecar", "WorkloadEntry", "WorkloadGroup"];

/// The documents of a text, which is JSON when it begins like JSON and YAML otherwise.
pub(super) fn documents(text: &str) -> Result<Vec<Node<'_>>, SyntaxError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // YAML too may begin with a bracket, but then hardly with a quotation mark: `{kind: Gateway}`.
    let mut marks = text.bytes().filter(|byte| !byte.is_ascii_whitespace());
    let like_json = matches!(
        (marks.next(), marks.next()),
        (Some(b'{'), Some(b'"')) | (Some(b'['), Some(b'{' | b'"'))
    );
    if like_json { json::parse(text) } else { yaml::parse(text) }
}

/// Objects, and what was found while they were read.
#[derive(Default)]
pub(super) struct Reading {
    pub(super) objects: Vec<Object>,
    pub(super) findings: Findings,
    lenient: bool,
}

/// What an item of a typed list is when it does not say so itself.
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
        self.any(node, None, 0);
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
        if is_istio(api_version) {
            match kind {
                "Gateway" => self.typed::<Gateway>(node, &id),
                "VirtualService" => self.typed::<VirtualService>(node, &id),
                "DestinationRule" => self.typed::<DestinationRule>(node, &id),
                _ if OTHER_KINDS.contains(&kind) => self.other(node, &id),
                _ => self.unknown_kind(node, kind, &id),
            }
        } else if api_version.starts_with(GROUP)
            || !api_version.contains('/') && ["VirtualService", "DestinationRule"].contains(&kind)
        {
            let finding = Finding::error("C306", "apiVersion", "not a version that Istio has")
                .object(id)
                .found(api_version)
                .help(format!("write {GROUP}/v1"));
            self.refuse(finding, at(node, "apiVersion"));
        } else {
            self.other(node, &id);
        }
    }

    fn list(&mut self, node: &Node<'_>, items: &[Node<'_>], of: Defaults<'_>, depth: usize) {
        if depth == MAX_LISTS {
            let message = format!("lists stand in lists more than {MAX_LISTS} deep");
            self.refuse(Finding::error("C306", "items", message), node.at);
            return;
        }
        // A plain `List` holds objects of any kind, each of which says its own.
        let defaults = (!of.kind.is_empty()).then_some(of);
        for item in items {
            self.any(item, defaults, depth + 1);
        }
    }

    fn unknown_kind(&mut self, node: &Node<'_>, kind: &str, id: &str) {
        let known: Vec<&str> = KINDS.into_iter().chain(OTHER_KINDS).collect();
        let help = match nearest(kind, &known) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("the kinds of {GROUP} are {}", known.join(", ")),
        };
        let finding = Finding::error("C306", "kind", "not a kind that Istio has");
        self.refuse(finding.object(id).found(kind).help(help), at(node, "kind"));
    }

    fn typed<T: DeserializeOwned + Into<Object>>(&mut self, node: &Node<'_>, id: &str) {
        if let Some(object) = self.read::<T>(node, id) {
            self.objects.push(object.into());
        }
    }

    /// Any other object, as JSON.
    fn other(&mut self, node: &Node<'_>, id: &str) {
        if let Some(value) = self.read::<Value>(node, id) {
            self.objects.push(Object::Other(value));
        }
    }

    /// Reads a node, leaves out what cannot be read and reads again, so that every problem is found.
    pub(super) fn read<T: DeserializeOwned>(&mut self, node: &Node<'_>, id: &str) -> Option<T> {
        let notes = Notes::new(self.lenient);
        let mut problems = Vec::new();
        let object = loop {
            match T::deserialize(Reader::new(node, &notes)) {
                Ok(object) => break Some(object),
                Err(problem) => {
                    let problem = problem.into_inner();
                    let left_out = problem.place.as_ref().map(|place| place.node);
                    problems.push(finding(problem, node.at));
                    match left_out {
                        Some(part) if part != node.id() && problems.len() < MAX_PROBLEMS => {
                            notes.findings.borrow_mut().clear();
                            notes.leave_out(part);
                        }
                        _ => break None,
                    }
                }
            }
        };
        let mut found = notes.findings.into_inner();
        if found.is_empty() && problems.is_empty() {
            return object;
        }
        found.append(&mut problems);
        found.sort_by_key(|finding| (finding.line, finding.column));
        self.findings.extend(found.into_iter().map(|finding| finding.object(id)));
        object
    }

    fn refuse(&mut self, finding: Finding, at: Mark) {
        self.findings.push(place(finding, at));
    }
}

fn finding(problem: Inner, root: Mark) -> Finding {
    let (path, at) = problem.place.map_or((String::new(), root), |place| (place.path, place.at));
    let mut finding = place(Finding::error("C307", path, problem.message), at);
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

/// Reads one of the three kinds from JSON, strictly.
fn strict<T: DeserializeOwned>(kind: &str, value: &Value) -> Result<T> {
    let bad = |reason: String| Error::Manifest { what: kind.to_owned(), reason };
    let node = json::from_value(value, 0).map_err(|error| bad(error.message))?;
    for (key, expected) in [("kind", kind), ("apiVersion", "networking.istio.io/v1")] {
        let found = value.get(key).and_then(Value::as_str);
        let fits = found
            .is_some_and(|found| if key == "kind" { found == expected } else { is_istio(found) });
        if !fits {
            let found = found.map_or("nothing".to_owned(), |found| format!("`{found}`"));
            return Err(bad(format!("{key} is {found}, expected `{expected}`")));
        }
    }
    let mut reading = Reading::new(false);
    let object = reading.read::<T>(&node, &name_of(&node, kind));
    reading.findings.into_result()?;
    object.ok_or_else(|| bad("not an object".to_owned()))
}

macro_rules! from_json_value {
    ($($kind:ident)*) => {
        $(impl $kind {
            /// Reads the object from JSON, strictly: every field must be known.
            ///
            /// # Errors
            /// [`Error::Manifest`] when `kind` or `apiVersion` is another one; [`Error::Invalid`] with
            /// every field that is not known or cannot be read.
            pub fn from_json_value(value: &Value) -> Result<Self> {
                strict(stringify!($kind), value)
            }
        })*
    };
}

from_json_value!(Gateway VirtualService DestinationRule);

/// The node at a path, such as `spec.http[0].route[1].weight`, or the deepest one on the way to it.
pub(super) fn deepest<'n, 't>(root: &'n Node<'t>, path: &str) -> &'n Node<'t> {
    let mut node = root;
    let mut rest = path;
    while !rest.is_empty() {
        let (step, after) = step(rest);
        let next = match &node.content {
            Content::List(items) => step.parse::<usize>().ok().and_then(|index| items.get(index)),
            Content::Map(entries) => entry(entries, &step),
            _ => None,
        };
        let Some(next) = next else { break };
        node = next;
        rest = after;
    }
    node
}

fn entry<'n, 't>(entries: &'n [(Key<'t>, Node<'t>)], key: &str) -> Option<&'n Node<'t>> {
    entries.iter().find(|(name, _)| name.text == key).map(|(_, value)| value)
}

/// The first step of a path, and what follows it.
fn step(path: &str) -> (String, &str) {
    let path = path.strip_prefix('.').unwrap_or(path);
    let Some(inside) = path.strip_prefix('[') else {
        let end = path.find(['.', '[']).unwrap_or(path.len());
        return (path[..end].to_owned(), &path[end..]);
    };
    if inside.starts_with('"') {
        let mut stream = serde_json::Deserializer::from_str(inside).into_iter::<String>();
        if let Some(Ok(key)) = stream.next() {
            let after = &inside[stream.byte_offset()..];
            return (key, after.strip_prefix(']').unwrap_or(after));
        }
    }
    let end = inside.find(']').unwrap_or(inside.len());
    (inside[..end].to_owned(), inside.get(end + 1..).unwrap_or_default())
}

/// The nodes of a document that become objects, in order, as [`Reading::document`] has them.
pub(super) fn object_nodes<'n, 't>(
    node: &'n Node<'t>,
    nodes: &mut Vec<&'n Node<'t>>,
    depth: usize,
) {
    let is_list = node.get("kind").and_then(Node::name).is_some_and(|kind| kind.ends_with("List"));
    match node.get("items") {
        Some(Node { content: Content::List(items), .. }) if is_list && depth < MAX_LISTS => {
            for item in items {
                object_nodes(item, nodes, depth + 1);
            }
        }
        _ => nodes.push(node),
    }
}
