//! Regular expressions, compiled once, and the product of their automata.

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet, VecDeque},
    rc::Rc,
};

use regex_automata::{
    Anchored, MatchKind,
    dfa::{Automaton, StartKind, dense},
    meta::Regex,
    util::{primitives::StateID, start},
};

use super::effort;
use crate::validate::re2;

/// The memory that one automaton may take, in bytes.
const AUTOMATON_LIMIT: usize = 1 << 20;
/// The number of states of a product that are visited.
const MAX_STATES: usize = 20_000;
/// The memory that compiled patterns are kept in, of each sort, in bytes.
const KEPT: usize = 32 << 20;

/// The steps that a byte of an automaton takes to build.
const BUILDING: usize = 10;

/// The compiled patterns, and the bytes that they take.
type Cache<T> = RefCell<(HashMap<String, Option<Rc<T>>>, usize)>;

thread_local! {
    static FULL: Cache<Regex> = RefCell::default();
    static DENSE: Cache<dense::DFA<Vec<u32>>> = RefCell::default();
}

fn cached<T>(
    cache: &Cache<T>,
    key: &str,
    make: impl FnOnce(&str) -> Option<T>,
    size: impl Fn(&T) -> usize,
) -> Option<Rc<T>> {
    if let Some(found) = cache.borrow().0.get(key) {
        return found.clone();
    }
    let compiled = make(key).map(Rc::new);
    // Building costs about ten steps for each byte of the result. The size of a failed attempt is not known.
    effort::spend(compiled.as_deref().map_or(AUTOMATON_LIMIT, &size).saturating_mul(BUILDING));
    let (kept, taken) = &mut *cache.borrow_mut();
    *taken += key.len() + compiled.as_deref().map_or(0, &size);
    if *taken > KEPT {
        kept.clear();
        *taken = 0;
    }
    kept.insert(key.to_owned(), compiled.clone());
    compiled
}

/// An RE2 pattern that has to match all of a text.
pub(super) fn full_match(pattern: &str) -> Option<Rc<Regex>> {
    FULL.with(|cache| {
        cached(cache, pattern, |pattern| re2::full_match(pattern).ok(), Regex::memory_usage)
    })
}

fn automaton(pattern: &str) -> Option<Rc<dense::DFA<Vec<u32>>>> {
    DENSE.with(|cache| {
        let make = |pattern: &str| {
            let config = dense::Config::new()
                .match_kind(MatchKind::All)
                .start_kind(StartKind::Anchored)
                .dfa_size_limit(Some(AUTOMATON_LIMIT))
                .determinize_size_limit(Some(2 * AUTOMATON_LIMIT));
            dense::Builder::new().configure(config).build(pattern).ok()
        };
        cached(cache, pattern, make, dense::DFA::memory_usage)
    })
}

/// A text that fits every pattern of `wanted` and none of `unwanted`, the shortest there is.
///
/// The patterns anchor themselves at both ends. `Ok(None)` when there is no such text; `Err` when the search would take
/// too long.
pub(super) fn common(wanted: &[String], unwanted: &[String]) -> Result<Option<String>, ()> {
    let automata: Vec<_> = wanted
        .iter()
        .chain(unwanted)
        .map(|pattern| automaton(pattern).ok_or(()))
        .collect::<Result<_, _>>()?;
    let bytes = representatives(&automata);
    let begin = start::Config::new().anchored(Anchored::Yes);
    let first: Vec<StateID> = automata
        .iter()
        .map(|dfa| dfa.start_state(&begin).map_err(drop))
        .collect::<Result<_, _>>()?;
    let mut seen: HashSet<Vec<StateID>> = HashSet::from([first.clone()]);
    let mut steps: Vec<(usize, u8)> = vec![(0, 0)];
    let mut queue = VecDeque::from([(0_usize, first)]);
    while let Some((position, states)) = queue.pop_front() {
        if accepts(&automata, wanted.len(), &states) {
            return text(&steps, position).map(Some);
        }
        effort::spend(bytes.len() * automata.len());
        for byte in &bytes {
            let next: Vec<StateID> = automata
                .iter()
                .zip(&states)
                .map(|(dfa, state)| dfa.next_state(*state, *byte))
                .collect();
            let lost = automata
                .iter()
                .zip(&next)
                .take(wanted.len())
                .any(|(dfa, state)| dfa.is_dead_state(*state));
            if automata.iter().zip(&next).any(|(dfa, state)| dfa.is_quit_state(*state)) {
                return Err(());
            }
            if lost || seen.contains(&next) {
                continue;
            }
            if seen.len() >= MAX_STATES {
                return Err(());
            }
            seen.insert(next.clone());
            steps.push((position, *byte));
            queue.push_back((steps.len() - 1, next));
        }
    }
    Ok(None)
}

fn accepts(automata: &[Rc<dense::DFA<Vec<u32>>>], wanted: usize, states: &[StateID]) -> bool {
    automata.iter().zip(states).enumerate().all(|(index, (dfa, state))| {
        let end = dfa.next_eoi_state(*state);
        dfa.is_match_state(end) == (index < wanted)
    })
}

/// The text that the steps to `position` spell.
fn text(steps: &[(usize, u8)], mut position: usize) -> Result<String, ()> {
    let mut bytes = Vec::new();
    while position != 0 {
        bytes.push(steps[position].1);
        position = steps[position].0;
    }
    bytes.reverse();
    String::from_utf8(bytes).map_err(drop)
}

/// One byte for each set of bytes that no automaton distinguishes; a readable one if there is one.
fn representatives(automata: &[Rc<dense::DFA<Vec<u32>>>]) -> Vec<u8> {
    let rank = |byte: u8| match byte {
        b'a'..=b'z' => 0,
        b'0'..=b'9' => 1,
        b'A'..=b'Z' => 2,
        b'!'..=b'~' => 3,
        _ => 4,
    };
    let mut best: HashMap<Vec<u8>, u8> = HashMap::new();
    for byte in 0..=u8::MAX {
        let classes = automata.iter().map(|dfa| dfa.byte_classes().get(byte)).collect();
        let entry = best.entry(classes).or_insert(byte);
        if rank(byte) < rank(*entry) {
            *entry = byte;
        }
    }
    let mut bytes: Vec<u8> = best.into_values().collect();
    bytes.sort_by_key(|byte| (rank(*byte), *byte));
    bytes
}
