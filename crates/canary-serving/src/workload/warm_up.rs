//! Warm-up requests: the predictions that a server makes while it loads a version, before it takes traffic.

use canary_proto::{
    prost::Message,
    tensorflow::serving::{PredictLog, PredictRequest, PredictionLog, prediction_log::LogType},
};

use super::tf_record;
use crate::{
    Error, Result,
    predict::{Input, ModelVersion, write_predict_grpc},
};

/// The file of the warm-up requests, in the folder of a version.
pub const WARM_UP_FILE: &str = "assets.extra/tf_serving_warmup_requests";

/// The most requests that TensorFlow Serving replays for one version.
pub const MAX_WARM_UP_REQUESTS: usize = 1000;

/// The file with which TensorFlow Serving warms a version up: write it to [`WARM_UP_FILE`] in the version's folder.
///
/// While a server loads the version it makes these predictions, and takes traffic afterwards. A request that fails makes
/// the whole version fail to load: take samples of what the model really gets.
///
/// ```
/// use canary_core::{predict::Input, serving::{read_warm_up, write_warm_up}};
///
/// let photos = [b"one photo".as_slice(), b"another photo"];
/// let inputs = photos.map(|photo| Input::named([("raw_images", photo)]));
/// let file = write_warm_up("pets", "serving_preprocess", inputs)?;
/// let requests = read_warm_up(&file)?;
/// assert_eq!(requests.len(), 2);
/// assert_eq!(requests[0].model_spec.as_ref().unwrap().name, "pets");
/// # Ok::<(), canary_core::Error>(())
/// ```
///
/// Source: <https://www.tensorflow.org/tfx/serving/saved_model_warmup>.
///
/// # Errors
/// [`Error::Input`] without an input, for more than [`MAX_WARM_UP_REQUESTS`], and for one that cannot be sent over gRPC,
/// such as one without a name.
pub fn write_warm_up<'i>(
    model: &str,
    signature: &str,
    inputs: impl IntoIterator<Item = Input<'i>>,
) -> Result<Vec<u8>> {
    let (mut file, mut count) = (Vec::new(), 0);
    for input in inputs {
        count += 1;
        if count > MAX_WARM_UP_REQUESTS {
            break;
        }
        let mut body = Vec::new();
        write_predict_grpc(&mut body, model, &ModelVersion::Latest, signature, &input)?;
        let request = PredictRequest::decode(body.as_slice()).map_err(|error| Error::Input {
            what: format!("warm-up request {}", count - 1),
            reason: format!("is not a request of gRPC: {error}"),
        })?;
        let log = LogType::PredictLog(PredictLog { request: Some(request) });
        tf_record::append(&mut file, &PredictionLog { log_type: Some(log) }.encode_to_vec());
    }
    if (1..=MAX_WARM_UP_REQUESTS).contains(&count) {
        return Ok(file);
    }
    let found = if count == 0 {
        "no input".to_owned()
    } else {
        format!("more than {MAX_WARM_UP_REQUESTS} inputs")
    };
    Err(Error::Input {
        what: "warm-up".to_owned(),
        reason: format!(
            "found {found}, expected 1 to {MAX_WARM_UP_REQUESTS}, which is all that the server replays"
        ),
    })
}

/// The requests of a warm-up file, whose checksums are verified.
///
/// # Errors
/// [`Error::manifest`] for a damaged file, and for a record that is not a prediction.
pub fn read_warm_up(file: &[u8]) -> Result<Vec<PredictRequest>> {
    const WHAT: &str = "warm-up file";
    let request = |(at, record): (usize, &[u8])| {
        let wrong = |reason: String| Error::manifest(WHAT, format!("record {at}: {reason}"));
        let log = PredictionLog::decode(record).map_err(|error| wrong(error.to_string()))?;
        match log.log_type {
            Some(LogType::PredictLog(PredictLog { request: Some(request) })) => Ok(request),
            _ => Err(wrong("found no prediction, which is the only kind that is read".to_owned())),
        }
    };
    tf_record::records(WHAT, file)?.into_iter().enumerate().map(request).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(bytes: &'static [u8]) -> Input<'static> {
        Input::named([("x", bytes)])
    }

    #[test]
    fn requests_are_read_as_they_were_written() {
        let file = write_warm_up("m", "s", [input(b"one"), input(b"two")]).unwrap();
        let requests = read_warm_up(&file).unwrap();
        let spec = requests[1].model_spec.clone().unwrap();
        assert_eq!((spec.name.as_str(), spec.signature_name.as_str()), ("m", "s"));
        assert_eq!(requests[1].inputs["x"].string_val[0], "two");
    }

    #[test]
    fn the_number_of_requests_has_a_limit() {
        let many = |count| write_warm_up("m", "", (0..count).map(|_| input(b"")));
        assert_eq!(read_warm_up(&many(MAX_WARM_UP_REQUESTS).unwrap()).unwrap().len(), 1000);
        for (count, said) in [(0, "no input"), (MAX_WARM_UP_REQUESTS + 1, "more than 1000")] {
            let error = many(count).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
        let unnamed = write_warm_up("m", "", [Input::from(b"x".as_slice())]).unwrap_err();
        assert!(unnamed.to_string().contains("name"), "{unnamed}");
    }

    #[test]
    fn other_records_are_errors() {
        let mut file = Vec::new();
        tf_record::append(&mut file, b"");
        let error = read_warm_up(&file).unwrap_err().to_string();
        assert!(error.contains("record 0: found no prediction"), "{error}");
        assert!(read_warm_up(b"not a file").unwrap_err().to_string().contains("warm-up file"));
    }
}
