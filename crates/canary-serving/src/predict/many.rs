//! Many predictions at once: in order, a bounded number in flight.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;
use futures_util::{StreamExt, stream};

use super::{answer::Answer, client::Client, input::Input};
use crate::error::Result;

/// The answers of [`Client::predict_many`], in the order of the items.
pub struct Answers<'a> {
    inner: Pin<Box<dyn Stream<Item = Result<Answer>> + Send + 'a>>,
}

impl Answers<'_> {
    /// The answer for the next item, or why there is none; `None` after the last item.
    pub async fn next(&mut self) -> Option<Result<Answer>> {
        self.inner.next().await
    }
}

impl Stream for Answers<'_> {
    type Item = Result<Answer>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.inner.as_mut().poll_next(context)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }
}

impl fmt::Debug for Answers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answers")
    }
}

impl Client {
    /// Asks for each item, with at most `concurrency` requests in flight (at least one), and gives the answers in
    /// the order of the items.
    ///
    /// An item is taken and put into wire form only when its turn comes, so that memory holds `concurrency` requests
    /// and answers, however many items there are. An item that fails gives its error in its place; the others go on.
    ///
    /// ```no_run
    /// # async fn run(photos: Vec<Vec<u8>>) -> canary_core::Result<()> {
    /// let client = canary_core::predict::Client::new("http://34.1.2.3")?.model("image_classifier");
    /// let mut answers = client.predict_many(photos, 32);
    /// while let Some(answer) = answers.next().await {
    ///     match answer {
    ///         Ok(answer) => println!("{:?}", answer.top()?),
    ///         Err(error) => println!("{error}"),
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn predict_many<'a, I>(&self, items: I, concurrency: usize) -> Answers<'a>
    where
        I: IntoIterator,
        I::IntoIter: Send + 'a,
        I::Item: Into<Input<'a>> + Send + 'a,
    {
        self.predict_stream(stream::iter(items), concurrency)
    }

    /// [`Client::predict_many`] for items that arrive one after the other.
    pub fn predict_stream<'a, S>(&self, items: S, concurrency: usize) -> Answers<'a>
    where
        S: Stream + Send + 'a,
        S::Item: Into<Input<'a>> + Send + 'a,
    {
        let client = self.clone();
        let answers = items.map(move |item| {
            let client = client.clone();
            async move {
                let prepared = client.prepared(item.into()).await?;
                client.send(&prepared).await
            }
        });
        Answers { inner: Box::pin(answers.buffered(concurrency.max(1))) }
    }
}
