//! Any bytes as a REST answer of the Open Inference Protocol: no panic, bounded memory, and what is read survives writing and
//! reading.
//!
//! The first line is the number of bytes of JSON, as the header of the binary extension has it; without a number all is JSON.
#![no_main]

use canary_core::{
    predict::{Encoding, Input, read_inference, write_inference},
    tensor::{DType, TensorData},
};
use libfuzzer_sys::fuzz_target;

fn same(left: &TensorData, right: &TensorData) -> bool {
    match (left, right) {
        (TensorData::Float(left), TensorData::Float(right)) => left
            .iter()
            .zip(right)
            .all(|(left, right)| left.to_bits() == right.to_bits() || left.is_nan()),
        (TensorData::Double(left), TensorData::Double(right)) => left
            .iter()
            .zip(right)
            .all(|(left, right)| left.to_bits() == right.to_bits() || left.is_nan()),
        (left, right) => left == right,
    }
}

fuzz_target!(|bytes: &[u8]| {
    let line = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (first, rest) = bytes.split_at(line);
    let body = rest.get(1..).unwrap_or_default();
    let json = std::str::from_utf8(first).ok().and_then(|text| text.parse().ok());
    let Ok(outputs) = read_inference(body, json) else { return };
    for (_, tensor) in &outputs {
        assert_eq!(tensor.shape().iter().product::<usize>(), tensor.data().len());
    }
    let mut names: Vec<&str> = outputs.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    if names.len() != outputs.len() || names.first() == Some(&"") {
        return;
    }
    // A request and a response write their arrays alike.
    let input = Input::named(outputs.iter().map(|(name, tensor)| (name.as_str(), tensor)));
    let (request, json) = write_inference(Encoding::Raw, &input).expect("what was read can be sent");
    let json = json.unwrap_or(request.len());
    let (text, raw) = request.split_at(json);
    let text = std::str::from_utf8(text).expect("JSON is UTF-8");
    let answer = text.replacen("\"inputs\":", "\"outputs\":", 1);
    let length = answer.len();
    let answer = [answer.as_bytes(), raw].concat();
    let again = read_inference(&answer, Some(length)).expect("what was written");
    assert_eq!(again.len(), outputs.len());
    for ((name, tensor), (_, tensor_again)) in outputs.iter().zip(&again) {
        assert_eq!(tensor.shape(), tensor_again.shape(), "{name}");
        let text = tensor.dtype() == DType::String;
        assert!(same(tensor.data(), tensor_again.data()), "{name}, text: {text}");
    }
});
