//! Batches of requests: the file of `--batching_parameters_file`.

use std::time::Duration;

use canary_istio::{Finding, Findings};
use canary_proto::tensorflow::serving as wire;
use serde::{Deserialize, Serialize};

use super::text_form;
use crate::Result;

const NAME: &str = "BatchingParameters";

/// The way in which TensorFlow Serving computes several requests at once. What is absent is the server's own default.
///
/// ```
/// use canary_core::serving::BatchingParameters;
///
/// let batching: BatchingParameters = "max_batch_size { value: 32 } allowed_batch_sizes: [8, 32]".parse()?;
/// assert_eq!(batching.max_batch_size, Some(32));
/// assert!(batching.validate().is_empty());
/// # Ok::<(), canary_core::serving::Error>(())
/// ```
///
/// Source: <https://www.tensorflow.org/tfx/serving/serving_config#batching_configuration>.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchingParameters {
    /// The most rows of a batch.
    pub max_batch_size: Option<i64>,
    /// The longest time that a request waits for others, in whole microseconds.
    pub batch_timeout: Option<Duration>,
    /// The most batches that wait; a request beyond them is refused with status 503.
    pub max_enqueued_batches: Option<i64>,
    /// The number of threads that work on batches.
    pub num_batch_threads: Option<i64>,
    /// The name of their pool.
    pub thread_pool_name: Option<String>,
    /// The sizes to which batches are filled up: rising, the last one the most rows of a batch.
    pub allowed_batch_sizes: Vec<i64>,
    /// Fills up inputs of different lengths, so that they fit one batch.
    pub pad_variable_length_inputs: bool,
    /// Splits requests that are larger than a batch.
    pub enable_large_batch_splitting: Option<bool>,
    /// The most rows that are computed at once, when requests are split.
    pub max_execution_batch_size: Option<i64>,
}

impl BatchingParameters {
    /// The file, in protobuf's text form.
    ///
    /// ```
    /// use canary_core::serving::BatchingParameters;
    ///
    /// let batching = BatchingParameters { num_batch_threads: Some(4), ..Default::default() };
    /// assert_eq!(batching.to_text(), "num_batch_threads {\n  value: 4\n}\n");
    /// ```
    pub fn to_text(&self) -> String {
        let micros = |time: Duration| i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
        let message = wire::BatchingParameters {
            max_batch_size: self.max_batch_size,
            batch_timeout_micros: self.batch_timeout.map(micros),
            max_enqueued_batches: self.max_enqueued_batches,
            num_batch_threads: self.num_batch_threads,
            thread_pool_name: self.thread_pool_name.clone(),
            allowed_batch_sizes: self.allowed_batch_sizes.clone(),
            pad_variable_length_inputs: self.pad_variable_length_inputs,
            enable_large_batch_splitting: self.enable_large_batch_splitting,
            max_execution_batch_size: self.max_execution_batch_size,
        };
        text_form::write(NAME, &message)
    }

    /// Finds the mistakes for which a server would not start.
    pub fn validate(&self) -> Findings {
        let mut findings = Findings::new();
        let mut push = |path: &str, problem: &str, found: String, help: &str| {
            let finding = Finding::error("C200", format!("batching.{path}"), problem);
            findings.push(finding.object(NAME).found(found).help(help));
        };
        for (path, value) in [
            ("max_batch_size", self.max_batch_size),
            ("max_enqueued_batches", self.max_enqueued_batches),
            ("num_batch_threads", self.num_batch_threads),
            ("max_execution_batch_size", self.max_execution_batch_size),
        ] {
            if let Some(value) = value.filter(|&value| value < 1) {
                push(path, "is below 1", value.to_string(), "give 1 or more, or leave it out");
            }
        }
        let sizes = &self.allowed_batch_sizes;
        let written = format!("{sizes:?}");
        let splits = self.enable_large_batch_splitting == Some(true);
        let (name, most) = if splits && self.max_execution_batch_size.is_some() {
            ("max_execution_batch_size", self.max_execution_batch_size)
        } else {
            ("max_batch_size", self.max_batch_size)
        };
        if !sizes.is_sorted_by(|a, b| a < b) || sizes.iter().any(|&size| size < 1) {
            push(
                "allowed_batch_sizes",
                "does not rise from 1 on",
                written,
                "list each size once, the smallest first",
            );
        } else if let Some(&last) = sizes.last()
            && most != Some(last)
        {
            let problem = format!("does not end with {name}");
            push(
                "allowed_batch_sizes",
                &problem,
                written,
                &format!("set {name} to {last}, or add it"),
            );
        }
        if let (Some(execution), Some(most)) = (self.max_execution_batch_size, self.max_batch_size)
        {
            if !splits {
                push(
                    "max_execution_batch_size",
                    "has no effect without enable_large_batch_splitting",
                    execution.to_string(),
                    "enable the splitting, or leave it out",
                );
            } else if execution > most {
                push(
                    "max_execution_batch_size",
                    "is above max_batch_size",
                    execution.to_string(),
                    &format!("give {most} or less"),
                );
            }
        }
        findings
    }
}

impl std::str::FromStr for BatchingParameters {
    type Err = crate::Error;

    /// Reads the file as strictly as the server does.
    fn from_str(text: &str) -> Result<Self> {
        let what = "batching parameters file";
        let message: wire::BatchingParameters = text_form::read(what, NAME, text)?;
        let time = |micros: i64| {
            u64::try_from(micros).map(Duration::from_micros).map_err(|_| {
                let reason = format!("batch_timeout_micros: found {micros}, expected 0 or more");
                crate::Error::manifest(what, reason)
            })
        };
        Ok(Self {
            max_batch_size: message.max_batch_size,
            batch_timeout: message.batch_timeout_micros.map(time).transpose()?,
            max_enqueued_batches: message.max_enqueued_batches,
            num_batch_threads: message.num_batch_threads,
            thread_pool_name: message.thread_pool_name,
            allowed_batch_sizes: message.allowed_batch_sizes,
            pad_variable_length_inputs: message.pad_variable_length_inputs,
            enable_large_batch_splitting: message.enable_large_batch_splitting,
            max_execution_batch_size: message.max_execution_batch_size,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_and_written_again() {
        let all = BatchingParameters {
            max_batch_size: Some(128),
            batch_timeout: Some(Duration::from_micros(1500)),
            max_enqueued_batches: Some(100),
            num_batch_threads: Some(8),
            thread_pool_name: Some("batches".to_owned()),
            allowed_batch_sizes: vec![8, 32],
            pad_variable_length_inputs: true,
            enable_large_batch_splitting: Some(true),
            max_execution_batch_size: Some(32),
        };
        assert!(all.validate().is_empty(), "{}", all.validate());
        assert_eq!(all.to_text().parse::<BatchingParameters>().unwrap(), all);
        let zero = BatchingParameters { batch_timeout: Some(Duration::ZERO), ..Default::default() };
        assert_eq!(zero.to_text().parse::<BatchingParameters>().unwrap(), zero);
        assert_eq!(BatchingParameters::default().to_text(), "");
    }

    #[test]
    fn what_a_server_refuses_is_named() {
        let paths = |text: &str| {
            let batching: BatchingParameters = text.parse().unwrap();
            batching.validate().into_iter().map(|finding| finding.path).collect::<Vec<_>>()
        };
        assert_eq!(paths("max_batch_size { value: 0 }"), ["batching.max_batch_size"]);
        let sizes = ["batching.allowed_batch_sizes"];
        assert_eq!(paths("max_batch_size { value: 32 } allowed_batch_sizes: [8, 16]"), sizes);
        assert_eq!(paths("max_batch_size { value: 8 } allowed_batch_sizes: [16, 8]"), sizes);
        assert_eq!(paths("allowed_batch_sizes: 8"), sizes);
        let alone = "max_batch_size { value: 8 } max_execution_batch_size { value: 4 }";
        assert_eq!(paths(alone), ["batching.max_execution_batch_size"]);
        for wrong in ["max_batch_size: 8", "batch_timeout_micros { value: -1 }", "size {}"] {
            let error = wrong.parse::<BatchingParameters>().unwrap_err().to_string();
            assert!(error.contains("batching parameters file"), "{error}");
        }
    }
}
