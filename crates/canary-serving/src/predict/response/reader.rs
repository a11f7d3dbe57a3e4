//! Reads JSON as TensorFlow Serving writes it: with `NaN` and infinities, and with strings of any bytes. Time and
//! memory are bounded by the size of the text.

use std::time::Instant;

/// The position at which a text is not the expected response, and the reason.
#[derive(Debug, PartialEq)]
pub(crate) struct ParseError {
    /// The byte at which reading failed.
    pub(crate) at: usize,
    pub(crate) reason: String,
    /// The text is fine but has a number outside the range of a 32-bit float.
    pub(crate) needs_doubles: bool,
    /// The deadline passed while the text was read.
    pub(crate) timed_out: bool,
}

impl ParseError {
    /// A text that is wrong as a whole.
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self { at: 0, reason: reason.into(), needs_doubles: false, timed_out: false }
    }

    /// A text that could not be read before the deadline.
    pub(crate) fn late(at: usize) -> Self {
        Self { at, timed_out: true, ..Self::new("the time is up") }
    }
}

pub(crate) type Parsed<T> = Result<T, ParseError>;

/// The deepest nesting of ignored values.
pub(crate) const MAX_DEPTH: usize = 64;

/// The bytes in memory that each byte of a response may become.
pub(crate) const RATIO: usize = 8;
/// The bytes in memory that every response may take beyond that.
pub(crate) const FLOOR: usize = 64 << 20;
/// The least that memory of its own takes.
pub(crate) const HEAP: usize = 32;

/// The number of bytes that are read between two looks at the clock.
const STRIDE: usize = 64 << 10;

/// The bytes in memory that a response of this size may take.
pub(crate) fn room(size: usize) -> usize {
    size.saturating_mul(RATIO).saturating_add(FLOOR)
}

/// The refusal of a response that would take more memory than [`room`] of its size.
pub(crate) fn too_much(size: usize) -> String {
    format!("its {size} bytes would take more than {} bytes of memory", room(size))
}

/// A text and the position of the reader.
pub(crate) struct Reader<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) at: usize,
    /// The bytes of memory that values may still take.
    room: usize,
    deadline: Option<Instant>,
    /// The place at which the clock is looked at.
    look_at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, room: room(bytes.len()), deadline: None, look_at: usize::MAX }
    }

    /// Stops with an error when the deadline passes.
    pub(crate) fn until(mut self, deadline: Option<Instant>) -> Self {
        self.deadline = deadline;
        self.look_at = if deadline.is_some() { STRIDE } else { usize::MAX };
        self
    }

    pub(crate) fn fail<T>(&self, reason: impl Into<String>) -> Parsed<T> {
        Err(ParseError { at: self.at, ..ParseError::new(reason) })
    }

    /// Accounts for memory that a value takes.
    pub(crate) fn occupy(&mut self, bytes: usize) -> Parsed<()> {
        match self.room.checked_sub(bytes) {
            Some(room) => {
                self.room = room;
                Ok(())
            }
            None => self.fail(too_much(self.bytes.len())),
        }
    }

    #[cold]
    fn look(&mut self) -> Parsed<()> {
        self.look_at = self.at + STRIDE;
        match self.deadline {
            Some(deadline) if Instant::now() > deadline => Err(ParseError::late(self.at)),
            _ => Ok(()),
        }
    }

    /// The next byte that is not white space, still unread; 0 at the end.
    #[inline]
    pub(crate) fn peek(&mut self) -> u8 {
        loop {
            match self.bytes.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                Some(&byte) => return byte,
                None => return 0,
            }
        }
    }

    /// Reads that byte when it is next.
    #[inline]
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == byte;
        self.at += usize::from(found);
        found
    }

    pub(crate) fn expect(&mut self, byte: u8) -> Parsed<()> {
        if self.take(byte) {
            return Ok(());
        }
        let wanted = char::from(byte);
        match self.bytes.get(self.at) {
            None => self.fail(format!("the text ends where {wanted:?} is expected")),
            Some(&found) => {
                let found = char::from(found);
                self.fail(format!("found {found:?} where {wanted:?} is expected"))
            }
        }
    }

    /// Reads a word such as `true` when it is next.
    pub(crate) fn word(&mut self, word: &[u8]) -> bool {
        self.peek();
        let found = self.bytes[self.at..].starts_with(word);
        self.at += if found { word.len() } else { 0 };
        found
    }

    /// Nothing except white space may follow.
    pub(crate) fn end(&mut self) -> Parsed<()> {
        self.peek();
        if self.at == self.bytes.len() { Ok(()) } else { self.fail("text follows after the end") }
    }

    /// After an entry of a list or object: `true` when another follows, `false` at the closing byte.
    pub(crate) fn more(&mut self, close: u8) -> Parsed<bool> {
        if self.at >= self.look_at {
            self.look()?;
        }
        if self.take(b',') {
            return Ok(true);
        }
        self.expect(close).map(|()| false)
    }

    /// The members of an object, one call of `member` for each; it must read the value.
    pub(crate) fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, Vec<u8>) -> Parsed<()>,
    ) -> Parsed<()> {
        self.expect(b'{')?;
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            let key = self.string()?;
            self.expect(b':')?;
            member(self, key)?;
            if !self.more(b'}')? {
                return Ok(());
            }
        }
    }

    /// A string as bytes: escapes resolved, everything else as it stands, UTF-8 or not.
    pub(crate) fn string(&mut self) -> Parsed<Vec<u8>> {
        self.expect(b'"')?;
        let mut text = Vec::new();
        loop {
            let rest = &self.bytes[self.at..];
            let Some(length) = memchr::memchr2(b'"', b'\\', rest) else {
                self.at = self.bytes.len();
                return self.fail("the text ends within a string");
            };
            let plain = &rest[..length];
            if let Some(control) = plain.iter().position(|&byte| byte < 0x20) {
                self.at += control;
                return self.fail("a string has a control character");
            }
            text.extend_from_slice(plain);
            self.at += length + 1;
            if rest[length] == b'"' {
                return Ok(text);
            }
            self.escape(&mut text)?;
        }
    }

    fn escape(&mut self, text: &mut Vec<u8>) -> Parsed<()> {
        let Some(&byte) = self.bytes.get(self.at) else {
            return self.fail("the text ends within a string");
        };
        self.at += 1;
        text.push(match byte {
            b'"' | b'\\' | b'/' => byte,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let character = self.unicode()?;
                text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            _ => return self.fail("a string has an unknown escape"),
        });
        Ok(())
    }

    /// The character after `\u`: one code unit, or two that form a pair; half a pair becomes U+FFFD.
    fn unicode(&mut self) -> Parsed<char> {
        let first = self.hex()?;
        if !(0xd800..0xdc00).contains(&first) {
            return Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let start = self.at;
        if self.bytes[self.at..].starts_with(b"\\u") {
            self.at += 2;
            let second = self.hex()?;
            if (0xdc00..0xe000).contains(&second) {
                let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = start;
        }
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn hex(&mut self) -> Parsed<u32> {
        let digits = self.bytes.get(self.at..self.at + 4);
        let value = digits.and_then(|digits| {
            digits
                .iter()
                .try_fold(0, |value, &byte| Some(value * 16 + char::from(byte).to_digit(16)?))
        });
        let Some(value) = value else {
            return self.fail("\\u needs four hexadecimal digits");
        };
        self.at += 4;
        Ok(value)
    }

    /// Reads any value and ignores it.
    pub(crate) fn skip(&mut self, depth: usize) -> Parsed<()> {
        if depth > MAX_DEPTH {
            return self.fail(format!("nested deeper than {MAX_DEPTH}"));
        }
        match self.peek() {
            b'{' => self.object(|reader, _| reader.skip(depth + 1)),
            b'[' => {
                self.at += 1;
                if self.take(b']') {
                    return Ok(());
                }
                loop {
                    self.skip(depth + 1)?;
                    if !self.more(b']')? {
                        return Ok(());
                    }
                }
            }
            b'"' => self.string().map(drop),
            b't' if self.word(b"true") => Ok(()),
            b'f' if self.word(b"false") => Ok(()),
            b'n' if self.word(b"null") => Ok(()),
            _ => self.number().map(drop),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(text: &[u8]) -> Option<Vec<u8>> {
        let mut reader = Reader::new(text);
        let string = reader.string().ok()?;
        reader.end().ok()?;
        Some(string)
    }

    #[test]
    fn strings_keep_every_byte() {
        assert_eq!(
            string(br#""a\"\\\/\b\f\n\r\t\u00e9""#).unwrap(),
            "a\"\\/\x08\x0c\n\r\té".as_bytes()
        );
        assert_eq!(string(b"\"\xff\xfe\"").unwrap(), b"\xff\xfe");
        assert_eq!(string(br#""\ud83d\ude00""#).unwrap(), "😀".as_bytes());
        assert_eq!(string(br#""\ud83dx""#).unwrap(), "\u{fffd}x".as_bytes());
        assert_eq!(string(br#""\ud83d\u0041""#).unwrap(), "\u{fffd}A".as_bytes());
        for text in [&b"\"a"[..], b"\"a\n\"", br#""\x""#, br#""\u12""#, b"\"\\", b"a", b""] {
            assert_eq!(string(text), None, "{text:?}");
        }
    }

    #[test]
    fn values_are_skipped_and_checked() {
        for (text, fine) in [
            (&b" {\"a\": [1, 2.5e3, true, null, \"x\", {}, []], \"b\": NaN } "[..], true),
            (b"[1,]", false),
            (b"{\"a\" 1}", false),
            (b"[1 2]", false),
            (b"nul", false),
            (b"01", false),
            (b"1.", false),
            (b"{} x", false),
        ] {
            let mut reader = Reader::new(text);
            let found = reader.skip(0).and_then(|()| reader.end());
            assert_eq!(found.is_ok(), fine, "{}: {found:?}", String::from_utf8_lossy(text));
        }
        let deep = vec![b'['; 100_000];
        assert!(Reader::new(&deep).skip(0).is_err());
    }
}
