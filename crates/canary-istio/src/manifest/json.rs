//! JSON, as text and as values, to trees.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::{Value, value::RawValue};

use super::{
    tree::{Content, Key, MAX_DEPTH, Mark, Node, SyntaxError},
    yaml::refuse_duplicates,
};

/// Every value of a text that holds one or more JSON values.
pub(super) fn parse(text: &str) -> Result<Vec<Node<'_>>, SyntaxError> {
    let places = Places::new(text);
    serde_json::Deserializer::from_str(text)
        .into_iter::<&RawValue>()
        .map(|value| match value {
            Ok(value) => places.node(value, 0),
            Err(error) => Err(syntax(&error)),
        })
        .collect()
}

fn syntax(error: &serde_json::Error) -> SyntaxError {
    let message = error.to_string();
    let reason = message.rsplit_once(" at line ").map_or(message.as_str(), |(reason, _)| reason);
    SyntaxError::new(Mark { line: error.line(), column: error.column().max(1) }, reason)
}

/// Finds lines and columns of slices of one text.
struct Places<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Places<'t> {
    fn new(text: &'t str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self {
            text,
            starts: std::iter::once(0).chain(breaks.map(|(index, _)| index + 1)).collect(),
        }
    }

    /// The place of a slice of the text; none for a text that was put together while reading.
    fn mark(&self, slice: &str) -> Option<Mark> {
        let offset = slice.as_ptr().addr().checked_sub(self.text.as_ptr().addr())?;
        if offset > self.text.len() {
            return None;
        }
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = *self.starts.get(line.checked_sub(1)?)?;
        let column = self.text.get(start..offset)?.chars().count() + 1;
        Some(Mark { line, column })
    }

    fn node(&self, raw: &'t RawValue, depth: usize) -> Result<Node<'t>, SyntaxError> {
        let text = raw.get();
        let at = self.mark(text).unwrap_or_default();
        if depth > MAX_DEPTH {
            return Err(SyntaxError::new(at, format!("nested more than {MAX_DEPTH} deep")));
        }
        let failed = |error: serde_json::Error| SyntaxError::new(at, error.to_string());
        let content = match text.as_bytes().first() {
            Some(b'{') => {
                let Entries(raw) = serde_json::from_str(text).map_err(failed)?;
                let mut entries = Vec::with_capacity(raw.len());
                for (Name(name), value) in raw {
                    let value = self.node(value, depth + 1)?;
                    let at = self.mark(&name).unwrap_or(value.at);
                    // The quotation mark is part of the key.
                    let at = Mark { column: at.column.saturating_sub(1).max(1), ..at };
                    entries.push((Key { text: name, at }, value));
                }
                refuse_duplicates(&entries)?;
                Content::Map(entries)
            }
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(text).map_err(failed)?;
                let items = items.into_iter().map(|item| self.node(item, depth + 1));
                Content::List(items.collect::<Result<_, _>>()?)
            }
            Some(b'"') => {
                let Name(text) = serde_json::from_str(text).map_err(failed)?;
                Content::Text(text)
            }
            _ => Content::Plain(Cow::Borrowed(text)),
        };
        Ok(Node { at, content })
    }
}

/// A text, borrowed where it has no escapes.
#[derive(Deserialize)]
struct Name<'t>(#[serde(borrow)] Cow<'t, str>);

/// The entries of an object in their order, duplicates included.
struct Entries<'t>(Vec<(Name<'t>, &'t RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor;

        impl<'de> Visitor<'de> for EntriesVisitor {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<'de>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Entries<'de>, A::Error> {
                Err(serde::de::Error::custom("expected an object"))
            }
        }

        deserializer.deserialize_map(EntriesVisitor)
    }
}

/// A JSON value as a tree without places.
pub(super) fn from_value(value: &Value, depth: usize) -> Result<Node<'_>, SyntaxError> {
    let at = Mark::default();
    if depth > MAX_DEPTH {
        return Err(SyntaxError::new(at, format!("nested more than {MAX_DEPTH} deep")));
    }
    let content = match value {
        Value::Null => Content::Plain("null".into()),
        Value::Bool(value) => Content::Plain(if *value { "true" } else { "false" }.into()),
        Value::Number(number) => Content::Plain(number.to_string().into()),
        Value::String(text) => Content::Text(text.as_str().into()),
        Value::Array(items) => {
            let items = items.iter().map(|item| from_value(item, depth + 1));
            Content::List(items.collect::<Result<_, _>>()?)
        }
        Value::Object(entries) => {
            let entries = entries.iter().map(|(name, value)| {
                Ok((Key { text: name.as_str().into(), at }, from_value(value, depth + 1)?))
            });
            Content::Map(entries.collect::<Result<_, SyntaxError>>()?)
        }
    };
    Ok(Node { at, content })
}
