//! A document as a tree whose nodes have their positions in the text.

use std::borrow::Cow;

use super::scalar::{self, Scalar};

/// The depth to which lists and objects may be nested.
pub(super) const MAX_DEPTH: usize = 100;

/// A place in the text: line and column, both from 1; zero when there is no text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) line: usize,
    pub(super) column: usize,
}

/// A value and its place.
#[derive(Clone, Debug)]
pub(super) struct Node<'t> {
    pub(super) at: Mark,
    pub(super) content: Content<'t>,
}

/// A value.
#[derive(Clone, Debug)]
pub(super) enum Content<'t> {
    /// A scalar without quotes: a number, `true`, `null`, or a text that looks like none of these.
    Plain(Cow<'t, str>),
    /// A quoted scalar, which is always a text.
    Text(Cow<'t, str>),
    /// A list.
    List(Vec<Node<'t>>),
    /// An object, in the order of the text, without duplicate keys.
    Map(Vec<(Key<'t>, Node<'t>)>),
}

/// The key of an entry and its place.
#[derive(Clone, Debug)]
pub(super) struct Key<'t> {
    pub(super) text: Cow<'t, str>,
    pub(super) at: Mark,
}

impl<'t> Node<'t> {
    /// The value of an entry, when this is an object that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Node<'t>> {
        match &self.content {
            Content::Map(entries) => {
                entries.iter().find(|(name, _)| name.text == key).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// The text of a scalar, whether quoted or not.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Plain(text) | Content::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text of a scalar that every reader takes for a text.
    pub(super) fn name(&self) -> Option<&str> {
        match &self.content {
            Content::Plain(text) if scalar::resolve(text) != Scalar::Text => None,
            _ => self.text(),
        }
    }

    /// The number of nodes in this tree.
    pub(super) fn size(&self) -> usize {
        match &self.content {
            Content::Plain(_) | Content::Text(_) => 1,
            Content::List(items) => 1 + items.iter().map(Node::size).sum::<usize>(),
            Content::Map(entries) => {
                1 + entries.iter().map(|(_, value)| value.size()).sum::<usize>()
            }
        }
    }

    /// A number that is unique among the nodes of the tree.
    pub(super) fn id(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

/// The error for a text that is neither YAML nor JSON: the position and the reason.
#[derive(Clone, Debug)]
pub(super) struct SyntaxError {
    pub(super) at: Mark,
    pub(super) message: String,
}

impl SyntaxError {
    pub(super) fn new(at: Mark, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }

    /// Line, column, reason, and the line of the text with a mark under the place.
    pub(super) fn describe(&self, text: &str) -> String {
        let Mark { line, column } = self.at;
        let description = format!("line {line}, column {column}: {}", self.message);
        let Some(source) = line.checked_sub(1).and_then(|index| text.lines().nth(index)) else {
            return description;
        };
        let shown: String = source.chars().take(160).collect::<String>().replace('\t', " ");
        let hint = if source.contains("{{") {
            "; `{{` begins an expression of a template: give the rendered text, as `helm template` prints it"
        } else {
            ""
        };
        let mark = " ".repeat(column.saturating_sub(1).min(160));
        let margin = " ".repeat(line.to_string().len());
        format!("{description}{hint}\n{line} | {shown}\n{margin} | {mark}^")
    }
}
