//! The Open Inference Protocol and KServe's V1 over REST.

use std::time::Duration;

use canary_core::{
    error::Origin,
    predict::{Client, Encoding, Input, Protocol, Retry},
    serving::Error,
    tensor::{DType, Tensor, TensorData},
};

use crate::{
    calls::predict_error,
    server::{Request, Server, reply},
};

fn open(server: &Server) -> Client {
    Client::new(&server.url()).unwrap().protocol(Protocol::OpenInference).model("mix")
}

fn floats(shape: &[usize], values: &[f32]) -> Tensor {
    Tensor::new(shape.to_vec(), TensorData::Float(values.to_vec())).unwrap()
}

const METADATA: &[u8] = br#"{"name":"mix","versions":["1","2"],"platform":"python",
    "inputs":[{"name":"x","datatype":"FP32","shape":[-1,2]}],"outputs":[]}"#;
const ANSWER: &[u8] = br#"{"model_name":"mix","outputs":[{"name":"y","datatype":"INT64","shape":[1],"data":[9007199254740993]}]}"#;

fn path(request: &Request) -> &str {
    request.head.split_ascii_whitespace().nth(1).unwrap()
}

/// A server of the protocol with one model and one input.
fn server() -> Server {
    Server::new(|request, stream| match path(request) {
        "/v2/models/mix" => reply(stream, "200 OK", &[], METADATA),
        "/v2/models/mix/ready" => reply(stream, "200 OK", &[], b""),
        "/v2/models/mix/infer" => reply(stream, "200 OK", &[("x-canary-subset", "v2")], ANSWER),
        _ => reply(stream, "404 Not Found", &[], br#"{"detail":"Not Found"}"#),
    })
}

#[tokio::test]
async fn an_input_without_a_name_gets_the_name_of_the_only_one() {
    let server = server();
    let client = open(&server);
    for _ in 0..2 {
        let answer = client.predict(&floats(&[1, 2], &[1.0, 2.0])).await.unwrap();
        assert_eq!(
            answer.output("y").unwrap().data(),
            &TensorData::Int64(vec![9_007_199_254_740_993])
        );
        assert_eq!(answer.subset(), Some("v2"));
    }
    let requests = server.requests();
    let paths: Vec<_> = requests.iter().map(path).collect();
    assert_eq!(paths, ["/v2/models/mix", "/v2/models/mix/infer", "/v2/models/mix/infer"]);
    let body = requests[1].text();
    assert!(
        body.ends_with(
            r#""inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1.0,2.0]}]}"#
        ),
        "{body}"
    );
    assert!(requests[1].head.to_lowercase().contains("content-type: application/json"));
}

#[tokio::test]
async fn many_inputs_are_answered_in_order() {
    let server = server();
    let client = open(&server);
    let mut answers = client.predict_many((0..20).map(|_| floats(&[1, 2], &[0.0; 2])), 4);
    let mut count = 0;
    while let Some(answer) = answers.next().await {
        answer.unwrap();
        count += 1;
    }
    assert_eq!(count, 20);
}

#[tokio::test]
async fn versions_outputs_and_raw_elements_reach_the_wire() {
    let server = Server::new(|request, stream| {
        let json = br#"{"outputs":[{"name":"y","datatype":"FP16","shape":[2],"parameters":{"binary_data_size":4}}]}"#;
        let length = json.len().to_string();
        assert!(path(request).starts_with("/v2/models/mix/versions/"));
        // Without a content type, as KServe sends it.
        let headers = [("Inference-Header-Content-Length", length.as_str())];
        reply(stream, "200 OK", &headers, &[&json[..], b"\x00\x3c\x00\x40"].concat())
    });
    let half = Tensor::new(vec![2], TensorData::Half(vec![0x3c00, 0x4000])).unwrap();
    let input = || Input::named([("x", half.clone())]);
    let client = open(&server).version(7).outputs(["y"]);
    let answer = client.predict(input()).await.unwrap();
    assert_eq!(answer.output("y").unwrap(), &half);
    client.clone().label("v/10").predict(input()).await.unwrap();
    let requests = server.requests();
    assert_eq!(path(&requests[0]), "/v2/models/mix/versions/7/infer");
    assert_eq!(path(&requests[1]), "/v2/models/mix/versions/v%2F10/infer");
    let head = requests[0].head.to_lowercase();
    assert!(head.contains("content-type: application/octet-stream"), "{head}");
    let body = &requests[0].body;
    assert!(body.ends_with(b"}\x00\x3c\x00\x40"));
    assert!(
        head.contains(&format!("inference-header-content-length: {}", body.len() - 4)),
        "{head}"
    );
    let lists = client.encoding(Encoding::Lists);
    let refused = lists.predict(Input::named([("x", vec![0xff_u8])])).await;
    let error = predict_error(refused.unwrap_err());
    assert_eq!(error.origin, Origin::Request, "{error}");
    assert!(error.message.contains("byte strings"), "{error}");
}

#[tokio::test]
async fn readiness_is_that_of_the_model() {
    let server = Server::new(|request, stream| match (path(request), request.index) {
        ("/v2/models/mix/ready", 0) => {
            reply(stream, "404 Not Found", &[], b"{\"error\":\"no available versions\"}")
        }
        ("/v2/models/mix/ready", index) if index < 7 => reply(stream, "400 Bad Request", &[], b""),
        ("/v2/models/mix/ready", 7) => reply(stream, "503 X", &[], b"{\"error\":\"loading\"}"),
        ("/v2/models/mix/ready", _) => reply(stream, "200 OK", &[], b"{\"ready\":true}"),
        ("/v2/models/mix", _) => reply(stream, "200 OK", &[], METADATA),
        _ => reply(stream, "404 Not Found", &[], b"{}"),
    });
    let client = open(&server).retry(Retry::never());
    assert!(!client.is_ready().await.unwrap(), "the model is unknown");
    let mut seen = Vec::new();
    let status = client
        .wait(Duration::from_secs(20), |waiting| {
            seen.push(waiting.seen.map_or_else(ToString::to_string, ToString::to_string));
        })
        .await
        .unwrap();
    assert_eq!(seen.first().map(String::as_str), Some("not ready"), "{seen:?}");
    assert!(status.ready());
    assert_eq!(
        (status.newest(), status.to_string().as_str()),
        (Some(2), "1 AVAILABLE, 2 AVAILABLE")
    );
}

#[tokio::test]
async fn inputs_are_checked_against_the_metadata() {
    let server = server();
    let client = open(&server);
    client.check(&floats(&[3, 2], &[0.0; 6])).await.unwrap();
    let double = Tensor::new(vec![1, 2], TensorData::Double(vec![0.0; 2])).unwrap();
    let error = client.check(&double).await.unwrap_err().to_string();
    assert!(error.contains("DT_DOUBLE[1, 2], expected FP32[?, 2]"), "{error}");
    let metadata = client.metadata().await.unwrap();
    assert_eq!(metadata.signature("").unwrap().inputs["x"].dtype, Some(DType::Float));
    // MLServer and KServe list no inputs of models that declare none.
    let bare = Server::json("200 OK", r#"{"name":"mix","versions":[],"platform":"","inputs":[]}"#);
    let Error::NotFound { object, help } = open(&bare).check(&double).await.unwrap_err() else {
        panic!()
    };
    assert!(object.contains("inputs of model \"mix\"") && help.contains("lists none"), "{help}");
    let error = predict_error(open(&bare).predict(&double).await.unwrap_err());
    assert!(error.message.contains("does not list the model's inputs"), "{error}");
}

#[tokio::test]
async fn errors_are_told_in_the_servers_words() {
    let traceback = "Traceback (most recent call last):\n  File \"a.py\", line 1\nValueError: the model does not like it\n";
    for (status, body, origin, word, help) in [
        ("500 X", traceback, Origin::Server, "ValueError: the model does not like it", ""),
        ("400 X", r#"{"error":"ValueError -- no"}"#, Origin::Server, "ValueError -- no", "check("),
        (
            "400 X",
            r#"{"error":"Model 'mix' is not ready yet."}"#,
            Origin::Server,
            "not ready",
            ".wait(",
        ),
        (
            "422 X",
            r#"{"detail":[{"type":"missing","loc":["body","inputs",0],"msg":"Field required"}]}"#,
            Origin::Server,
            "body.inputs.0: Field required",
            "NaN",
        ),
        (
            "503 X",
            r#"{"code":503,"type":"InternalServerException","message":"failed"}"#,
            Origin::Server,
            "failed",
            "",
        ),
        (
            "501 X",
            r#"{"error":"Model versioning not supported"}"#,
            Origin::Server,
            "versioning",
            "leave the version out",
        ),
        ("500 X", "Internal Server Error", Origin::Server, "Internal Server Error", ""),
        ("503 X", "no healthy upstream", Origin::Mesh, "no healthy upstream", ""),
        (
            "200 OK",
            r#"{"outputs":[{"name":"y"}]}"#,
            Origin::Answer,
            "output \"y\": its shape is missing",
            "",
        ),
    ] {
        let server = Server::new(move |request, stream| match path(request) {
            "/v2/models/mix/infer" => reply(stream, status, &[], body.as_bytes()),
            "/v2" => reply(stream, "200 OK", &[], br#"{"name":"fake","version":"1"}"#),
            _ => reply(stream, "404 Not Found", &[], b"{}"),
        });
        let client = open(&server).retry(Retry::never());
        let input = Input::named([("x", floats(&[1], &[0.0]))]);
        let error = predict_error(client.predict(input).await.unwrap_err());
        assert_eq!(error.origin, origin, "{error}");
        assert!(error.message.contains(word) && error.help.contains(help), "{error}");
        assert!(!error.help.contains("speaks"), "{error}");
    }
}

#[tokio::test]
async fn calls_of_tensorflow_serving_alone_are_refused() {
    let server = server();
    for protocol in [Protocol::OpenInference, Protocol::KServe] {
        let client = open(&server).protocol(protocol);
        let example = canary_core::predict::Example::new().with("a", 1.0);
        let error = predict_error(client.classify(example).await.unwrap_err());
        assert_eq!(error.origin, Origin::Request);
        assert!(error.to_string().contains("TensorFlow Serving alone"), "{error}");
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn kserve_v1() {
    let server = Server::new(|request, stream| match path(request) {
        "/v1/models/m:predict" if request.text().contains("\"mapped\"") => reply(
            stream,
            "200 OK",
            &[],
            br#"{"predictions":{"labels":[["a"]],"probabilities":[[0.5]]}}"#,
        ),
        "/v1/models/m:predict" if request.text().contains("\"one\"") => {
            reply(stream, "200 OK", &[], br#"{"predictions":0.25}"#)
        }
        "/v1/models/m:predict" => reply(stream, "200 OK", &[], br#"{"predictions":[[1.5]]}"#),
        "/v1/models/m" if request.index == 0 => {
            reply(stream, "503 X", &[], br#"{"error":"loading"}"#)
        }
        "/v1/models/m" => reply(stream, "200 OK", &[], br#"{"name":"m","ready":"True"}"#),
        _ => {
            reply(stream, "404 Not Found", &[], br#"{"error":"Model with name x does not exist."}"#)
        }
    });
    let client = open(&server).protocol(Protocol::KServe).model("m").retry(Retry::never());
    assert!(!client.is_ready().await.unwrap());
    assert!(client.is_ready().await.unwrap());
    let text = |text: &str| Tensor::texts(vec![1], [text]).unwrap();
    let answer = client.predict(text("plain")).await.unwrap();
    assert_eq!(answer.output("predictions").unwrap().as_floats(), Some(&[1.5][..]));
    assert_eq!(server.requests()[2].text(), r#"{"instances":["plain"]}"#);
    let answer = client.predict(text("mapped")).await.unwrap();
    assert_eq!(answer.top().unwrap(), [("a".to_owned(), 0.5)]);
    let answer = client.predict(text("one")).await.unwrap();
    assert_eq!(answer.output("predictions").unwrap().as_floats(), Some(&[0.25][..]));
    client.predict(b"\xff".as_slice()).await.unwrap();
    assert_eq!(server.requests()[5].text(), r#"{"instances":[{"b64":"/w=="}]}"#);
    let error = predict_error(client.metadata().await.unwrap_err());
    assert!(error.message.contains("no metadata"), "{error}");
    let error = predict_error(client.clone().label("stable").predict(text("a")).await.unwrap_err());
    assert!(error.message.contains("no versions"), "{error}");
}
