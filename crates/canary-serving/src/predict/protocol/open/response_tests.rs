//! Responses as the servers write them, and what is not one.

use http::{HeaderMap, StatusCode};

use super::*;
use crate::predict::response::Outputs;

fn response(json: &str, rest: Option<&[u8]>) -> Response {
    let mut headers = HeaderMap::new();
    if rest.is_some() {
        headers.insert(JSON_LENGTH, json.len().into());
    }
    let body = [json.as_bytes(), rest.unwrap_or_default()].concat();
    Response { status: StatusCode::OK, headers, body: body.into() }
}

fn outputs(json: &str, rest: Option<&[u8]>) -> Parsed<Outputs> {
    read(&response(json, rest), None).map(|reading| reading.outputs)
}

#[test]
fn the_version_is_the_one_that_the_server_names() {
    let output = r#""outputs":[{"name":"y","shape":[1],"datatype":"INT32","data":[1]}]"#;
    for (version, expected) in [
        (r#""model_version":"v10","#, Some("v10")),
        (r#""model_version":"","#, None),
        (r#""model_version":null,"#, None),
        ("", None),
    ] {
        let json = format!(r#"{{"model_name":"m",{version}{output}}}"#);
        let reading = read(&response(&json, None), None).unwrap();
        assert_eq!(reading.version.as_deref(), expected, "{json}");
    }
}

fn one(output: &str) -> Parsed<Tensor> {
    outputs(&format!(r#"{{"model_name":"m","outputs":[{output}]}}"#), None)
        .map(|mut outputs| outputs.remove(0).1)
}

#[test]
fn every_type_is_read_as_it_is_declared() {
    for (datatype, list, data) in [
        ("BOOL", "[true,false,1,0]", TensorData::Bool(vec![true, false, true, false])),
        ("UINT8", "[0,255]", TensorData::Uint8(vec![0, 255])),
        ("UINT16", "[65535]", TensorData::Uint16(vec![65535])),
        ("UINT32", "[4294967295]", TensorData::Uint32(vec![u32::MAX])),
        ("UINT64", "[18446744073709551615, 1]", TensorData::Uint64(vec![u64::MAX, 1])),
        ("INT8", "[-128]", TensorData::Int8(vec![-128])),
        ("INT16", "[-32768]", TensorData::Int16(vec![i16::MIN])),
        ("INT32", "[-2147483648]", TensorData::Int32(vec![i32::MIN])),
        (
            "INT64",
            "[9007199254740993, -9223372036854775808]",
            TensorData::Int64(vec![9_007_199_254_740_993, i64::MIN]),
        ),
        // Whole numbers of a float are no integers, and the only fraction does not decide.
        ("FP32", "[1, 2.5, -3e-1]", TensorData::Float(vec![1.0, 2.5, -0.3])),
        ("FP64", "[0.1, 1e300, 2]", TensorData::Double(vec![0.1, 1e300, 2.0])),
        ("FP16", "[1.5, 5.9604645e-8]", TensorData::Half(vec![0x3e00, 1])),
        ("BYTES", r#"["a", "\u00e9"]"#, TensorData::String(vec![b"a".to_vec(), "é".into()])),
        ("FP32", "[[1, 2], [3, 4]]", TensorData::Float(vec![1.0, 2.0, 3.0, 4.0])),
        ("INT32", "[]", TensorData::Int32(vec![])),
    ] {
        let count = data.len();
        let output = format!(
            r#"{{"name":"y","shape":[{count}],"datatype":"{datatype}","data":{list},"parameters":null}}"#
        );
        let wanted = Tensor::new(vec![count], data.clone()).unwrap();
        assert_eq!(one(&output), Ok(wanted.clone()), "{datatype} {list}");
        // The type may follow the elements.
        let output =
            format!(r#"{{"data":{list},"name":"y","datatype":"{datatype}","shape":[{count}]}}"#);
        assert_eq!(one(&output), Ok(wanted), "{datatype} {list}");
    }
}

#[test]
fn missing_numbers_and_words_are_nan_and_infinity() {
    for datatype in ["FP32", "FP64"] {
        let output = format!(
            r#"{{"name":"y","shape":[4],"datatype":"{datatype}","data":[null,NaN,-Infinity,1]}}"#
        );
        let values: Vec<f64> = match one(&output).unwrap().into_parts().1 {
            TensorData::Float(values) => values.into_iter().map(f64::from).collect(),
            TensorData::Double(values) => values,
            other => panic!("{other:?}"),
        };
        assert!(values[0].is_nan() && values[1].is_nan(), "{values:?}");
        assert_eq!(values[2..], [f64::NEG_INFINITY, 1.0]);
    }
}

#[test]
fn strings_are_text_only_where_that_is_declared() {
    let of = |parameters: &str, data: &str| {
        one(&format!(
            r#"{{"name":"y","datatype":"BYTES","shape":[1],"parameters":{parameters},"data":["{data}"]}}"#
        ))
        .unwrap()
    };
    let (plain, text) = (of("null", "aGk="), of(r#"{"content_type":"str"}"#, "aGk="));
    assert!(!plain.is_text() && text.is_text());
    assert_eq!(plain.to_texts().unwrap(), ["aGk="]);
    let encoded = of(r#"{"content_type":"base64"}"#, "aGk=");
    assert!(!encoded.is_text());
    assert_eq!(encoded.to_texts().unwrap(), ["hi"]);
}

#[test]
fn raw_elements_follow_the_json() {
    let json = r#"{"model_name":"m","model_version":null,"outputs":[
        {"name":"a","shape":[2],"datatype":"BF16","parameters":{"binary_data_size":4}},
        {"name":"b","shape":[1],"datatype":"INT64","data":[5]},
        {"name":"c","shape":[1,2],"datatype":"BYTES","parameters":{"binary_data_size":9}}]}"#;
    let rest = b"\x80\x3f\x00\x40\x01\0\0\0\xff\0\0\0\0";
    let found = outputs(json, Some(rest)).unwrap();
    assert_eq!(found[0].1.data(), &TensorData::Bfloat16(vec![0x3f80, 0x4000]));
    assert_eq!(found[1].1.data(), &TensorData::Int64(vec![5]));
    assert_eq!(found[2].1.data(), &TensorData::String(vec![vec![0xff], vec![]]));
    assert_eq!(found[2].0, "c");
    let error = outputs(json, Some(&rest[..7])).unwrap_err();
    assert!(error.reason.contains("\"c\": its 9 bytes are not there: 3 follow"), "{error:?}");
    let mut lying = response(json, Some(rest));
    lying.headers.insert(JSON_LENGTH, "1000000".parse().unwrap());
    assert!(read(&lying, None).unwrap_err().reason.contains("1000000"));
}

#[test]
fn what_is_no_response_is_refused() {
    let output = |parts: &str| format!(r#"{{"outputs":[{{"name":"y",{parts}}}]}}"#);
    for (text, word) in [
        (r#"{"outputs":[]}"#.to_owned(), "no output"),
        (r#"{"model_name":"m"}"#.to_owned(), "no output"),
        (r#"{"error":"out of memory"}"#.to_owned(), "out of memory"),
        (output(r#""shape":[2],"datatype":"FP32","data":[1]"#), "[2], and it has 1 elements"),
        (output(r#""shape":[1],"datatype":"FP32""#), "data is missing"),
        (output(r#""shape":[1],"data":[1]"#), "datatype is missing"),
        (output(r#""datatype":"FP32","data":[1]"#), "shape is missing"),
        (output(r#""shape":[-1],"datatype":"FP32","data":[1]"#), "not a size"),
        (output(r#""shape":[1],"datatype":"FLOAT","data":[1]"#), "\"FLOAT\" is not known"),
        (output(r#""shape":[1],"datatype":"UINT8","data":[256]"#), "UINT8"),
        (output(r#""shape":[1],"datatype":"INT64","data":[1.5]"#), "INT64"),
        (output(r#""shape":[1],"datatype":"INT64","data":[null]"#), "null"),
        (output(r#""shape":[1],"datatype":"BOOL","data":[2]"#), "BOOL"),
        (output(r#""shape":[1],"datatype":"BYTES","data":[1]"#), "expected"),
        (output(r#""shape":[1],"datatype":"FP32","data":["a"]"#), "expected"),
        (output(r#""shape":[1],"datatype":"FP32","data":5"#), "expected"),
        (format!(r#"{{"outputs":[{{"shape":[{}1]}}]}}"#, "1,".repeat(32)), "dimensions"),
        (format!("{}{}", output(r#""shape":[1],"datatype":"FP32","data":[1]"#), "x"), "after"),
        ("[]".to_owned(), "expected"),
        (String::new(), "ends"),
    ] {
        let error = outputs(&text, None).unwrap_err();
        assert!(error.reason.contains(word), "{text}: {error:?}");
    }
    let deep = output(&format!(r#""shape":[1],"datatype":"FP32","data":{}"#, "[".repeat(1 << 20)));
    assert!(outputs(&deep, None).is_err());
}
