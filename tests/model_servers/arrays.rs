//! Arrays of every element type, and the answers to rows that the model classifies.

use canary_core::{
    predict::{Answer, Client, Input},
    tensor::{Tensor, TensorData},
};

/// Two elements of each type, as Triton's model `echo` names them: the extremes, and what a wrong width or sign changes.
pub(crate) fn every_type() -> Vec<(&'static str, TensorData)> {
    vec![
        ("bool", TensorData::Bool(vec![true, false])),
        ("uint8", TensorData::Uint8(vec![0, 255])),
        ("uint16", TensorData::Uint16(vec![0, 65535])),
        ("uint32", TensorData::Uint32(vec![0, u32::MAX])),
        ("uint64", TensorData::Uint64(vec![9_007_199_254_740_993, u64::MAX])),
        ("int8", TensorData::Int8(vec![-128, 127])),
        ("int16", TensorData::Int16(vec![i16::MIN, i16::MAX])),
        ("int32", TensorData::Int32(vec![i32::MIN, i32::MAX])),
        ("int64", TensorData::Int64(vec![i64::MIN, 9_007_199_254_740_993])),
        ("fp16", TensorData::Half(vec![0x3e00, 0x0001])),
        ("fp32", TensorData::Float(vec![0.1, -3.402_823_5e38])),
        ("fp64", TensorData::Double(vec![0.1, 1e300])),
        ("bytes", TensorData::String(vec![b"\xff\xd8\0".to_vec(), Vec::new()])),
    ]
}

/// Sends an array of each type and expects it back unchanged; `output` is the suffix of the answer's names.
pub(crate) async fn echo(client: &Client, output: &str, except: &[&str]) {
    for (name, data) in every_type() {
        if except.contains(&name) {
            continue;
        }
        let tensor = Tensor::new(vec![2], data).unwrap();
        let answer = client.predict(Input::named([(name, &tensor)])).await;
        let answer = answer.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(answer.output(&format!("{name}{output}")).unwrap(), &tensor, "{name}");
    }
}

/// One row that the model classifies as `cat`.
pub(crate) fn row() -> Tensor {
    Tensor::new(vec![1, 4], TensorData::Float(vec![1.0, 0.0, 0.0, 0.0])).unwrap()
}

#[track_caller]
pub(crate) fn check_scores(answer: &Answer) {
    let top = answer.top().unwrap();
    assert_eq!(top[0].0, "cat");
    assert!((top[0].1 - 0.843_794_7).abs() < 1e-6, "{top:?}");
}
