//! Strings in a request: JSON text, and bytes as base64.

use super::base64;

/// The length of bytes as base64 with padding.
pub(super) fn base64_size(bytes: &[u8]) -> usize {
    bytes.len().div_ceil(3) * 4
}

/// `{"b64":"…"}` with the standard alphabet.
pub(crate) fn write_bytes(body: &mut Vec<u8>, bytes: &[u8]) {
    body.extend_from_slice(b"{\"b64\":\"");
    base64::append(body, bytes);
    body.extend_from_slice(b"\"}");
}

/// A JSON string.
pub(crate) fn write(body: &mut Vec<u8>, text: &str) {
    body.push(b'"');
    for &byte in text.as_bytes() {
        match byte {
            b'"' | b'\\' => body.extend_from_slice(&[b'\\', byte]),
            0..0x20 => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                body.extend_from_slice(b"\\u00");
                body.push(HEX[usize::from(byte >> 4)]);
                body.push(HEX[usize::from(byte & 15)]);
            }
            _ => body.push(byte),
        }
    }
    body.push(b'"');
}
