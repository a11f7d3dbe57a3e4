//! One attempt to post a notice to a webhook.

use std::time::Duration;

use canary_http::{Client, Limits, Request, causes};
use canary_rollout::Notice;
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER},
};

use crate::{
    Error, Webhook,
    recipient::{Deliver, Failure},
    secret,
};

/// The longest pause that a server may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The largest response that is read; nothing of it is used.
const MAX_RESPONSE: usize = 1 << 20;

/// A webhook with the client that posts to it.
pub(crate) struct Post {
    pub(crate) client: Client,
    pub(crate) webhook: Webhook,
}

impl Deliver for Post {
    async fn deliver(&self, notice: &Notice) -> Result<(), Failure> {
        let webhook = &self.webhook;
        let mut headers = webhook.headers.clone();
        let content_type = HeaderValue::from_static(webhook.format.content_type());
        headers.insert(CONTENT_TYPE, content_type);
        if let Some(authorization) = self.authorization().await? {
            headers.insert(AUTHORIZATION, authorization);
        }
        let body = webhook.format.body(notice).to_string();
        let request = Request::post(webhook.uri.clone()).headers(headers).body(body).secret_path();
        let limits = Limits::default().timeout(webhook.timeout).max_body(MAX_RESPONSE);
        match self.client.send(&request, limits).await {
            Ok(response) => judge(response.status, &response.headers),
            Err(error) => {
                Err(Failure { reason: error.to_string(), again: error.is_retryable(), wait: None })
            }
        }
    }
}

impl Post {
    /// The bearer token as it is in its file now.
    async fn authorization(&self) -> Result<Option<HeaderValue>, Failure> {
        let Some(path) = self.webhook.bearer_file.clone() else { return Ok(None) };
        let read = tokio::task::spawn_blocking(move || secret::from_file(&path)).await;
        let token = match read {
            Ok(Ok(token)) => token,
            Ok(Err(error)) => return Err(unreadable(&error)),
            Err(_) => return Err(Failure::lasting("the file of the token was not read")),
        };
        let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(|_| Failure::lasting("the token has characters that HTTP forbids"))?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

/// A file that is being replaced may be there at the next attempt.
fn unreadable(error: &Error) -> Failure {
    let texts: Vec<String> = causes(error).map(ToString::to_string).collect();
    Failure { reason: texts.join(": "), again: true, wait: None }
}

/// The text of a response is not repeated: it may hold what was sent.
fn judge(status: StatusCode, headers: &HeaderMap) -> Result<(), Failure> {
    if status.is_success() {
        return Ok(());
    }
    let again = status.is_server_error()
        || matches!(
            status,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS
        );
    let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let wait = seconds.map(|seconds| Duration::from_secs(seconds).min(LONGEST_WAIT));
    Err(Failure { reason: format!("the server answered {status}"), again, wait })
}
