//! The last exchanges through the gateway, for a page that shows them.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use canary_core::{evidence::Timestamp, predict::read_top};
use hyper::{HeaderMap, body::Body as _};
use serde_json::Value;

use super::reply::Reply;
use crate::server::Prediction;

/// The number of exchanges that are kept.
const KEPT: usize = 12;
/// The largest request that is kept, for its picture.
const LARGEST_REQUEST: usize = 1 << 20;
/// The largest response that is kept, for its classes; a longer one is streamed.
const LARGEST_ANSWER: u64 = 64 << 10;

/// A request through the gateway to a model, and its response.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Exchange {
    /// The number of the request, from 1.
    pub number: u64,
    /// The time of the response.
    pub at: Timestamp,
    /// The path of the request.
    pub path: String,
    /// The subset that responded; empty when the destination named none.
    pub subset: String,
    /// The HTTP status that the client received.
    pub status: u16,
    /// The time that the destination took.
    pub took: Duration,
    request: Bytes,
    answer: Bytes,
}

impl Exchange {
    /// The classes of the first row with their probabilities; empty when the response has none.
    pub fn top(&self) -> Vec<(String, f32)> {
        read_top(&self.answer).unwrap_or_default()
    }

    /// The first file that was sent (`{"b64": …}` in TensorFlow Serving's JSON), where the request is small enough to
    /// have been kept.
    pub fn file(&self) -> Option<Vec<u8>> {
        let request: Value = serde_json::from_slice(&self.request).ok()?;
        BASE64_STANDARD.decode(first_file(&request)?).ok()
    }
}

/// The text of the first member `b64`, at any depth.
fn first_file(value: &Value) -> Option<&str> {
    match value {
        Value::Object(fields) => match fields.get("b64") {
            Some(Value::String(text)) => Some(text),
            _ => fields.values().find_map(first_file),
        },
        Value::Array(items) => items.iter().find_map(first_file),
        _ => None,
    }
}

/// The last exchanges of a gateway.
#[derive(Debug, Default)]
pub(crate) struct Recent(Mutex<(u64, VecDeque<Exchange>)>);

impl Recent {
    /// The exchanges with a higher number, oldest first.
    pub(crate) fn after(&self, number: u64) -> Vec<Exchange> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.1.iter().filter(|one| one.number > number).cloned().collect()
    }

    /// Keeps an exchange and returns its response.
    pub(crate) async fn keep(
        &self,
        path: &str,
        request: Bytes,
        subset: Option<&str>,
        took: Duration,
        reply: Reply,
    ) -> Reply {
        let size = reply.response.body().size_hint();
        let short = size.upper().is_some_and(|most| most <= LARGEST_ANSWER);
        let (reply, answer) = if short { reply.whole().await } else { (reply, Bytes::new()) };
        let status = reply.response.status().as_u16();
        self.push(path, request, subset.unwrap_or_default(), status, took, answer);
        reply
    }

    /// Keeps a prediction of one of the lab's model servers, for a gateway that is not the lab's own.
    pub(crate) fn keep_prediction(&self, subset: &str, prediction: Prediction<'_>) {
        let Prediction { head, body, status, answer, took } = prediction;
        if is_copy(&head.headers) {
            return;
        }
        self.push(head.uri.path(), body, subset, status.as_u16(), took, answer);
    }

    /// Keeps an exchange; a request or response that is too large is kept empty.
    fn push(
        &self,
        path: &str,
        request: Bytes,
        subset: &str,
        status: u16,
        took: Duration,
        answer: Bytes,
    ) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.0 += 1;
        let exchange = Exchange {
            number: kept.0,
            at: Timestamp::now(),
            path: path.to_owned(),
            subset: subset.to_owned(),
            status,
            took,
            request: if request.len() <= LARGEST_REQUEST { request } else { Bytes::new() },
            answer: if answer.len() as u64 <= LARGEST_ANSWER { answer } else { Bytes::new() },
        };
        if kept.1.len() == KEPT {
            kept.1.pop_front();
        }
        kept.1.push_back(exchange);
    }
}

/// Returns true for a copy that Envoy sent to a mirror. It has the host and the headers of its original; only to the chain
/// of proxies Envoy adds its own address, after that of the client. A request that comes with such a chain looks the
/// same, and is left out too.
fn is_copy(headers: &HeaderMap) -> bool {
    let chains = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    chains.flat_map(|chain| chain.split(',')).count() > 1
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use hyper::{
        Response,
        header::{HeaderName, HeaderValue},
    };

    use super::{super::reply::buffered, *};

    #[tokio::test]
    async fn the_last_ones_stay_with_their_classes_and_files() {
        let recent = Recent::default();
        let answer =
            br#"{"predictions": [{"labels": ["cat", "dog"], "probabilities": [0.9, 0.1]}]}"#;
        for number in 0..20 {
            let request = if number == 19 {
                Bytes::from(vec![b' '; LARGEST_REQUEST + 1])
            } else {
                Bytes::from_static(br#"{"instances": [{"image": {"b64": "aGVsbG8="}}]}"#)
            };
            let reply = Reply::new(200, "", Bytes::from_static(answer));
            let reply =
                recent.keep("/v1", request, Some("v2"), Duration::from_millis(3), reply).await;
            let body = reply.response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(body, &answer[..]);
        }
        let kept = recent.after(0);
        assert_eq!(
            kept.iter().map(|one| one.number).collect::<Vec<_>>(),
            (9..=20).collect::<Vec<_>>()
        );
        assert_eq!(kept[0].file().as_deref(), Some(&b"hello"[..]));
        assert_eq!(kept[11].file(), None);
        assert_eq!(kept[0].top()[0], ("cat".to_owned(), 0.9));
        assert_eq!(recent.after(19).len(), 1);
    }

    #[tokio::test]
    async fn the_trailers_of_a_short_answer_stay() {
        let trailers = HeaderMap::from_iter([(
            HeaderName::from_static("grpc-status"),
            HeaderValue::from_static("5"),
        )]);
        let body = buffered(Bytes::from_static(b"message"), Some(trailers.clone()));
        let reply = Reply { response: Response::new(body), flags: "" };
        let reply = Recent::default().keep("/m", Bytes::new(), None, Duration::ZERO, reply).await;
        let body = reply.response.into_body().collect().await.unwrap();
        assert_eq!(body.trailers(), Some(&trailers));
        assert_eq!(body.to_bytes(), &b"message"[..]);
    }

    #[test]
    fn copies_are_told_apart_by_the_chain_of_proxies() {
        let headers = |chains: &[&'static str]| {
            let name = HeaderName::from_static("x-forwarded-for");
            let values = chains.iter().map(|chain| HeaderValue::from_static(chain));
            values.map(|value| (name.clone(), value)).collect::<HeaderMap>()
        };
        assert!(!is_copy(&headers(&[])) && !is_copy(&headers(&["127.0.0.1"])));
        assert!(is_copy(&headers(&["127.0.0.1,10.0.0.2"])));
        assert!(is_copy(&headers(&["127.0.0.1", "10.0.0.2"])));
    }

    #[test]
    fn what_is_no_json_has_no_file() {
        let one = Exchange {
            number: 1,
            at: Timestamp(0),
            path: String::new(),
            subset: String::new(),
            status: 200,
            took: Duration::ZERO,
            request: Bytes::from_static(b"\xff{"),
            answer: Bytes::from_static(b"<html>"),
        };
        assert_eq!((one.file(), one.top()), (None, Vec::new()));
    }
}
