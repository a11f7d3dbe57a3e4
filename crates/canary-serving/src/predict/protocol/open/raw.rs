//! Elements as bytes: little-endian numbers, truth values of one byte each, and strings each after its length.

use crate::{
    error::Result,
    predict::{
        input::input_error,
        little_endian,
        response::{HEAP, room, too_much},
    },
    tensor::{DType, DataView, TensorData, TensorView},
};

/// The bytes of a string's length.
const LENGTH: usize = 4;

/// The bytes that an array's elements take.
pub(super) fn length_of(view: &TensorView<'_>) -> usize {
    match view.data() {
        DataView::String(values) => values.iter().map(|value| value.len() + LENGTH).sum(),
        DataView::Bytes(values) => values.iter().map(|value| value.len() + LENGTH).sum(),
        numbers => numbers.little_endian().len(),
    }
}

/// Writes an array's elements to the end of `body`.
///
/// # Errors
/// [`crate::Error::Input`] for a string of 4 GiB or more.
pub(super) fn write(body: &mut Vec<u8>, view: &TensorView<'_>) -> Result<()> {
    let mut string = |value: &[u8]| {
        let length = u32::try_from(value.len()).map_err(|_| {
            let reason = format!("a string has {} bytes, more than 4 GiB", value.len());
            input_error(&reason, "send it in parts")
        })?;
        body.extend_from_slice(&length.to_le_bytes());
        body.extend_from_slice(value);
        Ok(())
    };
    match view.data() {
        DataView::String(values) => values.iter().try_for_each(|value| string(value)),
        DataView::Bytes(values) => values.iter().try_for_each(|value| string(value)),
        numbers => {
            body.extend_from_slice(&numbers.little_endian());
            Ok(())
        }
    }
}

/// The elements in these bytes; the number of them is the caller's to compare.
pub(super) fn read(dtype: DType, bytes: &[u8]) -> Result<TensorData, String> {
    match dtype {
        DType::String => strings(bytes).map(TensorData::String),
        number => little_endian::read(number, bytes),
    }
}

fn strings(mut bytes: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let whole = bytes.len();
    let mut left = room(whole);
    let mut values = Vec::new();
    while !bytes.is_empty() {
        let part = bytes.split_first_chunk::<LENGTH>().and_then(|(length, rest)| {
            rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)
        });
        let Some((value, rest)) = part else {
            let at = whole - bytes.len();
            return Err(format!("the string at byte {at} of its {whole} bytes is not whole"));
        };
        // Four bytes can stand for an empty string, which takes dozens.
        left = left
            .checked_sub(size_of::<Vec<u8>>() + HEAP + value.len())
            .ok_or_else(|| too_much(whole))?;
        values.push(value.to_vec());
        bytes = rest;
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::Tensor;

    #[test]
    fn elements_are_read_back() {
        for data in [
            TensorData::Bool(vec![true, false]),
            TensorData::Half(vec![0x3e00, 0x7c01]),
            TensorData::Int64(vec![i64::MIN, i64::MAX]),
            TensorData::Double(vec![0.1, f64::INFINITY]),
            TensorData::String(vec![b"\xff\x00".to_vec(), Vec::new(), b"a".to_vec()]),
        ] {
            let tensor = Tensor::new(vec![data.len()], data.clone()).unwrap();
            let mut bytes = Vec::new();
            write(&mut bytes, &tensor.view()).unwrap();
            assert_eq!(bytes.len(), length_of(&tensor.view()));
            assert_eq!(read(data.dtype(), &bytes), Ok(data));
        }
    }

    #[test]
    fn bytes_that_are_not_whole_elements_are_refused() {
        let error = read(DType::Float, &[1, 2, 3]).unwrap_err();
        assert!(error.contains("3 bytes"), "{error}");
        for bytes in [&[1, 0, 0, 0][..], &[0, 0, 0], &[255; 8]] {
            let error = read(DType::String, bytes).unwrap_err();
            assert!(error.contains("not whole"), "{error}");
        }
        let error = read(DType::String, &vec![0; 16 << 20]).unwrap_err();
        assert!(error.contains("bytes of memory"), "{error}");
    }
}
