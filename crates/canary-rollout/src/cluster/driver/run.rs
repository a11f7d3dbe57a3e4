//! The running driver: a stream of its progress.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;
use futures_util::{StreamExt, stream::BoxStream};

use super::{
    super::Cluster,
    act, edits, hand_back, journal, people,
    progress::Progress,
    running::{Input, Running},
    sources, tick,
};
use crate::{Error, Event, Result};

/// The number of observations in a row before the clock is read.
const IN_A_ROW: u32 = 64;

/// A running rollout: a stream of [`Progress`] that ends with [`Progress::Finished`], with [`Progress::Suspended`] or with
/// an error.
///
/// The driver works while this is polled. After an error the mesh is as it was last written; starting again with the
/// same plan continues from there.
pub struct Run(pub(super) BoxStream<'static, Result<Progress>>);

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Run")
    }
}

impl Stream for Run {
    type Item = Result<Progress>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl<C: Cluster + 'static> Running<C> {
    pub(super) async fn next(&mut self) -> Option<Result<Progress>> {
        loop {
            if let Some(report) = self.reports.pop_front() {
                journal::progress(&report);
                return Some(Ok(report));
            }
            if self.over {
                return None;
            }
            if let Err(error) = self.work().await {
                self.over = true;
                journal::failed(&self.state, &error);
                self.lease.release().await;
                return Some(Err(error));
            }
        }
    }

    async fn work(&mut self) -> Result<()> {
        // Read commands even while actions follow each other without a pause, such as a probe that keeps failing.
        if let Some(command) = self.commands.as_mut().and_then(|sent| sent.try_recv().ok()) {
            return people::carry_out(self, command).await;
        }
        if let Some(lines) = self.target.take_commands() {
            return people::commands(self, lines).await;
        }
        if !self.backoff.is_waiting() {
            if let Some(action) = self.actions.pop_front() {
                return match act::carry_out(self, action.clone()).await {
                    Ok(()) => {
                        self.backoff.succeeded();
                        Ok(())
                    }
                    // Something that the run needs is gone: somebody else has deleted it.
                    Err(Error::NotFound { .. }) if edits::of_all(self).await => Ok(()),
                    Err(error) => {
                        if self.target.awaits_weights() && !self.state.is_unanswered() {
                            // The weights in force are unknown until the object can be read.
                            self.handle(Event::Unanswered);
                        }
                        self.actions.push_front(action);
                        self.postpone(error)
                    }
                };
            }
            if self.unchecked.routes || self.unchecked.versions {
                return edits::compare(self).await;
            }
        }
        if self.actions.is_empty() && self.state.is_done() && !self.backoff.is_waiting() {
            if !hand_back::attempt(self).await {
                return Ok(());
            }
            self.over = true;
            self.lease.release().await;
            // The counts at the end; the verdict names only those that decided.
            self.report_state();
            let (verdict, stored) = (self.state.verdict(), self.stored);
            self.reports.push_back(Progress::Finished { verdict, stored });
            return Ok(());
        }
        match self.wait().await {
            Input::Observed(observation) => sources::observe(self, observation),
            Input::Ended(source, error) => sources::ended(self, source, error),
            Input::Labelled(id, truth) => sources::label(self, id, truth),
            Input::LabelsEnded(error) => {
                let (source, error) = ("labels".to_owned(), error.map(|error| error.to_string()));
                self.reports.push_back(Progress::SourceEnded { source, error });
            }
            Input::Tick => tick::pass(self).await?,
            Input::Watched(what, event) => edits::watched(self, what, event)?,
            Input::Again => {}
            Input::Command(command) => people::carry_out(self, command).await?,
        }
        Ok(())
    }

    async fn wait(&mut self) -> Input {
        self.in_a_row += 1;
        if self.in_a_row.is_multiple_of(IN_A_ROW) {
            // Yield, so that a source that is always ready does not block the rest of the program.
            tokio::task::yield_now().await;
        }
        let clock_first = self.in_a_row > IN_A_ROW;
        let Self { commands, timer, inputs, changes, backoff, .. } = self;
        let input = poll_fn(|cx| {
            match commands.as_mut().map(|commands| commands.poll_recv(cx)) {
                Some(Poll::Ready(Some(command))) => return Poll::Ready(Input::Command(command)),
                Some(Poll::Ready(None)) => *commands = None,
                _ => {}
            }
            if backoff.poll(cx).is_ready() {
                return Poll::Ready(Input::Again);
            }
            if let Poll::Ready(Some((what, event))) = changes.poll_next_unpin(cx) {
                return Poll::Ready(Input::Watched(what, event));
            }
            if clock_first && timer.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Input::Tick);
            }
            if let Poll::Ready(Some(input)) = inputs.poll_next_unpin(cx) {
                return Poll::Ready(input);
            }
            if clock_first { Poll::Pending } else { timer.as_mut().poll(cx).map(|()| Input::Tick) }
        })
        .await;
        if matches!(input, Input::Tick) {
            self.in_a_row = 0;
            self.timer = self.driver.clock.sleep(self.driver.tick);
        }
        input
    }
}
