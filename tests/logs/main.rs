//! Spans and events: those that are documented, without secrets, and silent without a subscriber.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail loudly")]

mod collect;
mod documented;
mod scenes;
mod secrets;
mod silent;
