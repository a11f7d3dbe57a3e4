//! Notices on their way: webhooks that take, refuse and hang, secrets, and Events on a cluster in memory.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod delivery;
mod events;
mod formats;
mod secrets;
mod support;
