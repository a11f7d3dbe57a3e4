//! Requests written byte for byte, so that nothing between the test and Envoy changes them.

use std::{
    fmt::Write as _,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use canary_core::Request;

/// An answer as it came.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// The status; 0 when the connection was closed without an answer.
    pub status: u16,
    /// The headers in order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

/// The header by which a request is found in the access log and at the servers.
pub const TAG: &str = "x-canary-tag";

/// Sends a request on a connection of its own.
pub fn send(to: SocketAddr, request: &Request, tag: &str) -> Answer {
    let mut head = format!("{} {} HTTP/1.1\r\n", request.method, request.path);
    let _ = write!(head, "host: {}\r\n", request.authority);
    for (name, value) in &request.headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    let _ = write!(head, "{TAG}: {tag}\r\nconnection: close\r\n");
    if request.method != "GET" {
        head += "content-length: 0\r\n";
    }
    head += "\r\n";
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    let mut buffer = [0; 16384];
    // Envoy keeps a connection open for a while after its last answer: the answer itself says where it ends.
    loop {
        if let Some(answer) = parse(&bytes) {
            return answer;
        }
        let count = match stream.read(&mut buffer) {
            Ok(0) | Err(_) if bytes.is_empty() => return Answer::default(),
            read => read.unwrap(),
        };
        assert!(count > 0, "no whole answer to {request}: {:?}", String::from_utf8_lossy(&bytes));
        bytes.extend(&buffer[..count]);
    }
}

/// The answer, when it is there as a whole.
fn parse(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let rest = &bytes[end + 4..];
    let find = |name: &str| headers.iter().find(|(found, _)| found == name);
    let body = if find("transfer-encoding").is_some_and(|(_, value)| value == "chunked") {
        unchunk(rest)?
    } else {
        let length = find("content-length").map_or(Some(0), |(_, value)| value.parse().ok())?;
        rest.get(..length)?.to_vec()
    };
    Some(Answer { status, headers, body })
}

fn unchunk(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut whole = Vec::new();
    loop {
        let end = bytes.windows(2).position(|window| window == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&bytes[..end]).ok()?, 16).ok()?;
        if size == 0 {
            return Some(whole);
        }
        whole.extend(bytes.get(end + 2..end + 2 + size)?);
        bytes = bytes.get(end + 4 + size..)?;
    }
}
