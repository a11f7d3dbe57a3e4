//! Notices on their way: webhooks that take, refuse and hang, secrets, and Events on a cluster in memory.

mod delivery;
mod events;
mod formats;
mod secrets;
mod support;
