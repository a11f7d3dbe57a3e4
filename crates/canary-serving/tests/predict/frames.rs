//! Answers of HTTP/1.1 in all the frames that servers and proxies give them.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use canary_core::{
    error::Origin,
    predict::{Answer, Client, Retry},
};

use crate::server::Server;

const BODY: &str = r#"{"predictions": ["1"]}"#;

/// Asks a server twice that writes these pieces, a pause between them; the second answer, and the connections used.
async fn ask(
    pieces: Vec<Vec<u8>>,
    stays: bool,
) -> (Result<Answer, canary_core::serving::Error>, usize, Vec<u16>) {
    let ports = Arc::<std::sync::Mutex<Vec<u16>>>::default();
    let noted = Arc::clone(&ports);
    let server = Server::new(move |_, stream| {
        noted.lock().unwrap().push(stream.peer_addr().unwrap().port());
        for piece in &pieces {
            stream.write_all(piece).unwrap();
            thread::sleep(Duration::from_micros(300));
        }
        stays
    });
    let client = Client::new(&server.url()).unwrap().model("m").retry(Retry::never());
    let first = client.predict(vec![1_u8]).await;
    if first.is_err() {
        return (first, 1, Vec::new());
    }
    tokio::time::sleep(Duration::from_millis(10)).await;
    let second = client.predict(vec![1_u8]).await;
    let mut ports = ports.lock().unwrap().clone();
    ports.dedup();
    (second, ports.len(), ports)
}

fn bytewise(text: &str) -> Vec<Vec<u8>> {
    text.bytes().map(|byte| vec![byte]).collect()
}

fn whole(text: &str) -> Vec<Vec<u8>> {
    vec![text.as_bytes().to_vec()]
}

fn is_right(answer: &Result<Answer, canary_core::serving::Error>) -> bool {
    answer.as_ref().is_ok_and(|answer| answer.raw() == BODY.as_bytes())
}

fn chunked() -> String {
    let (a, b) = BODY.split_at(5);
    format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x};name=\"v\"\r\n{a}\r\n{:X}\r\n{b}\r\n0\r\nx-trailer: 1\r\n\r\n",
        a.len(),
        b.len()
    )
}

#[tokio::test]
async fn chunks_however_they_come_and_the_connection_is_kept() {
    for pieces in [whole(&chunked()), bytewise(&chunked())] {
        let (answer, connections, _) = ask(pieces, true).await;
        assert!(is_right(&answer), "{answer:?}");
        assert_eq!(connections, 1);
    }
}

#[tokio::test]
async fn chunks_that_break_off_or_lie_are_errors() {
    let text = chunked();
    for (text, said) in [
        (text[..text.len() - 4].to_owned(), "unexpected EOF"),
        (text.replace("5;name", "4;name"), "Invalid chunk body"),
        (text.replace("5;name", "zz;name"), "Invalid chunk size"),
    ] {
        let (answer, ..) = ask(whole(&text), false).await;
        let Err(canary_core::serving::Error::Predict(error)) = answer else { panic!("{answer:?}") };
        assert_eq!(error.origin, Origin::Network);
        assert!(error.message.contains("middle of the answer"), "{text:?}: {error}");
        assert!(error.message.contains(said), "{text:?}: {error}");
    }
}

#[tokio::test]
async fn interim_answers_are_passed_over() {
    let text = format!(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{BODY}",
        BODY.len()
    );
    for pieces in [whole(&text), bytewise(&text)] {
        let (answer, connections, _) = ask(pieces, true).await;
        assert!(is_right(&answer), "{answer:?}");
        assert_eq!(connections, 1);
    }
}

#[tokio::test]
async fn an_old_server_ends_its_answer_by_closing() {
    for head in ["HTTP/1.0 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nserver: old\r\n\r\n"] {
        let (answer, connections, _) = ask(whole(&format!("{head}{BODY}")), false).await;
        assert!(is_right(&answer), "{answer:?}");
        assert_eq!(connections, 2);
    }
}

#[tokio::test]
async fn what_follows_an_answer_is_never_taken_for_the_next() {
    let length = BODY.len();
    let smuggled = "HTTP/1.1 200 OK\r\ncontent-length: 24\r\n\r\n{\"predictions\": [\"bad\"]}";
    for pieces in [
        whole(&format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{BODY}{smuggled}")),
        vec![
            format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{BODY}").into_bytes(),
            smuggled.as_bytes().to_vec(),
        ],
    ] {
        let (answer, connections, _) = ask(pieces, true).await;
        assert!(is_right(&answer), "{answer:?}");
        assert_eq!(connections, 2);
    }
}

#[tokio::test]
async fn a_length_stated_in_two_ways_is_refused_and_ends_the_connection() {
    let two = format!("HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 22\r\n\r\n{BODY}");
    let both = chunked().replace("\r\n\r\n5;", "\r\ncontent-length: 3\r\n\r\n5;");
    for text in [two, both] {
        let server = Server::new(move |asked, stream| {
            let honest = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{BODY}", BODY.len());
            let answer = if asked.index == 0 { &text } else { &honest };
            stream.write_all(answer.as_bytes()).is_ok()
        });
        let client = Client::new(&server.url()).unwrap().model("m").retry(Retry::never());
        let Err(canary_core::serving::Error::Predict(error)) = client.predict(vec![1_u8]).await
        else {
            panic!("it was read")
        };
        assert_eq!(error.origin, Origin::Network);
        assert!(error.message.contains("content-length"), "{error}");
        assert!(is_right(&client.predict(vec![1_u8]).await));
    }
}

/// A server that reads the head alone of each request, answers, and then does as it is told.
fn refuses_early(then: impl Fn(&mut TcpStream) + Send + 'static) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let count = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&count);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            counted.fetch_add(1, Ordering::SeqCst);
            let mut head = [0; 100];
            stream.read_exact(&mut head).unwrap();
            let body = r#"{"error": "too large"}"#;
            let answer =
                format!("HTTP/1.1 413 Large\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            stream.write_all(answer.as_bytes()).unwrap();
            then(&mut stream);
        }
    });
    (url, count)
}

#[tokio::test]
async fn an_answer_before_the_request_is_sent_whole_is_read() {
    let reads_no_further = |_: &mut TcpStream| thread::sleep(Duration::from_millis(200));
    // Not to the end: of a request that was read whole the connection would be kept, and rightly.
    let reads_on = |stream: &mut TcpStream| {
        let (mut rest, mut left) = (vec![0; 1 << 20], 4_usize << 20);
        while left > 0 {
            match stream.read(&mut rest) {
                Ok(read) if read > 0 => left = left.saturating_sub(read),
                _ => return,
            }
        }
    };
    for (url, count) in [refuses_early(reads_no_further), refuses_early(reads_on)] {
        let client = Client::new(&url).unwrap().model("m").retry(Retry::never());
        for asked in 1..=2 {
            let answer = client.predict(vec![7_u8; 30 << 20]).await;
            let Err(canary_core::serving::Error::Predict(error)) = answer else {
                panic!("{answer:?}")
            };
            assert_eq!((error.origin, error.status), (Origin::Server, Some(413)), "{error}");
            // A connection with half a request on it takes no other.
            assert_eq!(count.load(Ordering::SeqCst), asked);
        }
    }
}
