//! MLServer.

use canary_core::{
    error::Origin,
    predict::{Client, Encoding, Input, Protocol},
    tensor::{Tensor, TensorData},
};
use canary_tests::model_servers::ModelServer;

use crate::{
    arrays::{check_scores, echo, row},
    detected, predict_error,
};

#[tokio::test]
async fn mlserver() {
    let Some(server) = ModelServer::start("mlserver", 0) else { return };
    let rest = detected(&server, &server.rest(), "mix").await;
    assert_eq!((rest.spoken(), rest.encoded()), (Protocol::OpenInference, Encoding::Base64));
    let grpc = detected(&server, &server.grpc(), "mix").await;
    assert_eq!(grpc.spoken(), Protocol::OpenInference);
    for client in [&rest, &grpc] {
        let input = || Input::named([("x", row())]);
        check_scores(&client.predict(input()).await.unwrap());
        let one = client.clone().outputs(["logits"]).predict(input()).await.unwrap();
        assert_eq!(one.single().unwrap().as_floats(), Some(&[2.0, 0.0, -1.0][..]));
        assert!(client.status().await.unwrap().ready());
        // The model declares no inputs, so nothing can be checked and no name be found.
        let error = client.check(row()).await.unwrap_err().to_string();
        assert!(error.contains("lists none"), "{error}");
        let error = predict_error(client.predict(row()).await.unwrap_err());
        assert!(error.message.contains("does not list the model's inputs"), "{error}");
        check_scores(&client.clone().label("v10").predict(input()).await.unwrap());
        let unknown = client.clone().model("other");
        assert!(!unknown.is_ready().await.unwrap());
        let error = predict_error(unknown.predict(input()).await.unwrap_err());
        assert_eq!(error.origin, Origin::Server, "{error}");
        let fails = Input::named([("fail", row())]);
        let error = predict_error(client.predict(fails).await.unwrap_err());
        assert_eq!(error.origin, Origin::Server);
        assert!(error.message.contains("the model does not like this input"), "{error}");
    }
    echo(&rest, "", &[]).await;
    echo(&grpc, "", &[]).await;

    // NaN is not read as JSON, and is over gRPC refused on the way back.
    let nan = Tensor::new(vec![1], TensorData::Float(vec![f32::NAN])).unwrap();
    let error = predict_error(rest.predict(Input::named([("y", &nan)])).await.unwrap_err());
    assert_eq!((error.origin, error.status), (Origin::Server, Some(422)), "{error}");
    assert!(error.help.contains("NaN"), "{error}");

    // A client of TensorFlow Serving's protocol learns what this is.
    for url in [server.rest(), server.grpc()] {
        let wrong = Client::new(&url).unwrap().model("mix");
        let error = predict_error(wrong.status().await.unwrap_err());
        assert!(error.help.contains("mlserver 1.7.1 speaks the Open Inference"), "{error}");
    }
}
