//! Substitutions of regular expressions, in RE2's notation.

use regex_automata::meta::Regex;

/// The replacement of each match of a regular expression: text and numbered groups, as RE2 writes them (`\1`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Substitution(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Group(usize),
}

impl Substitution {
    /// Reads a substitution for an expression; groups that it does not have are an error, as in Envoy.
    pub(super) fn new(written: &str, regex: &Regex) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut text = String::new();
        let mut characters = written.chars();
        while let Some(character) = characters.next() {
            if character != '\\' {
                text.push(character);
                continue;
            }
            match characters.next() {
                Some('\\') => text.push('\\'),
                Some(digit) if digit.is_ascii_digit() => {
                    let group = digit as usize - '0' as usize;
                    if group >= regex.captures_len() {
                        return Err(format!(
                            "\\{group} refers to a group that the expression does not have"
                        ));
                    }
                    if !text.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut text)));
                    }
                    pieces.push(Piece::Group(group));
                }
                _ => {
                    return Err("a backslash must be followed by a digit or a backslash".to_owned());
                }
            }
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        }
        Ok(Self(pieces))
    }

    /// Replaces every match in a text.
    pub(super) fn replace_all(&self, regex: &Regex, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut end = 0;
        for captures in regex.captures_iter(text) {
            let Some(whole) = captures.get_match() else { continue };
            out.push_str(&text[end..whole.start()]);
            end = whole.end();
            for piece in &self.0 {
                match piece {
                    Piece::Text(piece) => out.push_str(piece),
                    Piece::Group(group) => {
                        out.push_str(captures.get_group(*group).map_or("", |span| &text[span]));
                    }
                }
            }
        }
        out.push_str(&text[end..]);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::re2;

    #[test]
    fn substitutions_take_groups() {
        let regex = re2::search("^/v([0-9]+)/(.*)$").unwrap();
        let to = Substitution::new(r"/\2/\\v\1", &regex).unwrap();
        assert_eq!(to.replace_all(&regex, "/v1/models"), r"/models/\v1");
        assert!(Substitution::new(r"\3", &regex).is_err());
        assert!(Substitution::new(r"\x", &regex).is_err());
        assert!(Substitution::new(r"\", &regex).is_err());
    }
}
