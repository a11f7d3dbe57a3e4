//! The Open Inference Protocol over gRPC.

use canary_core::{
    error::Origin,
    predict::{Client, Encoding, Input, Protocol},
    tensor::{Tensor, TensorData},
};
use canary_proto::inference::{
    InferParameter, InferTensorContents, ModelInferRequest, ModelInferResponse,
    ModelMetadataResponse, ModelReadyResponse, ServerMetadataResponse,
    infer_parameter::ParameterChoice, model_infer_response::InferOutputTensor,
    model_metadata_response::TensorMetadata,
};
use prost::Message;

use crate::{
    calls::predict_error,
    grpc::{Received, Reply, serve},
};

const SERVICE: &str = "/inference.GRPCInferenceService/";

/// Answers inference with the inputs, raw when they came raw and in lists otherwise.
fn echo(received: &Received) -> Reply {
    let Some(method) = received.path.strip_prefix(SERVICE) else {
        return Reply::Status(12, "unknown service", &[]);
    };
    Reply::Message(match method {
        "ServerMetadata" => ServerMetadataResponse {
            name: "fake".into(),
            version: "1".into(),
            extensions: Vec::new(),
        }
        .encode_to_vec(),
        "ModelReady" => ModelReadyResponse { ready: true }.encode_to_vec(),
        "ModelMetadata" => ModelMetadataResponse {
            name: "mix".into(),
            versions: vec!["3".into()],
            platform: "python".into(),
            inputs: vec![TensorMetadata {
                name: "x".into(),
                datatype: "FP32".into(),
                shape: vec![-1, 2],
            }],
            outputs: Vec::new(),
        }
        .encode_to_vec(),
        "ModelInfer" => {
            let request = ModelInferRequest::decode(received.message.clone()).unwrap();
            assert_eq!(request.id.len(), 16);
            let outputs = request.inputs.into_iter().map(|input| InferOutputTensor {
                name: input.name,
                datatype: input.datatype,
                shape: input.shape,
                contents: input.contents,
                ..InferOutputTensor::default()
            });
            ModelInferResponse {
                outputs: outputs.collect(),
                raw_output_contents: request.raw_input_contents,
                ..ModelInferResponse::default()
            }
            .encode_to_vec()
        }
        _ => return Reply::Status(12, "unknown method", &[]),
    })
}

fn client(address: &str) -> Client {
    Client::new(&format!("grpc://{address}"))
        .unwrap()
        .protocol(Protocol::OpenInference)
        .model("mix")
}

fn every_type() -> Vec<TensorData> {
    vec![
        TensorData::Bool(vec![true, false]),
        TensorData::Uint8(vec![0, 255]),
        TensorData::Uint16(vec![0, 65535]),
        TensorData::Uint32(vec![0, u32::MAX]),
        TensorData::Uint64(vec![0, u64::MAX]),
        TensorData::Int8(vec![-128, 127]),
        TensorData::Int16(vec![i16::MIN, i16::MAX]),
        TensorData::Int32(vec![i32::MIN, i32::MAX]),
        TensorData::Int64(vec![i64::MIN, i64::MAX]),
        TensorData::Float(vec![0.1, f32::INFINITY]),
        TensorData::Double(vec![0.1, f64::NEG_INFINITY]),
        TensorData::String(vec![b"\xff\0".to_vec(), Vec::new()]),
        TensorData::Half(vec![0x3e00, 0x0001]),
        TensorData::Bfloat16(vec![0x3f80, 0x4000]),
    ]
}

#[tokio::test]
async fn every_type_is_carried_raw_and_in_lists() {
    let (address, log) = serve(echo).await;
    for data in every_type() {
        let tensor = Tensor::new(vec![1, 2], data).unwrap();
        let input = || Input::named([("x", tensor.clone()), ("y", tensor.clone())]);
        let client = client(&address);
        let answer = client.predict(input()).await.unwrap();
        assert_eq!(answer.output("x").unwrap(), &tensor);
        assert_eq!(answer.output("y").unwrap(), &tensor);
        assert!(!answer.output("x").unwrap().is_text());
        let answer = client.encoding(Encoding::Lists).predict(input()).await;
        match tensor.data() {
            TensorData::Half(_) | TensorData::Bfloat16(_) => {
                let error = predict_error(answer.unwrap_err());
                assert!(error.message.contains("no list"), "{error}");
            }
            _ => assert_eq!(answer.unwrap().output("y").unwrap(), &tensor),
        }
    }
    // Raw elements and lists are never mixed.
    for received in log.lock().unwrap().iter() {
        let request = ModelInferRequest::decode(received.message.clone()).unwrap();
        let listed = request.inputs.iter().filter(|input| input.contents.is_some()).count();
        assert_eq!(listed + request.raw_input_contents.len(), 2);
        assert!(listed == 0 || listed == 2);
    }
}

#[tokio::test]
async fn status_metadata_and_names() {
    let (address, log) = serve(echo).await;
    let client = client(&address);
    assert!(client.is_ready().await.unwrap());
    assert_eq!(client.status().await.unwrap().newest(), Some(3));
    let metadata = client.metadata().await.unwrap();
    assert_eq!((metadata.model.as_str(), metadata.version), ("mix", Some(3)));
    let x = Tensor::new(vec![1, 2], TensorData::Float(vec![1.0, 2.0])).unwrap();
    client.check(&x).await.unwrap();
    let answer = client.clone().version(3).outputs(["x"]).predict(&x).await.unwrap();
    assert_eq!(answer.output("x").unwrap(), &x);
    let last = log.lock().unwrap().last().unwrap().clone();
    let request = ModelInferRequest::decode(last.message).unwrap();
    assert_eq!((request.model_name.as_str(), request.model_version.as_str()), ("mix", "3"));
    assert_eq!(request.outputs[0].name, "x");
}

fn output(datatype: &str, shape: Vec<i64>, contents: InferTensorContents) -> InferOutputTensor {
    InferOutputTensor {
        name: "y".into(),
        datatype: datatype.into(),
        shape,
        contents: Some(contents),
        ..InferOutputTensor::default()
    }
}

#[tokio::test]
async fn answers_that_are_wrong_are_refused() {
    let ints = |values: &[i32]| InferTensorContents {
        int_contents: values.to_vec(),
        ..InferTensorContents::default()
    };
    let plain = |output| ModelInferResponse { outputs: vec![output], ..Default::default() };
    let mut raw = plain(output("FP32", vec![1], InferTensorContents::default()));
    raw.raw_output_contents = vec![b"abc".as_slice().into()];
    let mut two = raw.clone();
    two.raw_output_contents.push("abcd".into());
    for (answer, word) in [
        (ModelInferResponse::default(), "no output"),
        (plain(output("INT8", vec![1], ints(&[300]))), "300 is outside the range of INT8"),
        (plain(output("INT32", vec![2], ints(&[1]))), "[2], and it has 1 elements"),
        (plain(output("INT32", vec![-1], ints(&[1]))), "unknown length"),
        (plain(output("COMPLEX", vec![1], ints(&[1]))), "\"COMPLEX\" is not known"),
        (plain(output("INT32", vec![1; 33], ints(&[1]))), "dimensions"),
        (raw, "3 bytes are not a number of elements"),
        (two, "1 outputs and the raw elements of 2"),
    ] {
        let message = answer.encode_to_vec();
        let (address, _) = serve(move |_| Reply::Message(message.clone())).await;
        let input = Input::named([("x", vec![1_u8])]);
        let error = predict_error(client(&address).predict(input).await.unwrap_err());
        assert_eq!(error.origin, Origin::Answer, "{error}");
        assert!(error.message.contains(word), "{word}: {error}");
    }
    // Empty messages by the million.
    let mut many = Vec::new();
    for _ in 0..2 << 20 {
        many.extend([0x2a, 0]);
    }
    let (address, _) = serve(move |_| Reply::Message(many.clone())).await;
    let error = client(&address).predict(Input::named([("x", vec![1_u8])])).await.unwrap_err();
    assert!(predict_error(error).message.contains("bytes of memory"));
}

#[tokio::test]
async fn strings_are_text_where_the_server_says_so() {
    let (address, _) = serve(|_| {
        let contents = InferTensorContents {
            bytes_contents: vec!["hi".into()],
            ..InferTensorContents::default()
        };
        let mut output = output("BYTES", vec![1], contents);
        let choice = Some(ParameterChoice::StringParam("str".into()));
        let text = InferParameter { parameter_choice: choice };
        output.parameters.insert("content_type".into(), text);
        let answer = ModelInferResponse { outputs: vec![output], ..Default::default() };
        Reply::Message(answer.encode_to_vec())
    })
    .await;
    let answer = client(&address).predict(Input::named([("x", vec![1_u8])])).await.unwrap();
    assert!(answer.output("y").unwrap().is_text());
}

#[tokio::test]
async fn the_protocol_is_found_and_its_lack_explained() {
    let (address, _) = serve(echo).await;
    let url = format!("grpc://{address}");
    let found = Client::detect(&url).await.unwrap();
    assert_eq!(found.spoken(), Protocol::OpenInference);
    let tensorflow = Client::new(&url).unwrap().model("mix");
    let error = predict_error(tensorflow.status().await.unwrap_err());
    assert_eq!(error.grpc_code, Some(12));
    assert!(error.help.contains("fake 1 speaks the Open Inference Protocol"), "{error}");

    // TorchServe has the messages in a package of its own.
    let (address, log) = serve(|received| {
        let torch = "/org.pytorch.serve.grpc.openinference.GRPCInferenceService/";
        match received.path.strip_prefix(torch) {
            Some("ServerMetadata") => Reply::Message(
                ServerMetadataResponse { name: "Torchserve".into(), ..Default::default() }
                    .encode_to_vec(),
            ),
            Some(_) => Reply::Status(5, "no such model", &[]),
            None => Reply::Status(12, "", &[]),
        }
    })
    .await;
    let client = Client::detect(&format!("grpc://{address}")).await.unwrap().model("m");
    let input = Input::named([("x", vec![1_u8])]);
    let error = predict_error(client.predict(input).await.unwrap_err());
    assert_eq!(error.grpc_code, Some(5), "{error}");
    let sent = log.lock().unwrap().last().unwrap().message.clone();
    assert!(ModelInferRequest::decode(sent).unwrap().raw_input_contents.is_empty());

    let (address, _) = serve(|received| match received.path.as_str() {
        "/tensorflow.serving.ModelService/GetModelStatus" => {
            Reply::Status(5, "Could not find", &[])
        }
        _ => Reply::Status(12, "", &[]),
    })
    .await;
    let found = Client::detect(&format!("grpc://{address}")).await.unwrap();
    assert_eq!(found.spoken(), Protocol::TensorFlow);
    let (address, _) = serve(|_| Reply::Status(12, "", &[])).await;
    let error = Client::detect(&format!("grpc://{address}")).await.unwrap_err();
    assert!(predict_error(error).message.contains("no protocol"));
}
