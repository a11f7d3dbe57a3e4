//! A deadline covers connecting, waiting and reading.

use std::{
    io::Write as _,
    thread,
    time::{Duration, Instant},
};

use canary_http::{Client, Error, Limits, Phase, Request, Settings};

use crate::support::{Server, client, get};

const SHORT: Duration = Duration::from_millis(150);

/// The phase of a timeout that came in good time.
#[track_caller]
fn phase(start: Instant, error: Error) -> Phase {
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert!(error.is_retryable());
    match error {
        Error::Timeout { phase, .. } => phase,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_server_that_never_answers() {
    let server = Server::new(|_, _| {
        thread::sleep(Duration::from_secs(10));
        false
    });
    let start = Instant::now();
    let error = get(&client(), &server.url(), Limits::default().timeout(SHORT)).await.unwrap_err();
    assert!(error.to_string().contains("ms"), "{error}");
    assert!(error.was_sent());
    assert_eq!(phase(start, error), Phase::Head);
}

#[tokio::test]
async fn a_body_that_drips() {
    let server = Server::new(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n");
        while stream.write_all(b"x").is_ok() {
            thread::sleep(Duration::from_millis(5));
        }
        false
    });
    let start = Instant::now();
    let error = get(&client(), &server.url(), Limits::default().timeout(SHORT)).await.unwrap_err();
    assert_eq!(phase(start, error), Phase::Body);
}

#[tokio::test]
async fn a_connection_that_does_not_come_about() {
    // The queue of a listener that accepts nothing is soon full, after which the kernel leaves packets unanswered.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queue = Vec::new();
    while let Ok(Ok(stream)) =
        tokio::time::timeout(SHORT, tokio::net::TcpStream::connect(address)).await
    {
        queue.push(stream);
    }
    let settings = Settings::default().connect_timeout(SHORT);
    let client = Client::new(&settings).unwrap();
    let start = Instant::now();
    let error = get(&client, &format!("http://{address}/"), Limits::default()).await.unwrap_err();
    assert!(!error.was_sent());
    assert_eq!(phase(start, error), Phase::Connect);
}

#[tokio::test]
async fn a_stream_that_stalls() {
    let server = Server::new(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf");
        thread::sleep(Duration::from_secs(10));
        false
    });
    let client = Client::new(&Settings::default().read_timeout(SHORT)).unwrap();
    let start = Instant::now();
    let error = get(&client, &server.url(), Limits::default()).await.unwrap_err();
    assert_eq!(phase(start, error), Phase::Body);
}

#[tokio::test]
async fn times_beyond_every_clock_are_no_panic() {
    let server = Server::bytes("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    let settings = Settings::default()
        .connect_timeout(Duration::MAX)
        .read_timeout(Duration::MAX)
        .pool_timeout(Duration::MAX)
        .silence(Duration::MAX);
    let client = Client::new(&settings).unwrap();
    let request = Request::get(server.url().parse().unwrap());
    let response = client.send(&request, Limits::default().timeout(Duration::MAX)).await.unwrap();
    assert_eq!(response.body, "ok");
}
