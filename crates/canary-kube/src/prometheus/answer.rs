//! Responses of Prometheus' HTTP API.
//!
//! Source: Prometheus, "HTTP API": `status`, `data`, `errorType`, `error`, `warnings`.

use std::collections::{BTreeMap, BTreeSet};

use canary_rollout::evidence::Timestamp;
use serde::{Deserialize, de::DeserializeOwned};

/// One time series with its samples, oldest first.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Series {
    pub(super) labels: BTreeMap<String, String>,
    pub(super) samples: Vec<Sample>,
}

/// One scraped value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sample {
    pub(super) at: Timestamp,
    pub(super) value: f64,
}

/// The reason why a response cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It is not the JSON of Prometheus' API.
    Unreadable(String),
    /// The query failed: the kind of the error, and Prometheus' message.
    Failed(String, String),
    /// The response may be incomplete.
    Partial(Vec<String>),
    /// It has more series than the limit.
    TooMany(usize),
}

#[derive(Deserialize)]
struct Reply<T> {
    status: String,
    data: Option<T>,
    #[serde(default, rename = "errorType")]
    error_type: String,
    #[serde(default)]
    error: String,
    #[serde(default)]
    warnings: Vec<String>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "resultType")]
    kind: String,
    result: Vec<Raw>,
}

#[derive(Deserialize)]
struct Raw {
    metric: BTreeMap<String, String>,
    /// Times in seconds, values as texts. A series of native histograms has none.
    #[serde(default)]
    values: Vec<(f64, String)>,
}

/// Reads the series of a range selector. An empty list is valid: nothing is known.
pub(super) fn series(body: &[u8], limit: usize, partial: bool) -> Result<Vec<Series>, Refusal> {
    let data: Data = read(body, partial)?;
    if data.kind != "matrix" {
        return Err(Refusal::Unreadable(format!("expected a matrix, found a {}", data.kind)));
    }
    if data.result.len() > limit {
        return Err(Refusal::TooMany(data.result.len()));
    }
    let mut all = Vec::with_capacity(data.result.len());
    for raw in data.result {
        let mut samples = Vec::with_capacity(raw.values.len());
        for (seconds, text) in raw.values {
            // `NaN` and `+Inf` are texts too. A counter never has these values, and a sample without a number is a gap.
            let value: f64 = text
                .parse()
                .map_err(|_| Refusal::Unreadable(format!("the value {text:?} is not a number")))?;
            if value.is_finite() && value >= 0.0 {
                samples.push(Sample { at: moment(seconds)?, value });
            }
        }
        samples.sort_by_key(|sample| sample.at);
        all.push(Series { labels: raw.metric, samples });
    }
    Ok(all)
}

/// Reads the values of a label.
pub(super) fn values(body: &[u8], partial: bool) -> Result<BTreeSet<String>, Refusal> {
    read(body, partial)
}

/// The kind and message of a failed query, when the body is an error of Prometheus' API.
pub(super) fn error(body: &[u8]) -> Option<(String, String)> {
    let reply: Reply<serde::de::IgnoredAny> = serde_json::from_slice(body).ok()?;
    (reply.status == "error").then_some((reply.error_type, reply.error))
}

fn read<T: DeserializeOwned>(body: &[u8], partial: bool) -> Result<T, Refusal> {
    let reply: Reply<T> = match serde_json::from_slice(body) {
        Ok(reply) => reply,
        Err(cause) => {
            return Err(match error(body) {
                Some((kind, said)) => Refusal::Failed(kind, said),
                None => Refusal::Unreadable(cause.to_string()),
            });
        }
    };
    match (reply.status.as_str(), reply.data) {
        ("success", Some(_)) if !reply.warnings.is_empty() && !partial => {
            Err(Refusal::Partial(reply.warnings))
        }
        ("success", Some(data)) => Ok(data),
        ("success", None) => Err(Refusal::Unreadable("it has no data".to_owned())),
        ("error", _) => Err(Refusal::Failed(reply.error_type, reply.error)),
        (status, _) => Err(Refusal::Unreadable(format!("the status is {status:?}"))),
    }
}

fn moment(seconds: f64) -> Result<Timestamp, Refusal> {
    let millis = (seconds * 1e3).round();
    if !(0.0..9e15).contains(&millis) {
        return Err(Refusal::Unreadable(format!("{seconds} is not a time")));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
    Ok(Timestamp(millis as u64))
}
