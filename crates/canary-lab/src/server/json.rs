//! Reads JSON as `TensorFlow` Serving does: with the tokens `NaN`, `Infinity`, `-Infinity` and `Inf`, which JSON lacks.
//!
//! Numbers stay text until their element type is known, so that 64-bit integers and floats keep every digit.

use std::borrow::Cow;

/// How deeply values may nest.
const MAX_DEPTH: usize = 64;

/// A value that borrows from the text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json<'a> {
    Null,
    Bool(bool),
    /// A number or one of the tokens for numbers that are not finite, as written.
    Number(&'a str),
    Text(Cow<'a, str>),
    List(Vec<Self>),
    Object(Vec<(Cow<'a, str>, Self)>),
}

impl<'a> Json<'a> {
    /// Reads a whole text; the error says what is wrong at which byte.
    pub(crate) fn read(text: &'a str) -> Result<Self, String> {
        let mut reader = Reader { text, at: 0 };
        let value = reader.value(0)?;
        reader.space();
        if reader.at < text.len() { Err(reader.wrong("text after the value")) } else { Ok(value) }
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(entries) => {
                entries.iter().find(|(name, _)| name == key).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// What kind of value it is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn wrong(&self, what: &str) -> String {
        format!("JSON Parse error: {what} at offset: {}", self.at)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        self.space();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn value(&mut self, depth: usize) -> Result<Json<'a>, String> {
        if depth > MAX_DEPTH {
            return Err(self.wrong("values nest too deeply"));
        }
        self.space();
        match self.peek() {
            Some(b'"') => self.string().map(Json::Text),
            Some(b'[') => self.list(depth),
            Some(b'{') => self.object(depth),
            Some(b'-' | b'0'..=b'9' | b'N' | b'I') => self.number(),
            Some(b'a'..=b'z') => {
                for (word, value) in
                    [("null", Json::Null), ("true", Json::Bool(true)), ("false", Json::Bool(false))]
                {
                    if self.text[self.at..].starts_with(word) {
                        self.at += word.len();
                        return Ok(value);
                    }
                }
                Err(self.wrong("invalid value"))
            }
            Some(_) => Err(self.wrong("invalid value")),
            None => Err(self.wrong("the document is empty or cut off")),
        }
    }

    fn list(&mut self, depth: usize) -> Result<Json<'a>, String> {
        self.at += 1;
        let mut items = Vec::new();
        if self.eat(b']') {
            return Ok(Json::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.eat(b']') {
                return Ok(Json::List(items));
            }
            if !self.eat(b',') {
                return Err(self.wrong("missing a comma or ] in a list"));
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json<'a>, String> {
        self.at += 1;
        let mut entries = Vec::new();
        if self.eat(b'}') {
            return Ok(Json::Object(entries));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.wrong("missing a name in an object"));
            }
            let name = self.string()?;
            if !self.eat(b':') {
                return Err(self.wrong("missing a colon after a name"));
            }
            entries.push((name, self.value(depth + 1)?));
            if self.eat(b'}') {
                return Ok(Json::Object(entries));
            }
            if !self.eat(b',') {
                return Err(self.wrong("missing a comma or } in an object"));
            }
        }
    }

    fn number(&mut self) -> Result<Json<'a>, String> {
        let rest = &self.text[self.at..];
        for token in ["NaN", "Infinity", "-Infinity", "Inf", "-Inf"] {
            if rest.starts_with(token) {
                self.at += token.len();
                return Ok(Json::Number(token));
            }
        }
        let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let bytes = rest.as_bytes();
        let mut end = usize::from(bytes.first() == Some(&b'-'));
        let whole = digits(&bytes[end..]);
        let zeros = whole > 1 && bytes[end] == b'0';
        end += whole;
        let mut valid = whole > 0 && !zeros;
        if bytes.get(end) == Some(&b'.') {
            let fraction = digits(&bytes[end + 1..]);
            valid &= fraction > 0;
            end += 1 + fraction;
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            end += 1;
            end += usize::from(matches!(bytes.get(end), Some(b'+' | b'-')));
            let exponent = digits(&bytes[end..]);
            valid &= exponent > 0;
            end += exponent;
        }
        if !valid {
            return Err(self.wrong("invalid value"));
        }
        self.at += end;
        Ok(Json::Number(&rest[..end]))
    }

    fn string(&mut self) -> Result<Cow<'a, str>, String> {
        self.at += 1;
        let start = self.at;
        let mut owned: Option<String> = None;
        let mut from = start;
        loop {
            let rest = &self.text.as_bytes()[self.at..];
            let plain = rest.iter().position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20);
            let Some(plain) = plain else { return Err(self.wrong("a string without its end")) };
            self.at += plain;
            match rest[plain] {
                b'"' => {
                    let tail = &self.text[from..self.at];
                    self.at += 1;
                    return Ok(match owned {
                        Some(text) => Cow::Owned(text + tail),
                        None => Cow::Borrowed(tail),
                    });
                }
                b'\\' => {
                    let text = owned.get_or_insert_default();
                    text.push_str(&self.text[from..self.at]);
                    let escaped = self.escape()?;
                    owned.get_or_insert_default().push(escaped);
                    from = self.at;
                }
                _ => return Err(self.wrong("a control character in a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, String> {
        self.at += 1;
        let code = self.peek().ok_or_else(|| self.wrong("a string without its end"))?;
        self.at += 1;
        Ok(match code {
            b'"' | b'\\' | b'/' => char::from(code),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.hex()?;
                let code = if (0xd800..0xdc00).contains(&first) {
                    if !self.text[self.at..].starts_with("\\u") {
                        return Err(self.wrong("half of a surrogate pair"));
                    }
                    self.at += 2;
                    let second = self.hex()?;
                    let low = second.checked_sub(0xdc00).filter(|low| *low < 0x400);
                    let low = low.ok_or_else(|| self.wrong("half of a surrogate pair"))?;
                    0x10000 + ((first - 0xd800) << 10) + low
                } else {
                    first
                };
                char::from_u32(code).ok_or_else(|| self.wrong("half of a surrogate pair"))?
            }
            _ => return Err(self.wrong("an unknown escape")),
        })
    }

    fn hex(&mut self) -> Result<u32, String> {
        let digits = self.text.get(self.at..self.at + 4);
        let digits = digits.filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let code = digits.and_then(|text| u32::from_str_radix(text, 16).ok());
        let code = code.ok_or_else(|| self.wrong("an invalid \\u escape"))?;
        self.at += 4;
        Ok(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_digits() {
        let read = Json::read(
            " {\"a\": [1, -2.5e3, NaN, -Infinity], \"b\": \"x\\u00e9\\ud83d\\ude00\\n\"} ",
        );
        let read = read.unwrap();
        let numbers = ["1", "-2.5e3", "NaN", "-Infinity"].map(Json::Number).to_vec();
        assert_eq!(read.get("a"), Some(&Json::List(numbers)));
        assert_eq!(read.get("b"), Some(&Json::Text("xé😀\n".into())));
        assert_eq!(Json::read("9223372036854775807").unwrap(), Json::Number("9223372036854775807"));
    }

    #[test]
    fn what_is_no_json_is_an_error() {
        for bad in [
            "",
            "{",
            "[1,]",
            "{\"a\" 1}",
            "01",
            "1.",
            "+1",
            "\"\\x\"",
            "\"\\ud800\"",
            "\"a",
            "tru",
            "[1] 2",
            ".5",
            "\"\\u12\"",
            "{1: 2}",
        ] {
            let error = Json::read(bad).unwrap_err();
            assert!(error.starts_with("JSON Parse error"), "{bad}: {error}");
        }
        assert!(Json::read(&"[".repeat(100_000)).unwrap_err().contains("too deeply"));
    }
}
