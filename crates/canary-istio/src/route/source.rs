//! The parts of a request that conditions compare.

/// The source of a value to be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Method,
    Scheme,
    Authority,
    Path,
    /// A header, with its number for the cache.
    Header(u32, Box<str>),
    Query(Box<str>),
    Claim(Box<[String]>),
}

/// Numbers the names of headers, so that a value is looked up once for a request.
#[derive(Clone, Debug, Default)]
pub(super) struct HeaderNames(std::collections::HashMap<Box<str>, u32>);

impl HeaderNames {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.0.get(name) {
            return *number;
        }
        let number = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        self.0.insert(name.into(), number);
        number
    }

    pub(super) fn source(&mut self, key: &str) -> Source {
        if let Some(path) = claim_path(key) {
            return Source::Claim(path);
        }
        let name = key.to_ascii_lowercase();
        match name.as_str() {
            ":method" => Source::Method,
            ":scheme" => Source::Scheme,
            ":authority" | "host" => Source::Authority,
            ":path" => Source::Path,
            _ => Source::Header(self.number(&name), name.into()),
        }
    }
}

/// The claim that a header key names: `@request.auth.claims.group.id` or `@request.auth.claims[group][id]`.
fn claim_path(key: &str) -> Option<Box<[String]>> {
    const PREFIX: &str = "@request.auth.claims";
    let prefix = key.get(..PREFIX.len())?;
    if !prefix.eq_ignore_ascii_case(PREFIX) {
        return None;
    }
    let rest = &key[PREFIX.len()..];
    if let Some(inner) = rest.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return Some(inner.split("][").map(str::to_owned).collect());
    }
    let dotted = rest.strip_prefix('.')?;
    Some(dotted.split('.').map(str::to_owned).collect())
}
