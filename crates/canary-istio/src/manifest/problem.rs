//! Problems that stop a value from being read.

use std::fmt;

use super::tree::Mark;
use crate::finding::catalogue;

/// A problem of a value, with its place and its remedy.
#[derive(Debug)]
pub(super) struct Problem(Box<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    /// The rule that the value breaks, when it is one of the catalogue; else any value of another type.
    pub(super) code: Option<&'static str>,
    pub(super) message: String,
    pub(super) found: Option<String>,
    pub(super) help: Option<String>,
    /// True when the help is to write the value in quotes.
    pub(super) quotes: bool,
    pub(super) place: Option<Place>,
}

/// The position of a value.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) path: String,
    pub(super) at: Mark,
    pub(super) node: usize,
}

impl Problem {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            code: None,
            message: message.into(),
            found: None,
            help: None,
            quotes: false,
            place: None,
        }))
    }

    /// Records the value found, as JSON.
    pub(super) fn found(mut self, found: impl Into<String>) -> Self {
        self.0.found = Some(found.into());
        self
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    /// Advises to write the value in quotes.
    pub(super) fn quote(mut self, help: impl Into<String>) -> Self {
        self.0.quotes = true;
        self.help(help)
    }

    /// Records the place, unless a deeper one is known already.
    pub(super) fn at(mut self, place: impl FnOnce() -> Place) -> Self {
        self.0.place.get_or_insert_with(place);
        self
    }

    pub(super) fn into_inner(self) -> Inner {
        *self.0
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Problem {}

impl serde::de::Error for Problem {
    fn custom<T: fmt::Display>(message: T) -> Self {
        let message = message.to_string();
        // A message of a model may name the rule that the value breaks, at its end.
        let named = message
            .strip_suffix(')')
            .and_then(|message| message.rsplit_once(" (rule "))
            .and_then(|(message, code)| Some((message, catalogue::find(code)?)));
        if let Some((message, rule)) = named {
            let mut problem = Self::new(message).help(rule.remedy);
            problem.0.code = Some(rule.code);
            return problem;
        }
        Self::new(message)
    }
}
