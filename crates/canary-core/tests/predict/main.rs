//! The prediction client against servers made of plain sockets.
#![cfg(feature = "predict")]

mod calls;
mod faults;
mod many;
mod models;
mod server;
