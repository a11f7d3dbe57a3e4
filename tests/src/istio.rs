//! Istio's own code, asked line by line: the program of `scripts/real/istio/oracle`.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::Value;

use crate::parts::{real_part, root};

/// A running oracle; dropping it ends the process.
#[derive(Debug)]
pub struct Oracle {
    process: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Oracle {
    /// Starts it; `None` after saying what is left untested when it was not built.
    ///
    /// # Panics
    /// When it cannot be started, or is missing although it is required.
    pub fn start(untested: &str) -> Option<Self> {
        let program = real_part("istio-oracle", "build-istio.sh", untested)?;
        let mut process = Command::new(program)
            .arg("-definitions")
            .arg(root().join(".cache/bin/istio-crds.yaml"))
            // Filters of Istio's own, which stock Envoy does not have.
            .env("PILOT_ENABLE_METADATA_EXCHANGE", "false")
            .env("PILOT_ENABLE_ALPN_FILTER", "false")
            // The one class is given to it.
            .env("PILOT_ENABLE_GATEWAY_API_GATEWAYCLASS_CONTROLLER", "false")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let questions = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().unwrap());
        Some(Self { process, questions, answers })
    }

    /// Asks one question.
    ///
    /// # Panics
    /// When the process ended, or does not answer in JSON.
    pub fn ask(&mut self, question: &Value) -> Value {
        let mut line = question.to_string();
        line.push('\n');
        self.questions.as_mut().unwrap().write_all(line.as_bytes()).unwrap();
        let mut answer = String::new();
        // Istio's packages log lines while they start.
        while !answer.starts_with('{') {
            answer.clear();
            let length = self.answers.read_line(&mut answer).unwrap();
            assert!(length > 0, "Istio's code ended without an answer to {line}");
        }
        serde_json::from_str(&answer).unwrap()
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        drop(self.questions.take());
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
