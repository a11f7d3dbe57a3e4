//! A quick check of each route before its conditions are evaluated, which excludes most routes of a long list.
//!
//! A guard is one comparison of eight bytes in a contiguous array. It may accept a route that does not match, but it
//! never excludes one that does.

use super::{
    conditions::{Condition, Conditions},
    request::RequestView,
    seen::Seen,
    source::Source,
    text::Text,
    uri::Uri,
};

/// The number of different values of a request that the guards of one host look at; further ones have no guard.
const MAX_WATCHED: usize = 32;

/// A condition that must hold for a route to be judged at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Guard {
    /// Nothing.
    Open,
    /// A watched value has this hash.
    Equal { watched: u8, hash: u64 },
    /// The path has these bytes before this place: the end of a prefix.
    Prefix { end: u32, tail: u64 },
}

/// A value of the request that guards compare.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Watched {
    PathOnly,
    Value(Source),
}

/// The guards of the routes of one host, in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Guards {
    watched: Vec<Watched>,
    guards: Vec<Guard>,
}

impl Guards {
    /// Adds the guard of the next route.
    pub(super) fn push(&mut self, conditions: &Conditions) {
        let guard = self.guard(conditions);
        self.guards.push(guard);
    }

    fn guard(&mut self, conditions: &Conditions) -> Guard {
        // An exact value is more selective than a prefix; the method is the least selective.
        let exact = conditions.rest.iter().filter_map(|condition| match condition {
            Condition::Value { source, text: Text::Exact(value), invert: false, .. }
                if !matches!(source, Source::Claim(_)) =>
            {
                Some((source, value))
            }
            _ => None,
        });
        let rare = exact.clone().find(|(source, _)| **source != Source::Method);
        if let Some((source, value)) = rare {
            return self.equal(Watched::Value(source.clone()), value);
        }
        match &conditions.uri {
            Uri::Exact(path) if !conditions.ignore_case => {
                return self.equal(Watched::PathOnly, path);
            }
            Uri::Prefix(prefix) | Uri::Segments(prefix)
                if !conditions.ignore_case && !prefix.is_empty() =>
            {
                if let Ok(end) = u32::try_from(prefix.len()) {
                    return Guard::Prefix { end, tail: tail(prefix.as_bytes()) };
                }
            }
            _ => {}
        }
        let mut exact = exact;
        match exact.next() {
            Some((source, value)) => self.equal(Watched::Value(source.clone()), value),
            None => Guard::Open,
        }
    }

    fn equal(&mut self, watched: Watched, value: &str) -> Guard {
        let known = self.watched.iter().position(|found| *found == watched);
        let at = match known {
            Some(at) => at,
            None if self.watched.len() < MAX_WATCHED => {
                self.watched.push(watched);
                self.watched.len() - 1
            }
            None => return Guard::Open,
        };
        u8::try_from(at)
            .map_or(Guard::Open, |watched| Guard::Equal { watched, hash: hash(value.as_bytes()) })
    }

    /// The number of the first route, from `from` on, whose guard lets the request through.
    pub(super) fn next<R: RequestView>(
        &self,
        from: usize,
        hashes: &mut Hashes,
        seen: &mut Seen<'_, R>,
    ) -> Option<usize> {
        let path = seen.path.as_bytes();
        for (offset, guard) in self.guards.get(from..)?.iter().enumerate() {
            let open = match guard {
                Guard::Open => true,
                Guard::Equal { watched, hash } => {
                    let slot = &mut hashes.0[usize::from(*watched)];
                    let found = match slot {
                        Some(found) => *found,
                        None => *slot.insert(self.hash_of(usize::from(*watched), seen)),
                    };
                    found == Some(*hash)
                }
                Guard::Prefix { end, tail: wanted } => {
                    path.get(..*end as usize).is_some_and(|start| tail(start) == *wanted)
                }
            };
            if open {
                return Some(from + offset);
            }
        }
        None
    }

    fn hash_of<R: RequestView>(&self, watched: usize, seen: &mut Seen<'_, R>) -> Option<u64> {
        match self.watched.get(watched)? {
            Watched::PathOnly => Some(hash(seen.path.as_bytes())),
            Watched::Value(source) => seen.value(source).map(|value| hash(value.as_bytes())),
        }
    }
}

/// The hashes of the watched values of one request, as far as they were asked for; the inner `None` is an absent value.
#[allow(clippy::option_option, reason = "not asked for, absent and present are three things")]
pub(super) struct Hashes([Option<Option<u64>>; MAX_WATCHED]);

impl Hashes {
    pub(super) fn new() -> Self {
        Self([None; MAX_WATCHED])
    }
}

/// The last eight bytes as a number; fewer are filled up with zeros.
fn tail(bytes: &[u8]) -> u64 {
    match bytes.last_chunk::<8>() {
        Some(chunk) => u64::from_le_bytes(*chunk),
        None => bytes.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte)),
    }
}

/// A hash for comparing, eight bytes at a time; equal texts have equal hashes, which is all that is asked of it.
fn hash(bytes: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut sum = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        sum = (sum.rotate_left(29) ^ tail(chunk)).wrapping_mul(FACTOR);
    }
    (sum.rotate_left(29) ^ tail(chunks.remainder())).wrapping_mul(FACTOR)
}

#[cfg(test)]
mod tests {
    use super::{super::request::Request, *};
    use crate::{
        networking::{HttpMatchRequest, StringMatch},
        route::{expressions::Expressions, source::HeaderNames},
    };

    fn conditions(matches: &[HttpMatchRequest]) -> Vec<Conditions> {
        let (mut names, mut expressions) = (HeaderNames::default(), Expressions::default());
        matches
            .iter()
            .map(|matches| {
                Conditions::new(matches, "default", &mut names, &mut expressions).unwrap()
            })
            .collect()
    }

    fn header(name: &str, value: &str) -> HttpMatchRequest {
        let headers = [(name.to_owned(), StringMatch::exact(value))].into();
        HttpMatchRequest { headers: Some(headers), ..HttpMatchRequest::default() }
    }

    fn passed(matches: &[HttpMatchRequest], request: &Request) -> Vec<usize> {
        let mut guards = Guards::default();
        for conditions in conditions(matches) {
            guards.push(&conditions);
        }
        let mut seen = Seen::new(request, RequestView::path(request), 80);
        let mut hashes = Hashes::new();
        let mut passed = Vec::new();
        let mut from = 0;
        while let Some(found) = guards.next(from, &mut hashes, &mut seen) {
            passed.push(found);
            from = found + 1;
        }
        passed
    }

    #[test]
    fn a_guard_turns_away_what_cannot_match() {
        let uri = |uri: StringMatch| HttpMatchRequest { uri: Some(uri), ..Default::default() };
        let matches = [
            header("a", "1"),
            header("a", "2"),
            header("b", "1"),
            uri(StringMatch::prefix("/v1/models/long-name-a")),
            uri(StringMatch::prefix("/v1/models/long-name-b")),
            uri(StringMatch::exact("/v1/models/long-name-b/x")),
            uri(StringMatch::exact("/v1/models/long-name-b")),
            uri(StringMatch::regex("/none")),
            HttpMatchRequest::default(),
        ];
        let request = Request::get("http://x/v1/models/long-name-b/x?y").header("A", "2");
        assert_eq!(passed(&matches, &request), [1, 4, 5, 7, 8]);
    }

    #[test]
    fn more_values_than_are_watched_stay_open() {
        let matches: Vec<_> = (0..40).map(|index| header(&format!("h{index}"), "1")).collect();
        let request = Request::get("http://x/");
        let open = passed(&matches, &request);
        assert!(!open.contains(&0) && open.contains(&39));
        assert!(open.len() >= 40 - MAX_WATCHED);
        let mut all = Request::get("http://x/");
        for index in 0..40 {
            all = all.header(format!("h{index}"), "1");
        }
        assert_eq!(passed(&matches, &all).len(), 40);
    }

    #[test]
    fn tails_and_hashes_tell_apart() {
        assert_ne!(tail(b"/v1"), tail(b"/v2"));
        assert_eq!(tail(b"xx12345678"), tail(b"y12345678"));
        assert_ne!(hash(b"group-1"), hash(b"group-2"));
        assert_ne!(hash(b""), hash(b"\0"));
        assert_ne!(hash(b"abcdefgh1"), hash(b"abcdefgh2"));
    }
}
