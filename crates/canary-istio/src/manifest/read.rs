//! A deserializer over a tree: it knows the fields of each message and collects what does not fit.

use std::fmt::Display;

use serde::{
    Deserializer,
    de::{DeserializeSeed, MapAccess, SeqAccess, Visitor, value::StrDeserializer},
    forward_to_deserialize_any,
};

use super::{
    nearest::nearest,
    notes::Notes,
    problem::{Place, Problem},
    scalar::{self, Scalar},
    tree::{Content, Key, Node},
    variant::Variant,
};
use crate::path::Path;
use crate::{Finding, Severity};

/// One node, ready to be read into a type.
#[derive(Clone, Copy)]
pub(super) struct Reader<'n, 't> {
    node: &'n Node<'t>,
    path: Path<'n>,
    notes: &'n Notes,
}

impl<'n, 't> Reader<'n, 't> {
    pub(super) fn new(node: &'n Node<'t>, notes: &'n Notes) -> Self {
        Self { node, path: Path::Root, notes }
    }

    fn place(&self) -> Place {
        Place { path: self.path.to_string(), at: self.node.at, node: self.node.id() }
    }

    /// The error for a node of an unexpected kind.
    fn unexpected(&self, expected: impl Display) -> Problem {
        let problem = match &self.node.content {
            Content::Plain(text) => {
                let text = if text.is_empty() { "null" } else { text };
                Problem::new(format!("expected {expected}")).found(text)
            }
            Content::Text(text) => {
                Problem::new(format!("expected {expected}")).found(format!("{text:?}"))
            }
            Content::List(_) => Problem::new(format!("expected {expected}, found a list")),
            Content::Map(_) => Problem::new(format!("expected {expected}, found an object")),
        };
        problem.at(|| self.place())
    }

    fn is_null(&self) -> bool {
        matches!(&self.node.content, Content::Plain(text) if scalar::resolve(text) == Scalar::Null)
    }

    /// A text; a scalar that YAML reads as another type is refused, as in Kubernetes.
    fn text(&self) -> Result<&'n str, Problem> {
        match &self.node.content {
            Content::Text(text) => Ok(text),
            Content::Plain(text) if self.notes.is_quoted(self.node) => Ok(text),
            Content::Plain(text) => {
                let kind = match scalar::resolve(text) {
                    Scalar::Text => return Ok(text),
                    Scalar::Null => return Err(self.unexpected("a text")),
                    Scalar::Bool(_) => "a boolean",
                    _ => "a number",
                };
                Err(self
                    .unexpected("a text")
                    .quote(format!("`{text}` is {kind} in YAML; write it in quotes: \"{text}\"")))
            }
            _ => Err(self.unexpected("a text")),
        }
    }

    /// The scalar to read as a number: unquoted, or quoted in the lenient mode.
    fn number(
        &self,
        expected: &str,
        fits: impl Fn(Scalar) -> bool,
    ) -> Result<(Scalar, &'n str), Problem> {
        match &self.node.content {
            Content::Plain(text) => Ok((scalar::resolve(text), text)),
            Content::Text(text) => {
                let value = scalar::resolve(text);
                if !fits(value) {
                    return Err(self.unexpected(expected));
                }
                if !self.notes.is_lenient() {
                    return Err(self
                        .unexpected(expected)
                        .help(format!("write the number without quotes: {text}")));
                }
                let finding = Finding::warning(
                    "C303",
                    self.path.to_string(),
                    "a number in quotes; the API server refuses it",
                );
                self.notes.note(finding.help(format!("write {text}")), self.node.at);
                Ok((value, text))
            }
            _ => Err(self.unexpected(expected)),
        }
    }

    fn integer(&self, min: i64, max: u64) -> Result<Scalar, Problem> {
        let expected = || format!("an integer from {min} to {max}");
        let within = |value: Scalar| match value {
            Scalar::Unsigned(value) => value <= max,
            Scalar::Signed(value) => value >= min && (value < 0 || value.unsigned_abs() <= max),
            _ => false,
        };
        let (value, text) = self.number(&expected(), |value| within(whole(value)))?;
        // A float without a fraction is an integer once YAML is JSON, as kubectl sends it.
        let value = whole(value);
        if !within(value) {
            return Err(self.unexpected(expected()));
        }
        self.note_other_bases(value, text);
        Ok(value)
    }

    /// Warns of an integer that is not written in decimal.
    fn note_other_bases(&self, value: Scalar, text: &str) {
        let value = match value {
            Scalar::Signed(value) => value.to_string(),
            Scalar::Unsigned(value) => value.to_string(),
            _ => return,
        };
        if scalar::is_decimal(text) || text.contains(['.', 'e', 'E']) || text == "-0" {
            return;
        }
        let message = format!("YAML 1.1 reads `{text}` as {value}, and others may not");
        let finding = Finding::warning("C308", self.path.to_string(), message);
        self.notes.note(finding.found(text).help(format!("write {value}")), self.node.at);
    }

    fn fields(self, fields: Option<&'static [&'static str]>) -> Result<Fields<'n, 't>, Problem> {
        match &self.node.content {
            Content::Map(entries) => Ok(Fields {
                reader: self,
                entries: entries.iter(),
                value: None,
                known: fields,
                whole: false,
            }),
            _ => Err(self.unexpected("an object")),
        }
    }

    fn visit_scalar<'de, V: Visitor<'de>>(
        &self,
        scalar: Scalar,
        text: &str,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        match scalar {
            Scalar::Null => visitor.visit_unit(),
            Scalar::Bool(value) => visitor.visit_bool(value),
            Scalar::Unsigned(value) => visitor.visit_u64(value),
            Scalar::Signed(value) => visitor.visit_i64(value),
            Scalar::Float(value) if value.is_finite() => visitor.visit_f64(value),
            Scalar::Float(_) => Err(self.unexpected("a finite number")),
            Scalar::Text => visitor.visit_str(text),
        }
    }
}

macro_rules! integers {
    ($($method:ident $min:expr, $max:expr;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
            let value = self.integer($min.into(), $max.into())?;
            self.visit_scalar(value, "", visitor).map_err(|problem| problem.at(|| self.place()))
        })*
    };
}

impl<'de> Deserializer<'de> for Reader<'_, '_> {
    type Error = Problem;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        let result = match &self.node.content {
            Content::Plain(text) => self.visit_scalar(scalar::resolve(text), text, visitor),
            Content::Text(text) => visitor.visit_str(text),
            Content::List(_) => return self.deserialize_seq(visitor),
            Content::Map(entries) => {
                // In an object of any form, values without content are kept.
                let all = Fields {
                    reader: self,
                    entries: entries.iter(),
                    value: None,
                    known: None,
                    whole: true,
                };
                return visitor.visit_map(all).map_err(|problem| problem.at(|| self.place()));
            }
        };
        result.map_err(|problem| problem.at(|| self.place()))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match &self.node.content {
            Content::Plain(text) => match scalar::resolve(text) {
                Scalar::Bool(value) => visitor.visit_bool(value),
                _ => Err(self.unexpected("true or false")),
            },
            Content::Text(text) if matches!(scalar::resolve(text), Scalar::Bool(_)) => {
                Err(self.unexpected("true or false").help(format!("write {text} without quotes")))
            }
            _ => Err(self.unexpected("true or false")),
        }
    }

    integers! {
        deserialize_i8 i8::MIN, i8::MAX.unsigned_abs();
        deserialize_i16 i16::MIN, i16::MAX.unsigned_abs();
        deserialize_i32 i32::MIN, i32::MAX.unsigned_abs();
        deserialize_i64 i64::MIN, i64::MAX.unsigned_abs();
        deserialize_u8 0_u8, u8::MAX;
        deserialize_u16 0_u8, u16::MAX;
        deserialize_u32 0_u8, u32::MAX;
        deserialize_u64 0_u8, u64::MAX;
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        let is_number =
            |value| matches!(value, Scalar::Unsigned(_) | Scalar::Signed(_) | Scalar::Float(_));
        let (value, text) = self.number("a number", is_number)?;
        if !is_number(value) {
            return Err(self.unexpected("a number"));
        }
        self.note_other_bases(value, text);
        self.visit_scalar(value, text, visitor).map_err(|problem| problem.at(|| self.place()))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_str(self.text()?).map_err(|problem: Problem| problem.at(|| self.place()))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        if self.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        if name == "Time"
            && let Some(text) = self.node.text()
            && !is_kubernetes_time(text)
        {
            let severity =
                if self.notes.is_lenient() { Severity::Warning } else { Severity::Error };
            let message =
                "a time that Kubernetes does not write so; it would come back in another form";
            let finding = Finding::new(severity, "C305", self.path.to_string(), message)
                .found(text)
                .help("write whole seconds of UTC, as in 2026-01-31T12:00:00Z, or leave it out");
            self.notes.note(finding, self.node.at);
        }
        let times = match (name, &self.node.content) {
            ("Duration", Content::Plain(text) | Content::Text(text))
                if scalar::is_decimal(text) =>
            {
                Some(format!("write a time with its unit, such as {text}s"))
            }
            _ => None,
        };
        visitor.visit_newtype_struct(self).map_err(|problem| match times {
            Some(help) => problem.help(help),
            None => problem,
        })
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match &self.node.content {
            Content::List(items) => visitor
                .visit_seq(Items { reader: self, items: items.iter().enumerate() })
                .map_err(|problem| problem.at(|| self.place())),
            _ => Err(self.unexpected("a list")),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        let fields = self.fields(None)?;
        visitor.visit_map(fields).map_err(|problem| problem.at(|| self.place()))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        let fields = self.fields(Some(fields))?;
        visitor.visit_map(fields).map_err(|problem| problem.at(|| self.place()))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        let name = self.variant(variants)?;
        visitor.visit_enum(Variant(name)).map_err(|problem| problem.at(|| self.place()))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i128 u128 char bytes byte_buf unit unit_struct tuple tuple_struct identifier
    }
}

impl<'n> Reader<'n, '_> {
    /// The name of an enum's value; its number is accepted in the lenient mode.
    fn variant(&self, variants: &'static [&'static str]) -> Result<&'n str, Problem> {
        let expected = || format!("one of {}", variants.join(", "));
        match &self.node.content {
            Content::Plain(text) if scalar::resolve(text) != Scalar::Text => {
                let named = match scalar::resolve(text) {
                    Scalar::Unsigned(number) => {
                        usize::try_from(number).ok().and_then(|number| variants.get(number))
                    }
                    _ => None,
                };
                let Some(named) = named else { return Err(self.unexpected(expected())) };
                if !self.notes.is_lenient() {
                    return Err(self.unexpected(expected()).help(format!("write {named}")));
                }
                let message = "a number in place of a name; the API server refuses it";
                let finding = Finding::warning("C304", self.path.to_string(), message);
                let finding = finding.found(text).help(format!("write {named}"));
                self.notes.note(finding, self.node.at);
                Ok(named)
            }
            Content::Plain(text) | Content::Text(text) => {
                if variants.contains(&&**text) {
                    return Ok(text);
                }
                let problem = self.unexpected(expected());
                Err(match nearest(text, variants) {
                    Some(name) => problem.help(format!("did you mean {name}?")),
                    None => problem,
                })
            }
            _ => Err(self.unexpected(expected())),
        }
    }
}

/// Converts a float without a fraction to an integer; other values are unchanged.
#[allow(clippy::cast_possible_truncation, reason = "held within 2^53, where floats are exact")]
fn whole(value: Scalar) -> Scalar {
    match value {
        Scalar::Float(value) if value.fract() == 0.0 && value.abs() < 9e15 => {
            let value = value as i64;
            u64::try_from(value).map_or(Scalar::Signed(value), Scalar::Unsigned)
        }
        other => other,
    }
}

/// `2026-01-31T12:00:00Z`: the one form that Kubernetes writes.
fn is_kubernetes_time(text: &str) -> bool {
    let pattern = b"dddd-dd-ddTdd:dd:ddZ";
    text.len() == pattern.len()
        && text.bytes().zip(pattern).all(|(byte, expected)| match expected {
            b'd' => byte.is_ascii_digit(),
            _ => byte == *expected,
        })
}

/// The entries of an object.
struct Fields<'n, 't> {
    reader: Reader<'n, 't>,
    entries: std::slice::Iter<'n, (Key<'t>, Node<'t>)>,
    value: Option<(&'n str, &'n Node<'t>)>,
    /// The fields of the message; `None` for a map with keys of any name.
    known: Option<&'static [&'static str]>,
    /// True when entries without a value are read too.
    whole: bool,
}

impl Fields<'_, '_> {
    fn unknown(&self, key: &Key<'_>, fields: &'static [&'static str]) {
        let notes = self.reader.notes;
        let severity = if notes.is_lenient() { Severity::Warning } else { Severity::Error };
        let path = Path::Key(&self.reader.path, &key.text).to_string();
        let help = match nearest(&key.text, fields) {
            Some(name) => format!("did you mean `{name}`?"),
            None if fields.len() <= 20 => format!("the fields here are {}", fields.join(", ")),
            None => "remove it".to_owned(),
        };
        notes.note(Finding::new(severity, "C301", path, "unknown field").help(help), key.at);
    }
}

impl<'de> MapAccess<'de> for Fields<'_, '_> {
    type Error = Problem;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Problem> {
        let Reader { notes, path, .. } = self.reader;
        while let Some((key, value)) = self.entries.next() {
            if notes.is_left_out(value) {
                continue;
            }
            if let Some(fields) = self.known
                && !fields.contains(&&*key.text)
            {
                self.unknown(key, fields);
                continue;
            }
            if !self.whole && (Reader { node: value, path, notes }).is_null() {
                let path = Path::Key(&path, &key.text).to_string();
                let message = "no value, which is read as if the field were not there";
                let mut finding = Finding::new(Severity::Info, "C302", path, message);
                if self.known.is_none() {
                    finding = finding.help("write {} where any value is meant, or leave it out");
                }
                notes.note(finding, key.at);
                continue;
            }
            self.value = Some((&key.text, value));
            return seed.deserialize(StrDeserializer::new(&key.text)).map(Some);
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Problem> {
        let Some((key, node)) = self.value.take() else {
            return Err(Problem::new("a value was asked for before its key"));
        };
        let path = Path::Key(&self.reader.path, key);
        let reader = Reader { node, path, notes: self.reader.notes };
        seed.deserialize(reader).map_err(|problem| problem.at(|| reader.place()))
    }
}

/// The items of a list.
struct Items<'n, 't> {
    reader: Reader<'n, 't>,
    items: std::iter::Enumerate<std::slice::Iter<'n, Node<'t>>>,
}

impl<'de> SeqAccess<'de> for Items<'_, '_> {
    type Error = Problem;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Problem> {
        for (index, node) in self.items.by_ref() {
            if self.reader.notes.is_left_out(node) {
                continue;
            }
            let path = Path::Index(&self.reader.path, index);
            let reader = Reader { node, path, notes: self.reader.notes };
            return seed
                .deserialize(reader)
                .map(Some)
                .map_err(|problem| problem.at(|| reader.place()));
        }
        Ok(None)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}
