//! The tree of a pattern, and its text in Rust's syntax.

use std::fmt;

/// A part of a pattern.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// Matches the empty text.
    Empty,
    /// One character; with `fold` in any case.
    Literal { character: char, fold: bool },
    /// Text that matches nothing at all, such as a lone surrogate.
    Never,
    /// Any character; with `newline` a line feed too.
    Any { newline: bool },
    /// A set of characters, its items in Rust's syntax.
    Class { items: String, negated: bool, fold: bool },
    /// A condition on a place, in Rust's syntax.
    Assertion(&'static str),
    /// A group that captures.
    Capture(Box<Node>),
    /// A repetition; `max` is `None` when unbounded; `counted` when written with braces.
    Repeat { node: Box<Node>, min: u32, max: Option<u32>, greedy: bool, counted: bool },
    /// A concatenation.
    Concat(Vec<Node>),
    /// Either.
    Alternate(Vec<Node>),
}

impl Node {
    /// Returns true when counted repetitions inside each other multiply to `limit` at most, as Go demands.
    pub(super) fn repeats_within(&self, mut limit: u32) -> bool {
        if let Self::Repeat { min, max, counted: true, .. } = self {
            let times = max.unwrap_or(*min);
            if *max == Some(0) {
                return true;
            }
            if times > limit {
                return false;
            }
            limit = limit.checked_div(times).unwrap_or(limit);
        }
        match self {
            Self::Capture(node) | Self::Repeat { node, .. } => node.repeats_within(limit),
            Self::Concat(nodes) | Self::Alternate(nodes) => {
                nodes.iter().all(|node| node.repeats_within(limit))
            }
            _ => true,
        }
    }

    /// The number of groups that capture.
    pub(super) fn captures(&self) -> usize {
        match self {
            Self::Capture(node) => 1 + node.captures(),
            Self::Repeat { node, .. } => node.captures(),
            Self::Concat(nodes) | Self::Alternate(nodes) => nodes.iter().map(Self::captures).sum(),
            _ => 0,
        }
    }
}

/// One character, written so that it stands for itself inside and outside of a class.
pub(super) fn write_character(out: &mut impl fmt::Write, character: char) -> fmt::Result {
    if character.is_ascii_alphanumeric()
        || matches!(character, '/' | '_')
        || (!character.is_ascii())
    {
        out.write_char(character)
    } else {
        write!(out, r"\x{{{:X}}}", u32::from(character))
    }
}

/// A class that holds no character.
const NEVER: &str = r"[^\x{0}-\x{10FFFF}]";

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("(?:)"),
            Self::Literal { character, fold: false } => write_character(f, *character),
            Self::Literal { character, fold: true } => {
                f.write_str("(?i:")?;
                write_character(f, *character)?;
                f.write_str(")")
            }
            Self::Never => f.write_str(NEVER),
            Self::Any { newline: true } => f.write_str("(?s:.)"),
            Self::Any { newline: false } => f.write_str("."),
            Self::Class { items, negated, .. } if items.is_empty() => {
                f.write_str(if *negated { "(?s:.)" } else { NEVER })
            }
            Self::Class { items, negated, fold } => {
                let not = if *negated { "^" } else { "" };
                if *fold { write!(f, "(?i:[{not}{items}])") } else { write!(f, "[{not}{items}]") }
            }
            Self::Assertion(text) => f.write_str(text),
            Self::Capture(node) => write!(f, "({node})"),
            Self::Repeat { node, min, max, greedy, .. } => {
                write!(f, "(?:{node})")?;
                match (min, max) {
                    (0, None) => f.write_str("*")?,
                    (1, None) => f.write_str("+")?,
                    (0, Some(1)) => f.write_str("?")?,
                    (min, None) => write!(f, "{{{min},}}")?,
                    (min, Some(max)) => write!(f, "{{{min},{max}}}")?,
                }
                if *greedy { Ok(()) } else { f.write_str("?") }
            }
            Self::Concat(nodes) => nodes.iter().try_for_each(|node| node.fmt(f)),
            Self::Alternate(nodes) => {
                f.write_str("(?:")?;
                for (index, node) in nodes.iter().enumerate() {
                    if index > 0 {
                        f.write_str("|")?;
                    }
                    node.fmt(f)?;
                }
                f.write_str(")")
            }
        }
    }
}
