//! One exchange of HTTP/1.1 over a connection: a request is written, its answer is read whole.
//!
//! The task that waits for the answer reads and writes by itself. A task for each connection would cost two changes
//! of task for every answer, which is most of what a client spends on a small one.

use std::{
    future::{Future, poll_fn},
    io::{self, IoSlice},
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use http::{Method, Uri, header};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWrite};
use tower_service::Service;

use super::{
    connect::Connector,
    framing::{self, Chunk, End, Head},
    http::{Asked, Broken, Reply},
};

type Stream = TokioIo<<Connector as Service<Uri>>::Response>;

/// Bodies up to this size are written together with their head.
const TOGETHER: usize = 16 << 10;
/// What is read at once, at least.
const READ: usize = 8 << 10;

/// One connection, on which at most one request is under way.
pub(super) struct Connection {
    stream: Stream,
    /// What was read and not used.
    held: BytesMut,
    outgoing: Outgoing,
}

/// What is left to be written of a request.
#[derive(Default)]
struct Outgoing {
    /// The head of the request, with its body when that is small.
    head: Vec<u8>,
    /// How much of the head was written.
    written: usize,
    /// The rest of the body.
    body: Bytes,
    flushed: bool,
    /// Why writing ended early.
    refused: Option<io::Error>,
}

impl Connection {
    pub(super) fn new(stream: <Connector as Service<Uri>>::Response) -> Self {
        let stream = TokioIo::new(stream);
        Self { stream, held: BytesMut::with_capacity(READ), outgoing: Outgoing::default() }
    }

    /// Whether a request can be sent: the server has neither closed the connection nor said anything unasked.
    pub(super) fn is_idle(&mut self) -> bool {
        if !self.held.is_empty() {
            return false;
        }
        self.held.reserve(READ);
        // Nobody is to be woken: who takes the connection looks again.
        let mut context = Context::from_waker(Waker::noop());
        pin!(self.stream.read_buf(&mut self.held)).poll(&mut context).is_pending()
    }

    /// Whether nothing of the request left: it can be sent over another connection.
    pub(super) fn is_unsent(&self) -> bool {
        self.outgoing.written == 0
    }

    /// Writes a request and reads its answer, whose body is at most `limit` bytes; and whether the connection can take
    /// another request.
    pub(super) async fn exchange(
        &mut self,
        asked: Asked<'_>,
        limit: usize,
    ) -> Result<(Reply, bool), Broken> {
        self.outgoing.prepare(asked);
        let Head { status, headers, end, keeps } = loop {
            match framing::head(&self.held).map_err(Broken::Exchange)? {
                Some((head, size)) => {
                    self.held.advance(size);
                    if !head.status.is_informational() {
                        break head;
                    }
                }
                None => self.fill().await.map_err(|error| {
                    // That the server read no further says more than that it closed.
                    Broken::Exchange(self.outgoing.refused.take().unwrap_or(error))
                })?,
            }
        };
        let body = match end {
            End::After(size) if size > limit => return Err(Broken::TooLarge),
            End::After(size) => self.sized(size).await?,
            End::Chunks => self.chunks(limit).await?,
            End::Close => self.rest(limit).await?,
        };
        Ok((Reply { status, headers, body }, keeps && self.outgoing.flushed))
    }

    /// A body of so many bytes.
    async fn sized(&mut self, size: usize) -> Result<Bytes, Broken> {
        if self.held.len() >= size {
            // A copy: the buffer stays with the connection, the answer may be kept for long.
            let body = Bytes::copy_from_slice(&self.held[..size]);
            self.held.advance(size);
            return Ok(body);
        }
        let mut body = BytesMut::with_capacity(size);
        body.put(self.held.split());
        while body.len() < size {
            let left = size - body.len();
            let Self { stream, outgoing, .. } = self;
            let mut room = (&mut body).limit(left);
            let read = outgoing.write_and_read(stream, &mut room).await.map_err(Broken::Body)?;
            if read == 0 {
                return Err(Broken::Body(closed()));
            }
        }
        Ok(body.freeze())
    }

    /// A body in chunks, never more than `limit` bytes of it in memory.
    async fn chunks(&mut self, limit: usize) -> Result<Bytes, Broken> {
        let mut whole = BytesMut::new();
        let mut first = true;
        loop {
            match framing::chunk(&self.held, first).map_err(Broken::Body)? {
                Chunk::Unknown => {
                    self.fill().await.map_err(Broken::Body)?;
                }
                Chunk::Last { skip } => {
                    self.held.advance(skip);
                    return Ok(whole.freeze());
                }
                Chunk::Data { skip, size } => {
                    self.held.advance(skip);
                    if size > limit - whole.len() {
                        return Err(Broken::TooLarge);
                    }
                    let end = whole.len() + size;
                    while whole.len() < end {
                        if self.held.is_empty() {
                            self.fill().await.map_err(Broken::Body)?;
                        }
                        let now = self.held.len().min(end - whole.len());
                        whole.extend_from_slice(&self.held[..now]);
                        self.held.advance(now);
                    }
                    first = false;
                }
            }
        }
    }

    /// A body that ends with the connection.
    async fn rest(&mut self, limit: usize) -> Result<Bytes, Broken> {
        loop {
            if self.held.len() > limit {
                return Err(Broken::TooLarge);
            }
            // An end that TLS did not announce is an error of the stream: what was read may be less than was sent.
            if self.read().await.map_err(Broken::Body)? == 0 {
                return Ok(self.held.split().freeze());
            }
        }
    }

    /// Reads more of an answer that is not whole.
    async fn fill(&mut self) -> io::Result<()> {
        if self.read().await? == 0 { Err(closed()) } else { Ok(()) }
    }

    /// Reads into what is held; how much, 0 at the end.
    async fn read(&mut self) -> io::Result<usize> {
        self.held.reserve(READ);
        let Self { stream, held, outgoing } = self;
        outgoing.write_and_read(stream, held).await
    }
}

impl Outgoing {
    /// Prepares a request to be written.
    fn prepare(&mut self, asked: Asked<'_>) {
        let Asked { method, uri, headers, body } = asked;
        let head = &mut self.head;
        head.clear();
        head.extend_from_slice(method.as_str().as_bytes());
        head.push(b' ');
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        head.extend_from_slice(path.as_bytes());
        head.extend_from_slice(b" HTTP/1.1\r\n");
        if !headers.contains_key(header::HOST) {
            head.extend_from_slice(b"host: ");
            head.extend_from_slice(host(uri).as_bytes());
            head.extend_from_slice(b"\r\n");
        }
        for (name, value) in headers {
            // The frame is this module's to state.
            if name == header::CONTENT_LENGTH || name == header::TRANSFER_ENCODING {
                continue;
            }
            head.extend_from_slice(name.as_str().as_bytes());
            head.extend_from_slice(b": ");
            head.extend_from_slice(value.as_bytes());
            head.extend_from_slice(b"\r\n");
        }
        if method == Method::POST && !headers.contains_key(header::CONTENT_TYPE) {
            head.extend_from_slice(b"content-type: application/json\r\n");
        }
        if method == Method::POST || !body.is_empty() {
            head.extend_from_slice(b"content-length: ");
            head.extend_from_slice(itoa::Buffer::new().format(body.len()).as_bytes());
            head.extend_from_slice(b"\r\n");
        }
        head.extend_from_slice(b"\r\n");
        self.body = if body.len() <= TOGETHER {
            head.extend_from_slice(body);
            Bytes::new()
        } else {
            body.clone()
        };
        self.written = 0;
        self.flushed = false;
        self.refused = None;
    }

    /// Reads more of an answer, and writes what is left meanwhile; how much was read, 0 at the end.
    async fn write_and_read(
        &mut self,
        stream: &mut Stream,
        into: &mut impl BufMut,
    ) -> io::Result<usize> {
        poll_fn(|context| {
            self.write(stream, context);
            pin!(stream.read_buf(into)).poll(context)
        })
        .await
    }

    /// Writes what can be without waiting. An error is kept: the server may have answered before it closed.
    fn write(&mut self, stream: &mut Stream, context: &mut Context<'_>) {
        while !self.flushed && self.refused.is_none() {
            let stream = Pin::new(&mut *stream);
            let left = &self.head[self.written..];
            if left.is_empty() && self.body.is_empty() {
                match stream.poll_flush(context) {
                    Poll::Pending => return,
                    Poll::Ready(Ok(())) => self.flushed = true,
                    Poll::Ready(Err(error)) => self.refused = Some(error),
                }
                continue;
            }
            let slices = [IoSlice::new(left), IoSlice::new(&self.body)];
            let polled = if self.body.is_empty() {
                stream.poll_write(context, left)
            } else {
                stream.poll_write_vectored(context, &slices)
            };
            match polled {
                Poll::Pending => return,
                Poll::Ready(Err(error)) => self.refused = Some(error),
                Poll::Ready(Ok(0)) => self.refused = Some(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(now)) => {
                    let of_head = now.min(left.len());
                    self.written += of_head;
                    self.body.advance(now - of_head);
                }
            }
        }
    }
}

fn closed() -> io::Error {
    let message = "the connection was closed before the end of the answer";
    io::Error::new(io::ErrorKind::UnexpectedEof, message)
}

/// The host of an address for its header, without the usual port; RFC 9112, section 3.2.
fn host(uri: &Uri) -> &str {
    let Some(authority) = uri.authority() else { return "" };
    let usual = match uri.scheme_str() {
        Some("https") => 443,
        _ => 80,
    };
    if authority.port_u16() == Some(usual) { authority.host() } else { authority.as_str() }
}
