//! Requests and responses of predictions, and the errors of servers and the mesh.

use std::time::Duration;

use canary_core::{
    error::{Origin, PredictError},
    predict::{Client, Form, Input, Retry},
    serving::Error,
    tensor::{Tensor, TensorData},
};

use crate::server::{Server, reply};

pub(crate) fn client(server: &Server) -> Client {
    Client::new(&server.url()).unwrap().model("image_classifier")
}

#[track_caller]
pub(crate) fn predict_error(error: Error) -> PredictError {
    match error {
        Error::Predict(error) => *error,
        other => panic!("expected a prediction's error, found {other:?}"),
    }
}

#[tokio::test]
async fn the_labs_request_is_sent_and_its_answer_read() {
    let server = Server::new(|_, stream| {
        let body = br#"{"predictions":[{"labels":["suit","military uniform"],"probabilities":[0.2,0.45]}]}"#;
        reply(stream, "200 OK", &[("x-canary-subset", "resnet50")], body)
    });
    let client = client(&server).signature("serving_preprocess").header("user-group", "canary");
    let answer = client.predict(b"\xff\xd8\xff\xe0".as_slice()).await.unwrap();
    assert_eq!(answer.subset(), Some("resnet50"));
    assert_eq!(answer.attempts(), 1);
    let top = answer.top().unwrap();
    assert_eq!(top[0], ("military uniform".to_owned(), 0.45));
    assert_eq!(top[1].0, "suit");
    let request = &server.requests()[0];
    assert!(request.head.starts_with("POST /v1/models/image_classifier:predict HTTP/1.1\r\n"));
    assert!(request.head.contains("user-group: canary"), "{}", request.head);
    assert_eq!(
        request.text(),
        r#"{"signature_name":"serving_preprocess","instances":[{"b64":"/9j/4A=="}]}"#
    );
}

#[tokio::test]
async fn versions_labels_and_hosts_reach_the_wire() {
    let server = Server::json("200 OK", r#"{"outputs": {"y": [[1.5]]}}"#);
    let client = client(&server).form(Form::Column).host("models.example.com");
    let x = Tensor::new(vec![1], TensorData::Int64(vec![i64::MAX])).unwrap();
    let answer = client.clone().version(7).predict(Input::named([("x", &x)])).await.unwrap();
    assert_eq!(answer.output("y").unwrap().as_floats(), Some(&[1.5][..]));
    assert!(answer.output("z").unwrap_err().to_string().contains("\"y\""));
    client.clone().version(7).label("a/b").predict(&x).await.unwrap();
    let requests = server.requests();
    assert!(requests[0].head.starts_with("POST /v1/models/image_classifier/versions/7:predict "));
    assert!(requests[1].head.starts_with("POST /v1/models/image_classifier/labels/a%2Fb:predict "));
    assert!(requests[0].head.to_lowercase().contains("host: models.example.com"));
    assert_eq!(requests[0].text(), r#"{"inputs":{"x":[9223372036854775807]}}"#);
}

#[tokio::test]
async fn the_server_returns_an_error() {
    let server = Server::new(|_, stream| {
        let headers = [
            ("server", "istio-envoy"),
            ("x-envoy-upstream-service-time", "2"),
            ("x-canary-subset", "v2"),
        ];
        reply(stream, "404 Not Found", &headers, br#"{"error": "Servable not found"}"#)
    });
    let error = predict_error(client(&server).predict(vec![1]).await.unwrap_err());
    assert_eq!(error.origin, Origin::Server);
    assert_eq!((error.status, error.attempts), (Some(404), 1));
    assert_eq!(error.subset.as_deref(), Some("v2"));
    assert!(error.to_string().contains("Servable not found"), "{error}");
    assert!(error.url.ends_with("/v1/models/image_classifier:predict"));
}

#[tokio::test]
async fn an_error_of_the_mesh_is_repeated() {
    let server = Server::new(|request, stream| match request.index {
        0 | 1 => reply(
            stream,
            "503 Service Unavailable",
            &[("server", "istio-envoy")],
            b"no healthy upstream",
        ),
        _ => reply(stream, "200 OK", &[], br#"{"predictions": [1]}"#),
    });
    let quick = Retry::default().first_pause(Duration::from_millis(1));
    let answer = client(&server).retry(quick.clone()).predict(vec![1]).await.unwrap();
    assert_eq!(answer.attempts(), 3);
    assert_eq!(answer.repeated().len(), 2);
    assert!(answer.repeated()[0].contains("no healthy upstream"));

    let server = Server::json("503 Service Unavailable", "no healthy upstream");
    let error = predict_error(client(&server).retry(quick).predict(vec![1]).await.unwrap_err());
    assert_eq!((error.origin, error.attempts), (Origin::Mesh, 3));
    assert_eq!(error.response_flags.as_deref(), Some("UH"));
    assert!(error.retryable);
}

#[tokio::test]
async fn settings_that_cannot_be_sent_are_refused() {
    let server = Server::json("200 OK", "{}");
    for (client, word) in [
        (Client::new(&server.url()).unwrap(), "no model"),
        (client(&server).header("bad name", "x"), "bad name"),
        (client(&server).header("authorization", "se\ncret"), "authorization"),
        (client(&server).version(u64::MAX), "63 bits"),
    ] {
        let error = predict_error(client.predict(vec![1]).await.unwrap_err());
        assert_eq!((error.origin, error.attempts), (Origin::Request, 0));
        assert!(error.message.contains(word), "{error}");
        assert!(!error.to_string().contains("cret"), "{error}");
    }
    assert!(server.requests().is_empty());
}

#[test]
fn debug_hides_the_values_of_headers() {
    let client =
        Client::new("http://127.0.0.1:1").unwrap().header("authorization", "Bearer hunter2");
    let text = format!("{client:?}");
    assert!(text.contains("authorization") && !text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn credentials_are_not_sent_unencrypted_to_another_machine() {
    let addresses = ["http://models.invalid:8501", "grpc://models.invalid:8500"];
    for address in addresses.iter().take(if cfg!(feature = "grpc") { 2 } else { 1 }) {
        let client = Client::new(address).unwrap().model("m").no_proxy();
        let client = client.header("authorization", "Bearer hunter2");
        let Err(Error::Predict(error)) = client.status().await else { panic!("{address}") };
        assert_eq!(error.origin, Origin::Request, "{error}");
        let text = error.to_string();
        assert!(text.contains("the header authorization holds credentials"), "{text}");
        assert!(text.contains("allow_cleartext") && !text.contains("hunter2"), "{text}");
        // Permitted, it is sent: here to a host that is not there.
        let allowed = client.clone().allow_cleartext(true).timeout(Duration::from_millis(200));
        let Err(Error::Predict(error)) = allowed.status().await else { panic!("{address}") };
        assert_ne!(error.origin, Origin::Request, "{error}");
        // Without credentials nothing is refused.
        let plain = client.without_header("authorization").header("user-group", "canary");
        let plain = plain.timeout(Duration::from_millis(200));
        let Err(Error::Predict(error)) = plain.status().await else { panic!("{address}") };
        assert_ne!(error.origin, Origin::Request, "{error}");
    }
}
