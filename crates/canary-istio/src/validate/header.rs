//! Header names and header values.

use std::collections::BTreeMap;

use super::sink::Sink;
use crate::networking::{HeaderOperations, Headers};
use crate::path::Path;

/// Returns true when every byte of `name` is a token character of RFC 7230.
pub(super) fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// Returns true when `name` stands for a claim of a JSON web token: `@request.auth.claims.x` or `@request.auth.claims[x]`.
pub(crate) fn is_jwt_claim(name: &str) -> bool {
    const PREFIX: &str = "@request.auth.claims";
    let (Some(start), Some(rest)) = (name.get(..PREFIX.len()), name.get(PREFIX.len()..)) else {
        return false;
    };
    start.eq_ignore_ascii_case(PREFIX)
        && ((rest.starts_with('.') && rest.len() > 1)
            || (rest.starts_with('[') && rest.ends_with(']') && rest.len() > 2))
}

/// Returns true when setting `name` sets the host of the request.
pub(super) fn is_authority(name: &str) -> bool {
    name.eq_ignore_ascii_case(":authority") || name.eq_ignore_ascii_case("host")
}

/// Checks the name of a header to match on.
pub(super) fn check_match_name(name: &str, path: &Path<'_>, sink: &mut Sink<'_>) {
    if name.is_empty() {
        sink.error("V010", path, "the name of a header must not be empty");
    } else if !(is_token(name)
        || matches!(name, ":method" | ":scheme" | ":authority" | ":path" | ":status")
        || is_jwt_claim(name))
    {
        sink.error("V010", path, "the name of a header has characters that no header name may have")
            .found(name)
            .help("letters, digits and hyphens are safe; claims of a token are written `@request.auth.claims.name`");
    }
}

/// Checks the name of a header that CORS allows or exposes.
pub(super) fn check_cors_name(name: &str, path: &Path<'_>, sink: &mut Sink<'_>) {
    if name.is_empty() {
        sink.error("V013", path, "the name of a header must not be empty");
    } else if !is_token(name) {
        sink.error(
            "V013",
            path,
            "the name of a header has characters that no header name may have",
        )
        .found(name);
    }
}

fn check_request_name(name: &str, path: &Path<'_>, sink: &mut Sink<'_>) {
    if name.is_empty() {
        sink.error("V011", path, "the name of a header must not be empty");
    } else if name.starts_with(':') && !is_authority(name) {
        sink.error(
            "V011",
            path,
            "a header that begins with `:` cannot be set, except `:authority`",
        )
        .found(name);
    }
}

fn check_operation_name(name: &str, path: &Path<'_>, sink: &mut Sink<'_>) {
    if name.is_empty() {
        sink.error("V012", path, "the name of a header must not be empty");
    } else if name.eq_ignore_ascii_case("host") {
        sink.error("V012", path, "the Host header cannot be changed here").found(name);
    } else if name.starts_with(':') {
        sink.error("V012", path, "a header that begins with `:` cannot be changed here")
            .found(name);
    }
}

fn check_value(value: &str, path: &Path<'_>, sink: &mut Sink<'_>) {
    if let Err(reason) = check_format(value) {
        sink.error("V009", path, reason)
            .found(value)
            .help("write a per cent sign as `%%`, a variable as `%NAME%` or `%NAME(argument)%`");
    }
}

type CheckName = fn(&str, &Path<'_>, &mut Sink<'_>);

fn check_map(
    map: Option<&BTreeMap<String, String>>,
    path: &Path<'_>,
    check_name: CheckName,
    sink: &mut Sink<'_>,
) {
    for (name, value) in map.into_iter().flatten() {
        check_name(name, &path.key(name), sink);
        check_value(value, &path.key(name), sink);
    }
}

fn check_operations(
    operations: Option<&HeaderOperations>,
    path: &Path<'_>,
    check_name: CheckName,
    sink: &mut Sink<'_>,
) {
    let Some(operations) = operations else { return };
    check_map(operations.add.as_ref(), &path.field("add"), check_name, sink);
    check_map(operations.set.as_ref(), &path.field("set"), check_name, sink);
    for (index, name) in operations.remove.iter().flatten().enumerate() {
        check_operation_name(name, &path.field("remove").index(index), sink);
    }
}

/// Checks the changes to headers of requests and responses.
pub(super) fn check_headers(headers: Option<&Headers>, path: &Path<'_>, sink: &mut Sink<'_>) {
    let Some(headers) = headers else { return };
    check_operations(headers.request.as_ref(), &path.field("request"), check_request_name, sink);
    check_operations(
        headers.response.as_ref(),
        &path.field("response"),
        check_operation_name,
        sink,
    );
}

/// The state of the reader of a header value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Literal,
    Name,
    ArgumentsStart,
    ElementStart,
    Text,
    ElementEnd,
    ArgumentsEnd,
    VariableEnd,
}

/// Checks a value in Envoy's header format: text with variables such as `%REQ(x-user)%`.
///
/// See <https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers>.
///
/// # Errors
/// The problem.
pub(crate) fn check_format(value: &str) -> Result<(), &'static str> {
    if value.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
        return Err("a header value must have no control characters except tabs");
    }
    let mut state = State::Literal;
    let mut bytes = value.bytes().peekable();
    while let Some(byte) = bytes.next() {
        state = match (state, byte) {
            (State::Literal, b'%') => match bytes.peek() {
                None => return Err("a header value ends in a single `%`"),
                Some(b'%') => {
                    bytes.next();
                    State::Literal
                }
                Some(_) => State::Name,
            },
            (State::Name | State::VariableEnd, b'%') => State::Literal,
            (State::Name, b'(') => State::ArgumentsStart,
            (State::ArgumentsStart, b'[') | (State::ElementEnd, b',') => State::ElementStart,
            (State::ElementEnd, b']') => State::ArgumentsEnd,
            (State::Text, b'\\') => {
                if bytes.next().is_none() {
                    return Err("a variable of a header value ends in a backslash");
                }
                State::Text
            }
            (State::Text | State::ArgumentsEnd, b')') => State::VariableEnd,
            (State::Text, b'"') => State::ElementEnd,
            (State::Literal | State::Name | State::Text, _) | (_, b' ') => state,
            (State::ElementStart, b'"') | (State::ArgumentsStart, _) => State::Text,
            (State::ElementStart, _) => {
                return Err("a list of arguments in a header value lacks a `\"`");
            }
            (State::ElementEnd, _) => {
                return Err("a list of arguments in a header value lacks a `,` or `]`");
            }
            (State::ArgumentsEnd, _) => {
                return Err("the arguments of a variable in a header value lack the `)`");
            }
            (State::VariableEnd, _) => {
                return Err("a variable of a header value lacks the closing `%`");
            }
        };
    }
    if state == State::Literal {
        Ok(())
    } else {
        Err("a variable of a header value is not closed by `%`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_values() {
        for value in [
            "",
            "foo",
            "%HOSTNAME%",
            "100%%",
            "a %HOSTNAME% b",
            "%REQ(x)%",
            r#"%UPSTREAM_METADATA(["a", "b"])%"#,
            "%VAR( [ \"a\" ] ) %",
            "%VAR(a\\)b)%",
            "a\tb",
            "é",
            "%%%A%",
            "%VAR()x)%",
            "(not a variable",
        ] {
            assert_eq!(check_format(value), Ok(()), "{value}");
        }
        for value in [
            "%",
            "abc%123",
            "%START_TIME%%",
            "%VAR",
            "%VAR(",
            "%VAR([",
            "%VAR([a])%",
            "%VAR([\"a\"b])%",
            "%VAR([\"a\"]b)%",
            "%VAR(a)b%",
            "%VAR(a\\",
            "a\nb",
            "a\u{7f}",
            "a\0",
        ] {
            assert!(check_format(value).is_err(), "{value}");
        }
    }

    #[test]
    fn claims() {
        for name in
            ["@request.auth.claims.sub", "@REQUEST.auth.claims.a.b", "@request.auth.claims[a][b]"]
        {
            assert!(is_jwt_claim(name), "{name}");
        }
        for name in [
            "@request.auth.claims",
            "@request.auth.claims.",
            "@request.auth.claims[]",
            "@request.auth.claims[a",
            "@request.auth.claim.a",
            "x",
        ] {
            assert!(!is_jwt_claim(name), "{name}");
        }
    }

    #[test]
    fn tokens() {
        assert!(is_token("x-user_1!#$%&'*+.^`|~"));
        assert!(!["", "a b", "a:", "é", "a(b)", "@a"].iter().any(|name| is_token(name)));
    }
}
