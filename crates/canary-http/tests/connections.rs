//! The connections of requests, and the bytes that are sent on them.

use std::{
    collections::HashSet,
    io::Write as _,
    net::{SocketAddr, TcpStream},
    sync::{Arc, Mutex},
    time::Duration,
};

use canary_http::{Client, Limits, Request, Settings};
use http::{HeaderValue, Method, header};

use crate::support::{Server, client, get};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A server that notes the client's address of each connection.
fn noting(
    answer: impl Fn(&mut TcpStream) -> bool + Send + Sync + 'static,
) -> (Server, Arc<Mutex<HashSet<SocketAddr>>>) {
    let from = Arc::<Mutex<HashSet<_>>>::default();
    let noted = Arc::clone(&from);
    let server = Server::new(move |_, stream| {
        noted.lock().unwrap().insert(stream.peer_addr().unwrap());
        answer(stream)
    });
    (server, from)
}

fn keep(stream: &mut TcpStream) -> bool {
    stream.write_all(OK).is_ok()
}

/// Sends five requests, with time for the server to do to the connection what it does.
async fn five_times(client: &Client, server: &Server) {
    for _ in 0..5 {
        let response = get(client, &server.url(), Limits::default()).await.unwrap();
        assert_eq!(response.body, "ok");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_connection_is_reused_by_clones_too() {
    let (server, from) = noting(keep);
    let client = client();
    five_times(&client, &server).await;
    five_times(&client.clone(), &server).await;
    assert_eq!(from.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_connection_that_cannot_be_used_again_is_replaced() {
    let closed = |stream: &mut TcpStream| stream.write_all(OK).is_err();
    let announced = |stream: &mut TcpStream| {
        let head = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok";
        stream.write_all(head).is_ok()
    };
    // A second response, which nobody requested, is not that of the next request.
    let unrequested = |stream: &mut TcpStream| {
        let second = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nbad";
        stream.write_all(&[OK, second].concat()).is_ok()
    };
    let later = |stream: &mut TcpStream| {
        stream.write_all(OK).unwrap();
        std::thread::sleep(Duration::from_millis(1));
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nbad").is_ok()
    };
    for answer in [closed as fn(&mut TcpStream) -> bool, announced, unrequested, later] {
        let (server, from) = noting(answer);
        five_times(&client(), &server).await;
        assert_eq!(from.lock().unwrap().len(), 5);
    }
}

#[tokio::test]
async fn as_many_connections_as_requests_at_once_and_no_more() {
    let (server, from) = noting(|stream| {
        std::thread::sleep(Duration::from_millis(30));
        keep(stream)
    });
    let (client, url) = (client(), server.url());
    let send = || get(&client, &url, Limits::default());
    for _ in 0..3 {
        let (a, b, c, d) = tokio::join!(send(), send(), send(), send());
        a.and(b).and(c).and(d).unwrap();
    }
    assert_eq!(from.lock().unwrap().len(), 4);
}

#[tokio::test]
async fn a_request_that_is_given_up_takes_its_connection_with_it() {
    let (server, from) = noting(|stream| {
        std::thread::sleep(Duration::from_millis(100));
        keep(stream)
    });
    let client = client();
    let short = Limits::default().timeout(Duration::from_millis(20));
    get(&client, &server.url(), short).await.unwrap_err();
    get(&client, &server.url(), Limits::default()).await.unwrap();
    assert_eq!(from.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let (server, from) = noting(keep);
    let settings = Settings::default().pool_timeout(Duration::from_millis(5));
    five_times(&Client::new(&settings).unwrap(), &server).await;
    assert_eq!(from.lock().unwrap().len(), 5);
}

#[tokio::test]
async fn redirects_are_responses() {
    let server =
        Server::bytes("HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n");
    let response = get(&client(), &server.url(), Limits::default()).await.unwrap();
    assert_eq!(response.status, 302);
    assert_eq!(response.headers[header::LOCATION], "/elsewhere");
    assert_eq!(server.heads().len(), 1);
}

#[tokio::test]
async fn headers_bodies_and_another_host_are_sent() {
    let server = Server::new(|_, stream| {
        let mut body = [0; 4];
        std::io::Read::read_exact(stream, &mut body).unwrap();
        assert_eq!(&body, b"body");
        stream.write_all(OK).is_ok()
    });
    let mut request = Request::new(
        Method::POST,
        format!("{}v1/models/a%2Fb:predict?x=%20", server.url()).parse().unwrap(),
    )
    .body("body");
    request.headers.insert(header::HOST, HeaderValue::from_static("models.example"));
    client().send(&request, Limits::default()).await.unwrap();
    let head = server.heads().remove(0).to_lowercase();
    assert!(head.starts_with("post /v1/models/a%2fb:predict?x=%20 http/1.1\r\n"), "{head}");
    assert!(head.contains("\r\nhost: models.example\r\n"), "{head}");
    assert!(head.contains("\r\ncontent-length: 4\r\n"), "{head}");
    assert!(!head.contains("accept-encoding") && !head.contains("cookie"), "{head}");
}

#[tokio::test]
async fn a_streamed_body_is_sent_and_read() {
    use http_body_util::BodyExt as _;

    let server = Server::new(|_, stream| {
        let mut body = [0; 5];
        std::io::Read::read_exact(stream, &mut body).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n").unwrap();
        stream.write_all(&body).is_ok()
    });
    let body = http_body_util::Full::new(bytes::Bytes::from_static(b"there"));
    let request = http::Request::put(server.url()).body(body).unwrap();
    let response = client().stream(request).await.unwrap();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "there");
}
