//! Pairs and requests that wait for their labels.

use std::{collections::VecDeque, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{
    Percent,
    evidence::{Pair, Timestamp},
};

/// The most pairs and requests that wait for their labels at a time; fewer where the stored state has less room.
pub const MAX_WAITING: usize = 1_024;

/// Bytes of a stored entry where all weights are whole percents.
const BYTES: usize = 22;
/// Bytes of a stored entry otherwise: the thousandths of a percent are behind the rest.
const FINE_BYTES: usize = BYTES + 2;
/// The first character of a text of entries with [`FINE_BYTES`]; no base64 begins with it.
const FINE: char = '.';

const CANARY_SERVED: u8 = 1;
const LABELLED: u8 = 2;
const STABLE_RIGHT: u8 = 4;
const CANARY_RIGHT: u8 = 8;
/// Set for a request, not set for a pair.
const REQUEST: u8 = 16;
/// The canary served the request.
const BY_CANARY: u8 = 32;

/// Pairs and requests that wait for their labels, in the order of sending, in bounded space.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Waiting(VecDeque<Entry>);

/// A pair or a request that waits: a digest of its id, and of both classes of a pair. Two classes share a digest with a
/// probability of 2⁻³².
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    id: u64,
    /// When it was sent, in Unix seconds.
    sent: u32,
    /// Of a pair; for a request the low and the high half of its number, once it is labelled.
    stable: u32,
    canary: u32,
    flags: u8,
    /// The canary's weight at the sending of a request.
    weight: Percent,
}

/// A pair or a request that waits no longer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Released {
    /// A pair whose label came: which models were right.
    Labelled { stable_right: bool, canary_right: bool },
    /// A pair whose label has not come in time.
    Unlabelled,
    /// A request: the canary's weight when it was sent, who served it, and its number if that came in time.
    Request { weight: Percent, canary: bool, number: Option<f64> },
}

/// The outcome for a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Matched {
    /// A pair or a request waits for it.
    Waiting,
    /// Nothing does.
    Nothing,
    /// A request waits for a number, and the label is not one.
    NoNumber,
}

impl Entry {
    fn number(&mut self, number: f64) {
        if self.flags & LABELLED == 0 {
            self.flags |= LABELLED;
            let bytes = number.to_le_bytes();
            let half = |at: usize| {
                u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
            };
            (self.stable, self.canary) = (half(0), half(4));
        }
    }

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

    fn bytes(&self) -> [u8; FINE_BYTES] {
        let mut bytes = [0; FINE_BYTES];
        bytes[..8].copy_from_slice(&self.id.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.sent.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.stable.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.canary.to_le_bytes());
        let weight = self.weight.min(Percent::ALL).thousandths();
        bytes[20] = self.flags;
        bytes[21] = u8::try_from(weight / 1_000).unwrap_or_default();
        bytes[22..]
            .copy_from_slice(&u16::try_from(weight % 1_000).unwrap_or_default().to_le_bytes());
        bytes
    }

    /// The entry of [`BYTES`] or [`FINE_BYTES`].
    fn of(bytes: &[u8]) -> Self {
        let number = |at: usize| {
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        let id = u64::from(number(4)) << 32 | u64::from(number(0));
        let (sent, stable, canary) = (number(8), number(12), number(16));
        let rest = bytes[BYTES..].first_chunk().map_or(0, |rest| u16::from_le_bytes(*rest));
        let weight = u64::from(bytes[21]) * 1_000 + u64::from(rest);
        let weight = Percent::from_thousandths(weight);
        Self { id, sent, stable, canary, flags: bytes[20], weight }
    }
}

impl Waiting {
    /// Adds a pair whose stable half was served, with its label where that is known already; `false` without room.
    pub(super) fn add(&mut self, at: Timestamp, pair: &Pair, room: usize) -> bool {
        if self.0.len() >= room {
            return false;
        }
        let mut entry = Entry {
            id: pair.name.as_deref().map_or(0, id_of),
            sent: seconds(at),
            stable: class_of(&pair.stable.class),
            canary: class_of(&pair.canary.class),
            flags: if pair.canary.is_served() { CANARY_SERVED } else { 0 },
            weight: Percent::NONE,
        };
        if let Some(label) = &pair.label {
            entry.label(class_of(label));
        }
        self.0.push_back(entry);
        true
    }

    /// Adds a request of that id, sent at that weight of the canary; `false` without room.
    pub(super) fn add_request(
        &mut self,
        (at, weight): (Timestamp, Percent),
        (id, canary): (&str, bool),
        room: usize,
    ) -> bool {
        if self.0.len() >= room {
            return false;
        }
        let flags = REQUEST | if canary { BY_CANARY } else { 0 };
        let (id, sent) = (id_of(id), seconds(at));
        self.0.push_back(Entry { id, sent, stable: 0, canary: 0, flags, weight });
        true
    }

    /// Gives the pairs and the requests of that id that wait their label.
    pub(super) fn label(&mut self, id: &str, truth: &str) -> Matched {
        let (id, class) = (id_of(id), class_of(truth));
        let number = truth.trim().parse::<f64>().ok().filter(|number| number.is_finite());
        let mut matched = Matched::Nothing;
        for entry in self.0.iter_mut().filter(|entry| entry.id == id) {
            matched = Matched::Waiting;
            match (entry.flags & REQUEST != 0, number) {
                (false, _) => entry.label(class),
                (true, Some(number)) => entry.number(number),
                (true, None) => return Matched::NoNumber,
            }
        }
        matched
    }

    /// The earliest pair, when it waits no longer.
    pub(super) fn release(&mut self, now: Timestamp, within: Duration) -> Option<Released> {
        let Entry { sent, stable, canary, flags, weight, .. } = *self.0.front()?;
        let labelled = flags & LABELLED != 0;
        if !labelled && now <= Timestamp(u64::from(sent) * 1_000).plus(within) {
            return None;
        }
        let released = if flags & REQUEST != 0 {
            let number = f64::from_bits(u64::from(canary) << 32 | u64::from(stable));
            let number = labelled.then_some(number);
            Released::Request { weight, canary: flags & BY_CANARY != 0, number }
        } else if labelled {
            let (stable_right, canary_right) =
                (flags & STABLE_RIGHT != 0, flags & CANARY_RIGHT != 0);
            Released::Labelled { stable_right, canary_right }
        } else {
            Released::Unlabelled
        };
        self.0.pop_front();
        Some(released)
    }

    /// The number of pairs and requests that wait, those among them that are labelled and wait for an earlier one.
    pub(super) fn len(&self) -> u64 {
        self.0.len() as u64
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn seconds(at: Timestamp) -> u32 {
    u32::try_from(at.0 / 1_000).unwrap_or(u32::MAX)
}

fn id_of(id: &str) -> u64 {
    Pair::digest(id.as_bytes())
}

#[expect(clippy::cast_possible_truncation, reason = "the low bits of a hash")]
fn class_of(class: &str) -> u32 {
    Pair::digest(class.as_bytes()) as u32
}

/// Written as base64 of 22 bytes each, little-endian; with weights between whole percents as a point and base64 of 24
/// bytes each.
impl Serialize for Waiting {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let whole = self.0.iter().all(|entry| entry.weight.whole().is_some());
        let size = if whole { BYTES } else { FINE_BYTES };
        let bytes: Vec<u8> =
            self.0.iter().flat_map(|entry| entry.bytes().into_iter().take(size)).collect();
        let mut text = if whole { String::new() } else { FINE.to_string() };
        STANDARD_NO_PAD.encode_string(bytes, &mut text);
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Waiting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (size, text) = match text.strip_prefix(FINE) {
            Some(fine) => (FINE_BYTES, fine),
            None => (BYTES, &*text),
        };
        let bytes = STANDARD_NO_PAD.decode(text).map_err(D::Error::custom)?;
        let entries = bytes.chunks_exact(size);
        if !entries.remainder().is_empty() || entries.len() > MAX_WAITING {
            return Err(D::Error::custom(format!(
                "what waits for labels has {} bytes, expected at most {MAX_WAITING} times {size}",
                bytes.len()
            )));
        }
        Ok(Self(entries.map(Entry::of).collect()))
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
            assert!(waiting.add(Timestamp(at), &pair(name, label), MAX_WAITING));
        }
        assert_eq!(waiting.label("b", "cat"), Matched::Waiting);
        assert_eq!(waiting.label("z", "cat"), Matched::Nothing);
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
        waiting.add(Timestamp(0), &Pair { canary, ..pair("a", None) }, MAX_WAITING);
        for truth in ["dog", "cat"] {
            assert_eq!(waiting.label("a", truth), Matched::Waiting);
        }
        let neither = Released::Labelled { stable_right: false, canary_right: false };
        assert_eq!(waiting.release(Timestamp(0), Duration::ZERO), Some(neither));
    }

    #[test]
    fn the_space_is_bounded_and_a_damaged_text_is_refused() {
        let mut waiting = Waiting::default();
        let mut add = |n: u32| waiting.add(Timestamp(0), &pair(&n.to_string(), None), 100);
        assert_eq!((0..200).filter(|n| add(*n)).count(), 100);
        assert!(!waiting.add_request((Timestamp(0), 30.into()), ("a", true), 100));
        let text = serde_json::to_string(&waiting).unwrap();
        assert_eq!(text.len(), 2_936);
        assert_eq!(serde_json::from_str::<Waiting>(&text).unwrap(), waiting);
        for damaged in ["\"AAAA\"", "\"?\"", "3", "\".AAAA\""] {
            assert!(serde_json::from_str::<Waiting>(damaged).is_err(), "{damaged}");
        }
    }

    #[test]
    fn a_request_waits_for_its_number_and_keeps_its_version_and_weight() {
        let within = Duration::from_secs(10);
        let mut waiting = Waiting::default();
        for (id, canary, weight) in [("a", true, 5), ("b", false, 30), ("c", true, 30)] {
            let weight = Percent::from(weight);
            assert!(waiting.add_request((Timestamp(0), weight), (id, canary), 10));
        }
        assert_eq!(waiting.label("b", "a lot"), Matched::NoNumber);
        assert_eq!(waiting.label("a", " 0.1"), Matched::Waiting);
        assert_eq!(waiting.label("a", "7"), Matched::Waiting, "the first one stays");
        let text = serde_json::to_string(&waiting).unwrap();
        let mut waiting: Waiting = serde_json::from_str(&text).unwrap();
        let mut release = |at| waiting.release(Timestamp(at), within);
        let request = |weight: u32, canary, number| {
            Some(Released::Request { weight: weight.into(), canary, number })
        };
        assert_eq!(release(9), request(5, true, Some(0.1)));
        assert_eq!(release(9), None, "it may still be labelled");
        assert_eq!(release(10_001), request(30, false, None));
        assert_eq!(release(10_001), request(30, true, None));
    }

    #[test]
    fn weights_between_whole_percents_are_kept_in_two_more_bytes() {
        let tenth = Percent::new(0.1).unwrap();
        let weights = [tenth, 5.into(), Percent::new(99.999).unwrap(), 100.into(), tenth];
        let stored = |weights: &[Percent]| {
            let mut waiting = Waiting::default();
            for (number, weight) in weights.iter().enumerate() {
                let id = number.to_string();
                assert!(waiting.add_request((Timestamp(0), *weight), (&id, true), 10));
            }
            (serde_json::to_string(&waiting).unwrap(), waiting)
        };
        let (text, waiting) = stored(&weights);
        assert_eq!((text.len(), text.starts_with("\".")), (5 * 32 + 3, true), "{text}");
        let mut read: Waiting = serde_json::from_str(&text).unwrap();
        assert_eq!(read, waiting);
        for expected in weights {
            let Some(Released::Request { weight, .. }) =
                read.release(Timestamp(1_001), Duration::ZERO)
            else {
                panic!("a request for each weight")
            };
            assert_eq!(weight, expected);
        }
        assert_eq!(stored(&weights[1..2]).0.len(), 30 + 2, "as before where all are whole");
    }
}
