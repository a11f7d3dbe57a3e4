//! The frame of an HTTP/1.1 answer: its head, and where its body ends (RFC 9112). No I/O.

use std::{io, mem::MaybeUninit};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

/// What the head of an answer, or a line between its chunks, may take.
const MAX_HEAD: usize = 64 << 10;
const MAX_HEADERS: usize = 100;

/// The head of an answer.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) end: End,
    /// Whether the server keeps the connection for another request.
    pub(super) keeps: bool,
}

/// Where a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    After(usize),
    /// With a chunk of no bytes.
    Chunks,
    /// With the connection.
    Close,
}

fn invalid(message: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message.into())
}

/// The head at the start of these bytes, and how many of them it takes; `None` when it is not whole.
///
/// Interim answers (1xx) are heads of their own.
pub(super) fn head(bytes: &[u8]) -> io::Result<Option<(Head, usize)>> {
    let mut headers = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let mut parsed = httparse::Response::new(&mut []);
    let size = httparse::ParserConfig::default()
        .parse_response_with_uninit_headers(&mut parsed, bytes, &mut headers)
        .map_err(|error| invalid(format!("the answer is not HTTP: {error}")))?;
    let httparse::Status::Complete(size) = size else {
        return if bytes.len() < MAX_HEAD {
            Ok(None)
        } else {
            Err(invalid("the head of the answer is larger than 64 KiB"))
        };
    };
    let status = StatusCode::from_u16(parsed.code.unwrap_or_default())
        .map_err(|_| invalid("the answer has no valid status"))?;
    // The values share one copy of the head.
    let shared = Bytes::copy_from_slice(&bytes[..size]);
    let mut map = HeaderMap::with_capacity(parsed.headers.len());
    for header in parsed.headers.iter() {
        let broken = || invalid(format!("the header {:?} of the answer is not valid", header.name));
        let name = HeaderName::from_bytes(header.name.as_bytes()).map_err(|_| broken())?;
        // An empty value may stand anywhere.
        let at = header.value.as_ptr().addr().wrapping_sub(bytes.as_ptr().addr());
        let value = if header.value.is_empty() { 0..0 } else { at..at + header.value.len() };
        let value = shared.slice(value);
        map.append(name, HeaderValue::from_maybe_shared(value).map_err(|_| broken())?);
    }
    let version = parsed.version.unwrap_or_default();
    let (end, sure) = end(status, &map)?;
    let keeps = sure && end != End::Close && keeps(version, &map);
    Ok(Some((Head { status, headers: map, end, keeps }, size)))
}

/// Where the body ends, and whether nobody on the way can have read it otherwise; RFC 9112, section 6.3.
fn end(status: StatusCode, headers: &HeaderMap) -> io::Result<(End, bool)> {
    if status.is_informational()
        || status == StatusCode::NO_CONTENT
        || status == StatusCode::NOT_MODIFIED
    {
        return Ok((End::After(0), true));
    }
    let length = length(headers)?;
    let mut codings = headers
        .get_all(header::TRANSFER_ENCODING)
        .iter()
        .flat_map(|value| value.as_bytes().split(|&byte| byte == b','));
    let Some(last) = codings.next_back() else {
        return Ok((length.map_or(End::Close, End::After), true));
    };
    if !last.trim_ascii().eq_ignore_ascii_case(b"chunked") {
        return Ok((End::Close, false));
    }
    if codings.next().is_some() {
        return Err(invalid("the answer has a transfer coding that was not asked for"));
    }
    // Two statements of one length are how answers are smuggled past a proxy.
    Ok((End::Chunks, length.is_none()))
}

/// The length that all `content-length` state.
fn length(headers: &HeaderMap) -> io::Result<Option<usize>> {
    let mut length = None;
    for value in headers.get_all(header::CONTENT_LENGTH) {
        for part in value.as_bytes().split(|&byte| byte == b',') {
            let part = part.trim_ascii();
            let number = std::str::from_utf8(part)
                .ok()
                .filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
                .and_then(|part| part.parse::<usize>().ok());
            if number.is_none() || length.is_some_and(|length| Some(length) != number) {
                return Err(invalid(format!(
                    "the answer's content-length is not one number: {:?}",
                    String::from_utf8_lossy(value.as_bytes())
                )));
            }
            length = number;
        }
    }
    Ok(length)
}

fn keeps(version: u8, headers: &HeaderMap) -> bool {
    let says = |option: &str| {
        headers.get_all(header::CONNECTION).iter().any(|value| {
            let mut options = value.as_bytes().split(|&byte| byte == b',');
            options.any(|found| found.trim_ascii().eq_ignore_ascii_case(option.as_bytes()))
        })
    };
    if version == 0 { says("keep-alive") && !says("close") } else { !says("close") }
}

/// What stands at the start of these bytes of a chunked body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Chunk {
    /// Not enough bytes to say.
    Unknown,
    /// A chunk of so many bytes begins after so many.
    Data { skip: usize, size: usize },
    /// The last chunk and the trailers take so many bytes.
    Last { skip: usize },
}

/// The next chunk; `bytes` begin after the data of the chunk before it, whose line end is skipped here.
pub(super) fn chunk(bytes: &[u8], first: bool) -> io::Result<Chunk> {
    let mut at = 0;
    if !first {
        let end = &bytes[..bytes.len().min(2)];
        if !b"\r\n".starts_with(end) {
            return Err(invalid("a chunk of the answer is longer than it says"));
        }
        if end.len() < 2 {
            return Ok(Chunk::Unknown);
        }
        at = 2;
    }
    let size = httparse::parse_chunk_size(&bytes[at..])
        .map_err(|_| invalid("a chunk of the answer has no valid size"))?;
    let unknown = || {
        if bytes.len() < MAX_HEAD {
            Ok(Chunk::Unknown)
        } else {
            Err(invalid("a line between the chunks of the answer is larger than 64 KiB"))
        }
    };
    let httparse::Status::Complete((line, size)) = size else { return unknown() };
    at += line;
    if size > 0 {
        let size = usize::try_from(size)
            .map_err(|_| invalid("a chunk of the answer is larger than memory"))?;
        return Ok(Chunk::Data { skip: at, size });
    }
    // Trailers, to the empty line; nothing in them is for this client.
    loop {
        let Some(line) = memchr::memchr(b'\n', &bytes[at..]) else { return unknown() };
        let empty = bytes[at..at + line].trim_ascii_end().is_empty();
        at += line + 1;
        if empty {
            return Ok(Chunk::Last { skip: at });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Head {
        let (head, size) = head(text.as_bytes()).unwrap().unwrap();
        assert_eq!(size, text.len());
        head
    }

    #[test]
    fn a_head_says_where_its_body_ends() {
        for (lines, end, keeps) in [
            ("HTTP/1.1 200 OK\r\ncontent-length: 34\r\n", End::After(34), true),
            (
                "HTTP/1.1 200 OK\r\ncontent-length: 34, 34\r\nContent-Length: 34\r\n",
                End::After(34),
                true,
            ),
            (
                "HTTP/1.1 200 OK\r\nconnection: x, Close\r\ncontent-length: 1\r\n",
                End::After(1),
                false,
            ),
            ("HTTP/1.0 200 OK\r\ncontent-length: 1\r\n", End::After(1), false),
            (
                "HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 1\r\n",
                End::After(1),
                true,
            ),
            ("HTTP/1.1 200 OK\r\n", End::Close, false),
            ("HTTP/1.1 204 No Content\r\n", End::After(0), true),
            ("HTTP/1.1 100 Continue\r\n", End::After(0), true),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n", End::Chunks, true),
            (
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n",
                End::Chunks,
                false,
            ),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n", End::Close, false),
        ] {
            let head = read(&format!("{lines}\r\n"));
            assert_eq!((head.end, head.keeps), (end, keeps), "{lines}");
        }
    }

    #[test]
    fn heads_that_could_be_read_in_two_ways_are_refused() {
        for (lines, said) in [
            ("HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n", "not one number"),
            ("HTTP/1.1 200 OK\r\ncontent-length: +3\r\n", "not one number"),
            ("HTTP/1.1 200 OK\r\ncontent-length: \r\n", "not one number"),
            ("HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999999\r\n", "not one number"),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n", "transfer coding"),
            ("HTTP/1.1 200 OK\r\na b: c\r\n", "not HTTP"),
            ("HTTP/1.1 099 No\r\n", "no valid status"),
            ("HTTP/2 200\r\n", "not HTTP"),
            ("SSH-2.0-x\r\n", "not HTTP"),
        ] {
            let error = head(format!("{lines}\r\n").as_bytes()).unwrap_err().to_string();
            assert!(error.contains(said), "{lines:?}: {error}");
        }
        let long = format!("HTTP/1.1 200 OK\r\na: {}", "x".repeat(MAX_HEAD));
        assert!(head(long.as_bytes()).unwrap_err().to_string().contains("64 KiB"));
    }

    #[test]
    fn every_beginning_of_a_head_is_not_whole() {
        let whole = b"HTTP/1.1 200 OK\r\nserver: \xc3\xa9\r\nx: 1\r\n\r\nbody";
        for end in 0..whole.len() - 4 {
            assert!(head(&whole[..end]).unwrap().is_none(), "{end}");
        }
        let (head, size) = head(whole).unwrap().unwrap();
        assert_eq!(&whole[size..], b"body");
        assert_eq!(head.headers["server"].as_bytes(), b"\xc3\xa9");
    }

    #[test]
    fn chunks_are_told_from_their_first_bytes_on() {
        assert_eq!(chunk(b"", true).unwrap(), Chunk::Unknown);
        assert_eq!(chunk(b"5", true).unwrap(), Chunk::Unknown);
        assert_eq!(chunk(b"1a;x=y\r\nabc", true).unwrap(), Chunk::Data { skip: 8, size: 26 });
        assert_eq!(chunk(b"\r", false).unwrap(), Chunk::Unknown);
        assert_eq!(chunk(b"\r\n5\r\n", false).unwrap(), Chunk::Data { skip: 5, size: 5 });
        assert_eq!(chunk(b"\r\n0\r\n\r", false).unwrap(), Chunk::Unknown);
        assert_eq!(chunk(b"\r\n0\r\n\r\nx", false).unwrap(), Chunk::Last { skip: 7 });
        assert_eq!(chunk(b"0\r\na: b\r\n\r\n", true).unwrap(), Chunk::Last { skip: 11 });
        for (bytes, first, said) in [
            (&b"xyz\r\n"[..], true, "no valid size"),
            (b"-1\r\n", true, "no valid size"),
            (b"5\r\n", false, "longer than it says"),
            (b"ffffffffffffffffff\r\n", true, "no valid size"),
        ] {
            let error = chunk(bytes, first).unwrap_err().to_string();
            assert!(error.contains(said), "{bytes:?}: {error}");
        }
        let long = format!("0\r\na: {}", "x".repeat(MAX_HEAD));
        assert!(chunk(long.as_bytes(), true).unwrap_err().to_string().contains("64 KiB"));
    }
}
