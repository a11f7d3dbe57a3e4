//! Credentials of a request, kept out of texts for people.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, header::COOKIE};

/// The text in the place of a secret.
const REDACTED: &str = "[redacted]";

/// The least length of a secret that is searched for: shorter ones occur in ordinary words.
const FEWEST: usize = 4;

/// Parts of the names of headers that hold credentials.
const MARKS: [&str; 8] =
    ["authorization", "cookie", "token", "secret", "password", "credential", "key", "session"];

/// Returns `true` for the name of a header that holds credentials, such as `authorization`, `cookie` or `x-api-key`.
///
/// ```
/// use canary_http::is_credential;
///
/// assert!(is_credential("Proxy-Authorization") && is_credential("x-api-key"));
/// assert!(!is_credential("user-group"));
/// ```
pub fn is_credential(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    MARKS.iter().any(|mark| name.contains(mark))
}

/// The credentials of a request, so that no message repeats them: a server may echo what it received.
///
/// ```
/// use canary_http::Secrets;
/// use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
///
/// let value = HeaderValue::from_static("Bearer hunter2");
/// let secrets = Secrets::of(&HeaderMap::from_iter([(AUTHORIZATION, value)]));
/// let mut text = "cannot read \"hunter2\"".to_owned();
/// secrets.redact(&mut text);
/// assert_eq!(text, "cannot read \"[redacted]\"");
/// ```
#[derive(Clone, Default)]
pub struct Secrets {
    /// The longest first: one may be a part of another.
    values: Vec<String>,
}

impl Secrets {
    /// The values of the headers that hold credentials, by their names ([`is_credential`]).
    ///
    /// Of `Bearer token` the token counts by itself; of `Basic` the pair that it encodes, and its password; of cookies
    /// each value.
    pub fn of(headers: &HeaderMap) -> Self {
        let credentials = headers.iter().filter(|(name, _)| is_credential(name.as_str()));
        credentials.fold(Self::default(), |secrets, (name, value)| {
            let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
            if name == COOKIE {
                let values = text.split(';').filter_map(|pair| pair.split_once('='));
                let secrets =
                    values.fold(secrets, |secrets, (_, value)| secrets.with(value.trim()));
                return secrets.with(text.as_str());
            }
            match text.split_once(' ') {
                Some((scheme, rest)) if scheme.eq_ignore_ascii_case("basic") => {
                    secrets.with(rest.trim()).with_pair(rest.trim())
                }
                Some((_, rest)) => secrets.with(rest.trim()).with(text.as_str()),
                None => secrets.with(text.as_str()),
            }
        })
    }

    /// Adds a secret; one of fewer than four bytes is ignored.
    #[must_use]
    pub fn with(mut self, secret: impl Into<String>) -> Self {
        let secret = secret.into();
        if secret.len() >= FEWEST && !self.values.contains(&secret) {
            self.values.push(secret);
            self.values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        }
        self
    }

    /// The name and password that basic authentication encodes.
    fn with_pair(self, encoded: &str) -> Self {
        let Some(pair) =
            STANDARD.decode(encoded).ok().and_then(|pair| String::from_utf8(pair).ok())
        else {
            return self;
        };
        match pair.split_once(':') {
            Some((_, password)) => self.with(password).with(pair.as_str()),
            None => self.with(pair),
        }
    }

    /// Returns `true` when these bytes contain a secret.
    pub fn appear_in(&self, bytes: &[u8]) -> bool {
        self.values.iter().any(|secret| bytes.windows(secret.len()).any(|w| w == secret.as_bytes()))
    }

    /// Replaces every secret in a text, and the beginning of one at which the text was cut off.
    pub fn redact(&self, text: &mut String) {
        for secret in &self.values {
            if text.contains(secret.as_str()) {
                *text = text.replace(secret.as_str(), REDACTED);
            }
        }
        let mut from = 0;
        while let Some(found) = text.get(from..).and_then(|rest| rest.find('…')) {
            let end = from + found;
            let start = end - self.beginning_at_end_of(&text[..end]);
            if start < end {
                text.replace_range(start..end, REDACTED);
            }
            from = start + if start < end { REDACTED.len() } else { 0 } + '…'.len_utf8();
        }
    }

    /// The length of the beginning of a secret with which a text ends.
    fn beginning_at_end_of(&self, text: &str) -> usize {
        let beginnings = self.values.iter().flat_map(|secret| {
            let ends = (FEWEST..secret.len()).rev().filter(|end| secret.is_char_boundary(*end));
            ends.map(|end| &secret[..end])
        });
        beginnings.filter(|start| text.ends_with(start)).map(str::len).max().unwrap_or(0)
    }
}

impl fmt::Debug for Secrets {
    /// Shows only their number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.values.len())
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn redacted(name: &'static str, value: &'static str, text: &str) -> String {
        let headers = HeaderMap::from_iter([(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )]);
        let mut text = text.to_owned();
        Secrets::of(&headers).redact(&mut text);
        text
    }

    #[test]
    fn every_form_of_a_secret_is_replaced_and_other_headers_stay() {
        for (name, value, text, expected) in [
            ("authorization", "Bearer c7-hunter2", "got Bearer c7-hunter2!", "got [redacted]!"),
            ("authorization", "Bearer c7-hunter2", "token=c7-hunter2", "token=[redacted]"),
            ("authorization", "Basic bWU6aHVudGVyMg==", "me:hunter2", "[redacted]"),
            ("authorization", "Basic bWU6aHVudGVyMg==", "for hunter2", "for [redacted]"),
            ("authorization", "Basic bWU6aHVudGVyMg==", "bWU6aHVudGVyMg==", "[redacted]"),
            ("authorization", "Basic !", "Basic !", "Basic !"),
            ("cookie", "a=b; session=abcdef", "x abcdef x", "x [redacted] x"),
            ("x-api-key", "abcdef", "abcdef abcdef", "[redacted] [redacted]"),
            (
                "x-api-key",
                "abcdef",
                "the key abcd… of abc… or abcde…",
                "the key [redacted]… of abc… or [redacted]…",
            ),
            ("x-api-key", "abc", "abc", "abc"),
            ("user-group", "canary", "canary", "canary"),
        ] {
            assert_eq!(redacted(name, value, text), expected, "{name}: {value}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let secrets = Secrets::default().with("hunter2").with("hunter2").with("c7-hunter2");
        assert_eq!(format!("{secrets:?}"), "Secrets(2)");
    }
}
