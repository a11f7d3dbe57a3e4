//! Faults injected on purpose: delays and aborts.

use serde::{Deserialize, Serialize};

use super::{duration::Duration, number::Double, oneof, percent::Percent};

/// Faults injected before a request is sent on; both apply when both are given.
///
/// Istio's [`HTTPFaultInjection`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPFaultInjection).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HttpFaultInjection {
    /// Hold requests back for a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<Delay>,
    /// Answer requests with an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub abort: Option<Abort>,
}

/// A time for which requests are held back.
///
/// Istio's [`Delay`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPFaultInjection-Delay).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "DelayWire", into = "DelayWire")]
pub struct Delay {
    /// The share of requests delayed, in whole percent. Deprecated in favour of `percentage`.
    pub percent: Option<i32>,
    /// The length of the delay.
    pub http_delay_type: Option<HttpDelayType>,
    /// The share of requests delayed. Default: what `percent` says, else none.
    pub percentage: Option<Percent>,
}

/// The length of the delay.
///
/// The oneof `http_delay_type` of [`Delay`].
#[derive(Clone, Debug, PartialEq)]
pub enum HttpDelayType {
    /// `fixedDelay`: this long, at least 1 ms.
    FixedDelay(Duration),
    /// `exponentialDelay`: accepted, and not implemented by Istio.
    ExponentialDelay(Duration),
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct DelayWire {
    #[serde(skip_serializing_if = "Option::is_none")]
    percent: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fixed_delay: Option<Duration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exponential_delay: Option<Duration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    percentage: Option<Percent>,
}

impl TryFrom<DelayWire> for Delay {
    type Error = String;

    fn try_from(wire: DelayWire) -> Result<Self, String> {
        let http_delay_type = oneof::at_most_one([
            ("fixedDelay", wire.fixed_delay.map(HttpDelayType::FixedDelay)),
            ("exponentialDelay", wire.exponential_delay.map(HttpDelayType::ExponentialDelay)),
        ])?;
        Ok(Self { percent: wire.percent, http_delay_type, percentage: wire.percentage })
    }
}

impl From<Delay> for DelayWire {
    fn from(message: Delay) -> Self {
        let mut wire =
            Self { percent: message.percent, percentage: message.percentage, ..Self::default() };
        match message.http_delay_type {
            Some(HttpDelayType::FixedDelay(value)) => wire.fixed_delay = Some(value),
            Some(HttpDelayType::ExponentialDelay(value)) => wire.exponential_delay = Some(value),
            None => {}
        }
        wire
    }
}

/// An error in place of the server's answer.
///
/// Istio's [`Abort`](https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPFaultInjection-Abort).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "AbortWire", into = "AbortWire")]
pub struct Abort {
    /// Which error.
    pub error_type: Option<ErrorType>,
    /// The share of requests aborted. Default: none.
    pub percentage: Option<Percent>,
}

/// Which error.
///
/// The oneof `error_type` of [`Abort`].
#[derive(Clone, Debug, PartialEq)]
pub enum ErrorType {
    /// `httpStatus`: this HTTP status, 200 to 599.
    HttpStatus(i32),
    /// `grpcStatus`: this gRPC status, by name, such as `UNAVAILABLE`.
    GrpcStatus(String),
    /// `http2Error`: accepted, and not implemented by Istio.
    Http2Error(String),
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct AbortWire {
    #[serde(skip_serializing_if = "Option::is_none")]
    http_status: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grpc_status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http2_error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    percentage: Option<Percent>,
}

impl TryFrom<AbortWire> for Abort {
    type Error = String;

    fn try_from(wire: AbortWire) -> Result<Self, String> {
        let error_type = oneof::at_most_one([
            ("httpStatus", wire.http_status.map(ErrorType::HttpStatus)),
            ("grpcStatus", wire.grpc_status.map(ErrorType::GrpcStatus)),
            ("http2Error", wire.http2_error.map(ErrorType::Http2Error)),
        ])?;
        Ok(Self { error_type, percentage: wire.percentage })
    }
}

impl From<Abort> for AbortWire {
    fn from(message: Abort) -> Self {
        let mut wire = Self { percentage: message.percentage, ..Self::default() };
        match message.error_type {
            Some(ErrorType::HttpStatus(value)) => wire.http_status = Some(value),
            Some(ErrorType::GrpcStatus(value)) => wire.grpc_status = Some(value),
            Some(ErrorType::Http2Error(value)) => wire.http2_error = Some(value),
            None => {}
        }
        wire
    }
}

impl HttpFaultInjection {
    /// Answers this share of the requests, in percent, with an HTTP status.
    pub fn abort(http_status: i32, percent: impl Into<Double>) -> Self {
        let abort = Abort {
            error_type: Some(ErrorType::HttpStatus(http_status)),
            percentage: Some(Percent::new(percent)),
        };
        Self { delay: None, abort: Some(abort) }
    }

    /// Holds this share of the requests, in percent, back for a time.
    pub fn delay(delay: impl Into<Duration>, percent: impl Into<Double>) -> Self {
        let delay = Delay {
            percent: None,
            http_delay_type: Some(HttpDelayType::FixedDelay(delay.into())),
            percentage: Some(Percent::new(percent)),
        };
        Self { delay: Some(delay), abort: None }
    }
}
