//! Text of a server in messages for people.

use std::borrow::Cow;

/// The most bytes of a server's text that a message repeats.
const MOST: usize = 2048;

/// The text of a server as a message may repeat it: control characters escaped, at most 2 kB.
///
/// Control characters could move the cursor of a terminal, forge lines of a log or hide the text before them; so
/// could those that change the direction of text, which are escaped too. A line feed becomes `\n`.
///
/// ```
/// use canary_http::server_text;
///
/// assert_eq!(server_text("no such model"), "no such model");
/// assert_eq!(server_text("\u{1b}[2Jall is well\r\n"), r"\u{1b}[2Jall is well\r\n");
/// let long = server_text(&"x".repeat(5000)).into_owned();
/// assert_eq!(long.len(), 2048 + "…".len());
/// ```
pub fn server_text(text: &str) -> Cow<'_, str> {
    if text.len() <= MOST && !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::new();
    for c in text.chars() {
        let before = shown.len();
        if is_hidden(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
        if shown.len() > MOST {
            shown.truncate(before);
            shown.push('…');
            break;
        }
    }
    Cow::Owned(shown)
}

/// Characters that can change how the text around them is shown: controls, and those of Unicode's bidirectional
/// algorithm (UAX #9).
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hidden_is_left_and_no_character_is_split() {
        let hostile = "\0\u{7f}\u{9b}31m\u{202e}\u{2028}ä\t";
        let shown = server_text(hostile);
        assert!(!shown.chars().any(is_hidden), "{shown}");
        assert!(shown.contains('ä') && shown.ends_with(r"\t"), "{shown}");
        for length in 2040..2060 {
            let shown = server_text(&"ä".repeat(length / 2)).into_owned();
            assert!(shown.len() <= MOST + "…".len(), "{length}");
        }
        assert!(server_text(&"\0".repeat(MOST)).len() <= MOST + "…".len());
    }
}
