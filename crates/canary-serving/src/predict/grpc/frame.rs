//! A message as gRPC sends it: behind its prefix, in parts of which the large ones are sent from where they lie.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::body;
use prost::Message;

use super::layout::Layout;

/// A flag (not compressed) and the length of the message, big-endian; gRPC's `Length-Prefixed-Message`.
const PREFIX: usize = 5;

/// A message behind its prefix; a clone shares the parts.
#[derive(Clone)]
pub(crate) struct Frame(Arc<[Bytes]>);

/// The prefix of a message, with room for what follows of it.
fn prefix(message: usize, room: usize) -> Vec<u8> {
    let mut head = Vec::with_capacity(PREFIX + room);
    head.push(0);
    // Larger ones were refused: protobuf holds less.
    head.extend_from_slice(&u32::try_from(message).unwrap_or(u32::MAX).to_be_bytes());
    head
}

impl Frame {
    /// A small message.
    pub(super) fn of(message: &impl Message) -> Self {
        let message = message.encode_to_vec();
        let mut whole = prefix(message.len(), message.len());
        whole.extend_from_slice(&message);
        Self([whole.into()].into())
    }

    /// A message with large parts.
    pub(super) fn of_parts(layout: Layout<Bytes>) -> Self {
        let mut small = prefix(layout.len(), layout.small.len());
        small.extend_from_slice(&layout.small);
        let small = Bytes::from(small);
        let mut parts = Vec::with_capacity(layout.large.len() * 2 + 1);
        let mut written = 0;
        for (before, part) in layout.large {
            // Something stands in front of every part: its length.
            parts.push(small.slice(written..PREFIX + before));
            parts.push(part);
            written = PREFIX + before;
        }
        if written < small.len() {
            parts.push(small.slice(written..));
        }
        Self(parts.into())
    }

    /// The number of bytes of the message.
    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(Bytes::len).sum::<usize>() - PREFIX
    }

    /// The message without its prefix, in one piece.
    pub(crate) fn message(&self) -> Vec<u8> {
        let mut whole = self.0.concat();
        whole.drain(..PREFIX);
        whole
    }

    /// The body of one request.
    pub(super) fn body(&self) -> Sending {
        Sending { parts: Arc::clone(&self.0), next: 0 }
    }
}

/// What is left to be sent of a frame.
#[derive(Debug)]
pub(crate) struct Sending {
    parts: Arc<[Bytes]>,
    next: usize,
}

impl body::Body for Sending {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<body::Frame<Bytes>, Infallible>>> {
        let part = self.parts.get(self.next).cloned();
        self.next += 1;
        Poll::Ready(part.map(|part| Ok(body::Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.next >= self.parts.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_parts_stay_where_they_lie() {
        let one = Bytes::from(vec![1; 5000]);
        let other = Bytes::from(vec![2; 3000]);
        let layout = Layout { small: b"abcd".to_vec(), large: vec![(1, one.clone()), (3, other)] };
        let frame = Frame::of_parts(layout);
        let lengths: Vec<_> = frame.0.iter().map(Bytes::len).collect();
        assert_eq!(lengths, [6, 5000, 2, 3000, 1]);
        assert_eq!(frame.0[1].as_ptr(), one.as_ptr());
        assert_eq!(frame.0[0], b"\0\0\0\x1f\x44a"[..]);
        let message = frame.message();
        assert_eq!((message.len(), frame.len()), (8004, 8004));
        assert!(message.starts_with(b"a\x01") && message.ends_with(b"\x02d"));
    }
}
