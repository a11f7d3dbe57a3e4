//! YAML text to trees.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use granit_parser::{Event, Marker, Options, Parser, ScalarStyle, Tag};

use super::{
    scalar::{self, Scalar},
    tree::{Content, Key, MAX_DEPTH, Mark, Node, SyntaxError},
};

/// The number of nodes to which all aliases of a text together may expand.
const MAX_COPIED: usize = 100_000;

/// Every document of a stream, without the empty ones.
pub(super) fn parse(text: &str) -> Result<Vec<Node<'_>>, SyntaxError> {
    let mut options = Options::default();
    options.flow_nesting_limit = MAX_DEPTH;
    let mut builder = Builder::default();
    for event in Parser::new_from_str_with_options(text, options) {
        match event {
            Ok((event, span)) => builder.event(event, mark(span.start))?,
            Err(error) => return Err(SyntaxError::new(mark(*error.marker()), error.info())),
        }
    }
    Ok(builder.documents)
}

fn mark(marker: Marker) -> Mark {
    Mark { line: marker.line(), column: marker.col() + 1 }
}

/// A list or object that is not yet closed.
struct Open<'t> {
    at: Mark,
    anchor: usize,
    inside: Inside<'t>,
}

enum Inside<'t> {
    List(Vec<Node<'t>>),
    Map { entries: Vec<(Key<'t>, Node<'t>)>, key: Option<Slot<'t>>, merges: Vec<Node<'t>> },
}

/// The role of the next value of an object.
enum Slot<'t> {
    Entry(Key<'t>),
    /// The key was `<<`, without quotes.
    Merge,
}

#[derive(Default)]
struct Builder<'t> {
    documents: Vec<Node<'t>>,
    open: Vec<Open<'t>>,
    anchors: HashMap<usize, Node<'t>>,
    copied: usize,
}

impl<'t> Builder<'t> {
    fn event(&mut self, event: Event<'t>, at: Mark) -> Result<(), SyntaxError> {
        match event {
            Event::DocumentStart(..) => self.anchors.clear(),
            Event::Scalar(text, style, anchor, tag) => {
                let content = scalar_content(text, style, tag.as_deref(), at)?;
                self.add(Node { at, content }, anchor)?;
            }
            Event::SequenceStart(_, anchor, tag) => {
                expect_tag(tag.as_deref(), "seq", at)?;
                self.open(Open { at, anchor, inside: Inside::List(Vec::new()) })?;
            }
            Event::MappingStart(_, anchor, tag) => {
                expect_tag(tag.as_deref(), "map", at)?;
                let inside = Inside::Map { entries: Vec::new(), key: None, merges: Vec::new() };
                self.open(Open { at, anchor, inside })?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.close()?,
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).ok_or_else(|| {
                    SyntaxError::new(at, "the alias is inside the value that it refers to")
                })?;
                self.copied += node.size();
                if self.copied > MAX_COPIED {
                    let message = format!("the aliases expand to more than {MAX_COPIED} values");
                    return Err(SyntaxError::new(at, message));
                }
                let node = node.clone();
                self.add(node, 0)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn open(&mut self, open: Open<'t>) -> Result<(), SyntaxError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(SyntaxError::new(open.at, format!("nested more than {MAX_DEPTH} deep")));
        }
        if let Some(Open { inside: Inside::Map { key: None, .. }, .. }) = self.open.last() {
            return Err(SyntaxError::new(open.at, "a key must be a text, not a list or an object"));
        }
        self.open.push(open);
        Ok(())
    }

    fn close(&mut self) -> Result<(), SyntaxError> {
        let Some(Open { at, anchor, inside }) = self.open.pop() else { return Ok(()) };
        let content = match inside {
            Inside::List(items) => Content::List(items),
            Inside::Map { mut entries, merges, .. } => {
                refuse_duplicates(&entries)?;
                merge(&mut entries, merges)?;
                Content::Map(entries)
            }
        };
        self.add(Node { at, content }, anchor)
    }

    /// Adds a finished value to its parent.
    fn add(&mut self, node: Node<'t>, anchor: usize) -> Result<(), SyntaxError> {
        if anchor != 0 {
            self.copied += node.size();
            if self.copied > MAX_COPIED {
                let message = format!("the anchors hold more than {MAX_COPIED} values");
                return Err(SyntaxError::new(node.at, message));
            }
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut().map(|open| &mut open.inside) {
            Some(Inside::List(items)) => items.push(node),
            Some(Inside::Map { entries, key, merges }) => match key.take() {
                Some(Slot::Merge) => merges.push(node),
                Some(Slot::Entry(key)) => entries.push((key, node)),
                None => *key = Some(slot(node)?),
            },
            None => {
                let empty = matches!(&node.content, Content::Plain(text)
                    if scalar::resolve(text) == Scalar::Null);
                if !empty {
                    self.documents.push(node);
                }
            }
        }
        Ok(())
    }
}

fn scalar_content<'t>(
    text: Cow<'t, str>,
    style: ScalarStyle,
    tag: Option<&Tag>,
    at: Mark,
) -> Result<Content<'t>, SyntaxError> {
    let Some(tag) = tag else {
        return Ok(if style == ScalarStyle::Plain {
            Content::Plain(text)
        } else {
            Content::Text(text)
        });
    };
    match tag.core_suffix() {
        Some("str") => Ok(Content::Text(text)),
        Some("null" | "bool" | "int" | "float") => Ok(Content::Plain(text)),
        _ if tag.handle().is_empty() && tag.suffix() == "!" => Ok(Content::Text(text)),
        _ => Err(unsupported(tag, at)),
    }
}

fn expect_tag(tag: Option<&Tag>, expected: &str, at: Mark) -> Result<(), SyntaxError> {
    match tag {
        Some(tag) if tag.core_suffix() != Some(expected) => Err(unsupported(tag, at)),
        _ => Ok(()),
    }
}

fn unsupported(tag: &Tag, at: Mark) -> SyntaxError {
    let (handle, suffix) = (tag.original_handle(), tag.suffix());
    SyntaxError::new(at, format!("the tag `{handle}{suffix}` is not known here; remove it"))
}

/// A key must be a text for every reader: `on` is `true` in YAML 1.1. Decimal numbers are taken as
/// their text, as Kubernetes does.
fn slot(node: Node<'_>) -> Result<Slot<'_>, SyntaxError> {
    match node.content {
        Content::Text(text) => Ok(Slot::Entry(Key { text, at: node.at })),
        Content::Plain(text) if text == "<<" => Ok(Slot::Merge),
        Content::Plain(text) => {
            if scalar::resolve(&text) == Scalar::Text || scalar::is_decimal(&text) {
                Ok(Slot::Entry(Key { text, at: node.at }))
            } else if text.is_empty() {
                Err(SyntaxError::new(node.at, "a key is missing"))
            } else {
                let message =
                    format!("the key `{text}` is not a string in YAML 1.1; write '{text}'");
                Err(SyntaxError::new(node.at, message))
            }
        }
        Content::List(_) | Content::Map(_) => {
            Err(SyntaxError::new(node.at, "a key must be a text, not a list or an object"))
        }
    }
}

/// Refuses a key that is defined twice in one object.
pub(super) fn refuse_duplicates(entries: &[(Key<'_>, Node<'_>)]) -> Result<(), SyntaxError> {
    let again = |first: &Key<'_>, second: &Key<'_>| {
        let (key, line) = (&second.text, first.at.line);
        SyntaxError::new(second.at, format!("`{key}` is defined twice, first in line {line}"))
    };
    if entries.len() <= 16 {
        for (index, (key, _)) in entries.iter().enumerate() {
            if let Some((first, _)) =
                entries[..index].iter().find(|(other, _)| other.text == key.text)
            {
                return Err(again(first, key));
            }
        }
        return Ok(());
    }
    let mut seen = HashMap::with_capacity(entries.len());
    for (key, _) in entries {
        if let Some(first) = seen.insert(&*key.text, key) {
            return Err(again(first, key));
        }
    }
    Ok(())
}

/// Adds the entries of merged objects (`<<`) whose keys are not present; earlier ones win.
fn merge<'t>(
    entries: &mut Vec<(Key<'t>, Node<'t>)>,
    merges: Vec<Node<'t>>,
) -> Result<(), SyntaxError> {
    if merges.is_empty() {
        return Ok(());
    }
    let mut given: HashSet<String> =
        entries.iter().map(|(key, _)| key.text.clone().into_owned()).collect();
    for node in merges {
        let at = node.at;
        let sources = match node.content {
            Content::List(items) => items,
            content => vec![Node { at, content }],
        };
        for source in sources {
            let Content::Map(more) = source.content else {
                return Err(SyntaxError::new(source.at, "only objects can be merged by `<<`"));
            };
            for (key, value) in more {
                if given.insert(key.text.clone().into_owned()) {
                    entries.push((key, value));
                }
            }
        }
    }
    Ok(())
}
