//! The search for requests that fit some conditions and not others.

use std::collections::BTreeMap;

use super::{
    Reach, automata,
    conditions::{Conditions, Key, MatchSet, Place, grouped},
    effort::{self, Work},
    set::{Condition, Domain, Test},
    witness::Witness,
};

/// The answer to the question whether there is such a request.
#[expect(clippy::large_enum_variant, reason = "returned once and taken apart at once, never kept")]
pub(super) enum Answer {
    Yes(Witness),
    No,
    Unknown,
}

/// The result for a part of a request, with a text that fits; `Fits(None)` when the part is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    Fits(Option<String>),
    Never,
    Unknown,
}

/// The number of sets of texts that may be looked at for one `VirtualService`.
const BUDGET: usize = 20_000;
/// The number of sets that may be looked at for one match.
const MATCH_BUDGET: usize = 2_000;

/// Answers questions about the matches of one `VirtualService`.
pub(super) struct Solver<'s, 'm> {
    matches: &'s MatchSet<'m>,
    left: usize,
    pub(super) work: &'s mut Work,
}

impl<'s, 'm> Solver<'s, 'm> {
    pub(super) fn new(matches: &'s MatchSet<'m>, work: &'s mut Work) -> Self {
        Self { matches, left: BUDGET, work }
    }

    /// Tests whether a request fits both.
    pub(super) fn both(&mut self, one: &Conditions<'m>, other: &Conditions<'m>) -> Answer {
        self.left = self.left.max(MATCH_BUDGET);
        self.request([one, other])
    }

    /// Tests whether every request that fits `later` fits `earlier`; `None` when it is not known.
    pub(super) fn covers(
        &mut self,
        earlier: &Conditions<'m>,
        later: &Conditions<'m>,
    ) -> Option<bool> {
        let mut known = Some(true);
        for (key, condition) in earlier {
            let negated = condition.negated();
            let mut all: Vec<&Condition<'_>> = later
                .iter()
                .filter(|(other, _)| other == key)
                .map(|(_, condition)| condition)
                .collect();
            all.push(&negated);
            match self.fit(key, &all) {
                Fit::Fits(_) => return Some(false),
                Fit::Never => {}
                Fit::Unknown => known = None,
            }
        }
        known
    }

    /// Tests whether requests reach the last of `places` past all before it.
    pub(super) fn reach(&mut self, places: &[Place<'m>]) -> Reach {
        let Some((last, before)) = places.split_last() else { return Reach::Unjudged };
        let Some(own) = &last.conditions else { return Reach::Unjudged };
        if !self.work.spend(1) {
            return Reach::Unjudged;
        }
        let witness = match self.request([own]) {
            Answer::Yes(witness) => witness,
            Answer::No => return Reach::Impossible,
            Answer::Unknown => return Reach::Unjudged,
        };
        let mut rivals: Vec<(&Place<'m>, &Conditions<'m>)> = Vec::new();
        for place in before {
            let Some(conditions) = &place.conditions else { return Reach::Unjudged };
            if !self.work.spend(own.len() + conditions.len()) {
                return Reach::Unjudged;
            }
            if !matches!(self.compatible(own, conditions), Fit::Never) {
                if self.covers(conditions, own) == Some(true) {
                    return self.covered(own, &[(place, conditions)], witness);
                }
                rivals.push((place, conditions));
            }
        }
        let mut left = MATCH_BUDGET.min(self.left);
        let start = left;
        let mut conjunction = own.clone();
        let answer = self.escape(&mut conjunction, &rivals, &mut left);
        self.left = self.left.saturating_sub(start - left);
        match answer {
            Answer::Yes(witness) => Reach::Reached(witness),
            Answer::No => self.covered(own, &rivals, witness),
            Answer::Unknown => Reach::Unjudged,
        }
    }

    /// The claim that `rivals` together get every request of `own`, with one that the first of them gets.
    fn covered(
        &mut self,
        own: &Conditions<'m>,
        rivals: &[(&Place<'m>, &Conditions<'m>)],
        witness: Witness,
    ) -> Reach {
        let witness = match rivals.first() {
            Some((_, conditions)) => match self.request([own, conditions]) {
                Answer::Yes(shared) => shared,
                _ => witness,
            },
            None => witness,
        };
        Reach::Covered { by: rivals.iter().map(|(place, _)| place.path()).collect(), witness }
    }

    /// A request that fits `conjunction` and none of `rivals`: for each of them one condition has to fail.
    fn escape(
        &mut self,
        conjunction: &mut Conditions<'m>,
        rivals: &[(&Place<'m>, &Conditions<'m>)],
        left: &mut usize,
    ) -> Answer {
        let Some(((_, rival), rest)) = rivals.split_first() else {
            return self.request([&*conjunction]);
        };
        if *left == 0 || !self.work.spend((conjunction.len() + rival.len()) * (rival.len() + 1)) {
            return Answer::Unknown;
        }
        *left -= 1;
        if matches!(self.compatible(conjunction, rival), Fit::Never) {
            return self.escape(conjunction, rest, left);
        }
        let mut unknown = false;
        for (key, condition) in *rival {
            conjunction.push((key.clone(), condition.negated()));
            let all: Vec<&Condition<'_>> = conjunction
                .iter()
                .filter(|(other, _)| other == key)
                .map(|(_, condition)| condition)
                .collect();
            let answer = match self.fit(key, &all) {
                Fit::Never => Answer::No,
                Fit::Fits(_) => self.escape(conjunction, rest, left),
                Fit::Unknown => Answer::Unknown,
            };
            conjunction.pop();
            match answer {
                Answer::Yes(witness) => return Answer::Yes(witness),
                Answer::No => {}
                Answer::Unknown => unknown = true,
            }
        }
        if unknown { Answer::Unknown } else { Answer::No }
    }

    /// Tests whether the parts that `other` has conditions on can fit both.
    fn compatible(&mut self, one: &Conditions<'m>, other: &Conditions<'m>) -> Fit {
        let mut result = Fit::Fits(None);
        for (position, (key, _)) in other.iter().enumerate() {
            if other[..position].iter().any(|(earlier, _)| earlier == key) {
                continue;
            }
            let all: Vec<&Condition<'_>> = one
                .iter()
                .chain(other)
                .filter(|(found, _)| found == key)
                .map(|(_, condition)| condition)
                .collect();
            match self.fit(key, &all) {
                Fit::Never => return Fit::Never,
                Fit::Unknown => result = Fit::Unknown,
                Fit::Fits(_) => {}
            }
        }
        result
    }

    /// A request that fits all conditions.
    fn request<'c, const N: usize>(&mut self, lists: [&'c Conditions<'m>; N]) -> Answer
    where
        'm: 'c,
    {
        let groups = grouped(lists);
        let mut values: BTreeMap<&Key<'_>, Option<String>> = BTreeMap::new();
        let required =
            [Key::Path, Key::Scheme, Key::Method, Key::Authority, Key::Port, Key::Gateway];
        let mut unknown = false;
        let none = Vec::new();
        for key in
            groups.keys().copied().chain(required.iter().filter(|key| !groups.contains_key(key)))
        {
            match self.fit(key, groups.get(key).unwrap_or(&none)) {
                Fit::Fits(value) => {
                    values.insert(key, value);
                }
                Fit::Never => return Answer::No,
                Fit::Unknown => unknown = true,
            }
        }
        if unknown { Answer::Unknown } else { Answer::Yes(witness(&values)) }
    }

    /// A text for one part of a request.
    fn fit(&mut self, key: &Key<'_>, conditions: &[&Condition<'_>]) -> Fit {
        let domain = self.matches.domain(key);
        match (key, &self.matches.hosts) {
            (Key::Authority, Some(hosts)) => {
                let hosts = Condition::is(Test::Hosts(hosts));
                let mut all = conditions.to_vec();
                all.push(&hosts);
                fit(&domain, &all)
            }
            _ => fit(&domain, conditions),
        }
    }
}

/// The least cost of a question, in steps.
const FIT: usize = 20;

/// A text of `domain` for which all conditions hold.
pub(crate) fn fit(domain: &Domain<'_>, conditions: &[&Condition<'_>]) -> Fit {
    if domain.may_be_missing() && conditions.iter().all(|condition| condition.missing) {
        return Fit::Fits(None);
    }
    effort::spend(FIT);
    let holds = |text: &str| -> Option<bool> {
        for condition in conditions {
            effort::spend(condition.test.cost());
            if !condition.holds(text)? {
                return Some(false);
            }
        }
        Some(true)
    };
    let wanted =
        || conditions.iter().filter(|condition| condition.wanted).map(|condition| &condition.test);
    // An exact text leaves nothing to choose.
    if let Some(text) =
        wanted().find_map(|test| if let Test::Exact(text) = test { Some(*text) } else { None })
    {
        return match holds(text) {
            Some(true) if domain.contains(text) => Fit::Fits(Some(text.to_owned())),
            Some(_) => Fit::Never,
            None => Fit::Unknown,
        };
    }
    let prefix = wanted()
        .filter_map(|test| {
            if let Test::Prefix(text) | Test::PrefixFold(text) = test { Some(*text) } else { None }
        })
        .max_by_key(|text| text.len())
        .unwrap_or_default();
    let unknown = || Fit::Unknown;
    for text in candidates(domain, prefix, conditions.len()) {
        match holds(&text) {
            Some(true) if domain.contains(&text) => return Fit::Fits(Some(text)),
            Some(_) => {}
            None => return unknown(),
        }
    }
    if !domain.is_open() {
        return Fit::Never;
    }
    if conditions.iter().all(|condition| condition.test.is_simple())
        && let Some(fit) = simple(domain, prefix, conditions)
    {
        return fit;
    }
    by_automata(domain, conditions)
}

/// Texts to try before anything is compiled.
fn candidates<'c>(
    domain: &'c Domain<'_>,
    prefix: &'c str,
    conditions: usize,
) -> impl Iterator<Item = String> + 'c {
    const NEXT: &[u8] =
        b"xa0-_zZqj~.!$'*;:@,=(1)23456789bcdefghiklmnoprstuvwyABCDEFGHIJKLMNOPQRSTUVWXY";
    let own = domain.examples().into_iter();
    // Each excluding condition excludes the continuations with at most one next character, or all of them.
    let more =
        NEXT.iter().take(conditions + 2).map(move |next| format!("{prefix}{}", char::from(*next)));
    let slash = format!("{prefix}/x");
    own.chain([prefix.to_owned(), slash]).chain(more).take(if domain.is_open() {
        usize::MAX
    } else {
        64
    })
}

/// Decides where there are only exact texts and prefixes, and no candidate fits.
fn simple(domain: &Domain<'_>, prefix: &str, conditions: &[&Condition<'_>]) -> Option<Fit> {
    for condition in conditions {
        let excluded = match (&condition.test, condition.wanted) {
            // Prefixes that do not agree.
            (Test::Prefix(text), true) => !prefix.starts_with(text),
            (Test::Prefix(text), false) => prefix.starts_with(text),
            (Test::Any, false) => true,
            _ => false,
        };
        if excluded {
            return Some(Fit::Never);
        }
    }
    // No text of the domain has this prefix.
    let possible = format!("{prefix}x");
    if !matches!(domain, Domain::Path) && !domain.contains(&possible) {
        return Some(Fit::Never);
    }
    None
}

fn by_automata(domain: &Domain<'_>, conditions: &[&Condition<'_>]) -> Fit {
    let mut wanted = vec![domain.pattern()];
    let mut unwanted = Vec::new();
    for condition in conditions {
        let Some(pattern) = condition.test.pattern() else { return Fit::Unknown };
        if condition.wanted { wanted.push(pattern) } else { unwanted.push(pattern) }
    }
    match automata::common(&wanted, &unwanted) {
        Ok(Some(text)) => Fit::Fits(Some(text)),
        Ok(None) => Fit::Never,
        Err(()) => Fit::Unknown,
    }
}

fn witness(values: &BTreeMap<&Key<'_>, Option<String>>) -> Witness {
    let mut request = Witness::default();
    let mut query: Vec<String> = Vec::new();
    for (key, value) in values {
        let Some(value) = value.clone() else { continue };
        match key {
            Key::Path => request.path = value,
            Key::Scheme => request.scheme = value,
            Key::Method => request.method = value,
            Key::Authority => request.authority = value,
            Key::Port => request.port = value.parse().unwrap_or(80),
            Key::Gateway => request.gateway = value,
            Key::SourceNamespace => request.source_namespace = Some(value),
            Key::SourceLabel(name) => {
                request.source_labels.insert((*name).to_owned(), value);
            }
            Key::Header(name) => {
                request.headers.insert(name.to_string(), value);
            }
            Key::Claim(name) => {
                request.claims.insert((*name).to_owned(), value);
            }
            Key::Query(name) => query.push(format!("{name}={value}")),
        }
    }
    if !query.is_empty() {
        request.path = format!("{}?{}", request.path, query.join("&"));
    }
    request
}
