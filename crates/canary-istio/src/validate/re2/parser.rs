//! The reader of RE2, with the decisions of Go's `regexp/syntax` in its Perl mode.

use std::fmt::Write as _;

use super::{
    Re2Error,
    ast::{Node, write_character},
    names,
    numbers::{counted, hexadecimal},
};

/// The flags that `(?imsU)` sets, until the group ends.
#[derive(Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "the four flags of RE2, each on or off")]
struct Flags {
    fold: bool,
    multi_line: bool,
    dot_newline: bool,
    lazy: bool,
}

/// An open group with its parts so far.
struct Frame {
    alternatives: Vec<Node>,
    sequence: Vec<Node>,
    /// The flags to return to when it closes.
    outer: Flags,
    captures: bool,
}

impl Frame {
    fn new(outer: Flags, captures: bool) -> Self {
        Self { alternatives: Vec::new(), sequence: Vec::new(), outer, captures }
    }

    fn end_alternative(&mut self) {
        let mut sequence = std::mem::take(&mut self.sequence);
        let node = match sequence.len() {
            0 => Node::Empty,
            1 => sequence.swap_remove(0),
            _ => Node::Concat(sequence),
        };
        self.alternatives.push(node);
    }

    fn finish(mut self) -> Node {
        self.end_alternative();
        if self.alternatives.len() == 1 {
            self.alternatives.swap_remove(0)
        } else {
            Node::Alternate(self.alternatives)
        }
    }
}

/// The reader of one pattern.
pub(super) struct Parser<'p> {
    rest: &'p str,
    flags: Flags,
    names: Vec<&'p str>,
    /// A name that two groups have, which Go, and therefore Istio, accepts and Envoy refuses.
    repeated: Option<&'p str>,
}

impl<'p> Parser<'p> {
    pub(super) fn new(pattern: &'p str) -> Self {
        Self { rest: pattern, flags: Flags::default(), names: Vec::new(), repeated: None }
    }

    /// The tree, and the name that two groups have.
    pub(super) fn parse(mut self) -> Result<(Node, Option<String>), Re2Error> {
        let whole = self.rest;
        let mut open: Vec<Frame> = Vec::new();
        let mut frame = Frame::new(self.flags, false);
        // The place where the repetition just read began: a second one may not follow it.
        let mut last_repeat: Option<&'p str> = None;
        while let Some(character) = self.rest.chars().next() {
            let before = self.rest;
            let mut repeat = None;
            match character {
                '(' => {
                    let outer = self.flags;
                    if self.rest.starts_with("(?") {
                        if let Some(captures) = self.group_start()? {
                            open.push(std::mem::replace(&mut frame, Frame::new(outer, captures)));
                        }
                    } else {
                        self.skip(1);
                        open.push(std::mem::replace(&mut frame, Frame::new(outer, true)));
                    }
                }
                '|' => {
                    self.skip(1);
                    frame.end_alternative();
                }
                ')' => {
                    self.skip(1);
                    let Some(parent) = open.pop() else {
                        return Err(Re2Error::new("`)` closes nothing", before));
                    };
                    let closed = std::mem::replace(&mut frame, parent);
                    self.flags = closed.outer;
                    let captures = closed.captures;
                    let node = closed.finish();
                    frame.sequence.push(if captures {
                        Node::Capture(Box::new(node))
                    } else {
                        node
                    });
                }
                '*' | '+' | '?' => {
                    self.skip(1);
                    let (min, max) = match character {
                        '*' => (0, None),
                        '+' => (1, None),
                        _ => (0, Some(1)),
                    };
                    self.repeat(&mut frame, (min, max, false), before, last_repeat)?;
                    repeat = Some(before);
                }
                '{' => match counted(self.rest) {
                    Some(Ok((min, max, length))) => {
                        self.skip(length);
                        self.repeat(&mut frame, (min, max, true), before, last_repeat)?;
                        repeat = Some(before);
                    }
                    Some(Err(length)) => {
                        return Err(Re2Error::new(
                            "a repetition has a count above 1000 or its bounds reversed",
                            &before[..length],
                        ));
                    }
                    None => {
                        self.skip(1);
                        frame.sequence.push(self.literal('{'));
                    }
                },
                '^' => {
                    self.skip(1);
                    let text = if self.flags.multi_line { "(?m:^)" } else { r"\A" };
                    frame.sequence.push(Node::Assertion(text));
                }
                '$' => {
                    self.skip(1);
                    let text = if self.flags.multi_line { "(?m:$)" } else { r"\z" };
                    frame.sequence.push(Node::Assertion(text));
                }
                '.' => {
                    self.skip(1);
                    frame.sequence.push(Node::Any { newline: self.flags.dot_newline });
                }
                '[' => {
                    let node = self.class()?;
                    frame.sequence.push(node);
                }
                '\\' => self.escape(&mut frame.sequence)?,
                _ => {
                    self.skip(character.len_utf8());
                    frame.sequence.push(self.literal(character));
                }
            }
            last_repeat = repeat;
        }
        if open.is_empty() {
            Ok((frame.finish(), self.repeated.map(str::to_owned)))
        } else {
            Err(Re2Error::new("a `(` is not closed", whole))
        }
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
    }

    fn literal(&self, character: char) -> Node {
        Node::Literal {
            character,
            fold: self.flags.fold && (!character.is_ascii() || character.is_ascii_alphabetic()),
        }
    }

    /// Applies a repetition to the last part; `before` is the text from its operator on.
    fn repeat(
        &mut self,
        frame: &mut Frame,
        (min, max, counted): (u32, Option<u32>, bool),
        before: &'p str,
        last_repeat: Option<&'p str>,
    ) -> Result<(), Re2Error> {
        let mut greedy = !self.flags.lazy;
        if self.rest.starts_with('?') {
            self.skip(1);
            greedy = !greedy;
        }
        let operator = &before[..before.len() - self.rest.len()];
        if let Some(first) = last_repeat {
            let both = &first[..first.len() - self.rest.len()];
            return Err(Re2Error::new("two repetitions follow each other", both));
        }
        let Some(node) = frame.sequence.pop() else {
            return Err(Re2Error::new("a repetition has nothing to repeat", operator));
        };
        let node = Node::Repeat { node: Box::new(node), min, max, greedy, counted };
        if counted && (min >= 2 || max.is_some_and(|max| max >= 2)) && !node.repeats_within(1000) {
            return Err(Re2Error::new(
                "repetitions inside each other multiply to over 1000",
                operator,
            ));
        }
        frame.sequence.push(node);
        Ok(())
    }

    /// Reads what follows `(?`: `Some(captures)` when a group opens, `None` when only flags change.
    fn group_start(&mut self) -> Result<Option<bool>, Re2Error> {
        let start = self.rest;
        for prefix in ["(?P<", "(?<"] {
            // Go asks for one character more than the prefix; shorter text falls to the flags and fails there.
            if let Some(named) = start.strip_prefix(prefix)
                && !named.is_empty()
            {
                let Some(end) = named.find('>') else {
                    return Err(Re2Error::new("a group name is not closed by `>`", start));
                };
                let name = &named[..end];
                let capture = &start[..=prefix.len() + end];
                if name.is_empty()
                    || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
                {
                    return Err(Re2Error::new(
                        "a group name has other characters than letters, digits and `_`",
                        capture,
                    ));
                }
                if self.names.contains(&name) {
                    self.repeated.get_or_insert(name);
                }
                self.names.push(name);
                self.skip(capture.len());
                return Ok(Some(true));
            }
        }
        let mut flags = self.flags;
        let mut on = true;
        let mut seen = false;
        for (offset, character) in start.char_indices().skip(2) {
            match character {
                'i' => flags.fold = on,
                'm' => flags.multi_line = on,
                's' => flags.dot_newline = on,
                'U' => flags.lazy = on,
                '-' if on => {
                    on = false;
                    seen = false;
                    continue;
                }
                ':' | ')' if on || seen => {
                    self.flags = flags;
                    self.skip(offset + 1);
                    return Ok((character == ':').then_some(false));
                }
                _ => {
                    let end = offset + character.len_utf8();
                    return Err(Re2Error::new(
                        "RE2 has no such group: no look-around, no conditions, flags i m s U only",
                        &start[..end],
                    ));
                }
            }
            seen = true;
        }
        Err(Re2Error::new("a `(?` is not completed", start))
    }

    /// Reads an escape outside of a class.
    fn escape(&mut self, sequence: &mut Vec<Node>) -> Result<(), Re2Error> {
        let text = self.rest;
        let assertion = match text.as_bytes().get(1) {
            Some(b'A') => r"\A",
            Some(b'z') => r"\z",
            Some(b'b') => r"(?-u:\b)",
            Some(b'B') => r"(?-u:\B)",
            Some(b'Q') => {
                let quoted = &text[2..];
                let (literal, length) = match quoted.find(r"\E") {
                    Some(end) => (&quoted[..end], end + 2),
                    None => (quoted, quoted.len()),
                };
                sequence.extend(literal.chars().map(|character| self.literal(character)));
                self.skip(2 + length);
                return Ok(());
            }
            _ => "",
        };
        if !assertion.is_empty() {
            self.skip(2);
            sequence.push(Node::Assertion(assertion));
            return Ok(());
        }
        let mut items = String::new();
        if self.unicode_class(&mut items)? || self.perl_class(&mut items) {
            sequence.push(Node::Class { items, negated: false, fold: self.flags.fold });
            return Ok(());
        }
        let code = self.character_escape()?;
        sequence
            .push(char::from_u32(code).map_or(Node::Never, |character| self.literal(character)));
        Ok(())
    }

    /// Reads `\pN`, `\p{Name}`, `\P{Name}` or `\p{^Name}` into class items.
    fn unicode_class(&mut self, items: &mut String) -> Result<bool, Re2Error> {
        let text = self.rest;
        let mut negated = match text.as_bytes() {
            [b'\\', b'p', ..] => false,
            [b'\\', b'P', ..] => true,
            _ => return Ok(false),
        };
        let Some(first) = text[2..].chars().next() else {
            return Ok(false);
        };
        let (mut name, length) = if first == '{' {
            let Some(end) = text.find('}') else {
                return Err(Re2Error::new("a character class is not closed by `}`", text));
            };
            (&text[3..end], end + 1)
        } else {
            let length = 2 + first.len_utf8();
            (&text[2..length], length)
        };
        if let Some(rest) = name.strip_prefix('^') {
            negated = !negated;
            name = rest;
        }
        let Some(known) = names::unicode(name) else {
            return Err(Re2Error::new("no such Unicode category or script", &text[..length]));
        };
        match (known, negated) {
            (names::Unicode::Set(set), false) => {
                let _ = write!(items, r"\p{{{set}}}");
            }
            (names::Unicode::Set(set), true) => {
                let _ = write!(items, r"\P{{{set}}}");
            }
            (names::Unicode::All, false) | (names::Unicode::Surrogates, true) => {
                items.push_str(r"\x{0}-\x{10FFFF}");
            }
            (names::Unicode::All, true) | (names::Unicode::Surrogates, false) => {}
            (names::Unicode::Ascii, false) => items.push_str(r"\x{0}-\x{7F}"),
            (names::Unicode::Ascii, true) => items.push_str(r"[^\x{0}-\x{7F}]"),
        }
        self.skip(length);
        Ok(true)
    }

    /// Reads `\d`, `\D`, `\s`, `\S`, `\w` or `\W` into class items: ASCII all of them.
    fn perl_class(&mut self, items: &mut String) -> bool {
        let set = match self.rest.as_bytes() {
            [b'\\', b'd', ..] => "0-9",
            [b'\\', b'D', ..] => "[^0-9]",
            [b'\\', b's', ..] => r"\t\n\f\r\x{20}",
            [b'\\', b'S', ..] => r"[^\t\n\f\r\x{20}]",
            [b'\\', b'w', ..] => "0-9A-Za-z_",
            [b'\\', b'W', ..] => "[^0-9A-Za-z_]",
            _ => return false,
        };
        items.push_str(set);
        self.skip(2);
        true
    }

    /// Reads the escape of one character, such as `\n`, `\x41`, `\101` or `\.`, as its code point.
    fn character_escape(&mut self) -> Result<u32, Re2Error> {
        let text = self.rest;
        let mut rest = text[1..].chars();
        let Some(character) = rest.next() else {
            return Err(Re2Error::new("a backslash ends the pattern", text));
        };
        let digits = rest.as_str();
        let (code, used) = match character {
            // A single digit would be a back-reference, which RE2 does not have.
            '1'..='7' if !digits.starts_with(|next: char| next.is_digit(8)) => {
                return Err(bad_escape(text, 2));
            }
            '0'..='7' => {
                let more =
                    digits.bytes().take(2).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
                (u32::from_str_radix(&text[1..2 + more], 8).unwrap_or(0), 1 + more)
            }
            'x' => {
                let Some((code, length)) = hexadecimal(digits) else {
                    return Err(bad_escape(text, 2));
                };
                (code, 1 + length)
            }
            'a' => (7, 1),
            'f' => (12, 1),
            'n' => (10, 1),
            'r' => (13, 1),
            't' => (9, 1),
            'v' => (11, 1),
            other if other.is_ascii() && !other.is_ascii_alphanumeric() => (u32::from(other), 1),
            other => return Err(bad_escape(text, 1 + other.len_utf8())),
        };
        self.skip(1 + used);
        Ok(code)
    }

    /// Reads `[…]`.
    fn class(&mut self) -> Result<Node, Re2Error> {
        let whole = self.rest;
        self.skip(1);
        let negated = self.rest.starts_with('^');
        if negated {
            self.skip(1);
        }
        let mut items = String::new();
        let mut first = true;
        while first || !self.rest.starts_with(']') {
            first = false;
            if self.posix_class(&mut items)?
                || self.unicode_class(&mut items)?
                || self.perl_class(&mut items)
            {
                continue;
            }
            let range = self.rest;
            let low = self.class_character(whole)?;
            let mut high = low;
            if self.rest.len() >= 2 && self.rest.starts_with('-') && !self.rest.starts_with("-]") {
                self.skip(1);
                high = self.class_character(whole)?;
                if high < low {
                    let length = range.len() - self.rest.len();
                    return Err(Re2Error::new(
                        "the range of a class runs backwards",
                        &range[..length],
                    ));
                }
            }
            push_range(&mut items, low, high);
        }
        self.skip(1);
        Ok(Node::Class { items, negated, fold: self.flags.fold })
    }

    fn class_character(&mut self, whole: &str) -> Result<u32, Re2Error> {
        match self.rest.chars().next() {
            None => Err(Re2Error::new("a `[` is not closed", whole)),
            Some('\\') => self.character_escape(),
            Some(character) => {
                self.skip(character.len_utf8());
                Ok(u32::from(character))
            }
        }
    }

    /// Reads `[:name:]` inside a class.
    fn posix_class(&mut self, items: &mut String) -> Result<bool, Re2Error> {
        let text = self.rest;
        if text.len() <= 2 || !text.starts_with("[:") {
            return Ok(false);
        }
        let Some(end) = text[2..].find(":]") else {
            return Ok(false);
        };
        let name = &text[2..2 + end];
        let (negated, name) = name.strip_prefix('^').map_or((false, name), |rest| (true, rest));
        let Some(set) = names::posix(name) else {
            return Err(Re2Error::new("no such class of characters", &text[..end + 4]));
        };
        if negated {
            let _ = write!(items, "[^{set}]");
        } else {
            items.push_str(set);
        }
        self.skip(end + 4);
        Ok(true)
    }
}

/// Writes the range into class items; surrogates, which no text holds, are left out.
fn push_range(items: &mut String, low: u32, high: u32) {
    let low = if (0xD800..=0xDFFF).contains(&low) { 0xE000 } else { low };
    let high = if (0xD800..=0xDFFF).contains(&high) { 0xD7FF } else { high };
    if let (Some(low), Some(high)) = (char::from_u32(low), char::from_u32(high))
        && low <= high
    {
        let _ = write_character(items, low);
        if low < high {
            items.push('-');
            let _ = write_character(items, high);
        }
    }
}

fn bad_escape(text: &str, length: usize) -> Re2Error {
    Re2Error::new("RE2 has no such escape", &text[..length])
}
