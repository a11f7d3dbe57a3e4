//! Spans and events: those that are documented, without secrets, and silent without a subscriber.

mod collect;
mod documented;
mod scenes;
mod secrets;
mod silent;
