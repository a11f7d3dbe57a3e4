//! The versions of a model that a server knows, and their states.

use std::fmt;

use serde::Deserialize;

use super::response::ParseError;

/// The state of one version in a model server (`ModelVersionStatus.State`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum State {
    /// `UNKNOWN`: the server does not say.
    Unknown,
    /// `START`: known, and not being loaded yet.
    Start,
    /// `LOADING`: being loaded.
    Loading,
    /// `AVAILABLE`: it serves requests.
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
    /// Its state.
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
    /// The versions, as the server lists them; none where the protocol tells the state of the model as a whole.
    pub versions: Vec<VersionStatus>,
    /// The state of the model as a whole, where the protocol tells that.
    model: Option<bool>,
}

impl ModelStatus {
    /// The status of a model with these versions.
    pub(super) fn of_versions(versions: Vec<VersionStatus>) -> Self {
        Self { versions, model: None }
    }

    /// The status of a model that is ready or not as a whole.
    pub(super) fn of_model(ready: bool) -> Self {
        Self { versions: Vec::new(), model: Some(ready) }
    }

    /// Adds the versions of a ready model that a server lists, those that are numbers.
    pub(super) fn with_versions(mut self, versions: &[String]) -> Self {
        let numbers = versions.iter().filter_map(|version| version.parse().ok());
        self.versions = numbers
            .map(|version| VersionStatus {
                version,
                state: State::Available,
                error_code: String::new(),
                error_message: String::new(),
            })
            .collect();
        self
    }

    /// True when a version is available.
    pub fn ready(&self) -> bool {
        self.model.unwrap_or_else(|| {
            self.versions.iter().any(|version| version.state == State::Available)
        })
    }

    /// The newest version that is available.
    pub fn newest(&self) -> Option<i64> {
        self.versions
            .iter()
            .filter(|version| version.state == State::Available)
            .map(|version| version.version)
            .max()
    }

    /// The state of a version; `None` for one that the server does not know.
    ///
    /// ```no_run
    /// # async fn run(client: canary_core::predict::Client) -> canary_core::Result<()> {
    /// use canary_core::predict::State;
    ///
    /// assert_eq!(client.status().await?.state_of(42), Some(State::Available));
    /// # Ok(())
    /// # }
    /// ```
    pub fn state_of(&self, version: i64) -> Option<State> {
        self.versions.iter().find(|one| one.version == version).map(|one| one.state)
    }

    /// True when every version has ended with an error, so that waiting does not help.
    pub(super) fn failed(&self) -> bool {
        !self.versions.is_empty()
            && self.versions.iter().all(|version| {
                version.state == State::End && !matches!(version.error_code.as_str(), "" | "OK")
            })
    }
}

impl fmt::Display for ModelStatus {
    /// `1 AVAILABLE, 2 LOADING`, or `ready` where no versions are known.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(ready), []) = (self.model, self.versions.as_slice()) {
            return f.write_str(if ready { "ready" } else { "not ready" });
        }
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
#[serde(default)]
struct WireStatus {
    error_code: String,
    error_message: String,
}

pub(crate) fn parse(body: &[u8]) -> Result<ModelStatus, ParseError> {
    // An error message may quote a file name that is not UTF-8.
    let wire: Wire = serde_json::from_str(&String::from_utf8_lossy(body))
        .map_err(|error| ParseError::new(format!("it is not a model's status: {error}")))?;
    let versions = wire.model_version_status.into_iter().map(|version| {
        let number = match version.version {
            Integer::Number(number) => number,
            Integer::Text(text) => text.parse().map_err(|_| {
                ParseError::new(format!("version {text:?} is not a 64-bit integer"))
            })?,
        };
        Ok(VersionStatus {
            version: number,
            state: State::of_name(&version.state),
            error_code: version.status.error_code,
            error_message: version.status.error_message,
        })
    });
    Ok(ModelStatus::of_versions(versions.collect::<Result<_, ParseError>>()?))
}

/// A status of versions in these states, without errors.
#[cfg(test)]
pub(crate) fn status_of(versions: &[(i64, State)]) -> ModelStatus {
    let version = |&(version, state)| VersionStatus {
        version,
        state,
        error_code: String::new(),
        error_message: String::new(),
    };
    ModelStatus::of_versions(versions.iter().map(version).collect())
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
