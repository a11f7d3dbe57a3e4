//! The attempts of one call, the pauses between them, and the time that all of them share.

use std::{
    future::Future,
    pin::pin,
    time::{Duration, Instant},
};

use canary_http::{MAX_TIMEOUT, milliseconds};
use futures_util::future::{Either, select};
use tracing::Instrument;

use super::{
    failure::Failure,
    retry::{Budget, Retry},
};
use crate::error::{Origin, PredictError};

/// gRPC's `DEADLINE_EXCEEDED`.
const DEADLINE_EXCEEDED: i32 = 4;

/// The attempts that led to a response.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace {
    pub(crate) attempts: u32,
    pub(crate) elapsed: Duration,
    pub(crate) repeated: Vec<String>,
    /// The end of the time that the call had, reading the response included.
    pub(crate) deadline: Option<Instant>,
}

/// The limits of one call.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// The time for all attempts and pauses together.
    pub(crate) timeout: Duration,
    /// The time for one attempt.
    pub(crate) attempt_timeout: Option<Duration>,
    /// The time without an answer after which the request is sent a second time in parallel.
    pub(crate) hedge: Option<Duration>,
    pub(crate) retry: Retry,
}

/// Makes attempts, each with its deadline, until one succeeds, one fails permanently, or time or attempts run out.
pub(crate) async fn run<T, F>(
    url: &str,
    limits: &Limits,
    budget: &Budget,
    attempt: impl Fn(Instant) -> F,
) -> Result<(T, Trace), PredictError>
where
    F: Future<Output = Result<T, Failure>>,
{
    let start = Instant::now();
    let deadline = start + limits.timeout.min(MAX_TIMEOUT);
    let mut trace = Trace { deadline: Some(deadline), ..Trace::default() };
    budget.deposit(limits.retry.budget);
    loop {
        let failure = match hedged(url, limits, deadline, budget, &mut trace, &attempt).await {
            Ok(answer) => {
                trace.elapsed = start.elapsed();
                return Ok((answer, trace));
            }
            Err(failure) => failure,
        };
        let pause = limits.retry.pause(trace.attempts, failure.pause).min(MAX_TIMEOUT);
        let again = failure.repeat
            && trace.attempts < limits.retry.attempts
            && Instant::now() + pause < deadline
            && budget.withdraw();
        if !again {
            let mut error = failure.error;
            if failure.repeat && trace.attempts > 1 {
                tracing::warn!(
                    attempts = trace.attempts,
                    origin = ?error.origin,
                    error = error.message,
                    "retries exhausted"
                );
            }
            error.attempts = trace.attempts;
            error.elapsed = start.elapsed();
            return Err(error);
        }
        tracing::debug!(
            attempt = trace.attempts,
            origin = ?failure.error.origin,
            error = failure.error.message,
            pause_ms = milliseconds(pause),
            "retry"
        );
        trace.repeated.push(format!("{}: {}", failure.error.origin, failure.error.message));
        tokio::time::sleep(pause).await;
    }
}

async fn hedged<T, F>(
    url: &str,
    limits: &Limits,
    deadline: Instant,
    budget: &Budget,
    trace: &mut Trace,
    attempt: &impl Fn(Instant) -> F,
) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    trace.attempts += 1;
    let number = trace.attempts;
    let numbered = |attempt_number: u32| {
        let span = tracing::debug_span!("attempt", attempt = attempt_number);
        limited(url, limits, deadline, attempt).instrument(span)
    };
    let first = numbered(number);
    let Some(after) = limits
        .hedge
        .map(|after| after.min(MAX_TIMEOUT))
        .filter(|_| trace.attempts < limits.retry.attempts)
    else {
        return first.await;
    };
    let second = || numbered(number + 1);
    // On the heap: two attempts side by side are three times the size of one.
    Box::pin(beside(first, second, after, budget, trace)).await
}

/// The outcome of the first attempt, or of a second one in parallel when the first takes longer than `after`.
async fn beside<T, F>(
    first: F,
    second: impl FnOnce() -> F,
    after: Duration,
    budget: &Budget,
    trace: &mut Trace,
) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    let first = pin!(first);
    let first = match select(first, pin!(tokio::time::sleep(after))).await {
        Either::Left((outcome, _)) => return outcome,
        Either::Right(((), first)) => first,
    };
    if !budget.withdraw() {
        return first.await;
    }
    trace.attempts += 1;
    tracing::debug!(after_ms = milliseconds(after), "second request sent");
    trace
        .repeated
        .push(format!("no response within {after:?}: sent a second time beside the first"));
    let second = pin!(second());
    match select(first, second).await {
        Either::Left((Err(_), second)) => second.await,
        Either::Right((Err(_), first)) => first.await,
        Either::Left((answer, _)) | Either::Right((answer, _)) => answer,
    }
}

async fn limited<T, F>(
    url: &str,
    limits: &Limits,
    deadline: Instant,
    attempt: &impl Fn(Instant) -> F,
) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    let until = limits.attempt_timeout.map(|timeout| Instant::now() + timeout.min(MAX_TIMEOUT));
    let until_attempt = until.filter(|until| *until < deadline);
    let until = until_attempt.unwrap_or(deadline);
    if let Ok(outcome) = tokio::time::timeout_at(until.into(), attempt(until)).await {
        return outcome.map_err(|mut failure| {
            // A gRPC server knows the deadline, and may report that it has passed before this client does.
            let time_is_up = failure.error.grpc_code == Some(DEADLINE_EXCEEDED);
            failure.repeat |= time_is_up && until_attempt.is_some();
            failure
        });
    }
    let timeout = if until_attempt.is_some() {
        limits.attempt_timeout.unwrap_or_default()
    } else {
        limits.timeout
    };
    let error = timed_out(url, timeout);
    Err(Failure { error, repeat: until_attempt.is_some(), pause: None })
}

/// The error of a call or an attempt that took longer than it may.
pub(crate) fn timed_out(url: &str, timeout: Duration) -> PredictError {
    let mut error = PredictError::new(Origin::Network, url, format!("timed out after {timeout:?}"));
    "give it a longer `timeout`".clone_into(&mut error.help);
    error.retryable = true;
    error.timed_out = true;
    error
}
