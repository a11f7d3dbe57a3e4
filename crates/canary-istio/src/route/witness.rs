//! Requests that fit some matches and not others.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    conditions::{Condition, Conditions},
    request::Request,
    source::Source,
    text::Text,
    uri::Uri,
};
use crate::analyze::overlap::{Condition as Wanted, Domain, Fit, Test, Work, fit};
use crate::names::MESH;

/// A part of a request that a condition can be on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part<'c> {
    Path,
    Scheme,
    Method,
    Authority,
    Port,
    Namespace,
    Label(&'c str),
    Header(&'c str),
    Query(&'c str),
    Claim(&'c [String]),
}

/// Conditions on parts, all of which have to hold.
pub(super) type Atoms<'c> = Vec<(Part<'c>, Wanted<'c>)>;

/// The conditions of a match; `None` when it cannot be judged, because it looks at path and query in one.
pub(super) fn atoms(conditions: &Conditions) -> Option<Atoms<'_>> {
    let mut all = Vec::new();
    let fold = conditions.ignore_case;
    match &conditions.uri {
        Uri::Any => {}
        Uri::Exact(path) if fold => all.push((Part::Path, Wanted::is(Test::ExactFold(path)))),
        Uri::Exact(path) => all.push((Part::Path, Wanted::is(Test::Exact(path)))),
        Uri::Prefix(path) if fold => all.push((Part::Path, Wanted::is(Test::PrefixFold(path)))),
        Uri::Prefix(path) => all.push((Part::Path, Wanted::is(Test::Prefix(path)))),
        Uri::Segments(path) => all.push((Part::Path, Wanted::is(Test::Segments(path)))),
        Uri::Regex(text) => all.push((Part::Path, Wanted::is(test(text)))),
    }
    for condition in &conditions.rest {
        match condition {
            Condition::Value { source, text, invert, .. } => {
                let part = match source {
                    Source::Method => Part::Method,
                    Source::Scheme => Part::Scheme,
                    Source::Authority => Part::Authority,
                    Source::Path => return None,
                    Source::Header(_, name) => Part::Header(name),
                    Source::Query(name) => Part::Query(name),
                    Source::Claim(path) => Part::Claim(path),
                };
                let missing = *invert
                    && (matches!(text, Text::Present)
                        || matches!(source, Source::Claim(_))
                        || !text.matches(""));
                all.push((part, Wanted { test: test(text), wanted: !invert, missing }));
            }
            Condition::Port(port) | Condition::ParentPort(port, _) => {
                all.push((Part::Port, Wanted::is(Test::Number(u32::from(*port)))));
            }
            Condition::Gateways(names) => {
                if !names.iter().any(|name| name == MESH) {
                    let never = Wanted { test: Test::Any, wanted: false, missing: false };
                    all.push((Part::Port, never));
                }
            }
            Condition::SourceLabels(labels) => {
                for (key, value) in labels {
                    all.push((Part::Label(key), Wanted::is(Test::Exact(value))));
                }
            }
            Condition::SourceNamespace(namespace) => {
                all.push((Part::Namespace, Wanted::is(Test::Exact(namespace))));
            }
        }
    }
    Some(all)
}

fn test(text: &Text) -> Test<'_> {
    match text {
        Text::Present => Test::Any,
        Text::Exact(value) => Test::Exact(value),
        Text::Prefix(value) => Test::Prefix(value),
        Text::Regex(_, source) => Test::Regex(source),
    }
}

/// The answer to the question whether there is such a request.
#[derive(Debug)]
pub(super) enum Answer {
    Found(Box<Request>),
    None,
    Unknown,
}

/// The requests among which one is looked for.
pub(super) struct Region<'r> {
    /// The parts that are the same in all of them: gateway, scheme and, at a gateway, the port.
    pub(super) template: Request,
    /// The conditions on their authority.
    pub(super) authority: Atoms<'r>,
    /// Authorities to try first.
    pub(super) examples: Vec<String>,
    /// Ports to choose from, for sidecars.
    pub(super) ports: BTreeSet<String>,
}

/// The number of sets of conditions that are tried for one question.
const BUDGET: usize = 3_000;

impl Region<'_> {
    /// A request of the region that fits all of `wanted` and none of `avoided`; unknown when too little of `work` is
    /// left to find out.
    pub(super) fn find<'c>(
        &'c self,
        wanted: &[&Atoms<'c>],
        avoided: &[&Atoms<'c>],
        work: &mut Work,
    ) -> Answer {
        let mut all: Atoms<'c> = self.authority.clone();
        for atoms in wanted {
            all.extend(atoms.iter().cloned());
        }
        // Contradictory conditions need no further comparison.
        match self.request(&all) {
            Answer::Found(_) if !avoided.is_empty() => {}
            answer => return answer,
        }
        let mut budget = BUDGET;
        self.escape(&mut all, avoided, &mut budget, work)
    }

    /// For each match to be avoided one of its conditions has to fail.
    fn escape<'c>(
        &'c self,
        all: &mut Atoms<'c>,
        avoided: &[&Atoms<'c>],
        budget: &mut usize,
        work: &mut Work,
    ) -> Answer {
        let Some((rival, rest)) = avoided.split_first() else {
            return self.request(all);
        };
        if *budget == 0 || !work.spend((all.len() + rival.len()) * (rival.len() + 1)) {
            return Answer::Unknown;
        }
        *budget -= 1;
        // A rival that cannot fit anyhow is avoided already.
        let impossible = rival.iter().any(|(part, _)| {
            let both = all.iter().chain(rival.iter()).filter(|(other, _)| other == part);
            self.fit(*part, &both.map(|(_, condition)| condition).collect::<Vec<_>>()) == Fit::Never
        });
        if impossible {
            return self.escape(all, rest, budget, work);
        }
        let mut unknown = false;
        for (part, condition) in *rival {
            all.push((*part, condition.negated()));
            let same: Vec<&Wanted<'_>> =
                all.iter().filter(|(other, _)| other == part).map(|(_, found)| found).collect();
            let answer = match self.fit(*part, &same) {
                Fit::Never => Answer::None,
                Fit::Fits(_) => self.escape(all, rest, budget, work),
                Fit::Unknown => Answer::Unknown,
            };
            all.pop();
            match answer {
                Answer::Found(request) => return Answer::Found(request),
                Answer::None => {}
                Answer::Unknown => unknown = true,
            }
        }
        if unknown { Answer::Unknown } else { Answer::None }
    }

    fn request(&self, all: &Atoms<'_>) -> Answer {
        let mut parts: BTreeMap<Part<'_>, Vec<&Wanted<'_>>> = BTreeMap::new();
        for part in [Part::Path, Part::Method, Part::Authority] {
            parts.insert(part, Vec::new());
        }
        for (part, condition) in all {
            parts.entry(*part).or_default().push(condition);
        }
        let mut request = self.template.clone();
        let mut query = Vec::new();
        for (part, conditions) in &parts {
            let value = match self.fit(*part, conditions) {
                Fit::Fits(Some(value)) => value,
                Fit::Fits(None) => continue,
                Fit::Never => return Answer::None,
                Fit::Unknown => return Answer::Unknown,
            };
            match part {
                Part::Path => request.path = value,
                Part::Scheme | Part::Namespace => {}
                Part::Method => request.method = value,
                Part::Authority => request.authority = value,
                Part::Port => request.port = value.parse().ok(),
                Part::Label(key) => {
                    request.source_labels.insert((*key).to_owned(), value);
                }
                Part::Header(name) => request.headers.push(((*name).to_owned(), value)),
                Part::Query(name) => query.push(format!("{name}={value}")),
                Part::Claim(path) => {
                    set_claim(
                        request.claims.get_or_insert_with(|| Value::Object(serde_json::Map::new())),
                        path,
                        value,
                    );
                }
            }
        }
        if !query.is_empty() {
            request.path = format!("{}?{}", request.path, query.join("&"));
        }
        Answer::Found(Box::new(request))
    }

    fn fit(&self, part: Part<'_>, conditions: &[&Wanted<'_>]) -> Fit {
        let domain = match part {
            Part::Path => Domain::Path,
            Part::Method => Domain::Token,
            Part::Scheme => Domain::Finite(vec![&self.template.scheme]),
            Part::Authority => Domain::Authority(&self.examples),
            Part::Port => Domain::Finite(self.ports.iter().map(String::as_str).collect()),
            Part::Namespace => {
                Domain::Finite(self.template.source_namespace.as_deref().into_iter().collect())
            }
            Part::Label(_) | Part::Header(_) | Part::Claim(_) => Domain::Optional,
            Part::Query(_) => Domain::Query,
        };
        fit(&domain, conditions)
    }
}

/// Sets a text at a path of keys, and replaces values that block the path.
fn set_claim(claims: &mut Value, path: &[String], value: String) {
    let mut at = claims;
    for key in path {
        if !at.is_object() {
            *at = Value::Object(serde_json::Map::new());
        }
        at = &mut at[key.as_str()];
    }
    *at = Value::String(value);
}
