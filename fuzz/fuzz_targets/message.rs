//! Any bytes as a gRPC answer: no panic, bounded memory, and what is read survives writing and reading.
#![no_main]

use canary_core::{
    predict::{Input, ModelVersion, read_predict_grpc, write_predict_grpc},
    tensor::TensorData,
};
use libfuzzer_sys::fuzz_target;

/// A number of at most nine bytes, and what follows it.
fn varint(bytes: &[u8]) -> (usize, &[u8]) {
    let end = bytes.iter().position(|byte| byte & 0x80 == 0).expect("a number ends");
    let (number, rest) = bytes.split_at(end + 1);
    (number.iter().rev().fold(0, |sum, byte| sum << 7 | usize::from(byte & 0x7f)), rest)
}

/// The inputs of a request as the outputs of an answer: the same entries under another number.
fn answer_of(request: &[u8]) -> Vec<u8> {
    let mut answer = Vec::new();
    let mut left = request;
    while let Some((key, rest)) = left.split_first() {
        let (size, rest) = varint(rest);
        let number = rest.len() - size;
        if *key == 0x12 {
            answer.push(0x0a);
            answer.extend_from_slice(&left[1..left.len() - number]);
        }
        left = &rest[size..];
    }
    answer
}

fn same(left: &TensorData, right: &TensorData) -> bool {
    match (left, right) {
        (TensorData::Float(left), TensorData::Float(right)) => {
            left.iter().map(|value| value.to_bits()).eq(right.iter().map(|value| value.to_bits()))
        }
        (TensorData::Double(left), TensorData::Double(right)) => {
            left.iter().map(|value| value.to_bits()).eq(right.iter().map(|value| value.to_bits()))
        }
        (left, right) => left == right,
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(outputs) = read_predict_grpc(bytes) else { return };
    for (_, tensor) in &outputs {
        assert_eq!(tensor.shape().iter().product::<usize>(), tensor.data().len());
    }
    if outputs.is_empty() || outputs.iter().any(|(name, _)| name.is_empty()) {
        return;
    }
    let input = Input::named(outputs.iter().map(|(name, tensor)| (name.as_str(), tensor)));
    let mut request = Vec::new();
    write_predict_grpc(&mut request, "", &ModelVersion::Latest, "", &input).expect("a request");
    let again = read_predict_grpc(&answer_of(&request)).expect("what was written");
    assert_eq!(again.len(), outputs.len());
    for ((name, tensor), (name_again, tensor_again)) in outputs.iter().zip(&again) {
        assert_eq!((name, tensor.shape()), (name_again, tensor_again.shape()));
        assert!(same(tensor.data(), tensor_again.data()), "{name}");
    }
});
