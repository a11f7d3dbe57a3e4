//! KServe's server, which speaks both of its protocols.

use canary_core::{
    error::Origin,
    predict::{Client, Encoding, Input, Protocol, Retry},
    tensor::{Tensor, TensorData},
};
use canary_tests::model_servers::ModelServer;

use crate::{
    arrays::{check_scores, echo, row},
    detected, predict_error,
};

#[tokio::test]
async fn kserve() {
    let Some(server) = ModelServer::start("kserve", 0) else { return };
    let rest = detected(&server, &server.rest(), "mix").await;
    assert_eq!((rest.spoken(), rest.encoded()), (Protocol::OpenInference, Encoding::Automatic));
    let grpc = detected(&server, &server.grpc(), "mix").await;
    for client in [&rest, &grpc] {
        let input = || Input::named([("x", row())]);
        check_scores(&client.predict(input()).await.unwrap());
        assert!(client.status().await.unwrap().ready());
        let unknown = client.clone().model("other");
        assert!(!unknown.is_ready().await.unwrap());
        let error = predict_error(unknown.predict(input()).await.unwrap_err());
        assert_eq!(error.origin, Origin::Server, "{error}");
    }
    check_scores(
        &rest.clone().encoding(Encoding::Raw).predict(Input::named([("x", row())])).await.unwrap(),
    );
    // Bytes that are not UTF-8 are an error of this server over REST.
    echo(&rest, "", &["bytes"]).await;
    echo(&grpc, "", &[]).await;
    let error = predict_error(
        rest.clone().version(1).predict(Input::named([("x", row())])).await.unwrap_err(),
    );
    assert!(error.help.contains("leave the version out"), "{error}");

    // The server writes NaN as null, and reads the bare word.
    let nan = Tensor::new(vec![2], TensorData::Float(vec![f32::NAN, 1.0])).unwrap();
    let answer = rest.predict(Input::named([("y", &nan)])).await.unwrap();
    let floats = answer.output("y").unwrap().as_floats().unwrap();
    assert!(floats[0].is_nan() && (floats[1] - 1.0).abs() < f32::EPSILON, "{floats:?}");

    let v1 = Client::new(&server.rest()).unwrap().protocol(Protocol::KServe).model("mix");
    let v1 = v1.retry(Retry::never());
    assert!(v1.is_ready().await.unwrap());
    check_scores(&v1.predict(row()).await.unwrap());
    let texts = Tensor::texts(vec![2], ["yes", "no"]).unwrap();
    let answer = v1.predict(&texts).await.unwrap();
    assert_eq!(answer.single().unwrap(), &texts);
    let error = predict_error(v1.model("other").predict(row()).await.unwrap_err());
    assert_eq!((error.origin, error.status), (Origin::Server, Some(404)), "{error}");
}
