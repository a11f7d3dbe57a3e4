//! Triton.

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
async fn triton() {
    let Some(server) = ModelServer::start("triton", 0) else { return };
    let rest = detected(&server, &server.rest(), "mix").await;
    assert_eq!((rest.spoken(), rest.encoded()), (Protocol::OpenInference, Encoding::Raw));
    let grpc = detected(&server, &server.grpc(), "mix").await;
    for client in [&rest, &rest.clone().encoding(Encoding::Lists), &grpc] {
        // The only input needs no name.
        check_scores(&client.predict(row()).await.unwrap());
        let one = client.clone().outputs(["logits"]).predict(row()).await.unwrap();
        assert_eq!(one.single().unwrap().as_floats(), Some(&[2.0, 0.0, -1.0][..]));
        client.check(row()).await.unwrap();
        let double = Tensor::new(vec![1, 4], TensorData::Double(vec![0.0; 4])).unwrap();
        let error = client.check(&double).await.unwrap_err().to_string();
        assert!(error.contains("DT_DOUBLE[1, 4], expected FP32[?, 4]"), "{error}");
        let error = predict_error(client.predict(&double).await.unwrap_err());
        assert_eq!(error.origin, Origin::Server, "{error}");
        assert_eq!(client.status().await.unwrap().newest(), Some(1));
        check_scores(&client.clone().version(1).predict(row()).await.unwrap());
        let error = predict_error(client.clone().version(7).predict(row()).await.unwrap_err());
        assert_eq!(error.origin, Origin::Server, "{error}");
        assert!(!client.clone().model("other").is_ready().await.unwrap());
    }
    let model = |client: &Client| client.clone().model("echo");
    echo(&model(&rest), "_out", &[]).await;
    echo(&model(&rest).encoding(Encoding::Automatic), "_out", &[]).await;
    echo(&model(&grpc), "_out", &[]).await;
    // Lists, of JSON and of gRPC, have no 16-bit floats, and those of JSON no bytes.
    echo(&model(&rest).encoding(Encoding::Lists), "_out", &["fp16", "bytes"]).await;
    echo(&model(&grpc).encoding(Encoding::Lists), "_out", &["fp16"]).await;

    // Triton reads and writes the bare words.
    let nan = Tensor::new(vec![2], TensorData::Float(vec![f32::NAN, f32::INFINITY])).unwrap();
    for encoding in [Encoding::Lists, Encoding::Raw] {
        let client = model(&rest).encoding(encoding);
        let answer = client.predict(Input::named([("fp32", &nan)])).await.unwrap();
        let floats = answer.output("fp32_out").unwrap().as_floats().unwrap();
        assert!(floats[0].is_nan() && floats[1].is_infinite(), "{floats:?}");
    }
    let wrong = Client::new(&server.rest()).unwrap().model("mix");
    let error = predict_error(wrong.predict(row()).await.unwrap_err());
    assert!(error.help.contains("triton 2.51.0 speaks the Open Inference"), "{error}");
}
