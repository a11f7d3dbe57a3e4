//! Lists of numbers as one text: base64 of their 64 bits each, the lowest byte first.
//!
//! Three quarters of the length of the shortest decimal texts or less, and exact for every number.

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use serde::{Deserialize, Deserializer, Serializer, de};

fn encode<S: Serializer>(words: impl Iterator<Item = u64>, to: S) -> Result<S::Ok, S::Error> {
    let bytes: Vec<u8> = words.flat_map(u64::to_le_bytes).collect();
    to.serialize_str(&STANDARD_NO_PAD.encode(bytes))
}

fn decode<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u64>, D::Error> {
    let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
    let bytes = STANDARD_NO_PAD.decode(text.as_bytes()).map_err(de::Error::custom)?;
    let (words, rest) = bytes.as_chunks::<8>();
    if !rest.is_empty() {
        return Err(de::Error::custom(format!("{} bytes are no list of numbers", bytes.len())));
    }
    Ok(words.iter().map(|word| u64::from_le_bytes(*word)).collect())
}

/// For lists of `f64`.
pub(super) mod floats {
    use super::{Deserializer, Serializer};

    pub(in super::super) fn serialize<S: Serializer>(
        list: &[f64],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        super::encode(list.iter().map(|number| number.to_bits()), to)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<f64>, D::Error> {
        Ok(super::decode(from)?.into_iter().map(f64::from_bits).collect())
    }
}

/// For lists of `u64`.
pub(super) mod words {
    use super::{Deserializer, Serializer};

    pub(in super::super) fn serialize<S: Serializer>(
        list: &[u64],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        super::encode(list.iter().copied(), to)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<u64>, D::Error> {
        super::decode(from)
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Lists {
        #[serde(with = "floats")]
        floats: Vec<f64>,
        #[serde(with = "words")]
        words: Vec<u64>,
    }

    #[test]
    fn lists_come_back_to_the_bit() {
        let lists = Lists {
            floats: vec![0.1, -0.0, 5e-324, f64::MAX, f64::INFINITY, 1.0 / 3.0],
            words: vec![0, u64::MAX, 1 << 53 | 1],
        };
        let text = serde_json::to_string(&lists).unwrap();
        let read: Lists = serde_json::from_str(&text).unwrap();
        let bits = |lists: &Lists| lists.floats.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!((bits(&read), &read.words), (bits(&lists), &lists.words));
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
        for damaged in [r#"{"floats":"AAA","words":""}"#, r#"{"floats":"","words":"!"}"#] {
            assert!(serde_json::from_str::<Lists>(damaged).is_err(), "{damaged}");
        }
    }
}
