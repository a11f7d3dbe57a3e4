//! A gRPC server on one thread that answers every request with the same prediction: the other end of the clients
//! compared.
//!
//! `bench-grpc-server` prints its port and serves until its standard input ends.

use std::convert::Infallible;

use bytes::Bytes;
use canary_bench::listen;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Body, Incoming},
    server::conn::http2::Builder,
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};

/// The prefix, and a `PredictResponse` with the output `y`: `DT_FLOAT[1, 3]`, 0.25, 0.5, 0.25.
const ANSWER: &[u8] =
    b"\0\0\0\0\x21\x0a\x1f\x0a\x01y\x12\x1a\x08\x01\x12\x08\x12\x02\x08\x01\x12\x02\x08\x03\
\x2a\x0c\0\0\x80\x3e\0\0\0\x3f\0\0\x80\x3e";

fn main() -> std::io::Result<()> {
    listen(|stream| {
        let mut builder = Builder::new(TokioExecutor::new());
        builder.initial_stream_window_size(4 << 20);
        builder.initial_connection_window_size(16 << 20);
        builder.serve_connection(TokioIo::new(stream), service_fn(answer))
    })
}

/// Reads the request to its end and answers it.
async fn answer(
    request: Request<Incoming>,
) -> Result<Response<impl Body<Data = Bytes, Error = Infallible>>, hyper::Error> {
    let mut body = request.into_body();
    while let Some(frame) = body.frame().await {
        frame?;
    }
    let trailers = HeaderMap::from_iter([(
        http::HeaderName::from_static("grpc-status"),
        HeaderValue::from_static("0"),
    )]);
    let trailers = std::future::ready(Some(Ok(trailers)));
    let body = Full::new(Bytes::from_static(ANSWER)).with_trailers(trailers);
    let mut response = Response::new(body);
    let kind = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert(http::header::CONTENT_TYPE, kind);
    Ok(response)
}
