//! Writes the bodies of requests: JSON as TensorFlow Serving reads it.

mod array;
mod block;
mod body;
mod float;
mod text;

use std::borrow::Cow;

use crate::{
    error::Result,
    predict::input::{Input, input_error},
    tensor::{DType, DataView, TensorView},
};

pub use body::Body;
pub(crate) use text::{write as write_json_text, write_bytes as write_json_bytes};

/// Writes the elements of an array as one flat JSON list.
pub(crate) fn write_flat(body: &mut impl Body, view: &TensorView<'_>) {
    array::write_flat(body, view);
}

/// About how many bytes an array takes as JSON.
pub(crate) fn size_of_json(view: &TensorView<'_>) -> usize {
    size_of(view)
}

/// Writes bytes as a JSON string of base64.
pub(crate) fn write_json_base64(body: &mut impl Body, bytes: &[u8]) {
    text::write_base64(body, bytes);
}

/// Writes floats as a JSON list.
pub(crate) fn write_float_list(body: &mut impl Body, values: &[f32]) {
    array::write_floats(body, values);
}

/// For the example `prove_floats`: the text of floats in rows of `length` by each kernel that this CPU has, and the
/// kernel's name. The first is the reference.
#[doc(hidden)]
pub fn float_rows_by_kernel(values: &[f32], length: usize) -> Vec<(String, Vec<u8>)> {
    array::rows_by_kernel(values, length)
}

/// Which of the two JSON forms a request and its answer have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Form {
    /// `instances` and `predictions`: a list with one entry for each member of the batch.
    #[default]
    Row,
    /// `inputs` and `outputs`: whole arrays by name. Outputs need no common first dimension.
    Column,
}

/// Writes the body of a predict request to the end of `body`.
///
/// The signature is left out when it is empty: the server then takes `serving_default`. A body that was
/// [abandoned](Body::is_abandoned) is incomplete.
///
/// # Errors
/// [`crate::Error::Input`] for no input, a name given twice, half, bfloat16 or uint16 (which only gRPC carries), and
/// in row form for inputs without a common first dimension.
///
/// ```
/// use canary_core::predict::{Form, write_predict};
///
/// let mut body = Vec::new();
/// write_predict(&mut body, "serving_preprocess", Form::Row, &b"\xff\xd8".as_slice().into())?;
/// assert_eq!(body, br#"{"signature_name":"serving_preprocess","instances":[{"b64":"/9g="}]}"#);
/// # Ok::<(), canary_core::Error>(())
/// ```
pub fn write_predict(
    body: &mut impl Body,
    signature: &str,
    form: Form,
    input: &Input<'_>,
) -> Result<()> {
    let views = input.views()?;
    for (name, view) in &views {
        check_dtype(name, view)?;
    }
    body.reserve(views.iter().map(|(_, view)| size_of(view)).sum::<usize>() + signature.len() + 64);
    body.append(b"{");
    if !signature.is_empty() {
        body.append(b"\"signature_name\":");
        text::write(body, signature);
        body.append(b",");
    }
    match form {
        Form::Row => write_rows(body, &views)?,
        Form::Column => write_columns(body, &views),
    }
    body.append(b"}");
    Ok(())
}

fn check_dtype(name: &str, view: &TensorView<'_>) -> Result<()> {
    match view.dtype() {
        dtype @ (DType::Half | DType::Bfloat16 | DType::Uint16) => Err(input_error(
            &format!("{}has dtype {dtype}, which REST cannot carry", label(name)),
            "use a grpc:// address, or convert it to DT_FLOAT or DT_INT32",
        )),
        _ => Ok(()),
    }
}

fn label(name: &str) -> Cow<'static, str> {
    if name.is_empty() { "it ".into() } else { format!("{name:?} ").into() }
}

/// About how many bytes an array takes as JSON.
fn size_of(view: &TensorView<'_>) -> usize {
    let each = match view.data() {
        DataView::Bytes(values) => {
            return values.iter().map(|value| text::base64_size(value) + 12).sum();
        }
        DataView::String(values) => {
            return values.iter().map(|value| text::base64_size(value) + 12).sum();
        }
        DataView::Uint8(_) | DataView::Int8(_) => 4,
        DataView::Bool(_) => 6,
        DataView::Float(_) => 14,
        DataView::Double(_) => 20,
        _ => 12,
    };
    let inner = view.shape().last().copied().unwrap_or(1).max(1);
    view.data().len() * each + view.data().len() / inner * 3
}

fn write_rows(body: &mut impl Body, views: &[(&str, TensorView<'_>)]) -> Result<()> {
    body.append(b"\"instances\":");
    if let [("", view)] = views {
        if view.shape().is_empty() {
            return Err(input_error(
                "it is a scalar, and the row form has a list of instances",
                "give it a first dimension, or use the column form",
            ));
        }
        array::write(body, view);
        return Ok(());
    }
    if let Some((name, _)) = views.iter().find(|(_, view)| view.shape().is_empty()) {
        return Err(input_error(
            &format!("{name:?} is a scalar, and the row form has a list of instances"),
            "give it a first dimension of the batch's length, or use the column form",
        ));
    }
    let rows = views[0].1.shape().first().copied();
    for (name, view) in views {
        let found = view.shape().first().copied();
        if found.is_none() || found != rows {
            return Err(input_error(
                &format!(
                    "{name:?} has shape {:?} and {:?} has {:?}; the row form needs one common first dimension",
                    view.shape(),
                    views[0].0,
                    views[0].1.shape(),
                ),
                "give them the same batch length, or use the column form",
            ));
        }
    }
    body.append(b"[");
    for row in 0..rows.unwrap_or(0) {
        if body.is_abandoned() {
            break;
        }
        body.append(if row == 0 { b"{" } else { b",{" });
        for (index, (name, view)) in views.iter().enumerate() {
            if index > 0 {
                body.append(b",");
            }
            text::write(body, name);
            body.append(b":");
            array::write_row(body, view, row);
        }
        body.append(b"}");
    }
    body.append(b"]");
    Ok(())
}

fn write_columns(body: &mut impl Body, views: &[(&str, TensorView<'_>)]) {
    body.append(b"\"inputs\":");
    if let [("", view)] = views {
        array::write(body, view);
        return;
    }
    for (index, (name, view)) in views.iter().enumerate() {
        body.append(if index == 0 { b"{" } else { b"," });
        text::write(body, name);
        body.append(b":");
        array::write(body, view);
    }
    body.append(b"}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::{Tensor, TensorData};

    #[expect(clippy::needless_pass_by_value, reason = "tests convert into it at the call")]
    fn body(form: Form, input: Input<'_>) -> Result<String> {
        let mut body = Vec::new();
        write_predict(&mut body, "", form, &input)?;
        Ok(String::from_utf8(body).unwrap())
    }

    fn tensor(shape: &[usize], data: TensorData) -> Tensor {
        Tensor::new(shape.to_vec(), data).unwrap()
    }

    #[test]
    fn rows_of_one_input() {
        let pixels = tensor(&[2, 2, 1], TensorData::Float(vec![0.0, 0.5, 1.0, f32::NAN]));
        assert_eq!(
            body(Form::Row, pixels.into()).unwrap(),
            r#"{"instances":[[[0.0],[0.5]],[[1.0],[NaN]]]}"#
        );
        let files = vec![b"a".to_vec(), b"bc".to_vec()];
        assert_eq!(
            body(Form::Row, files.into()).unwrap(),
            r#"{"instances":[{"b64":"YQ=="},{"b64":"YmM="}]}"#
        );
    }

    #[test]
    fn rows_of_named_inputs() {
        let input = Input::named([
            ("a", tensor(&[2], TensorData::Int64(vec![i64::MAX, i64::MIN]))),
            ("b\"", tensor(&[2, 2], TensorData::Bool(vec![true, false, false, true]))),
        ]);
        assert_eq!(
            body(Form::Row, input).unwrap(),
            r#"{"instances":[{"a":9223372036854775807,"b\"":[true,false]},{"a":-9223372036854775808,"b\"":[false,true]}]}"#
        );
    }

    #[test]
    fn columns() {
        let scalar = tensor(&[], TensorData::Uint64(vec![u64::MAX]));
        assert_eq!(
            body(Form::Column, scalar.into()).unwrap(),
            r#"{"inputs":18446744073709551615}"#
        );
        let input = Input::named([
            ("x", tensor(&[0, 3], TensorData::Float(Vec::new()))),
            ("y", tensor(&[1], TensorData::Double(vec![0.1]))),
        ]);
        assert_eq!(body(Form::Column, input).unwrap(), r#"{"inputs":{"x":[],"y":[0.1]}}"#);
    }

    #[test]
    fn what_rest_cannot_carry_is_refused() {
        let half = tensor(&[1], TensorData::Half(vec![0]));
        let message = body(Form::Row, half.into()).unwrap_err().to_string();
        assert!(message.contains("DT_HALF") && message.contains("grpc://"), "{message}");
        let scalar = tensor(&[], TensorData::Float(vec![1.0]));
        assert!(body(Form::Row, scalar.into()).unwrap_err().to_string().contains("scalar"));
        let unequal = Input::named([
            ("a", tensor(&[2], TensorData::Float(vec![0.0; 2]))),
            ("b", tensor(&[3], TensorData::Float(vec![0.0; 3]))),
        ]);
        assert!(body(Form::Row, unequal).unwrap_err().to_string().contains("[3]"));
        let twice = Input::named([("a", vec![1_u8]), ("a", vec![2_u8])]);
        assert!(body(Form::Row, twice).unwrap_err().to_string().contains("twice"));
    }
}
