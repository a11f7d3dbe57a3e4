//! One float after the other, and sixteen whole numbers below 256 from a table.

use super::{BLOCK, Rows, SLOT, Starts, write, write_digits};

/// The bytes of the block that one number needs: `],[`, and its slot.
const ROOM: usize = 3 + SLOT;

/// The text of each number from 0.0 to 255.0 and, last, its length.
#[allow(clippy::cast_possible_truncation)]
const TEXTS: [[u8; 8]; 256] = {
    let mut texts = [[0; 8]; 256];
    let mut number = 0;
    while number < 256 {
        let text = &mut texts[number];
        let length = write_digits(number, text);
        text[length] = b'.';
        text[length + 1] = b'0';
        text[7] = length as u8 + 2;
        number += 1;
    }
    texts
};

/// Sixteen floats as bytes, if they are whole numbers from 0 to 255 (and not −0).
#[inline]
#[allow(clippy::cast_possible_truncation)] // The low byte is what is wanted.
pub(super) fn bytes(chunk: &[f32; 16]) -> Option<[u8; 16]> {
    // From 2²³ on floats are whole: the number stands in the low bits of the sum.
    const WHOLE: f32 = 8_388_608.0;
    let mut all = true;
    let mut bytes = [0; 16];
    for (byte, float) in bytes.iter_mut().zip(chunk) {
        let sum = float + WHOLE;
        #[allow(clippy::float_cmp)] // Exact equality is meant.
        let whole = sum - WHOLE == *float;
        all &= whole & (float.to_bits() < 256_f32.to_bits());
        *byte = sum.to_bits() as u8;
    }
    all.then_some(bytes)
}

/// Writes sixteen whole numbers.
#[inline]
pub(super) fn write_bytes(
    bytes: [u8; 16],
    mut starts: Starts,
    block: &mut [u8; BLOCK],
    mut at: usize,
) -> usize {
    for byte in bytes {
        at = starts.separate(block, at);
        let text = TEXTS[usize::from(byte)];
        block[at..at + 8].copy_from_slice(&text);
        at += usize::from(text[7]);
    }
    at
}

/// Writes one float after the other, at most 16; the caller has checked that the block has room.
#[inline]
pub(super) fn each(
    values: &[f32],
    mut starts: Starts,
    block: &mut [u8; BLOCK],
    mut at: usize,
) -> usize {
    for value in values {
        at = starts.separate(block, at);
        if let Some(slot) = block[at..].first_chunk_mut() {
            at += write(*value, slot);
        }
    }
    at
}

/// Writes floats as long as there is room, and returns their number and the end of the text.
pub(super) fn fill(
    values: &[f32],
    rows: &mut Rows,
    block: &mut [u8; BLOCK],
    mut at: usize,
) -> (usize, usize) {
    let (chunks, rest) = values.as_chunks::<16>();
    let mut local = rows.clone();
    let mut taken = 0;
    for chunk in chunks {
        if at > BLOCK - 17 * ROOM {
            *rows = local;
            return (taken, at);
        }
        let starts = local.next_starts();
        at = match bytes(chunk) {
            Some(bytes) => write_bytes(bytes, starts, block, at),
            None => each(chunk, starts, block, at),
        };
        taken += 16;
    }
    *rows = local;
    if at > BLOCK - 17 * ROOM {
        return (taken, at);
    }
    (values.len(), each(rest, rows.next_starts(), block, at))
}
