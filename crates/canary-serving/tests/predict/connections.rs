//! Which connections requests travel over.

use std::{
    collections::HashSet,
    io::Write as _,
    net::{SocketAddr, TcpStream},
    sync::{Arc, Mutex},
    time::Duration,
};

use canary_core::predict::{Client, Retry};

use crate::server::{Server, reply};

const ANSWER: &[u8] = br#"{"predictions": ["1"]}"#;

/// A server that notes from where it is asked, and a client that asks only once.
fn asked_from(
    answer: impl Fn(&mut TcpStream) -> bool + Send + Sync + 'static,
) -> (Server, Client, Arc<Mutex<HashSet<SocketAddr>>>) {
    let from = Arc::<Mutex<HashSet<_>>>::default();
    let noted = Arc::clone(&from);
    let server = Server::new(move |_, stream| {
        noted.lock().unwrap().insert(stream.peer_addr().unwrap());
        answer(stream)
    });
    let client = Client::new(&server.url()).unwrap().model("m").retry(Retry::never());
    (server, client, from)
}

/// Five answers, with time for the server to do to the connection what it does.
async fn ask_five_times(client: &Client) {
    for _ in 0..5 {
        let answer = client.predict(vec![1_u8]).await.unwrap();
        assert_eq!(answer.attempts(), 1);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn one_connection_serves_requests_one_after_the_other() {
    let (_server, client, from) = asked_from(|stream| reply(stream, "200 OK", &[], ANSWER));
    ask_five_times(&client).await;
    // A variation of the client shares it.
    ask_five_times(&client.clone().version(2)).await;
    assert_eq!(from.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn as_many_connections_as_requests_at_once_and_no_more() {
    let (_server, client, from) = asked_from(|stream| {
        std::thread::sleep(Duration::from_millis(30));
        reply(stream, "200 OK", &[], ANSWER)
    });
    for _ in 0..3 {
        let asked = (0..4).map(|_| client.predict(vec![1_u8]));
        for answer in futures_util::future::join_all(asked).await {
            answer.unwrap();
        }
    }
    assert_eq!(from.lock().unwrap().len(), 4);
}

#[tokio::test]
async fn a_connection_that_the_server_closed_is_replaced_without_an_error() {
    let (_server, client, from) = asked_from(|stream| {
        reply(stream, "200 OK", &[], ANSWER);
        false
    });
    ask_five_times(&client).await;
    assert_eq!(from.lock().unwrap().len(), 5);
}

#[tokio::test]
async fn a_connection_is_closed_when_the_server_says_so() {
    let (_server, client, from) =
        asked_from(|stream| reply(stream, "200 OK", &[("connection", "close")], ANSWER));
    ask_five_times(&client).await;
    assert_eq!(from.lock().unwrap().len(), 5);
}

#[tokio::test]
async fn what_a_server_sends_unasked_is_no_answer_to_the_next_request() {
    let (_server, client, from) = asked_from(|stream| {
        reply(stream, "200 OK", &[], ANSWER);
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 21\r\n\r\n{\"predictions\":[\"2\"]}")
            .is_ok()
    });
    for _ in 0..5 {
        let answer = client.predict(vec![1_u8]).await.unwrap();
        assert_eq!(answer.single().unwrap().to_texts().unwrap(), ["1"]);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(from.lock().unwrap().len(), 5);
}

#[tokio::test]
async fn a_request_that_is_given_up_takes_its_connection_with_it() {
    let (_server, client, from) = asked_from(|stream| {
        std::thread::sleep(Duration::from_millis(100));
        reply(stream, "200 OK", &[], ANSWER)
    });
    client.clone().timeout(Duration::from_millis(20)).predict(vec![1_u8]).await.unwrap_err();
    client.predict(vec![1_u8]).await.unwrap();
    assert_eq!(from.lock().unwrap().len(), 2);
}
