//! Compares the bytes on the wire with those that protobuf itself writes (`scripts/grpc_fixtures.py`).

use std::sync::Arc;

use bytes::Bytes;
use canary_proto::{
    prost::Message,
    tensorflow::{
        DataType, TensorProto, TensorShapeProto, serving::PredictResponse, tensor_shape_proto::Dim,
    },
};

use super::{
    examples, metadata, model_spec, predict, read_classify, read_metadata, read_predict,
    read_predict_grpc, read_regress, read_status, status, write_predict_grpc,
};
use crate::{
    predict::{Example, Examples, Input, ModelVersion, State, Value},
    tensor::{DataView, Tensor, TensorData, TensorView},
};

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../../../tests/data/grpc/", $name, ".bin")).as_slice()
    };
}

fn tensor(shape: &[usize], data: TensorData) -> Tensor {
    Tensor::new(shape.to_vec(), data).unwrap()
}

#[test]
fn predict_requests() {
    let mut body = Vec::new();
    let files = Input::named([("raw_images", vec![vec![0xff, 0xd8, 0xff], vec![]])]);
    let version = ModelVersion::Number(300);
    write_predict_grpc(&mut body, "image_classifier", &version, "serving_preprocess", &files)
        .unwrap();
    assert_eq!(body, fixture!("predict_files"));

    body.clear();
    let arrays = Input::named([
        ("a", tensor(&[2, 1, 2], TensorData::Float(vec![0.5, -0.0, f32::INFINITY, 3e38]))),
        ("b", tensor(&[1], TensorData::Int64(vec![i64::MIN]))),
        ("c", tensor(&[2], TensorData::Half(vec![0x3e00, 0xc000]))),
        ("d", tensor(&[1], TensorData::Bfloat16(vec![0x3f80]))),
        ("e", tensor(&[3], TensorData::Bool(vec![true, false, true]))),
        ("f", tensor(&[], TensorData::Double(vec![0.1]))),
        ("g", tensor(&[0, 3], TensorData::Uint8(vec![]))),
        ("h", tensor(&[1], TensorData::Uint16(vec![u16::MAX]))),
        ("i", tensor(&[1], TensorData::Uint64(vec![u64::MAX]))),
        ("j", tensor(&[200], TensorData::Int8(vec![0; 200]))),
    ]);
    let label = ModelVersion::Label("stable".into());
    write_predict_grpc(&mut body, "image_classifier", &label, "", &arrays).unwrap();
    assert_eq!(body, fixture!("predict_arrays"));
    let spec = model_spec("image_classifier", &label, "");
    assert_eq!(predict(spec, arrays, &[]).unwrap().to_vec(), body);
}

/// As protobuf decodes it: the fields of a message that have a length.
fn fields(mut message: &[u8]) -> Vec<(u64, &[u8])> {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let key = prost::encoding::decode_varint(&mut message).unwrap();
        let length = prost::encoding::decode_varint(&mut message).unwrap();
        if key & 7 == 2 {
            let (field, rest) = message.split_at(usize::try_from(length).unwrap());
            fields.push((key >> 3, field));
            message = rest;
        }
    }
    fields
}

#[test]
fn large_arrays_and_files_are_whole_however_they_are_held() {
    let pixels: Vec<u16> = (0..30_000).map(|number| number * 2).collect();
    let image = tensor(&[1, 100, 300], TensorData::Uint16(pixels));
    let files = vec![vec![1; 2047], vec![2; 2048], vec![], vec![3; 300_000]];
    let texts = tensor(&[2, 2], TensorData::String(files.clone()));
    let shared = Arc::new(image.clone());
    let named = || {
        Input::named([
            ("owned", Value::from(image.clone())),
            ("shared", Arc::clone(&shared).into()),
            ("borrowed", (&image).into()),
            ("files", files.clone().into()),
            ("slices", files.as_slice().into()),
            ("texts", texts.clone().into()),
            ("text views", (&texts).into()),
        ])
    };
    let mut body = Vec::new();
    write_predict_grpc(&mut body, "m", &ModelVersion::Latest, "", &named()).unwrap();
    let spec = || model_spec("m", &ModelVersion::Latest, "");
    for input in [named(), (&named()).into(), named().into_owned()] {
        assert_eq!(predict(spec(), input, &[]).unwrap().to_vec(), body);
    }
    let inputs: Vec<_> = fields(&body).into_iter().filter(|(field, _)| *field == 2).collect();
    assert_eq!(inputs.len(), 7);
    for (_, input) in inputs {
        let [(1, name), (2, proto)] = fields(input)[..] else { panic!("{input:?}") };
        let proto = fields(proto);
        if [&b"owned"[..], b"shared", b"borrowed"].contains(&name) {
            let [(2, _), (4, content)] = proto[..] else { panic!("{proto:?}") };
            let bytes: Vec<u8> = (0..30_000_u16).flat_map(|n| (n * 2).to_le_bytes()).collect();
            assert_eq!(content, bytes);
        } else {
            let values: Vec<_> = proto.iter().filter(|(field, _)| *field == 8).collect();
            assert_eq!(values.len(), 4);
            assert!(values.iter().zip(&files).all(|((_, value), file)| value == file));
        }
    }
}

#[test]
fn what_protobuf_cannot_hold_is_refused() {
    // Memory that is never touched.
    let half = vec![0_u8; 1 << 30];
    let view = || TensorView::new(vec![1 << 30], DataView::Uint8(&half)).unwrap();
    let twice = Input::named([("a", view()), ("b", view())]);
    let mut body = Vec::new();
    let error = write_predict_grpc(&mut body, "m", &ModelVersion::Latest, "", &twice).unwrap_err();
    assert!(error.to_string().contains("its message takes 2147483648 bytes"), "{error}");
    assert!(body.is_empty());
}

#[test]
fn the_other_requests() {
    let spec = |version: ModelVersion, signature: &str| {
        model_spec("image_classifier", &version, signature)
    };
    let classify = Examples::from(vec![
        Example::new().with("n", vec![-1_i64, 2]).with("x", vec![0.5_f32, 1.5]),
        Example::new().with("t", "é"),
    ])
    .context(Example::new().with("c", 1.0));
    let body = examples(spec(ModelVersion::Latest, "classify"), &classify).unwrap();
    assert_eq!(body.to_vec(), fixture!("classify_request"));
    let regress = Example::new().with("x", 0.25).into();
    let body = examples(spec(ModelVersion::Latest, ""), &regress).unwrap();
    assert_eq!(body.to_vec(), fixture!("regress_request"));
    let body = metadata(spec(ModelVersion::Number(3), ""));
    assert_eq!(body.to_vec(), fixture!("metadata_request"));
    let body = status(spec(ModelVersion::Latest, ""));
    assert_eq!(body.to_vec(), fixture!("status_request"));
}

#[test]
fn predict_responses() {
    let read = read_predict(&Bytes::from_static(fixture!("predict_response"))).unwrap();
    assert_eq!(read.version.as_deref(), Some("3"));
    let outputs = read.outputs;
    let get = |name: &str| {
        let (_, tensor) = outputs.iter().find(|(known, _)| known == name).unwrap();
        tensor.clone()
    };
    let content = get("content");
    assert_eq!(content.shape(), [1, 3]);
    let floats = content.as_floats().unwrap();
    assert!(matches!(floats, [1.0, middle, -0.5] if middle.is_nan()), "{floats:?}");
    for (name, wanted) in [
        ("bfloat16", tensor(&[2], TensorData::Bfloat16(vec![0x3f80, 0x4000]))),
        ("bool", tensor(&[2], TensorData::Bool(vec![true, false]))),
        ("double", tensor(&[], TensorData::Double(vec![0.1]))),
        ("empty", tensor(&[0, 5], TensorData::Float(vec![]))),
        ("float", tensor(&[2, 2], TensorData::Float(vec![1.0, 2.0, 3.5, -4.0]))),
        ("half", tensor(&[1], TensorData::Half(vec![0x3c00]))),
        ("int32", tensor(&[2], TensorData::Int32(vec![-1, i32::MAX]))),
        ("int64", tensor(&[2], TensorData::Int64(vec![i64::MIN, i64::MAX]))),
        ("int8", tensor(&[2], TensorData::Int8(vec![-128, 127]))),
        ("repeated", tensor(&[4], TensorData::Float(vec![7.0, 9.0, 9.0, 9.0]))),
        ("string", tensor(&[2], TensorData::String(vec![vec![0xff], b"a".to_vec()]))),
        ("uint16", tensor(&[1], TensorData::Uint16(vec![65535]))),
        ("uint32", tensor(&[1], TensorData::Uint32(vec![u32::MAX]))),
        ("uint64", tensor(&[1], TensorData::Uint64(vec![u64::MAX]))),
        ("uint8", tensor(&[2], TensorData::Uint8(vec![0, 255]))),
    ] {
        assert_eq!(get(name), wanted, "{name}");
    }
    assert_eq!(outputs.len(), 16);
}

#[test]
fn the_other_responses() {
    let outputs =
        read_classify(&Bytes::from_static(fixture!("classify_response"))).unwrap().outputs;
    assert_eq!(outputs[0].1.to_texts().unwrap(), ["cat", "dog", "", "cow"]);
    assert_eq!(outputs[1].1.as_floats(), Some(&[0.25, 0.75, 1.0, 0.0][..]));
    assert_eq!(outputs[1].1.shape(), [2, 2]);
    let outputs = read_regress(&Bytes::from_static(fixture!("regress_response"))).unwrap().outputs;
    assert_eq!(outputs[0].1.as_floats(), Some(&[2.5, 0.0, -1.0][..]));
    let read = read_metadata(&Bytes::from_static(fixture!("metadata_response"))).unwrap();
    assert_eq!(read.version, Some(3));
    let signature = read.signature("").unwrap();
    assert_eq!(signature.inputs["x"].to_string(), "DT_FLOAT[?, 224, 224, 3]");
    assert_eq!(signature.outputs["logits"].to_string(), "DT_COMPLEX64 of any shape");
    let read = read_status(&Bytes::from_static(fixture!("status_response"))).unwrap();
    assert_eq!(read.versions[0].version, 9_007_199_254_740_993);
    assert_eq!(read.versions[0].state, State::Available);
    assert_eq!(read.versions[1].error_code, "NOT_FOUND");
    assert_eq!(read.to_string(), "9007199254740993 AVAILABLE, 2 END (gone)");
}

#[test]
fn broken_messages_are_refused() {
    let whole = fixture!("predict_response");
    for length in [1, 10, 50, whole.len() - 1] {
        assert!(read_predict(&Bytes::from_static(&whole[..length])).is_err(), "{length}");
    }
    // No element, announced as a million million of them.
    let huge = b"\x0a\x15\x0a\x01y\x12\x10\x08\x01\x12\x0c\x12\x0a\x08\x80\xa0\x94\xa5\x8d\x1d\x12\x00\x12\x00";
    assert!(read_predict(&Bytes::from_static(huge)).is_err());
}

/// A field with a length in front of it.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2];
    prost::encoding::encode_varint(bytes.len() as u64, &mut field);
    field.extend_from_slice(bytes);
    field
}

#[test]
fn a_few_bytes_do_not_become_many() {
    let output = |name: &str, dtype: u8, count: u64, values: &[u8]| {
        let mut size = vec![0x08];
        prost::encoding::encode_varint(count, &mut size);
        let tensor = [&[0x08, dtype], &*field(2, &field(2, &size)), values].concat();
        field(1, &[field(1, name.as_bytes()), field(2, &tensor)].concat())
    };
    let read = |answer: &[u8]| read_predict_grpc(answer).map_err(|error| error.to_string());

    // 16 MiB of floats, the last of them repeated.
    let floats = output("a", 1, 4 << 20, &field(5, &0.5_f32.to_le_bytes()));
    let outputs = read(&floats).unwrap();
    assert_eq!(outputs[0].1.as_floats().map(<[f32]>::len), Some(4 << 20));
    assert!(
        outputs[0].1.as_floats().unwrap().iter().all(|value| value.to_bits() == 0.5_f32.to_bits())
    );
    // As many doubles as there is room for, and one more.
    assert_eq!(read(&output("a", 2, 8 << 20, &[])).unwrap()[0].1.shape(), [8 << 20]);
    let error = read(&output("a", 2, (8 << 20) + 1, &[])).unwrap_err();
    assert!(error.contains("output \"a\": 8388609 elements, of which 0 were sent"), "{error}");
    // A long text many times; and many outputs, each of which there would be room for.
    assert!(read(&output("a", 7, 1000, &field(8, &vec![7; 100_000]))).is_err());
    let many: Vec<u8> =
        (0..100).flat_map(|number| output(&number.to_string(), 4, 1 << 20, &[])).collect();
    assert!(read(&many).unwrap_err().contains("1048576 elements"));
    assert!(read(&output("a", 1, u64::MAX / 2, &[])).is_err());
}

#[test]
fn empty_messages_by_the_million_are_refused_before_they_are_decoded() {
    const MILLION: usize = 1 << 20;
    let refused = |read: Result<(), String>| {
        let error = read.unwrap_err();
        assert!(error.contains("bytes of memory"), "{error}");
    };
    let predict = |answer: &[u8]| read_predict_grpc(answer).map(drop).map_err(|e| e.to_string());
    let named = |count: usize| {
        let mut entries = Vec::new();
        for number in 0..count {
            entries.extend(field(1, &field(1, format!("{number:x}").as_bytes())));
        }
        entries
    };
    // Outputs of another name each, and texts.
    refused(predict(&named(MILLION)));
    let tensor = |within: &[u8]| field(1, &[field(1, b"y"), field(2, within)].concat());
    refused(predict(&tensor(&[&[0x08, 7], &*[0x42, 0].repeat(2 * MILLION)].concat())));
    // As many short texts as a large batch has are read.
    let size = field(2, &field(2, &[0x08, 0xa0, 0x8d, 0x06]));
    let texts = [&[0x08, 7], &*size, &*[0x42, 2, b'a', b'b'].repeat(100_000)].concat();
    assert_eq!(read_predict_grpc(&tensor(&texts)).unwrap()[0].1.shape(), [100_000]);
    // Classes, versions, and the inputs of a signature.
    let classes = Bytes::from(field(1, &field(1, &[0x0a, 0].repeat(2 * MILLION))));
    refused(read_classify(&classes).map(drop).map_err(|error| error.reason));
    let versions = Bytes::from([0x0a, 0].repeat(2 * MILLION));
    refused(read_status(&versions).map(drop).map_err(|error| error.reason));
    let signature = field(1, &[field(1, b"s"), field(2, &named(3 * MILLION))].concat());
    let any = field(2, &field(2, &signature));
    let metadata = field(2, &[field(1, b"signature_def"), any].concat());
    refused(read_metadata(&metadata.into()).map(drop).map_err(|error| error.reason));
}

#[test]
fn more_dimensions_than_an_array_has_are_refused() {
    let answer = |dims: usize| {
        let tensor = TensorProto {
            dtype: DataType::DtUint8.into(),
            tensor_shape: Some(TensorShapeProto {
                dim: vec![Dim { size: 1 }; dims],
                unknown_rank: false,
            }),
            ..TensorProto::default()
        };
        let outputs = [("y".to_owned(), tensor)].into();
        PredictResponse { outputs, model_spec: None }.encode_to_vec()
    };
    assert_eq!(read_predict_grpc(&answer(32)).unwrap()[0].1.shape(), [1; 32]);
    let error = read_predict_grpc(&answer(33)).unwrap_err().to_string();
    assert!(error.contains("33 dimensions, more than 32"), "{error}");
}
