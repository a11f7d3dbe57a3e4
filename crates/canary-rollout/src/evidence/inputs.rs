//! Which inputs were seen before: a repeated input is one observation.

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Bits of the filter: 6 KiB, which is 8 KiB as text.
const BITS: usize = 49_152;
/// Bits set for one input.
const PER_INPUT: u64 = 4;
const WORDS: usize = BITS / 64;

/// The inputs seen so far, in fixed space: a Bloom filter (B. H. Bloom, CACM 13(7), 1970).
///
/// An input that was seen is always recognised. A new one is taken for seen with a probability that grows with their
/// number: 0.05 % after 2 000 inputs, 1.2 % after 5 000, 10 % after 10 000, 42 % after 20 000. It is then left out.
/// That depends on its digest alone and not on any answer, so tests stay valid.
///
/// # Capacity
/// Each input that is taken for new sets one of 49 152 bits at least, four while the filter is empty, so there is an
/// end to it: no more than about 25 600 inputs are ever taken for new, however many come. Plans may therefore require
/// at most [`Inputs::CAPACITY`] pairs. For so many, 25 600 distinct inputs have to come; for 10 000 pairs, 10 300.
///
/// ```
/// use canary_core::evidence::{Inputs, Pair};
///
/// let mut inputs = Inputs::default();
/// assert!(inputs.insert(Pair::digest(b"grace_hopper.jpg")));
/// assert!(!inputs.insert(Pair::digest(b"grace_hopper.jpg")));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    /// Empty until the first input.
    words: Vec<u64>,
}

impl Inputs {
    /// The most pairs of distinct inputs that a plan may require. It leaves a margin: at that number two of five new
    /// inputs are still taken for new.
    pub const CAPACITY: u64 = 20_000;

    /// Takes an input in; `false` when it was seen before.
    pub fn insert(&mut self, digest: u64) -> bool {
        if self.words.is_empty() {
            self.words = vec![0; WORDS];
        }
        // Kirsch and Mitzenmacher, "Less hashing, same performance" (2006): two hashes make all of them.
        let first = digest & 0xffff_ffff;
        let step = (digest >> 32) | 1;
        let mut fresh = false;
        for round in 0..PER_INPUT {
            let place = first.wrapping_add(round.wrapping_mul(step)) % BITS as u64;
            let (word, bit) = ((place / 64) as usize, 1_u64 << (place % 64));
            fresh |= self.words[word] & bit == 0;
            self.words[word] |= bit;
        }
        fresh
    }

    /// Returns `true` when no input was seen.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }
}

/// Written as base64 of the filter's words, little-endian; an empty filter as the empty text.
impl Serialize for Inputs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = self.words.iter().flat_map(|word| word.to_le_bytes()).collect();
        serializer.serialize_str(&STANDARD_NO_PAD.encode(bytes))
    }
}

impl<'de> Deserialize<'de> for Inputs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD_NO_PAD.decode(text).map_err(D::Error::custom)?;
        let (words, rest) = bytes.as_chunks::<8>();
        let words: Vec<u64> = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
        if !rest.is_empty() || !(words.is_empty() || words.len() == WORDS) {
            return Err(D::Error::custom(format!(
                "the filter of inputs has {} bytes, expected 0 or {}",
                bytes.len(),
                BITS / 8
            )));
        }
        Ok(Self { words })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_recognised_also_after_storing() {
        let mut inputs = Inputs::default();
        let digest = |n: u64| crate::evidence::Pair::digest(&n.to_le_bytes());
        let fresh = (0..2_000).filter(|n| inputs.insert(digest(*n))).count();
        assert!(fresh >= 1_997, "{fresh}");
        let text = serde_json::to_string(&inputs).unwrap();
        assert_eq!(text.len(), 8 * 1024 + 2);
        let mut stored: Inputs = serde_json::from_str(&text).unwrap();
        assert_eq!(stored, inputs);
        assert!((0..2_000).all(|n| !stored.insert(digest(n))));
        let mistaken = (10_000..20_000).filter(|n| !inputs.clone().insert(digest(*n))).count();
        assert!(mistaken < 20, "{mistaken} of 10000 new inputs taken for seen");
    }

    #[test]
    fn as_many_are_left_out_as_the_documentation_says_and_none_is_the_last() {
        let digest = |n: u64| crate::evidence::Pair::digest(&n.to_le_bytes());
        let mut inputs = Inputs::default();
        let mut taken = 0;
        let mistaken = |inputs: &Inputs| {
            (1_000_000..1_010_000).filter(|n| !inputs.clone().insert(digest(*n))).count()
        };
        // The share of bits that are set is 1 − exp(−4n/49152), and a new input meets four set ones by its fourth power.
        for n in 0..20_000 {
            taken += u64::from(inputs.insert(digest(n)));
            match n + 1 {
                10_000 => assert!((860..=1_060).contains(&mistaken(&inputs)), "10 %"),
                20_000 => assert!((4_020..=4_320).contains(&mistaken(&inputs)), "42 %"),
                _ => {}
            }
        }
        assert!((17_100..=17_400).contains(&taken), "{taken}");
        // The number of inputs needed for as many pairs as a plan may require.
        let more = (20_000..).take_while(|n| {
            taken += u64::from(inputs.insert(digest(*n)));
            taken < Inputs::CAPACITY
        });
        let needed = 20_001 + more.count();
        assert!((25_300..=25_800).contains(&needed), "{needed}");
        assert!(mistaken(&inputs) < 6_100, "two of five are still taken for new");
        assert!((0..needed as u64).all(|n| !inputs.insert(digest(n))), "each was seen");
        // The filter accepts no more inputs than this, however many come.
        taken += (30_000..400_000).filter(|n| inputs.insert(digest(*n))).count() as u64;
        assert!((25_400..=25_800).contains(&taken), "{taken}");
    }

    #[test]
    fn a_damaged_filter_is_refused() {
        assert_eq!(serde_json::from_str::<Inputs>(r#""""#).unwrap(), Inputs::default());
        for bad in [r#""AAAA""#, r#""?""#, "7"] {
            assert!(serde_json::from_str::<Inputs>(bad).is_err(), "{bad}");
        }
    }
}
