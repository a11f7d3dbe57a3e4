//! The prediction client against servers made of plain sockets.
#![cfg(feature = "predict")]

mod calls;
mod server;
