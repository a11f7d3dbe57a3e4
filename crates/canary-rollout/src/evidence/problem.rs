//! The reason of a failure in one line, for the sentence of a verdict.

use std::borrow::Cow;

/// The longest reason, in characters.
const LONGEST: usize = 240;

/// An HTTP status with its words, such as `404 Not Found`; 0 means no response at all.
pub(super) fn of_status(status: u16) -> Cow<'static, str> {
    Cow::Borrowed(match status {
        0 => "no response",
        400 => "400 Bad Request",
        401 => "401 Unauthorized",
        403 => "403 Forbidden",
        404 => "404 Not Found",
        405 => "405 Method Not Allowed",
        408 => "408 Request Timeout",
        409 => "409 Conflict",
        412 => "412 Precondition Failed",
        413 => "413 Content Too Large",
        415 => "415 Unsupported Media Type",
        422 => "422 Unprocessable Content",
        429 => "429 Too Many Requests",
        499 => "499 Client Closed Request",
        500 => "500 Internal Server Error",
        501 => "501 Not Implemented",
        502 => "502 Bad Gateway",
        503 => "503 Service Unavailable",
        504 => "504 Gateway Timeout",
        other => return Cow::Owned(format!("status {other}")),
    })
}

/// The text on one line that is not too long.
pub fn line(text: &str) -> String {
    let mut line = String::with_capacity(text.len().min(LONGEST));
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_has_words() {
        assert_eq!(of_status(404), "404 Not Found");
        assert_eq!(of_status(418), "status 418");
        assert_eq!(of_status(0), "no response");
    }

    #[test]
    fn a_reason_is_one_short_line() {
        assert_eq!(line(" a\r\n b\u{a0}c "), "a b c");
        assert_eq!(line(&"x".repeat(LONGEST)).len(), LONGEST);
        assert!(line(&"x".repeat(LONGEST + 1)).ends_with('…'));
    }
}
