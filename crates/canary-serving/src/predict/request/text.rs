//! Strings in a request: JSON text, and bytes as base64.

use super::{base64, body::Body};

/// The length of bytes as base64 with padding.
pub(super) fn base64_size(bytes: &[u8]) -> usize {
    bytes.len().div_ceil(3) * 4
}

/// `{"b64":"…"}` with the standard alphabet.
pub(crate) fn write_bytes(body: &mut impl Body, bytes: &[u8]) {
    body.append(b"{\"b64\":\"");
    base64::append(body, bytes);
    body.append(b"\"}");
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
