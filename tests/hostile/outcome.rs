//! A call to a server that means harm: its outcome, within the time and the memory that the client promises.

use std::time::{Duration, Instant};

use canary_core::{
    error::Origin,
    predict::{Answer, Client, Input, Retry},
    serving::Error,
};
use canary_tests::memory;

use crate::script::Server;

pub(crate) const MEGABYTE: usize = 1 << 20;
/// The largest response that the clients read here.
pub(crate) const LIMIT: usize = 8 * MEGABYTE;
/// The time of one call.
const TIMEOUT: Duration = Duration::from_millis(1500);
/// The time beyond its own that a call may take on a busy machine; one that hangs takes more.
const SLACK: Duration = Duration::from_secs(10);
/// The memory that a call may take whatever it receives: buffers and windows of connections.
const FLOOR: usize = 4 * MEGABYTE;

/// The outcome of a call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// The value that the response holds.
    Reads,
    /// An error of this origin.
    Fails(Origin),
}

/// A client of that server, which sends each request once.
pub(crate) fn client(scheme: &str, server: &Server) -> Client {
    Client::new(&format!("{scheme}://{}", server.address()))
        .unwrap()
        .model("m")
        .retry(Retry::never())
        .timeout(TIMEOUT)
        .max_answer_bytes(LIMIT)
}

/// Makes one call that must have this outcome; `check` looks at the answer.
///
/// # Errors
/// The call had another outcome, took longer than its timeout, more memory than eight times what it received, or its
/// error is longer than 4 kB or has control characters.
pub(crate) async fn call(
    client: &Client,
    server: &Server,
    right: Outcome,
    check: impl Fn(&Answer) -> bool,
) -> Result<(), String> {
    let written = server.written();
    let before = memory::restart();
    let start = Instant::now();
    let answer = client.predict(Input::named([("x", vec![1_u8])])).await;
    let took = start.elapsed();
    let (most, received) = (memory::most_since(before), server.written() - written);
    if took > TIMEOUT + SLACK {
        return Err(format!("it took {took:?}"));
    }
    if most > 8 * received + FLOOR {
        return Err(format!("it took {most} bytes of memory for {received}"));
    }
    let found = match answer {
        Ok(answer) if check(&answer) => Outcome::Reads,
        Ok(answer) => return Err(format!("another value was read: {answer:?}")),
        Err(Error::Predict(error)) => {
            let text = error.to_string();
            if text.len() > 4096 || text.chars().any(char::is_control) {
                let start: String = text.chars().take(200).collect();
                return Err(format!("its error has {} bytes: {start:?}", text.len()));
            }
            if right != Outcome::Fails(error.origin) {
                return Err(format!("{text}, instead of {right:?}"));
            }
            right
        }
        Err(error) => return Err(error.to_string()),
    };
    if found == right { Ok(()) } else { Err(format!("{found:?} instead of {right:?}")) }
}

/// Fails with all that went wrong.
pub(crate) fn none_wrong(outcomes: &[(String, Result<(), String>)]) {
    let wrong: Vec<String> = outcomes
        .iter()
        .filter_map(|(name, outcome)| Some(format!("{name}: {}", outcome.as_ref().err()?)))
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), outcomes.len(), wrong.join("\n"));
}
