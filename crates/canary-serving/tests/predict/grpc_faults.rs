//! Faults of servers and networks over gRPC: no hang, no wrong answer, no lost item.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use canary_core::{
    error::{Origin, PredictError},
    predict::{Client, Input, Retry},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::{
    calls::predict_error,
    grpc::{Reply, serve_on},
};

/// A server that does with each connection what `act` does, after the client has spoken first.
async fn raw<F>(act: impl Fn(TcpStream) -> F + Send + Sync + 'static) -> String
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut preface = [0; 24];
            if stream.read_exact(&mut preface).await.is_ok() {
                tokio::spawn(act(stream));
            }
        }
    });
    address
}

fn client(address: &str) -> Client {
    let client = Client::new(&format!("grpc://{address}")).unwrap().model("m");
    client.retry(Retry::never()).timeout(Duration::from_secs(5))
}

fn input() -> Input<'static> {
    Input::named([("x", vec![1_u8])])
}

async fn error_of(client: &Client) -> PredictError {
    let start = Instant::now();
    let error = predict_error(client.predict(input()).await.unwrap_err());
    assert!(start.elapsed() < Duration::from_secs(10), "it hung for {:?}", start.elapsed());
    error
}

/// The settings of a server, and its agreement to those of the client.
const SETTINGS: &[u8] = b"\0\0\0\x04\0\0\0\0\0\0\0\0\x04\x01\0\0\0\0";
/// The headers of stream 1: `:status 200`, and a content type in letters of the static table's row 31.
const HEADERS: &[u8] = b"\0\0\x14\x01\x04\0\0\0\x01\x88\x0f\x10\x10application/grpc\0";
/// Data of stream 1: a message of 100 bytes is promised, and its first ten come.
const PART: &[u8] = b"\0\0\x0f\0\0\0\0\0\x01\0\0\0\0\x640123456789";

fn headers() -> Vec<u8> {
    // The length of the frame counts the bytes after its first nine.
    let mut frame = HEADERS[..HEADERS.len() - 1].to_vec();
    frame[2] = u8::try_from(frame.len() - 9).unwrap();
    frame
}

#[tokio::test]
async fn a_connection_that_breaks_is_the_networks_fault() {
    // Before anything is said, after the settings, within the message, and in something else than HTTP/2.
    for said in [
        Vec::new(),
        SETTINGS.to_vec(),
        [SETTINGS, &headers(), PART].concat(),
        b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n".to_vec(),
    ] {
        let said = Arc::new(said);
        let sent = said.clone();
        let address = raw(move |mut stream| {
            let said = said.clone();
            async move {
                let _ = stream.write_all(&said).await;
                tokio::time::sleep(Duration::from_millis(50)).await;
                let _ = socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO));
            }
        })
        .await;
        let error = error_of(&client(&address)).await;
        assert_eq!(error.origin, Origin::Network, "{sent:?}: {error}");
        assert!(error.retryable && error.attempts == 1, "{sent:?}: {error}");
        let again = client(&address).retry(Retry::default().first_pause(Duration::from_millis(1)));
        assert_eq!(error_of(&again).await.attempts, 3, "{sent:?}");
    }
}

#[tokio::test]
async fn a_server_that_goes_silent_costs_the_time_in_total() {
    // It never speaks, or stops within the message.
    for said in [Vec::new(), SETTINGS.to_vec(), [SETTINGS, &headers(), PART].concat()] {
        let said = Arc::new(said);
        let address = raw(move |mut stream| {
            let said = said.clone();
            async move {
                let _ = stream.write_all(&said).await;
                tokio::time::sleep(Duration::from_secs(30)).await;
            }
        })
        .await;
        let start = Instant::now();
        let patient = client(&address).retry(Retry::default());
        let error = error_of(&patient.timeout(Duration::from_millis(300))).await;
        assert_eq!((error.origin, error.attempts), (Origin::Network, 1), "{error}");
        assert!(start.elapsed() < Duration::from_secs(3), "{error}");
        assert!(error.message.contains("300ms"), "{error}");
    }
}

#[tokio::test]
async fn a_deadline_that_the_server_sees_first_is_repeated_when_it_was_of_one_attempt() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let _server = serve_on(listener, |_| Reply::Status(4, "Deadline Exceeded", &[]));
    let quick = Retry::default().first_pause(Duration::from_millis(1));
    let error = error_of(&client(&address).retry(quick.clone())).await;
    assert_eq!((error.attempts, error.grpc_code), (1, Some(4)));
    let limited = client(&address).retry(quick).attempt_timeout(Duration::from_secs(1));
    let error = error_of(&limited).await;
    assert_eq!((error.attempts, error.grpc_code, error.retryable), (3, Some(4), true));
}

#[tokio::test]
async fn garbage_instead_of_an_answer_is_the_answers_fault() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let _server = serve_on(listener, |_| Reply::Message(vec![0xff; 40]));
    let error = error_of(&client(&address)).await;
    assert_eq!((error.origin, error.attempts), (Origin::Answer, 1), "{error}");
}

#[tokio::test]
async fn details_of_a_status_that_are_no_base64_do_no_harm() {
    const DETAILS: (&str, &str) = ("grpc-status-details-bin", "%%% no base64 %%%");
    let header =
        || Reply::Status(0, "", &[("grpc-status", "5"), ("grpc-message", "gone"), DETAILS]);
    let trailer = || Reply::Trailers(&[("grpc-status", "5"), ("grpc-message", "gone"), DETAILS]);
    for reply in [header as fn() -> Reply, trailer] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let _server = serve_on(listener, move |_| reply());
        let error = error_of(&client(&address)).await;
        assert_eq!((error.origin, error.grpc_code), (Origin::Server, Some(5)), "{error}");
        assert!(error.message.contains("gone"), "{error}");
    }
}

/// A `PredictResponse` whose output `y` is the text that the request carries.
fn echo(message: &[u8]) -> Vec<u8> {
    // The item is the last byte of the request: `string_val` of the only input.
    let item = message[message.len() - 1];
    vec![0x0a, 12, 0x0a, 1, b'y', 0x12, 7, 0x08, 7, 0x12, 0, 0x42, 1, item]
}

#[tokio::test]
async fn a_server_killed_and_started_again_loses_no_item() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut server: Option<JoinSet<()>> =
        Some(serve_on(listener, |received| Reply::Message(echo(&received.message))));
    let retry = Retry::default()
        .attempts(60)
        .first_pause(Duration::from_millis(2))
        .max_pause(Duration::from_millis(40))
        .budget(100.0);
    let client = client(&address.to_string()).retry(retry).timeout(Duration::from_secs(20));
    let items = (0..200_u8).map(|item| Input::named([("x", vec![item])]));
    let mut answers = client.predict_many(items, 8);
    let mut given = 0_u8;
    while let Some(answer) = answers.next().await {
        let outputs = answer.unwrap().into_outputs();
        let canary_core::tensor::TensorData::String(values) = outputs[0].1.data() else {
            panic!("{outputs:?}")
        };
        assert_eq!(values[..], [vec![given]]);
        given += 1;
        if given == 60 || given == 120 {
            // Its connections are closed with it.
            drop(server.take());
            tokio::time::sleep(Duration::from_millis(60)).await;
            let listener = loop {
                match TcpListener::bind(address).await {
                    Ok(listener) => break listener,
                    Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            };
            server = Some(serve_on(listener, |received| Reply::Message(echo(&received.message))));
        }
    }
    assert_eq!(given, 200);
}
