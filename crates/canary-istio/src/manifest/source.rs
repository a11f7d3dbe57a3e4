//! The places of an object's values in the text that it was read from.

use std::{collections::HashMap, sync::Arc};

use super::{
    object::Object,
    tree::{Content, Mark, Node},
};
use crate::{Finding, Findings};

/// The places of the values of one object in the text that it was read from.
///
/// It is made while the text is read; cloning is cheap.
///
/// ```
/// use canary_core::Manifest;
///
/// let text = "apiVersion: networking.istio.io/v1\nkind: Gateway\nspec:\n  servers:\n  - port: {number: 0}\n";
/// let (manifest, _) = Manifest::read_lenient(text);
/// let source = manifest.source(0).unwrap();
/// assert_eq!(source.position("spec.servers[0].port.number"), (5, 20));
/// assert_eq!(source.document(), 1);
/// ```
#[derive(Clone, Debug)]
pub struct Source(Arc<Places>);

#[derive(Debug)]
struct Places {
    document: usize,
    kind: String,
    namespace: Option<String>,
    name: String,
    /// The values in the order of the text, each before those inside it.
    values: Vec<Value>,
    /// The keys of all entries, one after the other.
    keys: String,
}

#[derive(Debug)]
struct Value {
    at: Mark,
    /// The end of this value's key in [`Places::keys`]; it begins where that of the value before ends.
    key_start: usize,
    key_end: usize,
    is_list: bool,
    /// The position after the last value inside this one.
    end: usize,
}

impl Source {
    /// The places of `object`, which was read from `node` in the document of this number, from 1.
    pub(super) fn new(node: &Node<'_>, document: usize, object: &Object) -> Self {
        let mut places = Places {
            document,
            kind: object.kind().to_owned(),
            namespace: object.namespace().map(str::to_owned),
            name: object.name().to_owned(),
            values: Vec::with_capacity(node.size()),
            keys: String::new(),
        };
        places.add(node, "");
        Self(Arc::new(places))
    }

    /// The number of the document in the text, from 1.
    pub fn document(&self) -> usize {
        self.0.document
    }

    /// The line and column, both from 1, of a path in the object.
    ///
    /// A path that does not exist gives the place of its deepest part that does, so that a missing field is shown
    /// where it is missing.
    pub fn position(&self, path: &str) -> (usize, usize) {
        let at = self.0.deepest(path);
        (at.line, at.column)
    }

    /// Writes document, line and column into a finding about this object, unless it has a line already.
    pub fn locate(&self, finding: &mut Finding) {
        if finding.line.is_none() {
            let (line, column) = self.position(&finding.path);
            finding.document = Some(self.0.document);
            finding.line = Some(line);
            finding.column = Some(column);
        }
    }

    /// Returns true when `object` has the kind, namespace and name of the object that was read.
    pub(super) fn is_of(&self, object: &Object) -> bool {
        self.0.kind == object.kind()
            && self.0.namespace.as_deref() == object.namespace()
            && self.0.name == object.name()
    }
}

impl Places {
    fn add(&mut self, node: &Node<'_>, key: &str) {
        let index = self.values.len();
        let key_start = self.keys.len();
        self.keys.push_str(key);
        let is_list = matches!(node.content, Content::List(_));
        let key_end = self.keys.len();
        self.values.push(Value { at: node.at, key_start, key_end, is_list, end: 0 });
        match &node.content {
            Content::List(items) => {
                for item in items {
                    self.add(item, "");
                }
            }
            Content::Map(entries) => {
                for (key, value) in entries {
                    self.add(value, &key.text);
                }
            }
            Content::Plain(_) | Content::Text(_) => {}
        }
        self.values[index].end = self.values.len();
    }

    /// The place of the value at a path, or of the deepest one on the way to it.
    fn deepest(&self, path: &str) -> Mark {
        let mut at = 0;
        let mut rest = path;
        while !rest.is_empty() {
            let (step, after) = step(rest);
            let Some(inner) = self.inner(at, &step) else { break };
            at = inner;
            rest = after;
        }
        self.values[at].at
    }

    fn inner(&self, outer: usize, step: &str) -> Option<usize> {
        let outer_value = &self.values[outer];
        let mut inside =
            std::iter::successors(Some(outer + 1), |at| Some(self.values.get(*at)?.end))
                .take_while(|at| *at < outer_value.end);
        if outer_value.is_list {
            return inside.nth(step.parse().ok()?);
        }
        inside.find(|at| {
            let value = &self.values[*at];
            &self.keys[value.key_start..value.key_end] == step
        })
    }
}

/// The first step of a path, and the path after it.
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

/// Writes document, line and column into each finding that has none and names the object of one of `sources`.
///
/// An object without a namespace in its text matches a finding in any namespace, unless another text names that
/// namespace. If an object has several sources, the first one is used.
///
/// ```
/// use canary_core::{Finding, Findings, Manifest, manifest::locate};
///
/// let text = "kind: Gateway\napiVersion: networking.istio.io/v1\nmetadata: {name: g}\nspec: {servers: []}\n";
/// let manifest = Manifest::read(text)?;
/// let finding = Finding::error("V021", "spec.servers", "no server").object("Gateway default/g");
/// let mut findings = Findings(vec![finding]);
/// locate(manifest.sources(), &mut findings);
/// assert_eq!(findings.0[0].line, Some(4));
/// # Ok::<(), canary_core::Error>(())
/// ```
pub fn locate<'s>(sources: impl IntoIterator<Item = &'s Source>, findings: &mut Findings) {
    let mut known: HashMap<(&str, Option<&str>, &str), &Source> = HashMap::new();
    for source in sources {
        let Places { kind, namespace, name, .. } = &*source.0;
        known.entry((kind, namespace.as_deref(), name)).or_insert(source);
    }
    for finding in findings.0.iter_mut().filter(|finding| finding.line.is_none()) {
        let Some((kind, id)) = finding.object.split_once(' ') else { continue };
        let (namespace, name) =
            id.split_once('/').map_or((None, id), |(namespace, name)| (Some(namespace), name));
        let source = known.get(&(kind, namespace, name)).or_else(|| known.get(&(kind, None, name)));
        if let Some(source) = source.copied() {
            source.locate(finding);
        }
    }
}
