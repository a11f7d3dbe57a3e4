//! Reads the JSON of a predict request as the inputs of a signature.

use base64::{
    Engine,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use canary_core::tensor::{DType, Tensor, TensorData};
use serde_json::Value;

use super::json::{kind, number, read as read_json};
use crate::model::{DEFAULT_SIGNATURE, ModelError, Signature, TensorInfo, Tensors};

/// The two ways in which tensors are written in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `instances`: one value for each row of the batch.
    Row,
    /// `inputs`: one value for each tensor.
    Column,
}

/// A request that fits a signature.
#[derive(Debug)]
pub(crate) struct Predict {
    pub(crate) form: Form,
    pub(crate) signature: usize,
    pub(crate) inputs: Tensors,
}

/// Standard alphabet; missing padding is accepted.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl Predict {
    /// Reads the body of a predict request.
    pub(crate) fn read(body: &[u8], signatures: &[Signature]) -> Result<Self, ModelError> {
        let text = std::str::from_utf8(body)
            .map_err(|_| ModelError::invalid("JSON Parse error: the body is not UTF-8"))?;
        let json = read_json(text).map_err(ModelError::invalid)?;
        if !json.is_object() {
            let kind = kind(&json);
            return Err(ModelError::invalid(format!("the request is {kind}, not an object")));
        }
        let name = match json.get("signature_name") {
            None => DEFAULT_SIGNATURE,
            Some(Value::String(name)) => name,
            Some(other) => {
                return Err(ModelError::invalid(format!(
                    "'signature_name' is {}, not a string",
                    kind(other)
                )));
            }
        };
        let signature = signatures.iter().position(|known| known.name == name);
        let signature = signature.ok_or_else(|| {
            let known: Vec<&str> = signatures.iter().map(|known| known.name.as_str()).collect();
            ModelError::invalid(format!(
                "Serving signature name: \"{name}\" not found in signature def; the model has {}",
                known.join(", ")
            ))
        })?;
        let infos = &signatures[signature].inputs;
        match (json.get("instances"), json.get("inputs")) {
            (Some(rows), None) => {
                Ok(Self { form: Form::Row, signature, inputs: read_rows(rows, infos)? })
            }
            (None, Some(columns)) => {
                Ok(Self { form: Form::Column, signature, inputs: read_columns(columns, infos)? })
            }
            (Some(_), Some(_)) => {
                Err(ModelError::invalid("the request has both 'instances' and 'inputs'; send one"))
            }
            (None, None) => {
                Err(ModelError::invalid("the request has neither 'instances' nor 'inputs'"))
            }
        }
    }
}

fn read_rows(rows: &Value, infos: &[TensorInfo]) -> Result<Tensors, ModelError> {
    let Value::Array(rows) = rows else {
        return Err(ModelError::invalid(format!("'instances' is {}, not a list", kind(rows))));
    };
    if rows.is_empty() {
        return Err(ModelError::invalid("'instances' is empty"));
    }
    let named = rows[0].is_object() && !is_bytes(&rows[0]);
    if !named && infos.len() != 1 {
        return Err(ModelError::invalid(format!(
            "each instance must be an object with the inputs {}",
            names(infos)
        )));
    }
    infos
        .iter()
        .map(|info| {
            let mut values = Values::new(info);
            for (index, row) in rows.iter().enumerate() {
                let value = if named {
                    check_names(row, infos).map_err(|error| {
                        ModelError::invalid(format!("instance {index}: {error}"))
                    })?;
                    row.get(&info.name).unwrap_or(row)
                } else {
                    row
                };
                values.add(value, 1)?;
            }
            values.finish(Some(rows.len()))
        })
        .collect()
}

fn read_columns(columns: &Value, infos: &[TensorInfo]) -> Result<Tensors, ModelError> {
    let named = columns.is_object() && !is_bytes(columns);
    if named {
        check_names(columns, infos).map_err(ModelError::invalid)?;
    } else if infos.len() != 1 {
        return Err(ModelError::invalid(format!(
            "'inputs' must be an object with the inputs {}",
            names(infos)
        )));
    }
    infos
        .iter()
        .map(|info| {
            let mut values = Values::new(info);
            let value = if named { columns.get(&info.name).unwrap_or(columns) } else { columns };
            values.add(value, 0)?;
            values.finish(None)
        })
        .collect()
}

fn names(infos: &[TensorInfo]) -> String {
    infos.iter().map(|info| info.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// Returns `true` for a value that represents bytes: an object with the single key `b64`.
fn is_bytes(value: &Value) -> bool {
    matches!(value, Value::Object(members) if members.len() == 1 && members.contains_key("b64"))
}

fn check_names(value: &Value, infos: &[TensorInfo]) -> Result<(), String> {
    let Value::Object(members) = value else {
        return Err(format!("expected an object with the inputs {}", names(infos)));
    };
    if members.len() == infos.len() && infos.iter().all(|info| members.contains_key(&info.name)) {
        return Ok(());
    }
    let found: Vec<&str> = members.keys().map(String::as_str).collect();
    Err(format!("the inputs are {}, expected {}", found.join(", "), names(infos)))
}

/// Collects the elements of one tensor and finds its shape.
struct Values<'a> {
    info: &'a TensorInfo,
    data: TensorData,
    shape: Vec<Option<usize>>,
}

impl<'a> Values<'a> {
    fn new(info: &'a TensorInfo) -> Self {
        let data = match info.dtype {
            DType::Double => TensorData::Double(Vec::new()),
            DType::Int32 => TensorData::Int32(Vec::new()),
            DType::Int64 => TensorData::Int64(Vec::new()),
            DType::Uint8 => TensorData::Uint8(Vec::new()),
            DType::Bool => TensorData::Bool(Vec::new()),
            DType::String => TensorData::String(Vec::new()),
            _ => TensorData::Float(Vec::new()),
        };
        Self { info, data, shape: Vec::new() }
    }

    /// Adds a value whose outermost dimension is `axis` of the tensor.
    fn add(&mut self, value: &Value, axis: usize) -> Result<(), ModelError> {
        let Value::Array(items) = value else {
            if axis < self.shape.len() {
                return Err(self.wrong("is ragged: lists of one depth differ in length or depth"));
            }
            return self.push(value);
        };
        while self.shape.len() <= axis {
            if self.data.dtype() == self.info.dtype && !self.is_empty() {
                return Err(self.wrong("is ragged: lists of one depth differ in length or depth"));
            }
            self.shape.push(None);
        }
        match self.shape[axis] {
            None => self.shape[axis] = Some(items.len()),
            Some(known) if known != items.len() => {
                return Err(self.wrong("is ragged: lists of one depth differ in length or depth"));
            }
            Some(_) => {}
        }
        items.iter().try_for_each(|item| self.add(item, axis + 1))
    }

    fn is_empty(&self) -> bool {
        match &self.data {
            TensorData::Float(data) => data.is_empty(),
            TensorData::Double(data) => data.is_empty(),
            TensorData::Int32(data) => data.is_empty(),
            TensorData::Int64(data) => data.is_empty(),
            TensorData::Uint8(data) => data.is_empty(),
            TensorData::Bool(data) => data.is_empty(),
            TensorData::String(data) => data.is_empty(),
            _ => true,
        }
    }

    fn push(&mut self, value: &Value) -> Result<(), ModelError> {
        fn push<T>(data: &mut Vec<T>, value: Option<T>) -> Option<()> {
            data.push(value?);
            Some(())
        }
        let signed = || value.as_i64();
        let pushed = match &mut self.data {
            // The server reads every fraction as a double, and rounds it to the tensor's type.
            #[expect(clippy::cast_possible_truncation, reason = "rounding is meant")]
            TensorData::Float(data) => push(data, number(value).map(|value| value as f32)),
            TensorData::Double(data) => push(data, number(value)),
            TensorData::Int32(data) => push(data, signed().and_then(|value| value.try_into().ok())),
            TensorData::Int64(data) => push(data, signed()),
            TensorData::Uint8(data) => push(data, signed().and_then(|value| value.try_into().ok())),
            TensorData::Bool(data) => push(data, value.as_bool()),
            TensorData::String(data) => match value {
                Value::String(text) => push(data, Some(text.as_bytes().to_vec())),
                Value::Object(members) if is_bytes(value) => match &members["b64"] {
                    Value::String(text) => match decode(text) {
                        Ok(bytes) => push(data, Some(bytes)),
                        Err(error) => return Err(self.wrong(&error)),
                    },
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        };
        pushed.ok_or_else(|| self.wrong(&format!("holds {}", kind(value))))
    }

    fn wrong(&self, what: &str) -> ModelError {
        ModelError::invalid(format!(
            "the input '{}' of type {} {what}",
            self.info.name, self.info.dtype
        ))
    }

    fn finish(mut self, rows: Option<usize>) -> Result<(String, Tensor), ModelError> {
        if let Some(rows) = rows {
            if self.shape.is_empty() {
                self.shape.push(None);
            }
            self.shape[0] = Some(rows);
        }
        let shape: Vec<usize> = self.shape.iter().map(|size| size.unwrap_or(0)).collect();
        if let Some(misfit) = self.info.misfit(&shape) {
            return Err(self.wrong(&misfit));
        }
        let name = self.info.name.clone();
        let tensor = Tensor::new(shape, self.data)
            .map_err(|error| ModelError::invalid(format!("the input '{name}': {error}")))?;
        Ok((name, tensor))
    }
}

/// White space between the digits is skipped, as the server does.
fn decode(text: &str) -> Result<Vec<u8>, String> {
    let wrong = |error| format!("holds text that is not base64: {error}");
    if text.bytes().any(|byte| byte.is_ascii_whitespace()) {
        let dense: String = text.split_ascii_whitespace().collect();
        return BASE64.decode(dense).map_err(wrong);
    }
    BASE64.decode(text).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Predict, ModelError> {
        Predict::read(body.as_bytes(), &Signature::image_classifier(1, 4))
    }

    #[test]
    fn row_and_column_form_give_the_same_tensors() {
        let row = read(r#"{"instances": [[[[0.5, 1, 2]]], [[[3, NaN, 5]]]]}"#).unwrap();
        assert_eq!((row.form, row.inputs[0].1.shape()), (Form::Row, &[2, 1, 1, 3][..]));
        let column = read(r#"{"inputs": {"x": [[[[0.5, 1, 2]]], [[[3, 4, 5]]]]}}"#).unwrap();
        assert_eq!((column.form, column.inputs[0].1.shape()), (Form::Column, &[2, 1, 1, 3][..]));
        let TensorData::Float(data) = column.inputs[0].1.data() else { panic!("no floats") };
        assert_eq!(data[..], [0.5, 1.0, 2.0, 3.0, 4.0, 5.0]);
    }

    #[test]
    fn files_travel_as_base64() {
        for body in [
            r#"{"signature_name": "serving_preprocess", "instances": [{"b64": "AQI="}]}"#,
            r#"{"signature_name": "serving_preprocess", "instances": [{"raw_images": {"b64": "AQI"}}]}"#,
            r#"{"signature_name": "serving_preprocess", "inputs": {"raw_images": [{"b64": "A Q\nI="}]}}"#,
        ] {
            let request = read(body).unwrap();
            let TensorData::String(data) = request.inputs[0].1.data() else { panic!("no bytes") };
            assert_eq!(data[0], [1, 2], "{body}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (body, said) in [
            ("[]", "not an object"),
            ("{", "JSON Parse error"),
            ("{}", "neither 'instances' nor 'inputs'"),
            (r#"{"instances": [], "inputs": []}"#, "both"),
            (r#"{"instances": []}"#, "empty"),
            (r#"{"instances": 3}"#, "not a list"),
            (r#"{"signature_name": "x", "instances": [1]}"#, "\"x\" not found"),
            (r#"{"instances": [[[[1, 2, 3]]], [[[1, 2]]]]}"#, "ragged"),
            (r#"{"instances": [[[[1, 2, [3]]]]]}"#, "ragged"),
            (r#"{"instances": [[[[1, [2], 3]]]]}"#, "ragged"),
            (r#"{"instances": [[[[1, 2, 3, 4]]]]}"#, "[1, 1, 1, 4], expected [?, 1, 1, 3]"),
            (r#"{"instances": [[[["a", 2, 3]]]]}"#, "holds a string"),
            (r#"{"instances": [{"y": 1}]}"#, "the inputs are y, expected x"),
            (
                r#"{"signature_name": "serving_preprocess", "instances": [{"b64": "_-"}]}"#,
                "not base64",
            ),
            (r#"{"signature_name": "serving_preprocess", "instances": [1]}"#, "holds a number"),
        ] {
            let error = read(body).unwrap_err().to_string();
            assert!(error.contains(said), "{body}: {error}");
        }
    }

    #[test]
    fn integers_are_exact_and_never_fractions() {
        let signature = [Signature::new(
            DEFAULT_SIGNATURE,
            TensorInfo::batch("n", DType::Int64, &[]),
            Vec::new(),
        )];
        let read = |body: &str| Predict::read(body.as_bytes(), &signature);
        let good = read(r#"{"instances": [9007199254740993]}"#).unwrap();
        assert_eq!(*good.inputs[0].1.data(), TensorData::Int64(vec![9_007_199_254_740_993]));
        assert!(read(r#"{"instances": [1.0]}"#).is_err());
    }
}
