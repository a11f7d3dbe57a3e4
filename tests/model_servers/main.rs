//! The client against real model servers: MLServer, KServe's server and Triton.
#![expect(clippy::unwrap_used, reason = "a test fails where something is missing")]

mod arrays;
mod kserve;
mod mlserver;
mod release;
mod triton;

use std::time::Duration;

use canary_core::{
    error::PredictError,
    predict::{Client, Retry},
    serving::Error,
};
use canary_tests::model_servers::ModelServer;

/// A client in the protocol that the server is found to speak, when its model is ready.
async fn detected(server: &ModelServer, url: &str, model: &str) -> Client {
    let waiting = Client::new(url).unwrap().protocol(canary_core::predict::Protocol::OpenInference);
    let ready = waiting.model(model).wait(Duration::from_secs(90), |_| ()).await;
    ready.unwrap_or_else(|error| panic!("{error}\n{}", server.log()));
    Client::detect(url).await.unwrap().model(model).retry(Retry::never())
}

#[track_caller]
fn predict_error(error: Error) -> PredictError {
    match error {
        Error::Predict(error) => *error,
        other => panic!("expected a prediction's error, found {other:?}"),
    }
}
