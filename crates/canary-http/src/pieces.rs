//! A large request body, handed over in pieces.

use std::{
    convert::Infallible,
    future::Future,
    pin::{Pin, pin},
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// The size of a piece. Bodies up to this size are handed over whole.
const PIECE: usize = 256 << 10;

/// A body that lets the connection read between two pieces.
///
/// hyper writes a body until the socket or the body makes it wait, and a write error hides a response that has arrived
/// meanwhile. Without the pauses, the reason why a server refuses a large request and closes the connection would be
/// lost.
#[derive(Debug)]
pub(crate) struct Pieces {
    left: Bytes,
    /// `true` when the connection was polled for a response since the last piece.
    rested: bool,
}

impl Pieces {
    /// The body for `reqwest`.
    pub(crate) fn body(bytes: Bytes) -> reqwest::Body {
        if bytes.len() <= PIECE {
            return bytes.into();
        }
        reqwest::Body::wrap(Self { left: bytes, rested: true })
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left.is_empty() {
            return Poll::Ready(None);
        }
        self.rested = !self.rested;
        if self.rested {
            // Wakes this task after the runtime has looked for what has arrived, which a plain wake-up does not do.
            let _ = pin!(tokio::task::yield_now()).poll(context);
            return Poll::Pending;
        }
        let size = self.left.len().min(PIECE);
        Poll::Ready(Some(Ok(Frame::data(self.left.split_to(size)))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left.len() as u64)
    }
}
