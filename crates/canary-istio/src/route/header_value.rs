//! Values of headers that a rule writes: text with Envoy's `%VARIABLES%` in it.

use std::{borrow::Cow, fmt};

use serde::{Serialize, Serializer};

/// The value of a header to set or add.
///
/// Envoy replaces `%NAME%` or `%NAME(arguments)%` by the value of the variable, and `%%` by one `%`.
///
/// ```
/// use canary_core::route::HeaderValue;
///
/// let value = HeaderValue::new("100%% of %REQ(x-user)%");
/// assert_eq!(value.expand(|name, arguments| {
///     (name == "REQ" && arguments == Some("x-user")).then(|| "ada".to_owned())
/// }), "100% of ada");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderValue {
    written: Box<str>,
    /// The text, when no variable is in it.
    literal: Option<Box<str>>,
}

/// A piece of a value.
enum Piece<'v> {
    Text(&'v str),
    Percent,
    Variable { name: &'v str, arguments: Option<&'v str> },
}

impl HeaderValue {
    /// The value written in a rule.
    pub fn new(written: &str) -> Self {
        let mut literal = String::with_capacity(written.len());
        let mut fixed = true;
        for piece in Pieces(written) {
            match piece {
                Piece::Text(text) => literal.push_str(text),
                Piece::Percent => literal.push('%'),
                Piece::Variable { .. } => fixed = false,
            }
        }
        Self { written: written.into(), literal: fixed.then(|| literal.into()) }
    }

    /// The value as in the rule.
    pub fn as_written(&self) -> &str {
        &self.written
    }

    /// The text, when no variable is in it.
    pub fn literal(&self) -> Option<&str> {
        self.literal.as_deref()
    }

    /// The text with the values of its variables, which `lookup` gives by name and arguments. A variable without a
    /// value is replaced by nothing, as in Envoy.
    pub fn expand(
        &self,
        mut lookup: impl FnMut(&str, Option<&str>) -> Option<String>,
    ) -> Cow<'_, str> {
        if let Some(literal) = &self.literal {
            return Cow::Borrowed(literal);
        }
        let mut out = String::with_capacity(self.written.len());
        for piece in Pieces(&self.written) {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Percent => out.push('%'),
                Piece::Variable { name, arguments } => {
                    out.push_str(lookup(name, arguments).as_deref().unwrap_or_default());
                }
            }
        }
        Cow::Owned(out)
    }
}

impl fmt::Display for HeaderValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl Serialize for HeaderValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.written)
    }
}

/// Cuts a value into pieces. A `%` that opens nothing is text, so that nothing is lost.
struct Pieces<'v>(&'v str);

impl<'v> Iterator for Pieces<'v> {
    type Item = Piece<'v>;

    fn next(&mut self) -> Option<Piece<'v>> {
        if self.0.is_empty() {
            return None;
        }
        let Some(rest) = self.0.strip_prefix('%') else {
            let end = self.0.find('%').unwrap_or(self.0.len());
            let (text, rest) = self.0.split_at(end);
            self.0 = rest;
            return Some(Piece::Text(text));
        };
        if let Some(rest) = rest.strip_prefix('%') {
            self.0 = rest;
            return Some(Piece::Percent);
        }
        let name_end =
            rest.find(|c: char| !c.is_ascii_uppercase() && !c.is_ascii_digit() && c != '_');
        if let Some(name_end) = name_end.filter(|end| *end > 0) {
            let (name, after) = rest.split_at(name_end);
            if let Some(after) = after.strip_prefix('%') {
                self.0 = after;
                return Some(Piece::Variable { name, arguments: None });
            }
            if let Some(inner) = after.strip_prefix('(')
                && let Some(end) = inner.find(")%")
            {
                self.0 = &inner[end + 2..];
                return Some(Piece::Variable { name, arguments: Some(&inner[..end]) });
            }
        }
        let (text, rest) = self.0.split_at(1);
        self.0 = rest;
        Some(Piece::Text(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_found_and_the_rest_is_kept() {
        let echo = |written: &str| {
            HeaderValue::new(written)
                .expand(|name, arguments| Some(format!("<{name}|{}>", arguments.unwrap_or("none"))))
                .into_owned()
        };
        assert_eq!(echo("plain"), "plain");
        assert_eq!(echo("50%%"), "50%");
        assert_eq!(echo("a%PROTOCOL%b"), "a<PROTOCOL|none>b");
        assert_eq!(echo("%REQ(X?Y):3%"), "%REQ(X?Y):3%");
        assert_eq!(echo("%START_TIME(%s)%"), "<START_TIME|%s>");
        assert_eq!(echo("5%"), "5%");
        assert_eq!(echo("% %x%"), "% %x%");
        assert_eq!(HeaderValue::new("50%%").literal(), Some("50%"));
        assert_eq!(HeaderValue::new("%PROTOCOL%").literal(), None);
        assert_eq!(HeaderValue::new("<%NOT_KNOWN%>").expand(|_, _| None), "<>");
    }
}
