//! The server: what it answers, and what it does not let anybody do.

use canary_metrics::{Error, Metrics};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::plan;

async fn ask(address: std::net::SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn it_answers_scrapes_in_the_format_that_is_accepted() {
    let metrics = Metrics::new();
    metrics.run(&plan());
    let server = metrics.serve("127.0.0.1:0").await.unwrap();
    assert_eq!(server.url(), format!("http://{}/metrics", server.address()));
    let open = "GET /metrics HTTP/1.1\r\nhost: x\r\naccept: application/openmetrics-text;version=1.0.0,\
        text/plain;version=0.0.4;q=0.5,*/*;q=0.1\r\n\r\n";
    let answer = ask(server.address(), open).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(
        answer.contains("content-type: application/openmetrics-text; version=1.0.0"),
        "{answer}"
    );
    assert!(answer.ends_with("# EOF\n"), "{answer}");
    let plain = ask(server.address(), "GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(plain.contains("content-type: text/plain; version=0.0.4"), "{plain}");
    assert!(
        plain.contains("canary_rollout_steps{namespace=\"default\",object=\"pets\"} 2\n"),
        "{plain}"
    );
    let head = ask(server.address(), "HEAD /metrics HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 200 OK") && head.ends_with("\r\n\r\n"), "{head}");
}

#[tokio::test]
async fn it_has_two_paths_and_two_methods() {
    let server = Metrics::new().serve("127.0.0.1:0").await.unwrap();
    for (request, status) in [
        ("GET /healthz HTTP/1.1", "200 OK"),
        ("GET / HTTP/1.1", "404 Not Found"),
        ("GET /metrics/../etc/passwd HTTP/1.1", "404 Not Found"),
        ("POST /metrics HTTP/1.1", "405 Method Not Allowed"),
        ("DELETE /healthz HTTP/1.1", "405 Method Not Allowed"),
        ("no request at all", "400 Bad Request"),
    ] {
        let answer = ask(server.address(), &format!("{request}\r\nhost: x\r\n\r\n")).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{request}: {answer}");
    }
    let long =
        format!("GET /metrics HTTP/1.1\r\nhost: x\r\nx-long: {}\r\n\r\n", "a".repeat(100_000));
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let _ = stream.write_all(long.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP/1.1 200"), "a head of 100 kB is too large");
}

/// All of the server's places are taken by clients that say nothing; each loses its place in the end.
#[tokio::test]
async fn clients_that_say_nothing_keep_nobody_out() {
    let server = Metrics::new().serve("127.0.0.1:0").await.unwrap();
    let mut silent = Vec::new();
    for _ in 0..17 {
        silent.push(TcpStream::connect(server.address()).await.unwrap());
    }
    let answer = ask(server.address(), "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(answer.ends_with("ok\n"), "{answer}");
}

#[tokio::test]
async fn an_address_in_use_and_a_text_that_is_none_are_named() {
    let server = Metrics::new().serve("127.0.0.1:0").await.unwrap();
    let address = server.address().to_string();
    let error = Metrics::new().serve(&address).await.unwrap_err();
    assert!(matches!(error, Error::Listen { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(&address) && text.contains("name another port"), "{text}");
    for wrong in ["localhost:9464", "9464", "127.0.0.1", "http://127.0.0.1:9464", ""] {
        let error = Metrics::new().serve(wrong).await.unwrap_err();
        assert!(matches!(error, Error::Address { .. }), "{wrong}: {error:?}");
        assert!(error.to_string().contains("127.0.0.1:9464"), "{error}");
    }
}

#[tokio::test]
async fn the_port_is_free_once_the_server_is_dropped() {
    let server = Metrics::new().serve("127.0.0.1:0").await.unwrap();
    let address = server.address();
    drop(server);
    // The task ends at its next turn.
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    Metrics::new().serve(&address.to_string()).await.unwrap();
}
