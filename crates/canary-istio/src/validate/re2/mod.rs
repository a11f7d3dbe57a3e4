//! RE2 patterns as Istio accepts them, checked without compiling and translated for Rust's `regex`.
//!
//! Istio's webhook compiles a pattern with Go's `regexp` and Envoy runs it with C++ RE2; both read the same
//! language, <https://github.com/google/re2/wiki/Syntax>. Rust's `regex` differs: `\d`, `\w`, `\s` and `\b` are
//! Unicode there, `{` must be escaped, `\Q…\E` is unknown, a group name may not begin with a digit. The parser
//! here reads RE2 and prints a pattern of the same meaning in Rust's syntax.

mod ast;
mod names;
mod numbers;
mod parser;

use std::fmt;

use regex_automata::{meta, util::syntax};

/// The longest pattern that Istio admits, in bytes.
pub(crate) const MAX_LEN: usize = 1024;

/// The reason why a pattern is not RE2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Re2Error {
    reason: &'static str,
    at: String,
}

impl Re2Error {
    fn new(reason: &'static str, at: impl Into<String>) -> Self {
        Self { reason, at: at.into() }
    }

    /// Returns true when the pattern is RE2, but its automaton would be larger than [`SIZE_LIMIT`].
    pub(crate) fn is_too_large(&self) -> bool {
        self.reason == TOO_LARGE
    }
}

impl fmt::Display for Re2Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason)?;
        if self.at.is_empty() { Ok(()) } else { write!(f, " at `{}`", self.at) }
    }
}

impl std::error::Error for Re2Error {}

/// Checks that `pattern` is RE2, of a length that Istio admits.
///
/// # Errors
/// [`Re2Error`] when it is longer than [`MAX_LEN`] bytes or is not RE2.
pub(crate) fn check(pattern: &str) -> Result<(), Re2Error> {
    // Most patterns are made of plain characters and dots: those need no tree.
    if pattern.len() <= MAX_LEN && pattern.bytes().all(is_plain) {
        return Ok(());
    }
    parse(pattern).map(drop)
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'/' | b'-' | b'_' | b'.' | b':' | b' ' | b'=' | b',')
}

/// The name that two groups of a pattern have, which Istio admits and Envoy refuses.
pub(crate) fn repeated_group(pattern: &str) -> Option<String> {
    if !pattern.contains("(?") {
        return None;
    }
    parse(pattern).ok()?.1
}

/// The same language in the syntax of Rust's `regex`, not anchored.
///
/// # Errors
/// [`Re2Error`] when `pattern` is longer than [`MAX_LEN`] bytes or is not RE2.
pub(crate) fn translate(pattern: &str) -> Result<String, Re2Error> {
    match parse(pattern)? {
        (node, None) => Ok(node.to_string()),
        (_, Some(name)) => Err(Re2Error::new("a group name is used twice", name)),
    }
}

/// `true` when the RE2 expression fits the whole text, as Envoy's `safe_regex` does; `None` when Envoy refuses the
/// expression.
///
/// ```
/// use canary_core::validate::is_full_match;
///
/// assert_eq!(is_full_match("res.*", "resnet50"), Some(true));
/// assert_eq!(is_full_match("res", "resnet50"), Some(false));
/// assert_eq!(is_full_match("(", "resnet50"), None);
/// ```
pub fn is_full_match(pattern: &str, text: &str) -> Option<bool> {
    Some(full_match(pattern).ok()?.is_match(text))
}

/// The RE2 expression that fits this text and no other.
///
/// ```
/// use canary_core::validate::{is_full_match, literal};
///
/// assert_eq!(literal("v1.0"), "v1\\.0");
/// assert_eq!(is_full_match(&literal("a+b (c)"), "a+b (c)"), Some(true));
/// ```
pub fn literal(text: &str) -> String {
    // A backslash before a punctuation mark is that mark in both syntaxes.
    regex::escape(text)
}

/// A regular expression that matches where Envoy's full match of `pattern` does.
///
/// # Errors
/// [`Re2Error`] when `pattern` is longer than [`MAX_LEN`] bytes, is not RE2, or its automaton is too large.
pub(crate) fn full_match(pattern: &str) -> Result<meta::Regex, Re2Error> {
    build(&full_match_text(pattern)?, pattern)
}

/// The text behind [`full_match`].
///
/// # Errors
/// [`Re2Error`] when `pattern` is longer than [`MAX_LEN`] bytes or is not RE2.
pub(crate) fn full_match_text(pattern: &str) -> Result<String, Re2Error> {
    Ok(format!(r"\A(?:{})\z", translate(pattern)?))
}

/// A regular expression that finds what RE2 finds, for rewrites.
///
/// # Errors
/// [`Re2Error`] when `pattern` is longer than [`MAX_LEN`] bytes, is not RE2, or its automaton is too large.
pub(crate) fn search(pattern: &str) -> Result<meta::Regex, Re2Error> {
    build(&translate(pattern)?, pattern)
}

/// The number of capture groups of `pattern`, when it is RE2.
pub(crate) fn groups(pattern: &str) -> Option<usize> {
    parse(pattern).ok().map(|(node, _)| node.captures())
}

/// The memory that one compiled pattern may take, in bytes: enough for every pattern met in practice.
pub(crate) const SIZE_LIMIT: usize = 32 << 20;
const TOO_LARGE: &str = "its automaton is larger than 32 MiB";
/// The depth to which groups may nest: deeper than a pattern of [`MAX_LEN`] bytes can.
const NEST_LIMIT: u32 = 2048;

fn build(text: &str, pattern: &str) -> Result<meta::Regex, Re2Error> {
    // Without automata that are built in advance, which would take most of the memory of thousands of patterns.
    let config = meta::Config::new().nfa_size_limit(Some(SIZE_LIMIT)).dfa(false).onepass(false);
    meta::Regex::builder()
        .configure(config)
        .syntax(syntax::Config::new().nest_limit(NEST_LIMIT))
        .build(text)
        .map_err(|_| too_large(pattern))
}

fn too_large(pattern: &str) -> Re2Error {
    Re2Error::new(TOO_LARGE, pattern)
}

/// A pattern as a tree, and the name that two of its groups have.
fn parse(pattern: &str) -> Result<(ast::Node, Option<String>), Re2Error> {
    if pattern.len() > MAX_LEN {
        return Err(Re2Error::new("it is longer than 1024 bytes", ""));
    }
    parser::Parser::new(pattern).parse()
}

#[cfg(test)]
mod tests;
