//! Bodies of every size, true and announced.

use std::{
    collections::HashSet,
    io::Write as _,
    net::TcpStream,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use canary_http::{Error, Limits, Phase, Request, root_cause};

use crate::support::{Server, client, get};

/// The piece that a server sends again and again.
const PIECE: usize = 64 << 10;

fn chunk() -> Vec<u8> {
    [format!("{PIECE:x}\r\n").as_bytes(), &vec![b' '; PIECE], b"\r\n"].concat()
}

/// Bodies by every framing, in one piece and byte by byte, and whether the connection can be used again.
#[tokio::test]
async fn bodies_come_whole_in_every_frame() {
    for (text, kept) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwhole", true),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;name=\"v\"\r\nwho\r\n2\r\nle\r\n0\r\nx-trailer: 1\r\n\r\n",
            true,
        ),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwhole",
            true,
        ),
        ("HTTP/1.0 200 OK\r\n\r\nwhole", false),
        ("HTTP/1.1 200 OK\r\nserver: old\r\n\r\nwhole", false),
    ] {
        for piece in [text.len(), 1] {
            let ports = Arc::<Mutex<HashSet<u16>>>::default();
            let noted = Arc::clone(&ports);
            let server = Server::new(move |_, stream| {
                noted.lock().unwrap().insert(stream.peer_addr().unwrap().port());
                for piece in text.as_bytes().chunks(piece) {
                    stream.write_all(piece).unwrap();
                    std::thread::sleep(Duration::from_micros(300));
                }
                kept
            });
            let client = client();
            for _ in 0..2 {
                let response = get(&client, &server.url(), Limits::default()).await.unwrap();
                assert_eq!((response.status.as_u16(), &response.body[..]), (200, &b"whole"[..]));
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            assert_eq!(ports.lock().unwrap().len(), if kept { 1 } else { 2 }, "{text}");
        }
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
        std::thread::sleep(Duration::from_secs(5));
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
/// The limit is above what is announced, so that nothing except the pace of what arrives bounds the memory.
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
async fn a_length_stated_in_two_ways_is_refused_and_ends_the_connection() {
    for text in [
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 2\r\n\r\nok",
    ] {
        let count = AtomicUsize::new(0);
        let server = Server::new(move |_, stream| {
            let honest = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
            let first = count.fetch_add(1, Ordering::SeqCst) == 0;
            stream.write_all(if first { text } else { honest }.as_bytes()).is_ok()
        });
        let client = client();
        let error = get(&client, &server.url(), Limits::default()).await.unwrap_err();
        assert!(matches!(error, Error::Broken { sent: true, .. }), "{error:?}");
        assert!(root_cause(&error).contains("content-length"), "{error:?}");
        assert_eq!(get(&client, &server.url(), Limits::default()).await.unwrap().body, "ok");
    }
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

/// Servers that refuse a large request after a part of it: one keeps the connection open and reads no further, one
/// resets it because it leaves the rest unread. The reason is read nevertheless, and the connection is not used again.
#[tokio::test]
async fn a_refusal_of_a_large_request_is_read() {
    let waits = |_: &mut TcpStream| std::thread::sleep(Duration::from_millis(200));
    // Not to the end: of a request that was read whole the connection would be kept, and rightly.
    let reads_on = |stream: &mut TcpStream| {
        let (mut rest, mut left) = (vec![0; 1 << 20], 4_usize << 20);
        while left > 0 {
            match std::io::Read::read(stream, &mut rest) {
                Ok(read) if read > 0 => left = left.saturating_sub(read),
                _ => break,
            }
        }
    };
    for (then, times) in [(waits as fn(&mut TcpStream), 2), (reads_on, 10)] {
        let server = Server::new(move |_, stream| {
            let answer = b"HTTP/1.1 413 Large\r\ncontent-length: 9\r\n\r\ntoo large";
            stream.write_all(answer).unwrap();
            then(stream);
            false
        });
        let client = client();
        let large = Request::post(server.url().parse().unwrap()).body(vec![7; 30 << 20]);
        for sent in 1..=times {
            let response = client.send(&large, Limits::default()).await.unwrap();
            assert_eq!((response.status.as_u16(), &response.body[..]), (413, &b"too large"[..]));
            assert_eq!(server.heads().len(), sent);
        }
    }
}
