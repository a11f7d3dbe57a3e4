//! Connections on which what is written in one turn leaves in few pieces.
//!
//! HTTP/2 cuts a message into frames, of 16 KiB unless the server takes larger ones, and `h2` writes and flushes each of
//! them by itself: 38 system calls for an image of floats. Here the frames of one turn of the connection's task are
//! gathered and written together, when there are enough of them or when the turn is over.

use std::{
    future::Future,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use tower_service::Service;

use crate::predict::connect::Connector;

/// What is gathered at most.
const ROOM: usize = 256 << 10;

/// Connects as [`Connector`] does.
#[derive(Clone, Debug)]
pub(crate) struct Corking(pub(crate) Connector);

impl Service<Uri> for Corking {
    type Response = Corked<<Connector as Service<Uri>>::Response>;
    type Error = <Connector as Service<Uri>>::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let connecting = self.0.call(to);
        Box::pin(async { connecting.await.map(Corked::new) })
    }
}

/// A connection with what was written to it and did not leave yet.
#[derive(Debug)]
pub(crate) struct Corked<S> {
    stream: S,
    held: Vec<u8>,
    /// How much of `held` left.
    left: usize,
    /// Whether something is held that no turn has tried to send.
    fresh: bool,
    /// Whether the stream was not flushed since something left.
    unflushed: bool,
    /// Why nothing can be sent any more.
    broken: Option<io::Error>,
}

impl<S: Write + Unpin> Corked<S> {
    fn new(stream: S) -> Self {
        let (held, left) = (Vec::new(), 0);
        Self { stream, held, left, fresh: false, unflushed: false, broken: None }
    }

    /// Sends what is held.
    fn send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.fresh = false;
        while self.left < self.held.len() {
            let sent = Pin::new(&mut self.stream).poll_write(context, &self.held[self.left..]);
            match ready!(sent)? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                sent => self.left += sent,
            }
            self.unflushed = true;
        }
        self.held.clear();
        self.left = 0;
        if self.unflushed {
            ready!(Pin::new(&mut self.stream).poll_flush(context))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: Write + Unpin> Write for Corked<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let Some(error) = self.broken.take() {
            return Poll::Ready(Err(error));
        }
        if self.held.len() == ROOM {
            ready!(self.send(context))?;
        }
        let before = self.held.len();
        for slice in slices {
            let room = ROOM - self.held.len();
            self.held.extend_from_slice(&slice[..slice.len().min(room)]);
        }
        self.fresh = true;
        Poll::Ready(Ok(self.held.len() - before))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Says that all left, and has the task take another turn, which begins with reading, and reading with sending what
    /// is held: until then the task may write more.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(error) = self.broken.take() {
            return Poll::Ready(Err(error));
        }
        // What a turn could not send wakes the task by itself, when there is room for it.
        if std::mem::take(&mut self.fresh) {
            context.waker().wake_by_ref();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.send(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S: Read + Write + Unpin> Read for Corked<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if (self.unflushed || !self.held.is_empty())
            && let Poll::Ready(Err(error)) = self.send(context)
        {
            self.held.clear();
            (self.left, self.unflushed) = (0, false);
            self.broken = Some(error);
        }
        let read = Pin::new(&mut self.stream).poll_read(context, into);
        // A server may have answered before it closed: that comes first.
        match self.broken.take_if(|_| read.is_pending()) {
            Some(error) => Poll::Ready(Err(error)),
            None => read,
        }
    }
}

impl<S: Connection> Connection for Corked<S> {
    fn connected(&self) -> Connected {
        self.stream.connected()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        task::{Wake, Waker},
    };

    use hyper::rt::ReadBuf;

    use super::*;

    /// Takes so many bytes, and keeps the sizes of the pieces; what it answers comes at the first reading.
    #[derive(Default)]
    struct Peer {
        room: usize,
        pieces: Vec<usize>,
        flushed: usize,
        broken: bool,
        answer: &'static [u8],
    }

    impl Write for Peer {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            if self.broken {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            let taken = bytes.len().min(self.room);
            if taken == 0 {
                return Poll::Pending;
            }
            self.room -= taken;
            self.pieces.push(taken);
            Poll::Ready(Ok(taken))
        }

        fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.flushed = self.pieces.len();
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    impl Read for Peer {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            mut into: ReadBufCursor<'_>,
        ) -> Poll<io::Result<()>> {
            if self.answer.is_empty() {
                return Poll::Pending;
            }
            into.put_slice(std::mem::take(&mut self.answer));
            Poll::Ready(Ok(()))
        }
    }

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    struct Turns {
        corked: Corked<Peer>,
        woken: Arc<Count>,
    }

    impl Turns {
        fn new(peer: Peer) -> Self {
            Self { corked: Corked::new(peer), woken: Arc::default() }
        }

        fn write(&mut self, bytes: &[u8]) -> Poll<io::Result<usize>> {
            let waker = Waker::from(Arc::clone(&self.woken));
            let context = &mut Context::from_waker(&waker);
            let written = Pin::new(&mut self.corked).poll_write(context, bytes);
            if let Poll::Ready(Ok(_)) = written {
                assert!(Pin::new(&mut self.corked).poll_flush(context).is_ready());
            }
            written
        }

        fn read(&mut self) -> Poll<io::Result<usize>> {
            let waker = Waker::from(Arc::clone(&self.woken));
            let mut memory = [0; 100];
            let mut into = ReadBuf::new(&mut memory);
            let context = &mut Context::from_waker(&waker);
            let read = Pin::new(&mut self.corked).poll_read(context, into.unfilled());
            read.map_ok(|()| into.filled().len())
        }

        fn woken(&self) -> usize {
            self.woken.0.swap(0, Ordering::Relaxed)
        }
    }

    #[test]
    fn the_frames_of_one_turn_leave_together() {
        let mut turns = Turns::new(Peer { room: usize::MAX, ..Peer::default() });
        for _ in 0..10 {
            assert!(matches!(turns.write(&[7; 16 << 10]), Poll::Ready(Ok(16384))));
        }
        assert!(turns.corked.stream.pieces.is_empty());
        assert!(turns.woken() > 0);
        assert!(turns.read().is_pending());
        assert_eq!(turns.corked.stream.pieces, [160 << 10]);
        assert_eq!(turns.corked.stream.flushed, 1);
        // Nothing is left to be done.
        assert!(turns.read().is_pending());
        assert_eq!(turns.woken(), 0);
    }

    #[test]
    fn a_peer_that_does_not_read_holds_the_task_up_and_does_not_spin_it() {
        let mut turns = Turns::new(Peer { room: 1000, ..Peer::default() });
        let mut written = 0;
        while let Poll::Ready(Ok(now)) = turns.write(&[7; 16_000]) {
            written += now;
            assert!(written <= ROOM, "no more than its room is held");
        }
        assert_eq!(written, ROOM);
        assert_eq!(turns.corked.stream.pieces, [1000]);
        turns.woken();
        for _ in 0..3 {
            assert!(turns.read().is_pending());
            let waker = Waker::from(Arc::clone(&turns.woken));
            let flushed = Pin::new(&mut turns.corked).poll_flush(&mut Context::from_waker(&waker));
            assert!(flushed.is_ready());
        }
        assert_eq!(turns.woken(), 0);
        turns.corked.stream.room = usize::MAX;
        assert!(turns.read().is_pending());
        assert_eq!(turns.corked.stream.pieces, [1000, ROOM - 1000]);
    }

    #[test]
    fn an_answer_comes_before_the_word_that_nothing_can_be_sent() {
        let mut turns = Turns::new(Peer { broken: true, answer: b"no", ..Peer::default() });
        assert!(turns.write(b"abc").is_ready());
        assert!(matches!(turns.read(), Poll::Ready(Ok(2))));
        assert!(matches!(turns.write(b"abc"), Poll::Ready(Err(_))));
        let mut turns = Turns::new(Peer { broken: true, ..Peer::default() });
        assert!(turns.write(b"abc").is_ready());
        assert!(matches!(turns.read(), Poll::Ready(Err(_))));
    }
}
