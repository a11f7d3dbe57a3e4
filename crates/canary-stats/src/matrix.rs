//! Tables of numbers as text that reads back to the same bits: base64 of the little-endian bytes.

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};

use super::error::{Result, StatsError};

/// Writes the numbers one after the other.
pub(super) fn encode(numbers: impl IntoIterator<Item = f64>) -> String {
    let bytes: Vec<u8> = numbers.into_iter().flat_map(f64::to_le_bytes).collect();
    STANDARD_NO_PAD.encode(bytes)
}

/// Reads exactly `count` numbers, none of them NaN or +∞.
///
/// # Errors
/// When [`encode`] does not write such a text for that many numbers.
pub(super) fn decode(name: &'static str, text: &str, count: usize) -> Result<Vec<f64>> {
    let wrong =
        |value| StatsError { name, value, expected: "so many numbers as the test has, in base64" };
    let bytes = STANDARD_NO_PAD.decode(text).map_err(|_| wrong(f64::NAN))?;
    let (numbers, rest) = bytes.as_chunks::<8>();
    let numbers: Vec<f64> = numbers.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
    let holds = rest.is_empty()
        && numbers.len() == count
        && numbers.iter().all(|number| *number < f64::INFINITY);
    if holds { Ok(numbers) } else { Err(wrong(numbers.len() as f64)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_to_the_bit_and_nothing_else_does() {
        let numbers = [0.1, -0.0, 5e-324, f64::NEG_INFINITY, 1e308];
        let text = encode(numbers);
        let read = decode("rows", &text, 5).unwrap();
        assert!(read.iter().zip(numbers).all(|(a, b)| a.to_bits() == b.to_bits()));
        assert_eq!(decode("rows", &text, 4).unwrap_err().name, "rows");
        assert!(decode("rows", &text[1..], 5).is_err());
        assert!(decode("rows", "?", 0).is_err());
        assert!(decode("rows", &encode([f64::NAN]), 1).is_err());
        assert!(decode("rows", &encode([f64::INFINITY]), 1).is_err());
    }
}
