//! Requests to Envoy's administration interface: plain GETs on loopback, bounded in time and size.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// The longest that connecting, reading or writing may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The largest response that is read, in bytes.
const MAX_RESPONSE: usize = 16 << 20;

/// Sends a GET and returns the body of the response.
pub(crate) fn get(address: SocketAddr, path: &str) -> io::Result<String> {
    get_from(address, &address.to_string(), path)
}

/// Sends a GET with this `Host` header.
pub(crate) fn get_from(address: SocketAddr, host: &str, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    stream.set_nodelay(true)?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    // Envoy keeps the connection open for a while, so the end of the response is taken from its headers.
    let mut answer = Vec::new();
    let mut buffer = [0; 16384];
    loop {
        if let Some((head, body)) = complete(&String::from_utf8_lossy(&answer)) {
            let good = head.starts_with("HTTP/1.1 200");
            let status = || head.lines().next().unwrap_or_default().to_owned();
            return if good { Ok(body) } else { Err(io::Error::other(status())) };
        }
        let count = stream.read(&mut buffer)?;
        if count == 0 || answer.len() > MAX_RESPONSE {
            return Err(io::Error::other("the response is cut off, or too long"));
        }
        answer.extend_from_slice(&buffer[..count]);
    }
}

/// Head and body of a response, once it is complete.
fn complete(response: &str) -> Option<(String, String)> {
    let (head, body) = response.split_once("\r\n\r\n")?;
    let lower = head.to_ascii_lowercase();
    if lower.contains("transfer-encoding: chunked") {
        return Some((head.to_owned(), unchunk(body)?));
    }
    let mut lines = lower.lines();
    let length = lines.find_map(|line| line.strip_prefix("content-length:"));
    let length = length.map_or(Some(0), |length| length.trim().parse().ok())?;
    Some((head.to_owned(), body.get(..length)?.to_owned()))
}

/// Decodes a chunked body (RFC 9112, section 7.1); `None` while chunks are missing.
fn unchunk(mut body: &str) -> Option<String> {
    let mut whole = String::new();
    loop {
        let (size, rest) = body.split_once("\r\n")?;
        let size = usize::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
        if size == 0 {
            return Some(whole);
        }
        whole.push_str(rest.get(..size)?);
        body = rest.get(size..)?.strip_prefix("\r\n")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_joined() {
        assert_eq!(unchunk("3\r\nabc\r\n2;x=1\r\nde\r\n0\r\n\r\n").as_deref(), Some("abcde"));
        assert_eq!(unchunk("5\r\nabc"), None);
    }
}
