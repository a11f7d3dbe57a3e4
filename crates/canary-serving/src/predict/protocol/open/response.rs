//! Inference responses: JSON, with arrays as lists or behind it as raw elements.

use std::time::Instant;

use bytes::Bytes;
use canary_http::{Response, server_text};

use super::{datatype::of_name, raw};
use crate::{
    predict::response::{
        MAX_DIMENSIONS, MAX_OUTPUTS, ParseError, Parsed, Reader, Reading, read_flat,
    },
    tensor::{DType, Tensor, TensorData},
};

/// The header that tells how many bytes of a body are JSON.
pub(crate) const JSON_LENGTH: &str = "inference-header-content-length";

/// The parts of an output as far as they are read.
#[derive(Default)]
struct Output {
    name: Option<String>,
    shape: Option<Vec<usize>>,
    dtype: Option<DType>,
    /// The place of its list, when the list came before the type.
    data_at: Option<usize>,
    data: Option<TensorData>,
    /// The bytes of its elements behind the JSON.
    binary: Option<usize>,
    content_type: Option<String>,
}

/// Reads the outputs of a response, and the version that it names.
pub(super) fn read(response: &Response, deadline: Option<Instant>) -> Parsed<Reading> {
    let body = &response.body;
    let json = match response.headers.get(JSON_LENGTH) {
        None => body.len(),
        Some(length) => length
            .to_str()
            .ok()
            .and_then(|length| length.trim().parse().ok())
            .filter(|length| *length <= body.len())
            .ok_or_else(|| {
                ParseError::new(format!(
                    "the header {JSON_LENGTH} is {length:?}, and the body has {} bytes",
                    body.len()
                ))
            })?,
    };
    let (json, mut rest) = (&body[..json], body.slice(json..));
    let mut reader = Reader::new(json).until(deadline);
    let (mut outputs, mut error, mut version) = (None, None, None);
    reader.object(|reader, key| match key.as_slice() {
        b"outputs" if reader.peek() == b'[' => {
            if outputs.replace(list(reader)?).is_some() {
                return reader.fail("outputs is repeated");
            }
            Ok(())
        }
        b"error" if reader.peek() == b'"' => {
            error = Some(reader.string()?);
            Ok(())
        }
        b"model_version" if reader.peek() == b'"' => {
            version = Some(String::from_utf8_lossy(&reader.string()?).into_owned());
            Ok(())
        }
        _ => reader.skip(1),
    })?;
    reader.end()?;
    let Some(outputs) = outputs.filter(|outputs| !outputs.is_empty()) else {
        return reader.fail(error.map_or_else(
            || "it has no output".to_owned(),
            |text| {
                let text = String::from_utf8_lossy(&text);
                format!("it is an error of the model server: {}", server_text(text.trim()))
            },
        ));
    };
    let outputs = outputs.into_iter().enumerate().map(|(index, output)| {
        let shown = output.name.clone().unwrap_or_else(|| format!("output-{index}"));
        let late = output.data_at;
        output.finish(&shown, json, &mut rest, deadline).map_err(|mut error| {
            error.reason = format!("output {shown:?}: {}", error.reason);
            error.at = error.at.max(late.unwrap_or_default());
            error
        })
    });
    Ok(Reading::new(outputs.collect::<Parsed<_>>()?, version))
}

/// The outputs of a list.
fn list(reader: &mut Reader<'_>) -> Parsed<Vec<Output>> {
    let mut outputs = Vec::new();
    reader.expect(b'[')?;
    if reader.take(b']') {
        return Ok(outputs);
    }
    loop {
        if outputs.len() == MAX_OUTPUTS {
            return reader.fail(format!("it has more than {MAX_OUTPUTS} outputs"));
        }
        outputs.push(Output::read(reader)?);
        if !reader.more(b']')? {
            return Ok(outputs);
        }
    }
}

impl Output {
    fn read(reader: &mut Reader<'_>) -> Parsed<Self> {
        let mut output = Self::default();
        reader.object(|reader, key| match key.as_slice() {
            _ if reader.word(b"null") => Ok(()),
            b"name" => {
                output.name = Some(String::from_utf8_lossy(&reader.string()?).into_owned());
                Ok(())
            }
            b"datatype" => {
                let name = reader.string()?;
                let name = String::from_utf8_lossy(&name);
                match of_name(&name) {
                    Some(dtype) => output.dtype = Some(dtype),
                    None => return reader.fail(format!("datatype {name:?} is not known")),
                }
                Ok(())
            }
            b"shape" => {
                output.shape = Some(shape(reader)?);
                Ok(())
            }
            b"parameters" => output.parameters(reader),
            b"data" => {
                if let Some(dtype) = output.dtype {
                    output.data = Some(read_flat(reader, dtype)?);
                } else {
                    output.data_at = Some(reader.at);
                    reader.skip(1)?;
                }
                Ok(())
            }
            _ => reader.skip(1),
        })?;
        Ok(output)
    }

    fn parameters(&mut self, reader: &mut Reader<'_>) -> Parsed<()> {
        reader.object(|reader, key| match key.as_slice() {
            b"binary_data_size" => {
                self.binary = Some(size(reader)?);
                Ok(())
            }
            b"content_type" if reader.peek() == b'"' => {
                self.content_type = Some(String::from_utf8_lossy(&reader.string()?).into_owned());
                Ok(())
            }
            _ => reader.skip(1),
        })
    }

    /// The array; `rest` are the bytes behind the JSON that no output has taken yet.
    fn finish(
        self,
        name: &str,
        json: &[u8],
        rest: &mut Bytes,
        deadline: Option<Instant>,
    ) -> Parsed<(String, Tensor)> {
        let missing = |what: &str| ParseError::new(format!("its {what} is missing"));
        let shape = self.shape.ok_or_else(|| missing("shape"))?;
        let dtype = self.dtype.ok_or_else(|| missing("datatype"))?;
        let data = match (self.data, self.data_at, self.binary) {
            (Some(data), _, None) => data,
            (None, Some(at), None) => {
                let mut reader = Reader::new(json).until(deadline);
                reader.at = at;
                read_flat(&mut reader, dtype)?
            }
            (None, None, Some(size)) => {
                if size > rest.len() {
                    return Err(ParseError::new(format!(
                        "its {size} bytes are not there: {} follow the JSON",
                        rest.len()
                    )));
                }
                raw::read(dtype, &rest.split_to(size)).map_err(ParseError::new)?
            }
            (None, None, None) => return Err(missing("data")),
            _ => return Err(ParseError::new("it has both data and binary_data_size")),
        };
        let tensor = tensor(&shape, data, self.content_type.as_deref())?;
        Ok((name.to_owned(), tensor))
    }
}

/// The array of a shape and its elements, whose strings are what `content_type` declares.
pub(super) fn tensor(
    shape: &[usize],
    data: TensorData,
    content_type: Option<&str>,
) -> Parsed<Tensor> {
    let data = match (data, content_type) {
        (TensorData::String(values), Some("base64")) => TensorData::String(decoded(&values)?),
        (data, _) => data,
    };
    let text = content_type == Some("str") && data.dtype() == DType::String;
    let found = data.len();
    let tensor = Tensor::new(shape.to_vec(), data).map_err(|_| {
        ParseError::new(format!("its shape is {shape:?}, and it has {found} elements"))
    })?;
    Ok(tensor.declared_text(text))
}

fn decoded(values: &[Vec<u8>]) -> Parsed<Vec<Vec<u8>>> {
    let decode = |value: &Vec<u8>| {
        base64_simd::STANDARD.decode_to_vec(value).map_err(|_| {
            ParseError::new("its content type is base64, and an element is not base64")
        })
    };
    values.iter().map(decode).collect()
}

/// A whole number that is not negative.
fn size(reader: &mut Reader<'_>) -> Parsed<usize> {
    let start = reader.at;
    if let Some(number) = reader.integer()?.and_then(|number| usize::try_from(number).ok()) {
        return Ok(number);
    }
    reader.at = start;
    reader.fail("this is not a size")
}

fn shape(reader: &mut Reader<'_>) -> Parsed<Vec<usize>> {
    let mut shape = Vec::new();
    reader.expect(b'[')?;
    if reader.take(b']') {
        return Ok(shape);
    }
    loop {
        if shape.len() == MAX_DIMENSIONS {
            return reader.fail(format!("an array has more than {MAX_DIMENSIONS} dimensions"));
        }
        shape.push(size(reader)?);
        if !reader.more(b']')? {
            return Ok(shape);
        }
    }
}

#[cfg(test)]
#[path = "response_tests.rs"]
mod tests;
