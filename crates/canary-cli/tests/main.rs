//! The command as its users run it: the built program.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod aa;
mod findings;
mod folder;
mod help;
mod inputs;
mod log;
mod metrics;
mod notify;
mod pages;
mod release;
mod route;
mod run;
mod schemas;
mod terminal;
