//! Any bytes as an answer: no panic, and what is read is an array that says what the text says.
#![no_main]

use canary_core::{
    predict::{Form, read_predict, write_predict},
    tensor::{DType, TensorData},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(outputs) = read_predict(bytes, false) else { return };
    let mut columns = Vec::new();
    for (name, tensor) in outputs {
        assert_eq!(tensor.shape().iter().product::<usize>(), tensor.data().len());
        if !name.is_empty() && tensor.dtype() != DType::String && !tensor.data().is_empty() {
            columns.push((name, tensor));
        }
    }
    // Written and read again it is the same: the writer and the reader agree on every number.
    for (name, tensor) in columns {
        let mut body = Vec::new();
        if write_predict(&mut body, "", Form::Column, &(&tensor).into()).is_err() {
            continue;
        }
        let text = String::from_utf8(body).expect("a request is UTF-8");
        let answer = text.replacen("inputs", "outputs", 1);
        let doubles = tensor.dtype() == DType::Double;
        let again = read_predict(answer.as_bytes(), doubles).expect("an array that was read");
        let same = match (tensor.data(), again[0].1.data()) {
            (TensorData::Float(left), TensorData::Float(right)) => left
                .iter()
                .zip(right)
                .all(|(left, right)| left.to_bits() == right.to_bits() || left.is_nan()),
            (TensorData::Double(left), TensorData::Double(right)) => left
                .iter()
                .zip(right)
                .all(|(left, right)| left.to_bits() == right.to_bits() || left.is_nan()),
            (left, right) => left == right,
        };
        assert!(same, "{name}: {answer}");
    }
});
