//! Responses of the API, and refusals as Kubernetes' `Status` objects.

use std::convert::Infallible;

use bytes::Bytes;
use canary_core::{manifest, rollout::Error};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::{
    Response, StatusCode,
    header::{CONTENT_TYPE, HeaderValue},
};
use serde_json::{Value, json};

use super::target::Target;

/// A body in memory, or the events of a watch.
pub(super) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// A response with an object.
pub(super) fn object(status: StatusCode, object: &Value) -> Response<Body> {
    with_body(status, Full::new(Bytes::from(object.to_string())).boxed_unsync())
}

/// A response with JSON in its body.
pub(super) fn with_body(status: StatusCode, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// A request that is not carried out.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    /// The reason in one word, as `metav1.StatusReason` has it.
    reason: &'static str,
    message: String,
    causes: Vec<Value>,
}

impl Refusal {
    pub(super) fn new(
        status: StatusCode,
        reason: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self { status, reason, message: message.into(), causes: Vec::new() }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    /// There is no such object.
    pub(super) fn not_found(target: &Target) -> Self {
        let name = target.name.as_deref().unwrap_or_default();
        let message = format!("{} {name:?} not found", target.resource());
        Self::new(StatusCode::NOT_FOUND, "NotFound", message)
    }

    /// Nothing is served at the path.
    pub(super) fn unserved() -> Self {
        let message = "the server could not find the requested resource";
        Self::new(StatusCode::NOT_FOUND, "NotFound", message)
    }

    /// The method is not served at the path.
    pub(super) fn method(what: impl Into<String>) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", what)
    }

    /// The reason why the store did not do what was wanted, as the API server states it.
    pub(super) fn of(target: &Target, error: &Error) -> Self {
        let invalid = StatusCode::UNPROCESSABLE_ENTITY;
        match error {
            Error::NotFound { .. } => Self::not_found(target),
            Error::Conflict { diff, help, .. } => {
                let mut refusal = Self::new(StatusCode::CONFLICT, "Conflict", error.to_string());
                // Only fields that others own have a remedy.
                if let Some((field, message)) = diff.split_once(": ").filter(|_| !help.is_empty()) {
                    let reason = "FieldManagerConflict";
                    refusal.causes =
                        vec![json!({"reason": reason, "field": field, "message": message})];
                }
                refusal
            }
            Error::Istio(manifest::Error::Invalid(findings)) => {
                let causes = findings.iter().map(|finding| {
                    json!({"reason": "FieldValueInvalid", "field": finding.path, "message": finding.to_string()})
                });
                let mut refusal = Self::new(invalid, "Invalid", error.to_string());
                refusal.causes = causes.collect();
                refusal
            }
            Error::Istio(manifest::Error::Manifest { reason, .. }) => {
                let path = reason.split_once(": ").filter(|(path, _)| !path.contains(' '));
                let (field, message) = path.unwrap_or(("spec", reason));
                let mut refusal = Self::new(invalid, "Invalid", error.to_string());
                refusal.causes = vec![
                    json!({"reason": "FieldValueInvalid", "field": field, "message": message}),
                ];
                refusal
            }
            error if error.is_retryable() => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", error.to_string())
            }
            error => Self::new(invalid, "Invalid", error.to_string()),
        }
    }

    /// The `Status` object.
    pub(super) fn status(&self) -> Value {
        let mut status = json!({
            "apiVersion": "v1",
            "kind": "Status",
            "metadata": {},
            "status": "Failure",
            "reason": self.reason,
            "message": self.message,
            "code": self.status.as_u16(),
        });
        if !self.causes.is_empty() {
            status["details"] = json!({"causes": self.causes});
        }
        status
    }

    pub(super) fn response(&self) -> Response<Body> {
        object(self.status, &self.status())
    }
}
