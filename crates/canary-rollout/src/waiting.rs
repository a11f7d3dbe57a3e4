//! Pairs that wait for their labels.

use std::{collections::VecDeque, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::evidence::{Pair, Timestamp};

/// The most pairs that wait for their labels at a time: what a stored state has room for.
pub const MAX_WAITING: usize = 128;

/// Bytes of a stored entry.
const BYTES: usize = 21;

const CANARY_SERVED: u8 = 1;
const LABELLED: u8 = 2;
const STABLE_RIGHT: u8 = 4;
const CANARY_RIGHT: u8 = 8;

/// Pairs that wait for their labels, in the order of sending, in bounded space.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Waiting(VecDeque<Entry>);

/// A pair that waits: digests of its id and of both classes. Two classes share a digest with a probability of 2⁻³².
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    id: u64,
    /// When it was sent, in Unix seconds.
    sent: u32,
    stable: u32,
    canary: u32,
    flags: u8,
}

/// A pair that waits no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Released {
    /// Its label came: which models were right.
    Labelled { stable_right: bool, canary_right: bool },
    /// Its label has not come in time.
    Unlabelled,
}

impl Entry {
    fn label(&mut self, truth: u32) {
        if self.flags & LABELLED != 0 {
            return;
        }
        self.flags |= LABELLED;
        if self.stable == truth {
            self.flags |= STABLE_RIGHT;
        }
        if self.flags & CANARY_SERVED != 0 && self.canary == truth {
            self.flags |= CANARY_RIGHT;
        }
    }

    fn bytes(&self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        bytes[..8].copy_from_slice(&self.id.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.sent.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.stable.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.canary.to_le_bytes());
        bytes[20] = self.flags;
        bytes
    }

    fn of(bytes: &[u8; BYTES]) -> Self {
        let number = |at: usize| {
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        let id = u64::from(number(4)) << 32 | u64::from(number(0));
        let (sent, stable, canary) = (number(8), number(12), number(16));
        Self { id, sent, stable, canary, flags: bytes[20] }
    }
}

impl Waiting {
    /// Adds a pair whose stable half was served, with its label where that is known already; `false` without room.
    pub(super) fn add(&mut self, at: Timestamp, pair: &Pair) -> bool {
        if self.0.len() >= MAX_WAITING {
            return false;
        }
        let mut entry = Entry {
            id: pair.name.as_deref().map_or(0, id_of),
            sent: u32::try_from(at.0 / 1_000).unwrap_or(u32::MAX),
            stable: class_of(&pair.stable.class),
            canary: class_of(&pair.canary.class),
            flags: if pair.canary.is_served() { CANARY_SERVED } else { 0 },
        };
        if let Some(label) = &pair.label {
            entry.label(class_of(label));
        }
        self.0.push_back(entry);
        true
    }

    /// Gives the waiting pairs of that id their label; `false` where none waits.
    pub(super) fn label(&mut self, id: &str, truth: &str) -> bool {
        let (id, truth) = (id_of(id), class_of(truth));
        let mut found = false;
        for entry in self.0.iter_mut().filter(|entry| entry.id == id) {
            entry.label(truth);
            found = true;
        }
        found
    }

    /// The earliest pair, when it waits no longer.
    pub(super) fn release(&mut self, now: Timestamp, within: Duration) -> Option<Released> {
        let first = self.0.front()?;
        let flags = first.flags;
        let released = if flags & LABELLED != 0 {
            let (stable_right, canary_right) =
                (flags & STABLE_RIGHT != 0, flags & CANARY_RIGHT != 0);
            Released::Labelled { stable_right, canary_right }
        } else if now > Timestamp(u64::from(first.sent) * 1_000).plus(within) {
            Released::Unlabelled
        } else {
            return None;
        };
        self.0.pop_front();
        Some(released)
    }

    /// The number of pairs that wait, those among them that are labelled and wait for an earlier one.
    pub(super) fn len(&self) -> u64 {
        self.0.len() as u64
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn id_of(id: &str) -> u64 {
    Pair::digest(id.as_bytes())
}

#[expect(clippy::cast_possible_truncation, reason = "the low bits of a hash")]
fn class_of(class: &str) -> u32 {
    Pair::digest(class.as_bytes()) as u32
}

/// Written as base64 of 21 bytes a pair, little-endian.
impl Serialize for Waiting {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = self.0.iter().flat_map(Entry::bytes).collect();
        serializer.serialize_str(&STANDARD_NO_PAD.encode(bytes))
    }
}

impl<'de> Deserialize<'de> for Waiting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD_NO_PAD.decode(text).map_err(D::Error::custom)?;
        let (entries, rest) = bytes.as_chunks::<BYTES>();
        if !rest.is_empty() || entries.len() > MAX_WAITING {
            return Err(D::Error::custom(format!(
                "the pairs that wait for labels have {} bytes, expected at most {MAX_WAITING} times {BYTES}",
                bytes.len()
            )));
        }
        Ok(Self(entries.iter().map(Entry::of).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Answer;

    fn pair(name: &str, label: Option<&str>) -> Pair {
        let (stable, canary) = (Answer::new("cat", None), Answer::new("dog", None));
        let label = label.map(str::to_owned);
        Pair { input: None, name: Some(name.into()), stable, canary, label }
    }

    #[test]
    fn pairs_are_released_in_the_order_of_sending_labelled_or_late() {
        let within = Duration::from_secs(10);
        let mut waiting = Waiting::default();
        for (at, name, label) in [(0, "a", None), (1_000, "b", None), (2_000, "c", Some("dog"))] {
            assert!(waiting.add(Timestamp(at), &pair(name, label)));
        }
        assert!(waiting.label("b", "cat") && !waiting.label("z", "cat"));
        assert_eq!(waiting.release(Timestamp(9_000), within), None, "the first is waited for");
        let text = serde_json::to_string(&waiting).unwrap();
        let mut waiting: Waiting = serde_json::from_str(&text).unwrap();
        let late = Timestamp(10_001);
        assert_eq!(waiting.release(late, within), Some(Released::Unlabelled));
        let right = |stable_right, canary_right| Released::Labelled { stable_right, canary_right };
        assert_eq!(waiting.release(late, within), Some(right(true, false)));
        assert_eq!(waiting.release(late, within), Some(right(false, true)));
        assert!(waiting.release(late, within).is_none() && waiting.is_empty());
    }

    #[test]
    fn a_first_label_stays_and_a_failed_canary_is_wrong() {
        let mut waiting = Waiting::default();
        let canary = Answer::failure("dog");
        waiting.add(Timestamp(0), &Pair { canary, ..pair("a", None) });
        assert!(waiting.label("a", "dog") && waiting.label("a", "cat"));
        let neither = Released::Labelled { stable_right: false, canary_right: false };
        assert_eq!(waiting.release(Timestamp(0), Duration::ZERO), Some(neither));
    }

    #[test]
    fn the_space_is_bounded_and_a_damaged_text_is_refused() {
        let mut waiting = Waiting::default();
        let taken = (0..200).filter(|n| waiting.add(Timestamp(0), &pair(&n.to_string(), None)));
        assert_eq!(taken.count(), MAX_WAITING);
        let text = serde_json::to_string(&waiting).unwrap();
        assert_eq!(text.len(), 3_586);
        assert_eq!(serde_json::from_str::<Waiting>(&text).unwrap(), waiting);
        for damaged in ["\"AAAA\"", "\"?\"", "3"] {
            assert!(serde_json::from_str::<Waiting>(damaged).is_err(), "{damaged}");
        }
    }
}
