//! Which versions of a model are served, and waiting until one is.

use std::{
    fmt,
    time::{Duration, Instant},
};

use serde::Deserialize;

use super::{client::Client, protocol::Payload, response::Bad, send::Call};
use crate::error::{Error, Origin, PredictError, Result};

/// What a model server says of one version (`ModelVersionStatus.State`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum State {
    /// `UNKNOWN`: the server does not say.
    Unknown,
    /// `START`: known, and not being loaded yet.
    Start,
    /// `LOADING`: being loaded.
    Loading,
    /// `AVAILABLE`: it answers.
    Available,
    /// `UNLOADING`: being removed.
    Unloading,
    /// `END`: removed, or it could not be loaded.
    End,
}

impl State {
    pub(crate) fn of_name(name: &str) -> Self {
        match name {
            "START" => Self::Start,
            "LOADING" => Self::Loading,
            "AVAILABLE" => Self::Available,
            "UNLOADING" => Self::Unloading,
            "END" => Self::End,
            _ => Self::Unknown,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "UNKNOWN",
            Self::Start => "START",
            Self::Loading => "LOADING",
            Self::Available => "AVAILABLE",
            Self::Unloading => "UNLOADING",
            Self::End => "END",
        })
    }
}

/// One version of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VersionStatus {
    /// The version's number.
    pub version: i64,
    /// Where it is in its life.
    pub state: State,
    /// `OK`, or the code of the error with which it could not be loaded.
    pub error_code: String,
    /// The text of that error; mostly empty.
    pub error_message: String,
}

/// Every version of a model that the server knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelStatus {
    /// The versions, as the server lists them.
    pub versions: Vec<VersionStatus>,
}

impl ModelStatus {
    /// Whether a version answers.
    pub fn ready(&self) -> bool {
        self.versions.iter().any(|version| version.state == State::Available)
    }

    /// The newest version that answers.
    pub fn newest(&self) -> Option<i64> {
        self.versions
            .iter()
            .filter(|version| version.state == State::Available)
            .map(|version| version.version)
            .max()
    }

    /// Whether every version has ended with an error: waiting does not help.
    fn failed(&self) -> bool {
        !self.versions.is_empty()
            && self.versions.iter().all(|version| {
                version.state == State::End && !matches!(version.error_code.as_str(), "" | "OK")
            })
    }
}

impl fmt::Display for ModelStatus {
    /// `1 AVAILABLE, 2 LOADING`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, version) in self.versions.iter().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            write!(f, "{comma}{} {}", version.version, version.state)?;
            if !version.error_message.is_empty() {
                write!(f, " ({})", version.error_message)?;
            }
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Wire {
    model_version_status: Vec<WireVersion>,
}

#[derive(Deserialize)]
struct WireVersion {
    /// A string, as protobuf's JSON writes 64-bit integers.
    version: Integer,
    #[serde(default)]
    state: String,
    #[serde(default)]
    status: WireStatus,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Integer {
    Number(i64),
    Text(String),
}

#[derive(Default, Deserialize)]
struct WireStatus {
    #[serde(default)]
    error_code: String,
    #[serde(default)]
    error_message: String,
}

pub(crate) fn parse(body: &[u8]) -> Result<ModelStatus, Bad> {
    // An error message may quote a file name that is not UTF-8.
    let wire: Wire = serde_json::from_str(&String::from_utf8_lossy(body))
        .map_err(|error| Bad::new(format!("it is not a model's status: {error}")))?;
    let versions = wire.model_version_status.into_iter().map(|version| {
        let number = match version.version {
            Integer::Number(number) => number,
            Integer::Text(text) => text
                .parse()
                .map_err(|_| Bad::new(format!("version {text:?} is not a 64-bit integer")))?,
        };
        Ok(VersionStatus {
            version: number,
            state: State::of_name(&version.state),
            error_code: version.status.error_code,
            error_message: version.status.error_message,
        })
    });
    Ok(ModelStatus { versions: versions.collect::<Result<_, Bad>>()? })
}

/// One look at a model while [`Client::wait`] waits.
#[derive(Debug)]
#[non_exhaustive]
pub struct Waiting<'a> {
    /// How long it has waited so far.
    pub elapsed: Duration,
    /// What the server said, or why it could not be asked.
    pub seen: Result<&'a ModelStatus, &'a Error>,
}

impl Client {
    /// What the server says of the model's versions, or of the one that this client asks.
    ///
    /// The server answers so also while nothing is ready: see [`ModelStatus::ready`].
    ///
    /// # Errors
    /// [`Error::Predict`], of origin server with status 404 when the server does not know the model.
    pub async fn status(&self) -> Result<ModelStatus> {
        let asked = self.request(Call::Status, |client| Ok(client.write_status()))?;
        let (reply, trace) = self.exchange(&asked).await?;
        let status = self.read_status(&reply.body);
        status.map_err(|bad| self.unreadable(&asked.url, &reply, &trace, &bad).into())
    }

    /// Returns `true` when a version of the model answers: a server that cannot be reached, or does not know the model
    /// yet, is not ready.
    ///
    /// # Errors
    /// [`Error::Predict`] of origin request, when the question itself cannot be asked.
    pub async fn is_ready(&self) -> Result<bool> {
        match self.status().await {
            Ok(status) => Ok(status.ready()),
            Err(Error::Predict(error)) if error.origin != Origin::Request => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Waits until a version of the model answers, and tells `progress` of each look at it.
    ///
    /// A server that cannot be reached, or does not know the model yet, is asked again: every 100 ms at first, every
    /// second later.
    ///
    /// # Errors
    /// [`Error::Predict`] when no version is ready in time, or when every version failed to load: the message says
    /// what was seen last, and its origin is that of the last error, or the server.
    pub async fn wait(
        &self,
        timeout: Duration,
        mut progress: impl FnMut(Waiting<'_>) + Send,
    ) -> Result<ModelStatus> {
        let url = self.request(Call::Status, |_| Ok(Payload::default()))?.url;
        let start = Instant::now();
        let mut pause = Duration::from_millis(100);
        let mut looks = 0;
        loop {
            let left = timeout.saturating_sub(start.elapsed()).max(Duration::from_millis(10));
            let each = left.min(Duration::from_secs(5));
            let seen = self.clone().timeout(each).status().await;
            looks += 1;
            progress(Waiting { elapsed: start.elapsed(), seen: seen.as_ref() });
            let mut last_error = None;
            let (last, failed) = match seen {
                Ok(status) if status.ready() => return Ok(status),
                Ok(status) if status.versions.is_empty() => ("no version is known".into(), false),
                Ok(status) => (status.to_string(), status.failed()),
                Err(Error::Predict(error)) if error.origin == Origin::Request => {
                    return Err(Error::Predict(error));
                }
                Err(Error::Predict(error)) => {
                    let message = error.message.clone();
                    last_error = Some(error);
                    (message, false)
                }
                Err(other) => return Err(other),
            };
            if failed || start.elapsed() + pause >= timeout {
                let message = if failed {
                    format!("every version failed to load: {last}")
                } else {
                    format!("no version was ready within {timeout:?}; seen last: {last}")
                };
                let origin = last_error.as_ref().map_or(Origin::Server, |last| last.origin);
                let mut error = PredictError::new(origin, url, message);
                if let Some(last) = last_error {
                    error.help = last.help;
                    error.status = last.status;
                    error.response_flags = last.response_flags;
                }
                error.attempts = looks;
                error.elapsed = start.elapsed();
                error.retryable = !failed;
                error.timed_out = !failed;
                return Err(error.into());
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_and_versions_are_read() {
        let status = parse(
            br#"{"model_version_status": [
                {"version": "9007199254740993", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}},
                {"version": "2", "state": "END", "status": {"error_code": "NOT_FOUND", "error_message": "gone"}}]}"#,
        )
        .unwrap();
        assert!(status.ready());
        assert_eq!(status.newest(), Some(9_007_199_254_740_993));
        assert_eq!(status.to_string(), "9007199254740993 AVAILABLE, 2 END (gone)");
        assert!(!status.failed());
        assert!(parse(b"{}").is_err());
        assert!(parse(br#"{"model_version_status": [{"version": "x"}]}"#).is_err());
    }
}
