//! Strings in a request: JSON text, and bytes as base64.

use base64_simd::{Out, STANDARD};

use super::{block::BLOCK, body::Body};

/// The length of bytes as base64 with padding.
pub(super) fn base64_size(bytes: &[u8]) -> usize {
    STANDARD.encoded_length(bytes.len())
}

/// `{"b64":"…"}` with the standard alphabet.
pub(crate) fn write_bytes(body: &mut impl Body, bytes: &[u8]) {
    body.append(b"{\"b64\":");
    write_base64(body, bytes);
    body.append(b"}");
}

/// `"…"` with the standard alphabet.
pub(super) fn write_base64(body: &mut impl Body, bytes: &[u8]) {
    /// Bytes whose text fills a block; a multiple of three, so that only the last part is padded.
    const PART: usize = BLOCK / 4 * 3;
    let mut block = [0; BLOCK];
    body.append(b"\"");
    for part in bytes.chunks(PART) {
        if body.is_abandoned() {
            break;
        }
        body.append(STANDARD.encode(part, Out::from_slice(&mut block)));
    }
    body.append(b"\"");
}

/// The bytes of a text as a JSON string; as [`write_bytes`] has them where they are not UTF-8, which only a text that a
/// server sent can be.
pub(super) fn write_text(body: &mut impl Body, bytes: &[u8]) {
    match std::str::from_utf8(bytes) {
        Ok(text) => write(body, text),
        Err(_) => write_bytes(body, bytes),
    }
}

/// A JSON string.
pub(crate) fn write(body: &mut impl Body, text: &str) {
    body.append(b"\"");
    for &byte in text.as_bytes() {
        match byte {
            b'"' | b'\\' => body.append(&[b'\\', byte]),
            0..0x20 => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                body.append(b"\\u00");
                body.append(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            }
            _ => body.append(&[byte]),
        }
    }
    body.append(b"\"");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_every_length_are_read_back() {
        let bytes: Vec<u8> = (0..=255_u8).flat_map(|a| [a, a.rotate_left(3), !a]).collect();
        let bytes = bytes.repeat(27);
        for length in (0..1000).chain([6143, 6144, 6145, 12_288, 20_000]) {
            for start in [0, 1, 7] {
                let bytes = &bytes[start.min(length)..length];
                let mut body = b"before ".to_vec();
                write_bytes(&mut body, bytes);
                let text = body.strip_prefix(b"before {\"b64\":\"").unwrap();
                let text = text.strip_suffix(b"\"}").unwrap();
                assert_eq!(text.len(), base64_size(bytes));
                assert_eq!(STANDARD.decode_to_vec(text).unwrap(), bytes, "{length} from {start}");
            }
        }
    }
}
