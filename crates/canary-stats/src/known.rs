//! Inputs or users that were seen before: each is one observation.

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use serde::{Deserialize, Serialize};

/// Bits of the filter for each digest that it has room for.
const BITS_EACH: u64 = 10;
/// Bits set for one digest.
const HASHES: u64 = 7;

/// The digests seen so far, in memory of a fixed size: a Bloom filter (B. H. Bloom, CACM 13(7), 1970) with 10 bits and
/// 7 hashes for each.
///
/// A digest that was seen is always recognised. A new one is taken for seen with a probability of at most 0.8 %, which is
/// reached when the filter is full; it is then left out. This depends only on its digest and not on any outcome, so
/// tests stay valid. A full filter accepts no new digests.
///
/// ```
/// use canary_core::stats::{Known, Taken};
///
/// let mut known = Known::with_room_for(1);
/// assert_eq!(known.insert(0x9e37_79b9_7f4a_7c15), Taken::New);
/// assert_eq!(known.insert(0x9e37_79b9_7f4a_7c15), Taken::Seen);
/// assert_eq!(known.insert(0xbf58_476d_1ce4_e5b9), Taken::Full);
/// ```
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Known {
    /// Allocated at the first digest.
    words: Vec<u64>,
    room: u64,
    taken: u64,
}

/// The result of offering a digest to the filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It was not seen before, and is remembered from now on.
    New,
    /// It was seen before.
    Seen,
    /// It was not seen before, and there is no room to remember it.
    Full,
}

/// The stored form: the bits as base64 of little-endian words.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    room: u64,
    taken: u64,
    bits: String,
}

impl Known {
    /// The maximum number of inputs or users that a rollout remembers: 32 KiB of a stored state.
    pub const CAPACITY: u64 = 26_000;

    /// An empty filter for this number of digests, at most [`Known::CAPACITY`].
    pub fn with_room_for(count: u64) -> Self {
        Self { words: Vec::new(), room: count.min(Self::CAPACITY), taken: 0 }
    }

    /// Adds a digest if it is new and there is room.
    pub fn insert(&mut self, digest: u64) -> Taken {
        // Kirsch and Mitzenmacher, "Less hashing, same performance" (2006): all hashes are linear combinations of two.
        let (first, step) = (digest & 0xffff_ffff, (digest >> 32) | 1);
        let bits = self.words_for_room() as u64 * 64;
        let place = move |round: u64| {
            let place = first.wrapping_add(round.wrapping_mul(step)) % bits;
            ((place / 64) as usize, 1_u64 << (place % 64))
        };
        let known = |(word, bit): (usize, u64)| self.words.get(word).is_some_and(|w| w & bit != 0);
        if self.room > 0 && (0..HASHES).map(place).all(known) {
            return Taken::Seen;
        }
        if self.taken >= self.room {
            return Taken::Full;
        }
        self.words.resize(self.words_for_room(), 0);
        for (word, bit) in (0..HASHES).map(place) {
            self.words[word] |= bit;
        }
        self.taken += 1;
        Taken::New
    }

    /// Returns `true` when no digest was added.
    pub fn is_empty(&self) -> bool {
        self.taken == 0
    }

    /// The number of digests that were added.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// The number of digests that it has room for.
    pub fn room(&self) -> u64 {
        self.room
    }

    /// The length of the stored form of a full filter with room for this number of digests, in bytes.
    pub fn stored_bytes(room: u64) -> usize {
        let words = Self::with_room_for(room).words_for_room();
        (words * 8).div_ceil(3) * 4 + 64
    }

    fn words_for_room(&self) -> usize {
        (self.room * BITS_EACH).div_ceil(64).max(1) as usize
    }
}

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Known({} of {})", self.taken, self.room)
    }
}

impl From<Known> for Stored {
    fn from(known: Known) -> Self {
        let Known { words, room, taken } = known;
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        Self { room, taken, bits: STANDARD_NO_PAD.encode(bytes) }
    }
}

impl TryFrom<Stored> for Known {
    type Error = String;

    fn try_from(stored: Stored) -> Result<Self, String> {
        let Stored { room, taken, bits } = stored;
        let bytes = STANDARD_NO_PAD.decode(bits).map_err(|error| error.to_string())?;
        let (words, rest) = bytes.as_chunks::<8>();
        let mut known = Self::with_room_for(room);
        let expected = if taken == 0 { 0 } else { known.words_for_room() };
        if room > Self::CAPACITY || taken > room || !rest.is_empty() || words.len() != expected {
            return Err(format!(
                "a filter with room for {room} digests holds {taken} of them in {} bytes, expected {}",
                bytes.len(),
                expected * 8
            ));
        }
        known.words = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
        known.taken = taken;
        Ok(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(n: u64) -> u64 {
        crate::Random::of_run(7, n).below(u64::MAX)
    }

    #[test]
    fn what_was_seen_is_recognised_also_after_storing() {
        let mut known = Known::with_room_for(2_000);
        let fresh = (0..1_900).filter(|n| known.insert(digest(*n)) == Taken::New).count();
        assert!(fresh >= 1_895, "{fresh}");
        let text = serde_json::to_string(&known).unwrap();
        assert!(text.len() <= Known::stored_bytes(2_000), "{}", text.len());
        let mut stored: Known = serde_json::from_str(&text).unwrap();
        assert_eq!(stored, known);
        assert!((0..1_900).all(|n| stored.insert(digest(n)) == Taken::Seen));
    }

    #[test]
    fn a_full_filter_takes_one_new_input_in_120_for_seen_and_no_more_in() {
        for room in [2_000, 10_000, Known::CAPACITY] {
            let mut known = Known::with_room_for(room);
            let mut offered = 0;
            while known.insert(digest(offered)) != Taken::Full {
                offered += 1;
            }
            assert!((room..room + room / 200).contains(&offered), "{offered} for {room}");
            let seen = |n: &u64| known.clone().insert(digest(*n)) == Taken::Seen;
            let mistaken = (1_000_000..1_003_000).filter(seen).count();
            assert!((10..=36).contains(&mistaken), "{mistaken} of 3000 new inputs taken for seen");
            assert_eq!(known.room(), room);
        }
        assert!(Known::stored_bytes(Known::CAPACITY) < 44 * 1024);
    }

    #[test]
    fn a_damaged_filter_is_refused() {
        let empty = r#"{"room": 5, "taken": 0, "bits": ""}"#;
        assert_eq!(serde_json::from_str::<Known>(empty).unwrap(), Known::with_room_for(5));
        let damaged = [
            r#"{"room": 5, "taken": 1, "bits": ""}"#,
            r#"{"room": 5, "taken": 6, "bits": "AAAAAAAAAAA"}"#,
            r#"{"room": 5, "taken": 1, "bits": "AAAA"}"#,
            r#"{"room": 26001, "taken": 0, "bits": ""}"#,
            r#"{"room": 5, "taken": 1, "bits": "?"}"#,
            "7",
        ];
        for bad in damaged {
            assert!(serde_json::from_str::<Known>(bad).is_err(), "{bad}");
        }
        let mut none = Known::default();
        assert_eq!(none.insert(7), Taken::Full);
    }
}
