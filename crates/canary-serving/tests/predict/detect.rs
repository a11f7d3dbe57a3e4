//! Clients that find out the protocol of their server, and errors of servers of another one.

use std::time::Duration;

use canary_core::{
    error::Origin,
    predict::{Client, Encoding, Protocol, Retry},
    tensor::{Tensor, TensorData},
};

use crate::{
    calls::{client, predict_error},
    server::{Request, Server, reply},
};

fn path(request: &Request) -> &str {
    request.head.split_ascii_whitespace().nth(1).unwrap()
}

/// A server that answers each path with a status and a body, and others by 404 as `FastAPI` does.
fn server(known: &'static [(&'static str, &'static str, &'static str)]) -> Server {
    Server::new(move |request, stream| {
        match known.iter().find(|(known, ..)| *known == path(request)) {
            Some((_, status, body)) => reply(stream, status, &[], body.as_bytes()),
            None => reply(stream, "404 Not Found", &[], br#"{"detail":"Not Found"}"#),
        }
    })
}

const TRITON: &[(&str, &str, &str)] = &[(
    "/v2",
    "200 OK",
    r#"{"name":"triton","version":"2.51.0","extensions":["binary_tensor_data"]}"#,
)];
const MLSERVER: &[(&str, &str, &str)] =
    &[("/v2", "200 OK", r#"{"name":"mlserver","version":"1.7.1","extensions":[]}"#)];
const V1: &[(&str, &str, &str)] = &[("/v1/models", "200 OK", r#"{"models":["m"]}"#)];
const TENSORFLOW: &[(&str, &str, &str)] = &[(
    "/v1/models/canary",
    "404 Not Found",
    r#"{"error": "Could not find any versions of model canary"}"#,
)];

#[tokio::test]
async fn the_protocol_is_found_by_asking() {
    for (known, protocol) in [
        (TRITON, Protocol::OpenInference),
        (MLSERVER, Protocol::OpenInference),
        (V1, Protocol::KServe),
        (TENSORFLOW, Protocol::TensorFlow),
    ] {
        let server = server(known);
        let client = Client::detect(&server.url()).await.unwrap();
        assert_eq!(client.spoken(), protocol, "{known:?}");
    }
    // A gateway may route the paths of models alone.
    let model = r#"{"name":"m","versions":[],"platform":"p","inputs":[]}"#;
    let routed = Server::new(move |request, stream| match path(request) {
        "/models/v2/models/m" => reply(stream, "200 OK", &[], model.as_bytes()),
        _ => reply(stream, "404 Not Found", &[("server", "istio-envoy")], b""),
    });
    let client = Client::new(&format!("{}/models", routed.url())).unwrap().model("m");
    let client = client.header("user-group", "canary").detected().await.unwrap();
    assert_eq!(client.spoken(), Protocol::OpenInference);
    assert!(routed.requests().iter().all(|request| request.head.contains("user-group: canary")));
}

#[tokio::test]
async fn the_form_of_arrays_is_the_servers() {
    let bytes = || canary_core::predict::Input::named([("x", vec![0xff_u8])]);
    let triton = server(TRITON);
    let client = Client::detect(&triton.url()).await.unwrap().model("m");
    assert!(client.prepare(bytes()).unwrap().body().ends_with(b"\x01\0\0\0\xff"));
    let mlserver = server(MLSERVER);
    let client = Client::detect(&mlserver.url()).await.unwrap().model("m");
    let body = client.prepare(bytes()).unwrap().body().into_owned();
    assert!(String::from_utf8(body).unwrap().contains(r#""data":["/w=="]"#));
    let lists = client.encoding(Encoding::Lists).prepare(bytes());
    assert!(lists.unwrap_err().to_string().contains("byte strings"));
}

#[tokio::test]
async fn a_server_of_no_protocol_is_an_error() {
    let other = server(&[]);
    let error = predict_error(Client::detect(&other.url()).await.unwrap_err());
    assert_eq!(error.origin, Origin::Answer);
    assert!(error.message.contains("no protocol") && error.help.contains("port"), "{error}");
    let error = predict_error(Client::detect("http://127.0.0.1:1").await.unwrap_err());
    assert_eq!(error.origin, Origin::Network, "{error}");
    let silent = Server::new(|_, _| {
        std::thread::sleep(Duration::from_secs(5));
        false
    });
    let client = Client::new(&silent.url()).unwrap().timeout(Duration::from_millis(100));
    let error = predict_error(client.detected().await.unwrap_err());
    assert!(error.timed_out, "{error}");
}

#[tokio::test]
async fn not_found_by_a_server_of_another_protocol_says_so() {
    let x = Tensor::new(vec![1, 2], TensorData::Float(vec![0.0; 2])).unwrap();
    let mlserver = server(MLSERVER);
    let client = client(&mlserver).retry(Retry::never());
    for _ in 0..2 {
        let error = predict_error(client.predict(&x).await.unwrap_err());
        assert_eq!((error.origin, error.status), (Origin::Server, Some(404)));
        let wanted = "mlserver 1.7.1 speaks the Open Inference Protocol (V2), and this client TensorFlow Serving's";
        assert!(error.help.contains(wanted), "{error}");
        assert!(error.help.contains("protocol \"v2\""), "{error}");
    }
    // It is asked once.
    let paths: Vec<_> =
        mlserver.requests().iter().map(|request| path(request).to_owned()).collect();
    assert_eq!(paths.iter().filter(|path| *path == "/v2").count(), 1, "{paths:?}");
    let error = client.wait(Duration::from_millis(10), |_| ()).await.unwrap_err().to_string();
    assert!(error.contains("protocol \"v2\""), "{error}");

    // The status of a model of KServe V1 is not one of TensorFlow Serving.
    let v1 = server(&[
        ("/v1/models", "200 OK", r#"{"models":["image_classifier"]}"#),
        ("/v1/models/image_classifier", "200 OK", r#"{"name":"image_classifier","ready":true}"#),
    ]);
    let error = predict_error(crate::calls::client(&v1).status().await.unwrap_err());
    assert!(error.help.contains("protocol \"v1\""), "{error}");

    let tensorflow = server(&[(
        "/v1/models/image_classifier",
        "200 OK",
        r#"{"model_version_status":[{"version":"1","state":"AVAILABLE"}]}"#,
    )]);
    let client = crate::calls::client(&tensorflow).protocol(Protocol::OpenInference);
    let error = predict_error(client.metadata().await.unwrap_err());
    assert!(error.help.contains("protocol \"tensorflow\""), "{error}");
    // The same protocol and an unknown model: the remedy is another.
    let error = predict_error(
        client.protocol(Protocol::TensorFlow).model("other").predict(&x).await.unwrap_err(),
    );
    assert!(!error.help.contains("speaks"), "{error}");
}
