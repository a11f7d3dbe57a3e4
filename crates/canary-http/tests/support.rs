//! A server and a proxy of plain sockets.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use canary_http::{Client, Error, Limits, Request, Response, Settings};

/// The heads of requests, in the order in which they came.
pub(crate) type Heads = Arc<Mutex<Vec<String>>>;

/// A server on a free port.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    heads: Heads,
}

impl Server {
    /// Calls `answer` with the head of each request; it writes what it likes and says whether the connection stays.
    pub(crate) fn new(
        answer: impl Fn(&str, &mut TcpStream) -> bool + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Heads::default();
        let (log, answer) = (Arc::clone(&heads), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                thread::spawn(move || {
                    let mut stream = stream.unwrap();
                    while let Some(head) = read_head(&mut stream) {
                        log.lock().unwrap().push(head.clone());
                        if !answer(&head, &mut stream) {
                            break;
                        }
                    }
                });
            }
        });
        Self { address, heads }
    }

    /// Writes these bytes to each request, and keeps the connection.
    pub(crate) fn bytes(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::new(move |_, stream| stream.write_all(&answer).is_ok())
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

/// A proxy: requests for `http://` it answers itself with `by proxy`, tunnels it connects to `target`, whatever their
/// name.
pub(crate) fn proxy(target: SocketAddr) -> Server {
    Server::new(move |head, stream| {
        if !head.starts_with("CONNECT ") {
            return stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nby proxy")
                .is_ok();
        }
        let mut server = TcpStream::connect(target).unwrap();
        stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").unwrap();
        let (mut from, mut to) = (stream.try_clone().unwrap(), server.try_clone().unwrap());
        thread::spawn(move || std::io::copy(&mut from, &mut to));
        let _ = std::io::copy(&mut server, stream);
        false
    })
}

/// The head of a request and its line end; `None` at the end of the connection.
fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    String::from_utf8(head).ok()
}

pub(crate) fn client() -> Client {
    Client::new(&Settings::default()).unwrap()
}

pub(crate) async fn get(client: &Client, url: &str, limits: Limits) -> Result<Response, Error> {
    client.send(&Request::get(url.parse().unwrap()), limits).await
}
