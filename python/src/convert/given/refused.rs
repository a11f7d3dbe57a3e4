//! Arguments that cannot be read.

use std::borrow::Cow;

use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
    types::{PyBool, PyFloat, PyInt, PyString},
};

/// Arguments whose values no message repeats.
const SECRET: [&str; 7] =
    ["headers", "identity", "notify", "password", "proxy", "token", "username"];

/// The most letters of a value that a message repeats.
const SHOWN: usize = 40;

/// A value that cannot be an argument.
pub(crate) enum Refused {
    /// It is of another type, or outside of what is possible.
    Value {
        /// The place inside the argument, such as `[1]` or `["v1"]`.
        at: String,
        /// `true` for a key of a mapping.
        key: bool,
        /// The value itself, when it is short.
        shown: Option<String>,
        /// Its type, such as `an int`.
        kind: String,
        /// The remedy, after "give".
        give: Cow<'static, str>,
        /// `true` where the type fits and the value does not.
        fits: bool,
    },
    /// An exception of the value's own code, which explains itself.
    Raised(PyErr),
}

impl Refused {
    /// Of another type.
    pub(crate) fn kind(value: &Bound<'_, PyAny>, give: impl Into<Cow<'static, str>>) -> Self {
        let (shown, kind) = (shown(value), kind(value));
        Self::Value { at: String::new(), key: false, shown, kind, give: give.into(), fits: false }
    }

    /// Of the type, and outside of what is possible.
    pub(crate) fn range(value: &Bound<'_, PyAny>, give: impl Into<Cow<'static, str>>) -> Self {
        match Self::kind(value, give) {
            Self::Value { at, key, shown, kind, give, .. } => {
                Self::Value { at, key, shown, kind, give, fits: true }
            }
            raised @ Self::Raised(_) => raised,
        }
    }

    /// The same inside of something, at that place.
    pub(super) fn within(mut self, place: &str) -> Self {
        if let Self::Value { at, .. } = &mut self {
            at.insert_str(0, place);
        }
        self
    }

    /// The same, with another remedy where it is the whole value that was refused.
    pub(crate) fn unless_within(
        self,
        value: &Bound<'_, PyAny>,
        give: impl Fn() -> Cow<'static, str>,
    ) -> Self {
        match self {
            Self::Value { at, .. } if at.is_empty() => Self::kind(value, give()),
            other => other,
        }
    }

    /// The same as a key of a mapping.
    pub(super) fn at_key(mut self) -> Self {
        if let Self::Value { key, .. } = &mut self {
            *key = true;
        }
        self
    }

    /// The exception, which names the argument.
    pub(crate) fn exception(self, name: &str) -> PyErr {
        let (at, key, shown, kind, give, fits) = match self {
            Self::Value { at, key, shown, kind, give, fits } => (at, key, shown, kind, give, fits),
            Self::Raised(error) => return error,
        };
        let of = if key { "a key of " } else { "" };
        let found = match shown.filter(|_| !SECRET.contains(&name)) {
            Some(shown) if shown == "None" || fits => shown,
            Some(shown) => format!("{shown}, {kind}"),
            None => kind,
        };
        let message = format!("{of}{name}{at} is {found}; give {give}");
        if fits { PyValueError::new_err(message) } else { PyTypeError::new_err(message) }
    }
}

/// A text, number, truth value or `None` as Python writes it.
fn shown(value: &Bound<'_, PyAny>) -> Option<String> {
    let plain = value.is_none()
        || value.is_instance_of::<PyBool>()
        || value.is_instance_of::<PyInt>()
        || value.is_instance_of::<PyFloat>()
        || value.is_instance_of::<PyString>();
    let text = plain.then(|| value.repr().ok()).flatten()?.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => Some(format!("{}…", &text[..end])),
        None => Some(text),
    }
}

/// The type of a value with its article, such as `an int`.
pub(crate) fn kind(value: &Bound<'_, PyAny>) -> String {
    value
        .get_type()
        .name()
        .map_or_else(|_| "something else".to_owned(), |name| a(&name.to_string()))
}

/// A word with its article.
pub(crate) fn a(word: &str) -> String {
    let vowel = word.starts_with(['a', 'e', 'i', 'o', 'u', 'A', 'E', 'I', 'O', 'U']);
    format!("{} {word}", if vowel { "an" } else { "a" })
}
