//! Status, metadata, classify and regress.

use std::time::Duration;

use canary_core::{
    error::Origin,
    predict::{Example, Input, State},
    serving::Error,
    tensor::{Tensor, TensorData},
};

use crate::{
    calls::{client, predict_error},
    server::{Server, reply},
};

#[tokio::test]
async fn waits_until_a_version_is_available() {
    let server = Server::new(|request, stream| {
        let state = ["START", "LOADING", "AVAILABLE"][request.index.saturating_sub(1).min(2)];
        if request.index == 0 {
            let body = br#"{"error": "Could not find any versions of model image_classifier"}"#;
            return reply(stream, "404 Not Found", &[], body);
        }
        let body = format!(
            r#"{{"model_version_status":[{{"version":"3","state":"{state}","status":{{"error_code":"OK","error_message":""}}}}]}}"#
        );
        reply(stream, "200 OK", &[], body.as_bytes())
    });
    let mut seen = Vec::new();
    let status = client(&server)
        .wait(Duration::from_secs(20), |waiting| {
            seen.push(waiting.seen.map(|status| status.versions[0].state).ok());
        })
        .await
        .unwrap();
    assert_eq!(status.newest(), Some(3));
    assert_eq!(seen, [None, Some(State::Start), Some(State::Loading), Some(State::Available)]);
    assert!(server.requests()[0].head.starts_with("GET /v1/models/image_classifier HTTP"));
}

#[tokio::test]
async fn waiting_ends_when_time_is_up_or_loading_failed() {
    let server = Server::json(
        "200 OK",
        r#"{"model_version_status":[{"version":"3","state":"LOADING","status":{}}]}"#,
    );
    let error = client(&server).wait(Duration::from_millis(250), |_| ()).await.unwrap_err();
    let error = predict_error(error);
    assert!(error.message.contains("3 LOADING"), "{error}");
    let server = Server::json(
        "200 OK",
        r#"{"model_version_status":[{"version":"3","state":"END","status":{"error_code":"INTERNAL","error_message":"no such op"}}]}"#,
    );
    let error = client(&server).wait(Duration::from_secs(60), |_| ()).await.unwrap_err();
    assert!(predict_error(error).message.contains("no such op"));
    // The last error gives the origin: here a page in place of a model server.
    let page = Server::new(|_, stream| {
        reply(stream, "200 OK", &[("content-type", "text/html")], b"<html>")
    });
    let error = client(&page).wait(Duration::from_millis(50), |_| ()).await.unwrap_err();
    let error = predict_error(error);
    assert_eq!(error.origin, Origin::Answer, "{error}");
    assert!(error.help.contains("web page"), "{error}");
}

#[tokio::test]
async fn inputs_are_checked_against_the_servers_signature() {
    let server = Server::json(
        "200 OK",
        r#"{"model_spec":{"name":"image_classifier","version":"1"},"metadata":{"signature_def":{"signature_def":{"serving_default":{
          "inputs":{"x":{"dtype":"DT_FLOAT","tensor_shape":{"dim":[{"size":"-1"},{"size":"2"}]}}},"outputs":{},"method_name":"tensorflow/serving/predict"}}}}}"#,
    );
    let client = client(&server);
    let wrong = Tensor::new(vec![1, 3], TensorData::Float(vec![0.0; 3])).unwrap();
    let Error::Istio(canary_core::manifest::Error::Invalid(findings)) =
        client.check(&wrong).await.unwrap_err()
    else {
        panic!()
    };
    assert_eq!(findings.iter().next().unwrap().path, "inputs.x");
    let right = Tensor::new(vec![4, 2], TensorData::Float(vec![0.0; 8])).unwrap();
    client.check(Input::named([("x", right)])).await.unwrap();
    let error = client.clone().signature("other").check(&wrong).await.unwrap_err();
    assert!(error.to_string().contains("serving_default"), "{error}");
    let request = &server.requests()[0];
    assert!(request.head.starts_with("GET /v1/models/image_classifier/metadata HTTP"));
}

#[tokio::test]
async fn classify_and_regress() {
    let server = Server::new(|request, stream| {
        let body: &[u8] = if request.head.contains(":classify") {
            br#"{"results": [[["cat", 0.25], ["dog", 0.75]]]}"#
        } else {
            br#"{"results": [2.5]}"#
        };
        reply(stream, "200 OK", &[], body)
    });
    let client = client(&server);
    let example = Example::new().with("age", 3.0);
    let answer = client.classify(example.clone()).await.unwrap();
    assert_eq!(answer.top().unwrap()[0], ("dog".to_owned(), 0.75));
    let answer = client.regress(example).await.unwrap();
    assert_eq!(answer.single().unwrap().as_floats(), Some(&[2.5][..]));
    assert_eq!(server.requests()[1].text(), r#"{"examples":[{"age":[3.0]}]}"#);
}

#[tokio::test]
async fn an_unknown_model_is_an_error_of_the_server() {
    let server =
        Server::json("404 Not Found", r#"{"error": "Could not find any versions of model x"}"#);
    let error = predict_error(client(&server).status().await.unwrap_err());
    assert_eq!((error.origin, error.status), (Origin::Server, Some(404)));
    assert!(error.help.contains("name"), "{error}");
}
