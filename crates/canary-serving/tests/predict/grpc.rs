//! The same client over gRPC, against a server of plain HTTP/2 in this process.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::{BufMut, Bytes, BytesMut};
use canary_core::{
    error::Origin,
    predict::{Client, Input, Retry},
    tensor::{Tensor, TensorData},
};
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full, combinators::WithTrailers};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{net::TcpListener, task::JoinSet};

use crate::calls::predict_error;

/// The response to a call: a message, or a status and its text.
pub(crate) enum Reply {
    Message(Vec<u8>),
    Status(u32, &'static str, &'static [(&'static str, &'static str)]),
    /// No message, and these trailers.
    Trailers(&'static [(&'static str, &'static str)]),
}

#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) authority: String,
    pub(crate) headers: HeaderMap,
    pub(crate) message: Bytes,
}

pub(crate) type Log = Arc<Mutex<Vec<Received>>>;

fn framed(message: &[u8]) -> Bytes {
    let mut body = BytesMut::with_capacity(message.len() + 5);
    body.put_u8(0);
    body.put_u32(u32::try_from(message.len()).unwrap());
    body.put_slice(message);
    body.freeze()
}

type Body = WithTrailers<Full<Bytes>, std::future::Ready<Option<Result<HeaderMap, Infallible>>>>;

fn response(reply: Reply) -> Response<Body> {
    let mut trailers = HeaderMap::new();
    let mut response = Response::builder().header("content-type", "application/grpc");
    let body = match reply {
        Reply::Message(message) => {
            trailers.insert("grpc-status", "0".parse().unwrap());
            response = response.header("x-canary-subset", "resnet101");
            framed(&message)
        }
        Reply::Status(code, text, headers) => {
            for (name, value) in headers {
                response = response.header(*name, *value);
            }
            trailers.insert("grpc-status", code.to_string().parse().unwrap());
            trailers.insert("grpc-message", text.parse().unwrap());
            Bytes::new()
        }
        Reply::Trailers(all) => {
            for (name, value) in all {
                trailers.insert(*name, value.parse().unwrap());
            }
            Bytes::new()
        }
    };
    let trailers = std::future::ready(Some(Ok(trailers)));
    response.body(Full::new(body).with_trailers(trailers)).unwrap()
}

/// Listens on a free port and responds by `answer`; the address without its scheme, and the requests received.
pub(crate) async fn serve(
    answer: impl Fn(&Received) -> Reply + Send + Sync + 'static,
) -> (String, Log) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let log = Log::default();
    let kept = log.clone();
    let mut server = serve_on(listener, move |received| {
        log.lock().unwrap().push(received.clone());
        answer(received)
    });
    server.detach_all();
    (address, kept)
}

/// Responds on this listener until the returned set is dropped, which closes the connections too.
pub(crate) fn serve_on(
    listener: TcpListener,
    answer: impl Fn(&Received) -> Reply + Send + Sync + 'static,
) -> JoinSet<()> {
    let answer = Arc::new(answer);
    let mut server = JoinSet::new();
    server.spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let answer = answer.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let answer = answer.clone();
                async move {
                    let (parts, body) = request.into_parts();
                    let message = body.collect().await.unwrap().to_bytes().slice(5..);
                    let received = Received {
                        path: parts.uri.path().to_owned(),
                        authority: parts.uri.authority().unwrap().to_string(),
                        headers: parts.headers,
                        message,
                    };
                    Ok::<_, Infallible>(response(answer(&received)))
                }
            });
            connections.spawn(async move {
                let io = TokioIo::new(stream);
                let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                let _ = builder.max_frame_size(1 << 20).serve_connection(io, service).await;
            });
        }
    });
    server
}

fn fixture(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/grpc");
    std::fs::read(format!("{folder}/{name}.bin")).unwrap()
}

fn client(address: &str) -> Client {
    Client::new(&format!("grpc://{address}")).unwrap().model("image_classifier")
}

#[tokio::test]
async fn predictions_status_and_metadata() {
    let (address, log) = serve(|received| {
        Reply::Message(fixture(match received.path.rsplit('/').next().unwrap() {
            "Predict" => "predict_response",
            "Classify" => "classify_response",
            "Regress" => "regress_response",
            "GetModelMetadata" => "metadata_response",
            _ => "status_response",
        }))
    })
    .await;
    let client = client(&address)
        .signature("serving_preprocess")
        .version(300)
        .header("user-group", "canary")
        .host("models.example.com")
        .timeout(Duration::from_secs(9));
    let files = Input::named([("raw_images", vec![vec![0xff, 0xd8, 0xff], vec![]])]);
    let answer = client.predict(&files).await.unwrap();
    assert_eq!(answer.subset(), Some("resnet101"));
    assert_eq!(answer.output("float").unwrap().as_floats(), Some(&[1.0, 2.0, 3.5, -4.0][..]));
    assert_eq!(answer.raw(), fixture("predict_response"));
    let received = log.lock().unwrap()[0].clone();
    assert_eq!(received.path, "/tensorflow.serving.PredictionService/Predict");
    assert_eq!(received.authority, "models.example.com");
    assert_eq!(received.headers["user-group"], "canary");
    assert!(received.headers.contains_key("grpc-timeout"));
    assert_eq!(received.message, fixture("predict_files"));

    let status = client.status().await.unwrap();
    assert!(status.ready());
    let example = canary_core::predict::Example::new().with("x", 0.25);
    assert_eq!(client.classify(example.clone()).await.unwrap().top().unwrap()[0].0, "dog");
    let regressed = client.regress(example).await.unwrap();
    assert_eq!(regressed.single().unwrap().shape(), [3]);
}

#[tokio::test]
async fn the_only_inputs_name_is_read_once() {
    let (address, log) = serve(|received| {
        let metadata = received.path.ends_with("GetModelMetadata");
        Reply::Message(fixture(if metadata { "metadata_response" } else { "predict_response" }))
    })
    .await;
    let client = client(&address);
    let pixels = Tensor::new(vec![1, 2], TensorData::Half(vec![0, 0x3c00])).unwrap();
    // The first calls come at the same time.
    let clone = client.clone();
    let (one, other) = tokio::join!(client.predict(&pixels), clone.predict(&pixels));
    one.and(other).unwrap();
    client.predict(&pixels).await.unwrap();
    let paths: Vec<_> = log.lock().unwrap().iter().map(|received| received.path.clone()).collect();
    assert_eq!(paths.iter().filter(|path| path.ends_with("GetModelMetadata")).count(), 1);
    let named = client.prepare(Input::named([("x", &pixels)])).unwrap();
    assert_eq!(log.lock().unwrap().last().unwrap().message, *named.body());
    let error = predict_error(client.prepare(&pixels).unwrap_err());
    assert!(error.message.contains("no name"), "{error}");
    let findings = client.check(&pixels).await.unwrap_err().to_string();
    assert!(findings.contains("DT_HALF[1, 2]"), "{findings}");
}

#[tokio::test]
async fn the_origin_of_an_error_is_found() {
    let (address, log) =
        serve(|_| Reply::Status(14, "no healthy upstream", &[("server", "istio-envoy")])).await;
    let quick = Retry::default().first_pause(Duration::from_millis(1));
    let input = || Input::named([("x", vec![1_u8])]);
    let error = client(&address).retry(quick.clone()).predict(input()).await.unwrap_err();
    let error = predict_error(error);
    assert_eq!((error.origin, error.attempts, error.grpc_code), (Origin::Mesh, 3, Some(14)));
    assert_eq!(error.response_flags.as_deref(), Some("UH"));
    assert_eq!(log.lock().unwrap().len(), 3);

    let (address, _) =
        serve(|_| Reply::Status(5, "Servable not found", &[("x-canary-subset", "v2")])).await;
    let error = predict_error(client(&address).predict(input()).await.unwrap_err());
    assert_eq!((error.origin, error.attempts, error.grpc_code), (Origin::Server, 1, Some(5)));
    assert_eq!(error.subset.as_deref(), Some("v2"));

    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let error = predict_error(client(&closed).retry(quick).predict(input()).await.unwrap_err());
    assert_eq!((error.origin, error.attempts), (Origin::Network, 3));
    assert!(error.message.contains("nothing listens"), "{error}");
}

#[tokio::test]
async fn messages_pass_four_megabytes_and_stop_at_the_limit() {
    // 6 MiB of floats in one output.
    let floats = vec![0_u8; 6 << 20];
    let mut tensor = b"\x08\x01\x12\x06\x12\x04\x08\x80\x80\x60\x22".to_vec();
    prost::encoding::encode_varint(floats.len() as u64, &mut tensor);
    tensor.extend_from_slice(&floats);
    let mut entry = b"\x0a\x01y\x12".to_vec();
    prost::encoding::encode_varint(tensor.len() as u64, &mut entry);
    entry.extend_from_slice(&tensor);
    let mut message = b"\x0a".to_vec();
    prost::encoding::encode_varint(entry.len() as u64, &mut message);
    message.extend_from_slice(&entry);
    let (address, _) = serve(move |_| Reply::Message(message.clone())).await;
    let input = || Input::named([("x", vec![1_u8; 5 << 20])]);
    let answer = client(&address).predict(input()).await.unwrap();
    assert_eq!(answer.output("y").unwrap().shape(), [6 << 18]);
    let small = client(&address).max_answer_bytes(1 << 20);
    let error = predict_error(small.predict(input()).await.unwrap_err());
    assert_eq!((error.origin, error.attempts), (Origin::Answer, 1));
    assert!(error.message.contains("1048576"), "{error}");
}

#[tokio::test]
async fn a_rest_server_is_not_a_grpc_server() {
    let server = crate::server::Server::json("200 OK", "{}");
    let address = server.url().replace("http", "grpc");
    let client = Client::new(&address).unwrap().model("m").retry(Retry::never());
    let client = client.timeout(Duration::from_secs(5));
    let input = Input::named([("x", vec![1_u8])]);
    let error = predict_error(client.predict(input).await.unwrap_err());
    assert_eq!(error.origin, Origin::Network);
}

#[tokio::test]
async fn a_large_array_is_whole_and_can_be_sent_again() {
    let (address, log) = serve(|_| Reply::Message(fixture("predict_response"))).await;
    let client = client(&address);
    // More than the windows that HTTP/2 begins with.
    let pixels = (0..3_000_000_u32).map(|number| f32::from_bits(number.wrapping_mul(77))).collect();
    let pixels = Arc::new(Tensor::new(vec![1, 1000, 3000], TensorData::Float(pixels)).unwrap());
    let input = Input::named([("x", Arc::clone(&pixels))]);
    let prepared = client.prepare(&input).unwrap();
    let (one, other) = tokio::join!(client.send(&prepared), client.send(&prepared));
    one.and(other).unwrap();
    client.predict(input).await.unwrap();
    let wanted = prepared.body();
    assert!((12_000_001..12_000_100).contains(&wanted.len()), "{}", wanted.len());
    let log = log.lock().unwrap();
    assert_eq!(log.len(), 3);
    assert!(format!("{prepared:?}").len() < 500, "a body is not printed");
    assert!(log.iter().all(|received| received.message == *wanted));
    drop(prepared);
    drop(log);
    assert_eq!(Arc::strong_count(&pixels), 1, "nothing is kept");
}

#[tokio::test]
async fn a_request_is_sent_by_the_protocol_that_it_was_prepared_for() {
    let (address, log) = serve(|_| Reply::Message(fixture("predict_response"))).await;
    let grpc = client(&address);
    let rest = Client::new(&format!("http://{address}")).unwrap().model("image_classifier");
    let input = || Input::named([("x", vec![1_u8])]);
    let error = predict_error(grpc.send(&rest.prepare(input()).unwrap()).await.unwrap_err());
    assert_eq!(error.origin, Origin::Request);
    assert!(error.message.contains("prepared for REST"), "{error}");
    assert_eq!(error.attempts, 1);
    let error = predict_error(rest.send(&grpc.prepare(input()).unwrap()).await.unwrap_err());
    assert!(error.message.contains("this client uses REST"), "{error}");
    assert!(log.lock().unwrap().is_empty());
}

#[tokio::test]
async fn headers_of_the_protocol_are_its_own() {
    let (address, log) = serve(|_| Reply::Message(fixture("status_response"))).await;
    let client = client(&address)
        .header("grpc-status", "5")
        .header("content-type", "application/json")
        .header("te", "gzip")
        .header("x-request-id", "7");
    client.status().await.unwrap();
    let headers = log.lock().unwrap()[0].headers.clone();
    assert_eq!(headers["content-type"], "application/grpc");
    assert_eq!(headers["te"], "trailers");
    assert_eq!(headers["x-request-id"], "7");
    assert!(!headers.contains_key("grpc-status") && !headers.contains_key("host"));
}
