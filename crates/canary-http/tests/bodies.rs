//! Bodies of every size, true and announced.

use std::io::Write as _;

use canary_http::{Error, Limits, Phase, Request};

use crate::support::{Server, client, get};

/// The piece that a server sends again and again.
const PIECE: usize = 64 << 10;

fn chunk() -> Vec<u8> {
    [format!("{PIECE:x}\r\n").as_bytes(), &vec![b' '; PIECE], b"\r\n"].concat()
}

#[tokio::test]
async fn bodies_come_whole_in_every_frame() {
    for head in [
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwhole",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nwho\r\n2\r\nle\r\n0\r\n\r\n",
    ] {
        let server = Server::bytes(head);
        let response = get(&client(), &server.url(), Limits::default()).await.unwrap();
        assert_eq!((response.status.as_u16(), &response.body[..]), (200, &b"whole"[..]));
    }
    let server = Server::new(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.0 404 No\r\n\r\nto the end");
        false
    });
    let response = get(&client(), &server.url(), Limits::default()).await.unwrap();
    assert_eq!((response.status.as_u16(), &response.body[..]), (404, &b"to the end"[..]));
}

#[tokio::test]
async fn a_limit_holds_whatever_the_frame() {
    let announced = Server::new(|_, stream| {
        // Nothing follows: the length alone is enough to refuse.
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1048577\r\n\r\n");
        std::thread::sleep(std::time::Duration::from_secs(5));
        false
    });
    let endless = |head: &'static [u8], piece: Vec<u8>| {
        Server::new(move |_, stream| {
            let _ = stream.write_all(head);
            while stream.write_all(&piece).is_ok() {}
            false
        })
    };
    let chunked = endless(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", chunk());
    let closing = endless(b"HTTP/1.1 200 OK\r\n\r\n", vec![b' '; PIECE]);
    for server in [announced, chunked, closing] {
        let limits = Limits::default().max_body(1 << 20);
        let error = get(&client(), &server.url(), limits).await.unwrap_err();
        assert!(matches!(error, Error::TooLarge { limit: 1_048_576 }), "{error:?}");
        assert!(error.was_sent() && !error.is_retryable());
    }
    let exact = Server::bytes("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwhole");
    let limits = Limits::default().max_body(5);
    assert_eq!(get(&client(), &exact.url(), limits).await.unwrap().body, "whole");
}

/// A server that announces more than any memory, sends a little and closes.
///
/// The limit is above what is announced, so that nothing but the pace of what arrives bounds the memory.
#[tokio::test]
async fn a_length_that_lies_costs_no_memory() {
    let before = peak();
    for length in ["68719476736", "9223372036854775807", "9223372036854775808"] {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\nlittle");
        let server = Server::new(move |_, stream| {
            let _ = stream.write_all(head.as_bytes());
            false
        });
        let limits = Limits::default().max_body(usize::MAX);
        let error = get(&client(), &server.url(), limits).await.unwrap_err();
        assert!(matches!(error, Error::Broken { phase: Phase::Body, sent: true, .. }), "{error:?}");
        let error = get(&client(), &server.url(), Limits::default()).await.unwrap_err();
        assert!(matches!(error, Error::TooLarge { .. }), "{error:?}");
    }
    for length in ["18446744073709551615", "99999999999999999999", "-1", "1, 2"] {
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\nlittle");
        let server = Server::bytes(answer);
        get(&client(), &server.url(), Limits::default().max_body(usize::MAX)).await.unwrap_err();
    }
    let answer = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffff0\r\nlittle";
    let server = Server::new(move |_, stream| {
        let _ = stream.write_all(answer.as_bytes());
        false
    });
    let limits = Limits::default().max_body(usize::MAX);
    let error = get(&client(), &server.url(), limits).await.unwrap_err();
    assert!(matches!(error, Error::Broken { phase: Phase::Body, .. }), "{error:?}");
    // 2^36 bytes are 64 GiB; the rest of the tests, beside this one, takes far less than 16.
    assert!(peak() - before < 16 << 20, "{} KiB", peak() - before);
}

/// The most virtual memory that this process has had, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmPeak:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

#[tokio::test]
async fn a_length_stated_in_two_ways_is_refused() {
    let server = Server::bytes(
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    );
    let error = get(&client(), &server.url(), Limits::default()).await.unwrap_err();
    assert!(matches!(error, Error::Broken { sent: true, .. }), "{error:?}");
}

#[tokio::test]
async fn heads_are_bounded() {
    let mut many = String::from("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n");
    many.extend((0..10_000).map(|index| format!("x-{index}: {index}\r\n")));
    many.push_str("\r\n");
    let endless = Server::new(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nx: ");
        while stream.write_all(&vec![b'x'; PIECE]).is_ok() {}
        false
    });
    for server in [Server::bytes(many), endless] {
        let error = get(&client(), &server.url(), Limits::default()).await.unwrap_err();
        assert!(matches!(error, Error::Broken { phase: Phase::Head, .. }), "{error:?}");
    }
}

/// A server that refuses a large request after a part of it, and resets the connection because it leaves the rest
/// unread. Its reason is read nevertheless.
#[tokio::test]
async fn a_refusal_of_a_large_request_is_read() {
    let server = Server::new(|_, stream| {
        let answer = b"HTTP/1.1 413 Large\r\ncontent-length: 9\r\n\r\ntoo large";
        stream.write_all(answer).unwrap();
        let (mut rest, mut left) = (vec![0; 1 << 20], 4_usize << 20);
        while left > 0 {
            match std::io::Read::read(stream, &mut rest) {
                Ok(read) if read > 0 => left = left.saturating_sub(read),
                _ => break,
            }
        }
        false
    });
    let large = Request::post(server.url().parse().unwrap()).body(vec![7; 30 << 20]);
    for _ in 0..10 {
        let response = client().send(&large, Limits::default()).await.unwrap();
        assert_eq!((response.status.as_u16(), &response.body[..]), (413, &b"too large"[..]));
    }
}
