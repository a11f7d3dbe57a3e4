//! A model server answers as `TensorFlow` Serving does, seen by the prediction client and by plain HTTP.

use std::time::Duration;

use canary_core::{
    error::Origin,
    predict::{Client, Input, Retry},
    serving::Error,
    tensor::{Tensor, TensorData},
};
use canary_lab::{
    model::{Code, Scripted},
    server::{ModelServer, Served},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

async fn server() -> ModelServer {
    let old = Scripted::new("suit", 0.4);
    let new = Scripted::new("military uniform", 0.45);
    ModelServer::start([
        Served::new("image_classifier", old).label("old"),
        Served::new("image_classifier", new).version(2).label("new"),
    ])
    .await
    .unwrap()
}

/// Status line, headers and body of one request over its own connection.
async fn raw(server: &ModelServer, method: &str, path: &str, body: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), head.to_ascii_lowercase(), body.to_owned())
}

#[tokio::test]
async fn the_client_reads_what_the_server_says() {
    let server = server().await;
    let client = Client::new(&server.url())
        .unwrap()
        .model("image_classifier")
        .signature("serving_preprocess");
    let image: &[u8] = b"any bytes";
    let top = client.predict(Input::files([image])).await.unwrap().top().unwrap();
    assert_eq!((top[0].0.as_str(), top[0].1), ("military uniform", 0.45));
    assert_eq!(top.len(), 5);
    let first = client.clone().version(1).predict(Input::files([image])).await.unwrap();
    assert_eq!(first.top().unwrap()[0].0, "suit");
    let old = client.clone().label("old").predict(Input::files([image, image])).await.unwrap();
    assert_eq!(old.top_rows().unwrap()[1][0].0, "suit");
}

#[tokio::test]
async fn grpc_gives_the_same_on_the_same_port() {
    let server = server().await;
    let url = server.url().replace("http://", "grpc://");
    let client = Client::new(&url).unwrap().model("image_classifier");
    let files = client.clone().signature("serving_preprocess");
    let image: &[u8] = b"any bytes";
    // The input's name is asked for.
    let answer = files.predict(Input::files([image, image])).await.unwrap();
    assert_eq!(answer.top_rows().unwrap()[1][0], ("military uniform".to_owned(), 0.45));
    assert_eq!(answer.output("labels").unwrap().shape(), [2, 5]);
    let rest = Client::new(&server.url()).unwrap().model("image_classifier");
    let rest_files = rest.clone().signature("serving_preprocess");
    let over_rest = rest_files.predict(Input::files([image, image])).await.unwrap();
    let outputs = |answer: &canary_core::predict::Answer| {
        let outputs = answer.outputs().map(|(name, tensor)| (name.to_owned(), tensor.clone()));
        outputs.collect::<std::collections::BTreeMap<_, _>>()
    };
    assert_eq!(outputs(&answer), outputs(&over_rest));
    let mut metadata = client.metadata().await.unwrap();
    metadata.version = rest.metadata().await.unwrap().version;
    assert_eq!(metadata, rest.metadata().await.unwrap());
    assert_eq!(client.status().await.unwrap(), rest.status().await.unwrap());
    let pixels = TensorData::Float(vec![0.5; 224 * 224 * 3]);
    let pixels = Tensor::new(vec![1, 224, 224, 3], pixels).unwrap();
    client.check(&pixels).await.unwrap();
    assert_eq!(client.predict(&pixels).await.unwrap().output("logits").unwrap().shape()[0], 1);
    assert_eq!(
        files.clone().label("old").predict(image).await.unwrap().top().unwrap()[0].0,
        "suit"
    );

    let half = Tensor::new(vec![1], TensorData::Half(vec![0])).unwrap();
    for (client, input, code, said) in [
        (files.clone().version(7), Input::named([("raw_images", image)]), 5, "image_classifier, 7"),
        (files.clone().label("x"), Input::named([("raw_images", image)]), 3, "label: x"),
        (
            client.clone().signature("x"),
            Input::named([("raw_images", image)]),
            3,
            "\"x\" not found",
        ),
        (
            files.clone(),
            Input::named([("images", image)]),
            3,
            "'raw_images' of type DT_STRING is missing",
        ),
        (
            files.clone(),
            Input::named([("raw_images", image), ("b", image)]),
            3,
            "'b' is not one of raw_images",
        ),
        (client.clone(), Input::named([("x", &half)]), 3, "element type 19"),
        (client.clone(), Input::named([("x", image)]), 3, "is given as DT_STRING"),
    ] {
        let Error::Predict(error) = client.predict(input).await.unwrap_err() else { panic!() };
        assert_eq!((error.origin, error.grpc_code), (Origin::Server, Some(code)), "{error}");
        assert!(error.message.contains(said), "{error}");
    }
}

#[tokio::test]
async fn refusals_have_their_status() {
    let server = server().await;
    let predict = "/v1/models/image_classifier:predict";
    for (method, path, body, status, said) in [
        ("POST", "/v1/models/other:predict", "{}", 404, "Latest(other)"),
        (
            "POST",
            "/v1/models/image_classifier/versions/7:predict",
            "{}",
            404,
            "image_classifier, 7",
        ),
        ("POST", "/v1/models/image_classifier/labels/x:predict", "{}", 400, "label: x"),
        ("POST", predict, "{", 400, "JSON Parse error"),
        ("POST", predict, "{\"instances\": [1]}", 400, "expected [?, 224, 224, 3]"),
        ("POST", "/v1/models/image_classifier:classify", "{}", 400, "no signature for classify"),
        ("GET", predict, "", 400, "Malformed request: GET"),
        ("GET", "/v1/models/other", "", 404, "any versions of model other"),
        ("GET", "/v1/models/image_classifier/versions/7", "", 404, "version 7"),
        ("GET", "/v1/elsewhere", "", 400, "Malformed request"),
    ] {
        let (found, head, answer) = raw(&server, method, path, body).await;
        assert_eq!(found, status, "{method} {path}: {answer}");
        assert!(head.contains("content-type: application/json"), "{head}");
        assert!(answer.starts_with("{\"error\": \"") && answer.contains(said), "{answer}");
    }
    let (status, head, body) = raw(&server, "GET", "/favicon.ico", "").await;
    assert_eq!(status, 404);
    assert!(head.contains("content-type: text/html") && body.contains("<html>"), "{head}{body}");
    let huge = "/v1/models/image_classifier/versions/99999999999999999999";
    let (status, _, body) = raw(&server, "GET", huge, "").await;
    assert_eq!((status, body.as_str()), (400, ""));
}

#[tokio::test]
async fn status_and_metadata_have_texts_for_numbers() {
    let server = server().await;
    let (status, _, body) = raw(&server, "GET", "/v1/models/image_classifier", "").await;
    let read: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(status, 200);
    assert_eq!(read["model_version_status"][0]["version"], "2");
    assert_eq!(read["model_version_status"][1]["state"], "AVAILABLE");
    let (_, _, body) = raw(&server, "GET", "/v1/models/image_classifier/metadata", "").await;
    let read: serde_json::Value = serde_json::from_str(&body).unwrap();
    let inputs = &read["metadata"]["signature_def"]["signature_def"]["serving_default"]["inputs"];
    assert_eq!(inputs["x"]["dtype"], "DT_FLOAT");
    assert_eq!(inputs["x"]["tensor_shape"]["dim"][0]["size"], "-1");
    assert_eq!(inputs["x"]["tensor_shape"]["dim"][1]["size"], "224");
}

#[tokio::test]
async fn a_script_of_errors_reaches_the_client_as_errors_of_the_server() {
    let broken = Scripted::new("suit", 0.4).errors(1.0).error_code(Code::ResourceExhausted);
    let server = ModelServer::start([Served::new("m", broken)]).await.unwrap();
    let client = Client::new(&server.url()).unwrap().model("m").signature("serving_preprocess");
    let image: &[u8] = b"x";
    let error = client.retry(Retry::never()).predict(Input::files([image])).await.unwrap_err();
    let Error::Predict(error) = error else { panic!("{error}") };
    assert_eq!((error.origin, error.status), (Origin::Server, Some(429)));
}

#[tokio::test]
async fn dropping_a_server_closes_its_port_and_its_connections() {
    let server = server().await;
    let address = server.address();
    let mut open = TcpStream::connect(address).await.unwrap();
    open.write_all(b"GET /v1/models/image_classifier HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut buffer = [0; 12];
    open.read_exact(&mut buffer).await.unwrap();
    drop(server);
    let closed = async {
        let mut rest = Vec::new();
        let _ = open.read_to_end(&mut rest).await;
        while TcpStream::connect(address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(2), closed).await.unwrap();
}
