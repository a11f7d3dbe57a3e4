//! Inference requests as JSON, with arrays as lists or behind it as raw elements.

use super::{Encoding, Payload, datatype::name_of, id, raw};
use crate::{
    error::Result,
    predict::{
        input::{Input, input_error},
        request::{self, write_json_base64, write_json_text},
    },
    tensor::{DType, DataView, TensorView},
};

/// The form of one input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// `data`, a list of JSON.
    List,
    /// `data`, a list of texts in base64.
    Base64,
    /// Behind the JSON.
    Binary,
}

/// The form in which an array is sent.
///
/// # Errors
/// [`crate::Error::Input`] for elements that the encoding cannot hold.
fn form_of(encoding: Encoding, name: &str, view: &TensorView<'_>) -> Result<Form> {
    let lists = matches!(encoding, Encoding::Lists | Encoding::Base64);
    let refuse = |what: &str, help: &str| Err(input_error(&format!("{name:?} {what}"), help));
    match view.dtype() {
        _ if encoding == Encoding::Raw => Ok(Form::Binary),
        DType::Bfloat16 if lists => refuse(
            "has dtype DT_BFLOAT16, which JSON cannot carry",
            "use the encoding raw or a grpc:// address, or convert it to DT_FLOAT",
        ),
        DType::String if view.is_text() => Ok(Form::List),
        DType::String if encoding == Encoding::Base64 => Ok(Form::Base64),
        DType::String if lists => refuse(
            "holds byte strings, which JSON cannot carry",
            "use the encoding raw, or base64 for MLServer, or a grpc:// address; give texts as text",
        ),
        DType::String | DType::Bfloat16 => Ok(Form::Binary),
        DType::Half if !lists => Ok(Form::Binary),
        _ => Ok(Form::List),
    }
}

/// Writes a request; the version is in the path.
pub(super) fn write(encoding: Encoding, outputs: &[String], input: &Input<'_>) -> Result<Payload> {
    let views = input.views()?;
    let forms = views
        .iter()
        .map(|(name, view)| form_of(encoding, name, view))
        .collect::<Result<Vec<_>>>()?;
    let binary = forms.contains(&Form::Binary);
    let size = |((_, view), form): (&(&str, TensorView<'_>), &Form)| match form {
        Form::Binary => raw::length_of(view),
        _ => request::size_of_json(view),
    };
    let mut body = Vec::with_capacity(views.iter().zip(&forms).map(size).sum::<usize>() + 512);
    body.extend_from_slice(b"{\"id\":");
    write_json_text(&mut body, &id());
    if binary {
        body.extend_from_slice(b",\"parameters\":{\"binary_data_output\":true}");
    }
    body.extend_from_slice(b",\"inputs\":[");
    for (index, ((name, view), form)) in views.iter().zip(&forms).enumerate() {
        if name.is_empty() {
            return Err(input_error(
                "it has no name, and the Open Inference Protocol has no inputs without a name",
                "give the inputs by name",
            ));
        }
        if index > 0 {
            body.push(b',');
        }
        write_input(&mut body, name, view, *form, encoding);
    }
    body.push(b']');
    if !outputs.is_empty() {
        body.extend_from_slice(b",\"outputs\":[");
        for (index, name) in outputs.iter().enumerate() {
            body.extend_from_slice(if index == 0 { b"{\"name\":" } else { b",{\"name\":" });
            write_json_text(&mut body, name);
            body.push(b'}');
        }
        body.push(b']');
    }
    body.push(b'}');
    if !binary {
        return Ok(Payload::Json(body.into()));
    }
    let json = body.len();
    for ((_, view), form) in views.iter().zip(&forms) {
        if *form == Form::Binary {
            raw::write(&mut body, view)?;
        }
    }
    Ok(Payload::Binary { body: body.into(), json })
}

fn write_input(
    body: &mut Vec<u8>,
    name: &str,
    view: &TensorView<'_>,
    form: Form,
    encoding: Encoding,
) {
    body.extend_from_slice(b"{\"name\":");
    write_json_text(body, name);
    body.extend_from_slice(b",\"shape\":[");
    for (index, dimension) in view.shape().iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        body.extend_from_slice(itoa::Buffer::new().format(*dimension).as_bytes());
    }
    body.extend_from_slice(b"],\"datatype\":\"");
    body.extend_from_slice(name_of(view.dtype()).as_bytes());
    body.push(b'"');
    match form {
        Form::Binary => {
            body.extend_from_slice(b",\"parameters\":{\"binary_data_size\":");
            body.extend_from_slice(itoa::Buffer::new().format(raw::length_of(view)).as_bytes());
            body.push(b'}');
        }
        Form::Base64 => {
            body.extend_from_slice(b",\"parameters\":{\"content_type\":\"base64\"},\"data\":");
            write_base64(body, view);
        }
        Form::List => {
            if encoding == Encoding::Base64 && view.dtype() == DType::String {
                body.extend_from_slice(b",\"parameters\":{\"content_type\":\"str\"}");
            }
            body.extend_from_slice(b",\"data\":");
            match view.data() {
                DataView::Half(bits) => {
                    // Each is a 32-bit float as well, whose text is read back as the same 16 bits.
                    let wide = bits.iter().map(|&bits| half::f16::from_bits(bits).to_f32());
                    request::write_float_list(body, &wide.collect::<Vec<_>>());
                }
                _ => request::write_flat(body, view),
            }
        }
    }
    body.push(b'}');
}

fn write_base64(body: &mut Vec<u8>, view: &TensorView<'_>) {
    let mut element = |index: usize, value: &[u8]| {
        if index > 0 {
            body.push(b',');
        } else {
            body.push(b'[');
        }
        write_json_base64(body, value);
    };
    match view.data() {
        DataView::String(values) => {
            values.iter().enumerate().for_each(|(index, value)| element(index, value));
        }
        DataView::Bytes(values) => {
            values.iter().enumerate().for_each(|(index, value)| element(index, value));
        }
        _ => {}
    }
    if view.data().is_empty() {
        body.push(b'[');
    }
    body.push(b']');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::{Tensor, TensorData};

    fn tensor(shape: &[usize], data: TensorData) -> Tensor {
        Tensor::new(shape.to_vec(), data).unwrap()
    }

    /// The JSON without its id, and the bytes behind it.
    #[expect(clippy::needless_pass_by_value, reason = "tests convert into it at the call")]
    fn written(
        encoding: Encoding,
        outputs: &[&str],
        input: Input<'_>,
    ) -> Result<(String, Vec<u8>)> {
        let outputs: Vec<_> = outputs.iter().map(|&name| name.to_owned()).collect();
        let (json, rest) = match write(encoding, &outputs, &input)? {
            Payload::Json(body) => (body.clone(), Vec::new()),
            Payload::Binary { body, json } => (body.slice(..json), body[json..].to_vec()),
            #[cfg(feature = "grpc")]
            Payload::Message(_) => panic!("a message"),
        };
        let text = String::from_utf8(json.to_vec()).unwrap();
        let id = text.strip_prefix("{\"id\":\"").unwrap();
        assert!(id[..16].bytes().all(|byte| byte.is_ascii_hexdigit()), "{text}");
        Ok((id[17..].to_owned(), rest))
    }

    #[test]
    fn arrays_are_flat_lists() {
        let input = Input::named([
            ("a", tensor(&[2, 2], TensorData::Float(vec![0.5, f32::NAN, 1.0, -2.0]))),
            ("b\"", tensor(&[1], TensorData::Uint16(vec![65535]))),
            ("c", tensor(&[1], TensorData::Int64(vec![i64::MIN]))),
            ("d", tensor(&[2], TensorData::Bool(vec![true, false]))),
            ("e", tensor(&[0, 3], TensorData::Double(vec![]))),
            ("f", Tensor::texts(vec![1], ["é\n"]).unwrap()),
        ]);
        let (json, rest) = written(Encoding::Automatic, &["y", "z"], input).unwrap();
        assert!(rest.is_empty());
        assert_eq!(
            json,
            r#","inputs":[{"name":"a","shape":[2,2],"datatype":"FP32","data":[0.5,NaN,1.0,-2.0]},{"name":"b\"","shape":[1],"datatype":"UINT16","data":[65535]},{"name":"c","shape":[1],"datatype":"INT64","data":[-9223372036854775808]},{"name":"d","shape":[2],"datatype":"BOOL","data":[true,false]},{"name":"e","shape":[0,3],"datatype":"FP64","data":[]},{"name":"f","shape":[1],"datatype":"BYTES","data":["é\u000a"]}],"outputs":[{"name":"y"},{"name":"z"}]}"#
        );
    }

    #[test]
    fn what_json_cannot_hold_follows_it() {
        let input = Input::named([
            ("x", tensor(&[1], TensorData::Int32(vec![7]))),
            ("h", tensor(&[2], TensorData::Half(vec![0x3e00, 0x0001]))),
            ("s", tensor(&[1], TensorData::String(vec![b"ab".to_vec()]))),
        ]);
        let (json, rest) = written(Encoding::Automatic, &[], input).unwrap();
        assert_eq!(
            json,
            r#","parameters":{"binary_data_output":true},"inputs":[{"name":"x","shape":[1],"datatype":"INT32","data":[7]},{"name":"h","shape":[2],"datatype":"FP16","parameters":{"binary_data_size":4}},{"name":"s","shape":[1],"datatype":"BYTES","parameters":{"binary_data_size":6}}]}"#
        );
        assert_eq!(rest, b"\x00\x3e\x01\x00\x02\x00\x00\x00ab");
        let x = || Input::named([("x", tensor(&[1], TensorData::Bool(vec![true])))]);
        assert_eq!(written(Encoding::Raw, &[], x()).unwrap().1, [1]);
    }

    #[test]
    fn strings_have_the_form_that_is_chosen() {
        let bytes = || Input::named([("x", vec![b"\xff".to_vec(), Vec::new()])]);
        let (json, _) = written(Encoding::Base64, &[], bytes()).unwrap();
        assert!(
            json.contains(r#""parameters":{"content_type":"base64"},"data":["/w==",""]"#),
            "{json}"
        );
        let text = || Input::named([("x", Tensor::texts(vec![1], ["a"]).unwrap())]);
        let (json, _) = written(Encoding::Base64, &[], text()).unwrap();
        assert!(json.contains(r#""parameters":{"content_type":"str"},"data":["a"]"#), "{json}");
        assert!(!written(Encoding::Lists, &[], text()).unwrap().0.contains("parameters"));
        let error = written(Encoding::Lists, &[], bytes()).unwrap_err().to_string();
        assert!(error.contains("byte strings") && error.contains("base64"), "{error}");
        let half = || tensor(&[2], TensorData::Half(vec![0x3e00, 0x0001]));
        let (json, _) = written(Encoding::Lists, &[], Input::named([("x", half())])).unwrap();
        assert!(json.contains(r#""data":[1.5,596046448e-16]"#), "{json}");
        let wide = tensor(&[1], TensorData::Bfloat16(vec![0x3f80]));
        let error = written(Encoding::Lists, &[], Input::named([("x", wide)])).unwrap_err();
        assert!(error.to_string().contains("DT_BFLOAT16"), "{error}");
        let error = written(Encoding::Automatic, &[], half().into()).unwrap_err();
        assert!(error.to_string().contains("no name"), "{error}");
    }
}
