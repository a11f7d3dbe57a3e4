//! A request while conditions are evaluated.

use std::borrow::Cow;

use super::{
    request::{RequestView, path_only, query_value, query_with_mark},
    source::Source,
};

/// A cached header: its number and its value.
type Cached<'r> = Option<(u32, Option<Cow<'r, str>>)>;

/// The number of headers that are cached while one request is evaluated.
const CACHE: usize = 8;

/// A request under evaluation, with the headers already looked up.
pub(super) struct Seen<'r, R> {
    pub(super) request: &'r R,
    /// The whole target, with its path normalised.
    target: &'r str,
    pub(super) path: &'r str,
    /// The query with its `?`, without the fragment.
    query: &'r str,
    pub(super) port: u16,
    headers: [Cached<'r>; CACHE],
}

impl<'r, R: RequestView> Seen<'r, R> {
    /// `target` is the normalised target of the request.
    pub(super) fn new(request: &'r R, target: &'r str, port: u16) -> Self {
        let bare = path_only(target);
        // Most requests have no query, which `path_only` has then found out.
        let query = if bare.len() == target.len() { "" } else { query_with_mark(target) };
        Self { request, target, path: bare, query, port, headers: [const { None }; CACHE] }
    }

    /// The value that a source has in the request; claims are judged elsewhere.
    pub(super) fn value(&mut self, source: &Source) -> Option<&str> {
        match source {
            Source::Method => Some(self.request.method()),
            Source::Scheme => Some(self.request.scheme()),
            Source::Authority => Some(self.request.authority()),
            Source::Path => Some(self.target),
            Source::Header(number, name) => {
                let slot = &mut self.headers[*number as usize % CACHE];
                match slot {
                    Some((found, _)) if found == number => {}
                    _ => *slot = Some((*number, self.request.header(name))),
                }
                slot.as_ref().and_then(|(_, value)| value.as_deref())
            }
            Source::Query(name) => query_value(self.query, name),
            Source::Claim(_) => None,
        }
    }
}
