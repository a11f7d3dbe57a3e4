//! The paths of the REST interface.

use super::served::Choice;

/// The endpoint of a path.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Predict(String, Choice),
    /// `:classify` or `:regress`.
    Examples(&'static str, String, Choice),
    Status(String, Choice),
    Metadata(String, Choice),
    /// Outside `/v1/`, and so not a part of the interface.
    Elsewhere,
    /// Inside `/v1/`, but not an endpoint.
    Malformed,
    /// A version that does not fit 64 bits.
    VersionTooLarge,
}

impl Endpoint {
    /// Reads the path of a request, without query, for its method.
    pub(crate) fn read(post: bool, path: &str) -> Self {
        let Some(rest) = path.strip_prefix("/v1/") else { return Self::Elsewhere };
        let Some(rest) = rest.strip_prefix("models/") else { return Self::Malformed };
        let (rest, verb) = match rest.rsplit_once(':') {
            Some((rest, verb)) => (rest, Some(verb)),
            None => (rest, None),
        };
        let mut parts = rest.split('/');
        let Some(name) = parts.next().and_then(decode) else { return Self::Malformed };
        let mut next = parts.next();
        let choice = match next {
            Some("versions") => {
                let Some(text) = parts.next().filter(|text| is_number(text)) else {
                    return Self::Malformed;
                };
                let Ok(version) = text.parse() else { return Self::VersionTooLarge };
                next = parts.next();
                Choice::Version(version)
            }
            Some("labels") => {
                let Some(label) = parts.next().and_then(decode) else { return Self::Malformed };
                next = parts.next();
                Choice::Label(label)
            }
            _ => Choice::Latest,
        };
        if parts.next().is_some() {
            return Self::Malformed;
        }
        match (post, verb, next) {
            (true, Some("predict"), None) => Self::Predict(name, choice),
            (true, Some("classify"), None) => Self::Examples("classify", name, choice),
            (true, Some("regress"), None) => Self::Examples("regress", name, choice),
            (false, None, None) => Self::Status(name, choice),
            (false, None, Some("metadata")) => Self::Metadata(name, choice),
            _ => Self::Malformed,
        }
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Undoes percent-encoding; `None` for an empty or broken part.
fn decode(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'%' {
            let digits = text.get(at + 1..at + 3)?;
            out.push(u8::from_str_radix(digits, 16).ok()?);
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8(out).ok().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_as_the_server_reads_them() {
        let name = || "m".to_owned();
        let latest = Choice::Latest;
        for (post, path, expected) in [
            (true, "/v1/models/m:predict", Endpoint::Predict(name(), latest.clone())),
            (
                true,
                "/v1/models/m/versions/3:predict",
                Endpoint::Predict(name(), Choice::Version(3)),
            ),
            (
                true,
                "/v1/models/m/labels/a%20b:predict",
                Endpoint::Predict(name(), Choice::Label("a b".to_owned())),
            ),
            (true, "/v1/models/m:classify", Endpoint::Examples("classify", name(), latest.clone())),
            (false, "/v1/models/m", Endpoint::Status(name(), latest.clone())),
            (false, "/v1/models/m/versions/3", Endpoint::Status(name(), Choice::Version(3))),
            (false, "/v1/models/m/metadata", Endpoint::Metadata(name(), latest)),
            (false, "/v1/models/m/versions/99999999999999999999", Endpoint::VersionTooLarge),
            (false, "/v1/models/m:predict", Endpoint::Malformed),
            (true, "/v1/models/m", Endpoint::Malformed),
            (true, "/v1/models/m/versions/x:predict", Endpoint::Malformed),
            (true, "/v1/models/%zz:predict", Endpoint::Malformed),
            (true, "/v1/models/:predict", Endpoint::Malformed),
            (false, "/v1/other", Endpoint::Malformed),
            (false, "/models/m", Endpoint::Elsewhere),
        ] {
            assert_eq!(Endpoint::read(post, path), expected, "{path}");
        }
    }
}
