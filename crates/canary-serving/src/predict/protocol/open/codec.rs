//! Requests and responses without a client.

use bytes::Bytes;
use canary_http::Response;
use http::{HeaderMap, StatusCode};

use super::{Encoding, JSON_LENGTH, Payload, request, response};
use crate::{
    error::{Origin, PredictError, Result},
    predict::input::Input,
    tensor::Tensor,
};

/// Writes the body of an inference request of the Open Inference Protocol, and the number of its bytes that are JSON where raw
/// elements follow (the header `Inference-Header-Content-Length`).
///
/// A [`Client`](crate::predict::Client) does it by itself.
///
/// # Errors
/// [`crate::Error::Input`] for an input without a name, a name given twice, or elements that the encoding cannot hold.
///
/// ```
/// use canary_core::predict::{Encoding, Input, write_inference};
///
/// let input = Input::named([("raw_image", b"a photo".as_slice())]);
/// let (body, json) = write_inference(Encoding::Raw, &input)?;
/// assert!(body.ends_with(b"a photo") && json.is_some_and(|json| body[json - 1] == b'}'));
/// # Ok::<(), canary_core::Error>(())
/// ```
pub fn write(encoding: Encoding, input: &Input<'_>) -> Result<(Vec<u8>, Option<usize>)> {
    Ok(match request::write(encoding, &[], input)? {
        Payload::Binary { body, json } => (body.into(), Some(json)),
        other => (other.bytes().into_owned(), None),
    })
}

/// Reads the outputs of an inference response of the Open Inference Protocol by name; `json` is the number of its bytes that are
/// JSON where raw elements follow.
///
/// A [`Client`](crate::predict::Client) does it by itself.
///
/// # Errors
/// [`crate::Error::Predict`] of origin answer, with the position of the first byte that does not fit.
///
/// ```
/// use canary_core::predict::read_inference;
///
/// let body = br#"{"outputs": [{"name": "y", "shape": [2], "datatype": "FP32", "data": [0.25, 1]}]}"#;
/// assert_eq!(read_inference(body, None)?[0].1.as_floats(), Some(&[0.25, 1.0][..]));
/// # Ok::<(), canary_core::Error>(())
/// ```
pub fn read(body: &[u8], json: Option<usize>) -> Result<Vec<(String, Tensor)>> {
    let mut headers = HeaderMap::new();
    if let Some(json) = json {
        headers.insert(JSON_LENGTH, json.into());
    }
    let body = Bytes::copy_from_slice(body);
    let response = Response { status: StatusCode::OK, headers, body };
    let read = response::read(&response, None).map_err(|error| {
        let message = format!("{} at byte {}", error.reason, error.at);
        PredictError::new(Origin::Answer, "answer", message)
    })?;
    Ok(read.outputs)
}
