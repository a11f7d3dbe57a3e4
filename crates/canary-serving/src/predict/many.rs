//! The answers of many predictions, in order.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;
use futures_util::{StreamExt, stream::BoxStream};

use super::answer::Answer;
use crate::error::Result;

/// The answers of [`Client::predict_many`](super::Client::predict_many), in the order of the items.
pub struct Answers<'a>(pub(super) BoxStream<'a, Result<Answer>>);

impl Answers<'_> {
    /// The answer for the next item, or its error; `None` after the last item.
    pub async fn next(&mut self) -> Option<Result<Answer>> {
        self.0.next().await
    }
}

impl Stream for Answers<'_> {
    type Item = Result<Answer>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(context)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl fmt::Debug for Answers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answers")
    }
}
