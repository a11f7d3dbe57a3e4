//! One request in, one response out.

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue},
};

use super::{
    answer::{self, Body, Refusal},
    discovery,
    query::Query,
    read,
    target::Target,
    write,
};
use crate::store::Store;

/// The largest body that is read, as on the API server.
const MAX_BODY: usize = 3 << 20;

/// The API of one store.
pub(super) struct Service {
    store: Store,
    /// The value of the header `authorization` of those who may use it.
    authorization: String,
}

impl Service {
    pub(super) fn new(store: Store, token: &str) -> Self {
        Self { store, authorization: format!("Bearer {token}") }
    }

    /// Answers one request.
    pub(super) async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let method = request.method().clone();
        let path = request.uri().path().to_owned();
        let response = self.respond(request).await.unwrap_or_else(|refusal| refusal.response());
        tracing::debug!(%method, path, status = response.status().as_u16(), "API request served");
        response
    }

    async fn respond(&self, request: Request<Incoming>) -> Result<Response<Body>, Refusal> {
        let (head, body) = request.into_parts();
        let given = head.headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
        if given != Some(self.authorization.as_bytes()) {
            let message = "a token is required; use the kubeconfig of the lab";
            return Err(Refusal::new(StatusCode::UNAUTHORIZED, "Unauthorized", message));
        }
        let path = head.uri.path();
        if head.method == Method::GET
            && let Some(document) = discovery::document(path)
        {
            return Ok(answer::object(StatusCode::OK, &document));
        }
        let target = Target::read(path).ok_or_else(Refusal::unserved)?;
        let query = Query::read(head.uri.query().unwrap_or_default());
        let content = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        write::check_form(content.unwrap_or_default())?;
        let body = self::body(body).await?;
        let store = &self.store;
        match (head.method, &target.name, &target.subresource) {
            (Method::GET, _, None) if query.flag("watch") => read::watch(store, target, &query),
            (Method::GET, Some(_), _) => read::get(store, &target),
            (Method::GET, None, _) => read::list(store, &target, &query),
            (Method::POST, None, None) => write::create(store, &target, &query, &body),
            (Method::PUT, Some(_), None) => write::replace(store, &target, &query, &body),
            (Method::PATCH, Some(_), _) => {
                let content = content.unwrap_or_default();
                write::patch(store, &target, &query, content, &body).await
            }
            (Method::DELETE, _, None) => write::delete(store, &target, &query, &body),
            (method, ..) => {
                let message = format!("{method} is not supported at {path} by the lab");
                Err(Refusal::method(message))
            }
        }
    }
}

async fn body(body: Incoming) -> Result<Bytes, Refusal> {
    let read = Limited::new(body, MAX_BODY).collect().await;
    let read = read.map_err(|error| {
        let message = format!("the body cannot be read ({MAX_BODY} bytes at most): {error}");
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", message)
    })?;
    Ok(read.to_bytes())
}
