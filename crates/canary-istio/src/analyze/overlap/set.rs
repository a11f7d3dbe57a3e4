//! Sets of texts, by the conditions on them.

use super::automata;
use crate::validate::re2;

/// The names under which requests come to a `VirtualService`; a name may begin with `*`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hosts(pub(crate) Vec<String>);

impl Hosts {
    /// Returns true when an authority, with or without a port, is for one of the hosts.
    fn serve(&self, authority: &str) -> bool {
        let host = match authority.rsplit_once(':') {
            Some((host, port))
                if (1..=5).contains(&port.len())
                    && port.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                host
            }
            _ => authority,
        };
        if !host.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':') {
            return false;
        }
        self.0.iter().any(|name| match name.strip_prefix('*') {
            None => host.eq_ignore_ascii_case(name),
            Some(suffix) => {
                host.len() > suffix.len()
                    && host
                        .get(host.len() - suffix.len()..)
                        .is_some_and(|end| end.eq_ignore_ascii_case(suffix))
            }
        })
    }

    /// The same as a pattern in Rust's syntax.
    fn pattern(&self) -> String {
        let names: Vec<_> = self
            .0
            .iter()
            .map(|name| match name.strip_prefix('*') {
                None => regex::escape(name),
                Some(suffix) => format!(r"[\x21-\x39\x3b-\x7e]+{}", regex::escape(suffix)),
            })
            .collect();
        format!(r"\A(?i-u:(?:{})(?::[0-9]{{1,5}})?)\z", names.join("|"))
    }
}

/// A test of a text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Test<'m> {
    /// Every text.
    Any,
    Exact(&'m str),
    /// Ignores the case of ASCII letters.
    ExactFold(&'m str),
    Prefix(&'m str),
    PrefixFold(&'m str),
    /// A path and those below it, as a `PathPrefix` of the Gateway API has it.
    Segments(&'m str),
    /// All of the text fits an RE2 pattern.
    Regex(&'m str),
    /// An authority for one of the hosts, with the same as a pattern in Rust's syntax, which anchors itself.
    Hosts(&'m Hosts),
    Number(u32),
    OneOf(&'m [String]),
}

impl Test<'_> {
    /// Tests whether `text` passes; `None` when the pattern cannot be read or is too large.
    pub(super) fn matches(&self, text: &str) -> Option<bool> {
        Some(match self {
            Self::Any => true,
            Self::Exact(wanted) => text == *wanted,
            Self::ExactFold(wanted) => text.eq_ignore_ascii_case(wanted),
            Self::Prefix(wanted) => text.starts_with(wanted),
            Self::PrefixFold(wanted) => {
                text.get(..wanted.len()).is_some_and(|start| start.eq_ignore_ascii_case(wanted))
            }
            Self::Segments(wanted) => text
                .strip_prefix(wanted)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
            Self::Regex(pattern) => automata::full_match(pattern)?.is_match(text),
            Self::Hosts(hosts) => hosts.serve(text),
            Self::Number(number) => text.parse() == Ok(*number),
            Self::OneOf(list) => list.iter().any(|one| one == text),
        })
    }

    /// The pattern of the texts that pass, in Rust's syntax, anchored at both ends.
    pub(super) fn pattern(&self) -> Option<String> {
        let escape = regex::escape;
        Some(match self {
            Self::Any => r"\A(?s:.*)\z".to_owned(),
            Self::Exact(text) => format!(r"\A{}\z", escape(text)),
            Self::ExactFold(text) => format!(r"\A(?i-u:{})\z", escape_ascii(text)?),
            Self::Prefix(text) => format!(r"\A{}(?s:.*)\z", escape(text)),
            Self::PrefixFold(text) => format!(r"\A(?i-u:{})(?s:.*)\z", escape_ascii(text)?),
            Self::Segments(text) => format!(r"\A{}(?s:/.*)?\z", escape(text)),
            Self::Regex(pattern) => re2::full_match_text(pattern).ok()?,
            Self::Hosts(hosts) => hosts.pattern(),
            Self::Number(number) => format!(r"\A{number}\z"),
            Self::OneOf(list) => {
                let list: Vec<_> = list.iter().map(|one| escape(one)).collect();
                format!(r"\A(?:{})\z", list.join("|"))
            }
        })
    }

    /// The steps that a test of one text takes.
    pub(super) fn cost(&self) -> usize {
        match self {
            Self::Any | Self::Number(_) => 1,
            Self::Exact(text)
            | Self::ExactFold(text)
            | Self::Prefix(text)
            | Self::PrefixFold(text)
            | Self::Segments(text) => 2 + text.len() / 8,
            Self::Regex(_) => 50,
            Self::Hosts(hosts) => 1 + 2 * hosts.0.len(),
            Self::OneOf(list) => 1 + list.len(),
        }
    }

    /// Returns true when the set can be reasoned about without an automaton.
    pub(super) fn is_simple(&self) -> bool {
        matches!(self, Self::Any | Self::Exact(_) | Self::Prefix(_))
    }
}

/// Only ASCII letters are folded, which Rust's syntax can express only for ASCII text.
fn escape_ascii(text: &str) -> Option<String> {
    text.is_ascii().then(|| regex::escape(text))
}

/// A condition on a part of a request that may be missing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Condition<'m> {
    pub(crate) test: Test<'m>,
    /// True when a text has to pass the test, false when it has to fail.
    pub(crate) wanted: bool,
    /// True when the condition holds for a part that is missing.
    pub(crate) missing: bool,
}

impl<'m> Condition<'m> {
    /// The part is there and passes the test.
    pub(crate) fn is(test: Test<'m>) -> Self {
        Self { test, wanted: true, missing: false }
    }

    /// The condition that holds when this one does not.
    pub(crate) fn negated(&self) -> Self {
        Self { test: self.test.clone(), wanted: !self.wanted, missing: !self.missing }
    }

    /// Tests whether it holds for a text; `None` when that is not known.
    pub(super) fn holds(&self, text: &str) -> Option<bool> {
        Some(self.test.matches(text)? == self.wanted)
    }
}

/// The possible texts of a part of a request.
#[derive(Clone, Debug)]
pub(crate) enum Domain<'d> {
    /// A path as proxies normalise it; other paths never reach a match.
    Path,
    /// A token of RFC 7230.
    Token,
    /// A host with an optional port; with examples.
    Authority(&'d [String]),
    /// Anything a header can hold, or nothing.
    Optional,
    /// A value in a query, or nothing.
    Query,
    /// One of these.
    Finite(Vec<&'d str>),
}

impl Domain<'_> {
    /// Returns true when the part can be missing.
    pub(super) fn may_be_missing(&self) -> bool {
        matches!(self, Self::Optional | Self::Query)
    }

    /// Returns true when the part can have this text.
    pub(super) fn contains(&self, text: &str) -> bool {
        let visible = |text: &str| !text.chars().any(|c| c.is_ascii_control() || c == ' ');
        match self {
            Self::Path => is_normalised(text),
            Self::Token => {
                !text.is_empty()
                    && text
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
            }
            Self::Authority(_) => {
                !text.is_empty()
                    && text.is_ascii()
                    && visible(text)
                    && !text.contains(['/', '?', '#', '@'])
            }
            Self::Optional => {
                text.trim_matches([' ', '\t']) == text
                    && !text.chars().any(|c| c.is_ascii_control() && c != '\t')
            }
            Self::Query => visible(text) && !text.contains(['&', '#', '%', '+']),
            Self::Finite(list) => list.contains(&text),
        }
    }

    /// The same as a pattern in Rust's syntax.
    pub(super) fn pattern(&self) -> String {
        match self {
            Self::Path => normalised_pattern(),
            Self::Token => r"\A[A-Za-z0-9_-]+\z".to_owned(),
            Self::Authority(_) => r"\A[\x21-\x7e&&[^/?#@]]+\z".to_owned(),
            Self::Optional => {
                r"\A(?:[^\x00-\x20\x7f](?:[^\x00-\x08\x0a-\x1f\x7f]*[^\x00-\x20\x7f])?)?\z"
                    .to_owned()
            }
            Self::Query => r"\A[^\x00-\x20\x7f&#%+]*\z".to_owned(),
            Self::Finite(list) => {
                let list: Vec<_> = list.iter().map(|one| regex::escape(one)).collect();
                format!(r"\A(?:{})\z", list.join("|"))
            }
        }
    }

    /// Texts to try first.
    pub(super) fn examples(&self) -> Vec<String> {
        match self {
            Self::Path => vec!["/".to_owned()],
            Self::Token => vec!["GET".to_owned(), "POST".to_owned()],
            Self::Authority(examples) => examples.to_vec(),
            Self::Optional | Self::Query => vec!["x".to_owned(), String::new()],
            Self::Finite(list) => list.iter().map(|one| (*one).to_owned()).collect(),
        }
    }

    /// Returns true when text can be put behind any text without leaving the domain.
    pub(super) fn is_open(&self) -> bool {
        !matches!(self, Self::Finite(_))
    }
}

/// Escapes of unreserved characters are undone, and an escaped NUL is refused; all others stay.
const ESCAPE: &str = "%(?:0[1-9A-Fa-f]|1[0-9A-Fa-f]|2[0-9A-Ca-cFf]|3[A-Fa-f]|40|5[B-Eb-e]|60|7[B-Db-dFf]|[89A-Fa-f][0-9A-Fa-f])";

/// Segments of a normalised path: none of `.` and `..`, also not with parameters.
fn normalised_pattern() -> String {
    const OTHER: &str = "!$&'()*+,\\-0-9:=@A-Z\\[\\]_a-z~";
    let any = format!("(?:[{OTHER};.]|{ESCAPE})");
    let segment = format!(
        r"(?:(?:[{OTHER};]|{ESCAPE}){any}*|\.(?:[{OTHER}]|{ESCAPE}){any}*|\.\.(?:[{OTHER}.]|{ESCAPE}){any}*)?"
    );
    format!(r"\A(?:/{segment})+\z")
}

/// Returns true when a text is a normalised path.
fn is_normalised(text: &str) -> bool {
    static PATTERN: std::sync::LazyLock<Option<regex::Regex>> =
        std::sync::LazyLock::new(|| regex::Regex::new(&normalised_pattern()).ok());
    PATTERN.as_ref().is_some_and(|pattern| pattern.is_match(text))
}
