//! The condition on the path of a request.

use super::text::Text;

/// The condition on the path.
#[derive(Clone, Debug)]
pub(super) enum Uri {
    /// Every path; a rewrite then uses `"/"` as the matched prefix.
    Any,
    /// This path.
    Exact(Box<str>),
    /// Paths with this prefix, which may end in the middle of a segment.
    Prefix(Box<str>),
    /// This path and those below it, as a `PathPrefix` of the Gateway API has it: the prefix ends at the end of a
    /// segment. It has no `/` at its end.
    Segments(Box<str>),
    /// Paths that the expression matches as a whole.
    Regex(Text),
}

impl Uri {
    /// Returns true when a path without query fulfils the condition.
    #[inline]
    pub(super) fn holds(&self, path: &str, ignore_case: bool) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(wanted) if ignore_case => path.eq_ignore_ascii_case(wanted),
            Self::Exact(wanted) => path == &**wanted,
            Self::Prefix(wanted) if ignore_case => path
                .as_bytes()
                .get(..wanted.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(wanted.as_bytes())),
            Self::Prefix(wanted) => path.starts_with(&**wanted),
            Self::Segments(wanted) => path
                .strip_prefix(&**wanted)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
            Self::Regex(text) => text.matches(path),
        }
    }

    /// Returns true for a condition that every path fulfils, as Envoy writes it.
    pub(super) fn is_every_path(&self) -> bool {
        match self {
            Self::Any => true,
            Self::Prefix(prefix) => &**prefix == "/",
            Self::Regex(Text::Regex(_, source)) => &**source == ".*",
            Self::Exact(_) | Self::Segments(_) | Self::Regex(_) => false,
        }
    }

    /// The condition in words: `prefix "/v1"`.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Any => "any path".to_owned(),
            Self::Exact(path) => format!("exactly {path:?}"),
            Self::Prefix(prefix) => format!("prefix {prefix:?}"),
            Self::Segments(prefix) => format!("{prefix:?} or a path below it"),
            Self::Regex(text) => text.describe(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_end_where_the_prefix_ends() {
        let uri = Uri::Segments("/v2".into());
        for path in ["/v2", "/v2/", "/v2/x"] {
            assert!(uri.holds(path, false), "{path}");
        }
        for path in ["/v2x", "/V2", "/v2%2fx", "/", "/v", "/x/v2"] {
            assert!(!uri.holds(path, false), "{path}");
        }
    }
}
