//! Frames of HTTP/2 (RFC 9113) and headers as HPACK writes them (RFC 7541), right or wrong as a test wants them.

/// Types of frames.
pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PUSH_PROMISE: u8 = 5;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

/// Flags of frames.
pub(crate) const ACK: u8 = 1;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
pub(crate) const PADDED: u8 = 8;

/// A frame.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = length[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// The server's settings, and its agreement to those of the client.
pub(crate) fn greeting() -> Vec<u8> {
    [frame(SETTINGS, 0, 0, &[]), frame(SETTINGS, ACK, 0, &[])].concat()
}

/// A setting of the server.
pub(crate) fn setting(number: u16, value: u32) -> Vec<u8> {
    frame(SETTINGS, 0, 0, &[&number.to_be_bytes()[..], &value.to_be_bytes()].concat())
}

/// A header field without an entry in the table.
pub(crate) fn field(name: &str, value: impl AsRef<[u8]>) -> Vec<u8> {
    let mut bytes = vec![0];
    for text in [name.as_bytes(), value.as_ref()] {
        bytes.extend(integer(text.len()));
        bytes.extend(text);
    }
    bytes
}

/// An integer with a prefix of seven bits (RFC 7541, section 5.1).
fn integer(value: usize) -> Vec<u8> {
    let Some(mut rest) = value.checked_sub(127) else { return vec![u8::try_from(value).unwrap()] };
    let mut bytes = vec![127];
    while rest >= 128 {
        bytes.push(u8::try_from(rest % 128).unwrap() | 128);
        rest /= 128;
    }
    bytes.push(u8::try_from(rest).unwrap());
    bytes
}

/// Header fields, one behind the other.
pub(crate) fn fields(all: &[(&str, &str)]) -> Vec<u8> {
    all.iter().flat_map(|(name, value)| field(name, value)).collect()
}

/// The head of a response of gRPC on stream 1.
pub(crate) fn head() -> Vec<u8> {
    frame(
        HEADERS,
        END_HEADERS,
        1,
        &fields(&[(":status", "200"), ("content-type", "application/grpc")]),
    )
}

/// The trailers of a response on stream 1.
pub(crate) fn trailers(all: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | END_STREAM, 1, &fields(all))
}

/// A response that is a head alone, on stream 1.
pub(crate) fn head_alone(status: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let all = [&[(":status", status), ("content-type", "application/grpc")], more].concat();
    frame(HEADERS, END_HEADERS | END_STREAM, 1, &fields(&all))
}

/// A message of gRPC with its flag and its length.
pub(crate) fn message(flag: u8, length: u32, bytes: &[u8]) -> Vec<u8> {
    [&[flag][..], &length.to_be_bytes(), bytes].concat()
}

/// Data of stream 1.
pub(crate) fn data(bytes: &[u8]) -> Vec<u8> {
    frame(DATA, 0, 1, bytes)
}
