//! Writes tensors as the JSON of a predict response.

use std::io::Write as _;

use base64::{Engine, engine::general_purpose::STANDARD};
use canary_core::tensor::{Tensor, TensorData};

use super::request::Form;
use crate::model::{Code, ModelError, Tensors};

/// Writes the response to a request of this form.
pub(crate) fn write(form: Form, outputs: &Tensors) -> Result<Vec<u8>, ModelError> {
    let mut out = Vec::with_capacity(64 + 16 * outputs.iter().map(|o| size(&o.1)).sum::<usize>());
    match form {
        Form::Row => {
            let rows = rows(outputs)?;
            out.extend(b"{\"predictions\": [");
            for row in 0..rows {
                if row > 0 {
                    out.push(b',');
                }
                values(&mut out, outputs, Some(row));
            }
            out.extend(b"]}");
        }
        Form::Column => {
            out.extend(b"{\"outputs\": ");
            values(&mut out, outputs, None);
            out.push(b'}');
        }
    }
    Ok(out)
}

fn size(tensor: &Tensor) -> usize {
    tensor.shape().iter().product()
}

/// The size of the batch, which all outputs must share.
fn rows(outputs: &Tensors) -> Result<usize, ModelError> {
    let mut sizes = outputs.iter().map(|(_, tensor)| tensor.shape().first().copied());
    match sizes.next() {
        Some(Some(first)) if sizes.all(|size| size == Some(first)) => Ok(first),
        _ => Err(ModelError::new(
            Code::InvalidArgument,
            "the outputs have no common batch dimension; use the column form, with 'inputs'",
        )),
    }
}

/// One row of every output, or every output whole; without its name when there is only one.
fn values(out: &mut Vec<u8>, outputs: &Tensors, row: Option<usize>) {
    let single = outputs.len() == 1;
    if !single {
        out.push(b'{');
    }
    for (index, (name, tensor)) in outputs.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        if !single {
            text(out, name.as_bytes());
            out.extend(b": ");
        }
        let bytes = name.ends_with("_bytes");
        let shape = tensor.shape();
        match row {
            Some(row) => {
                let shape = &shape[1..];
                let each = shape.iter().product::<usize>();
                nested(out, tensor, shape, row * each, bytes);
            }
            None => nested(out, tensor, shape, 0, bytes),
        }
    }
    if !single {
        out.push(b'}');
    }
}

fn nested(out: &mut Vec<u8>, tensor: &Tensor, shape: &[usize], start: usize, bytes: bool) {
    let Some((&length, inner)) = shape.split_first() else {
        element(out, tensor.data(), start, bytes);
        return;
    };
    let step = inner.iter().product::<usize>();
    out.push(b'[');
    for index in 0..length {
        if index > 0 {
            out.push(b',');
        }
        nested(out, tensor, inner, start + index * step, bytes);
    }
    out.push(b']');
}

fn element(out: &mut Vec<u8>, data: &TensorData, at: usize, bytes: bool) {
    // Writing to memory cannot fail.
    let _ = match data {
        TensorData::Float(data) if data[at].is_finite() => write!(out, "{:?}", data[at]),
        TensorData::Float(data) => write!(out, "{}", special(data[at].into())),
        TensorData::Double(data) if data[at].is_finite() => write!(out, "{:?}", data[at]),
        TensorData::Double(data) => write!(out, "{}", special(data[at])),
        TensorData::Int8(data) => write!(out, "{}", data[at]),
        TensorData::Int16(data) => write!(out, "{}", data[at]),
        TensorData::Int32(data) => write!(out, "{}", data[at]),
        TensorData::Int64(data) => write!(out, "{}", data[at]),
        TensorData::Uint8(data) => write!(out, "{}", data[at]),
        TensorData::Uint16(data) => write!(out, "{}", data[at]),
        TensorData::Uint32(data) => write!(out, "{}", data[at]),
        TensorData::Uint64(data) => write!(out, "{}", data[at]),
        TensorData::Bool(data) => write!(out, "{}", data[at]),
        TensorData::String(data) if bytes => {
            write!(out, "{{\"b64\": \"{}\"}}", STANDARD.encode(&data[at]))
        }
        TensorData::String(data) => {
            text(out, &data[at]);
            Ok(())
        }
        _ => write!(out, "null"),
    };
}

/// The tokens that the server writes for numbers that JSON lacks.
fn special(value: f64) -> &'static str {
    if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}

/// A JSON string; bytes that are not UTF-8 go through as they are, as the server does.
pub(crate) fn text(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', byte]),
            b'\n' => out.extend(b"\\n"),
            0..0x20 => {
                let _ = write!(out, "\\u{byte:04x}");
            }
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats(name: &str, shape: &[usize], data: &[f32]) -> (String, Tensor) {
        let tensor = Tensor::new(shape.to_vec(), TensorData::Float(data.to_vec())).unwrap();
        (name.to_owned(), tensor)
    }

    fn written(form: Form, outputs: &Tensors) -> String {
        String::from_utf8(write(form, outputs).unwrap()).unwrap()
    }

    #[test]
    fn one_output_has_no_name() {
        let outputs = vec![floats("y", &[2, 2], &[1.0, 1e-30, f32::NAN, f32::NEG_INFINITY])];
        assert_eq!(
            written(Form::Row, &outputs),
            "{\"predictions\": [[1.0,1e-30],[NaN,-Infinity]]}"
        );
        assert_eq!(written(Form::Column, &outputs), "{\"outputs\": [[1.0,1e-30],[NaN,-Infinity]]}");
    }

    #[test]
    fn several_outputs_have_names_and_bytes_are_base64() {
        let strings = |name: &str, data: &[&[u8]]| {
            let data = data.iter().map(|bytes| bytes.to_vec()).collect::<Vec<_>>();
            let tensor = Tensor::new(vec![data.len()], TensorData::String(data)).unwrap();
            (name.to_owned(), tensor)
        };
        let outputs = vec![strings("label", &[b"a\"b"]), strings("image_bytes", &[&[1, 2]])];
        assert_eq!(
            written(Form::Row, &outputs),
            "{\"predictions\": [{\"label\": \"a\\\"b\",\"image_bytes\": {\"b64\": \"AQI=\"}}]}"
        );
        assert_eq!(
            written(Form::Column, &outputs),
            "{\"outputs\": {\"label\": [\"a\\\"b\"],\"image_bytes\": [{\"b64\": \"AQI=\"}]}}"
        );
    }

    #[test]
    fn rows_need_a_common_batch() {
        let outputs = vec![floats("a", &[2], &[1.0, 2.0]), floats("b", &[1], &[1.0])];
        assert_eq!(write(Form::Row, &outputs).unwrap_err().code, Code::InvalidArgument);
        assert!(write(Form::Column, &outputs).is_ok());
    }
}
