//! The one door out of the interpreter.
//!
//! Whatever computes, waits or talks to somebody goes through here: the GIL is released, Ctrl-C is answered, a forked
//! process gets an error because its threads are missing, and a panic becomes an exception of this package.

mod call;
mod compute;
mod failure;
mod runtime;
mod selftest;
mod signals;

pub(crate) use call::{Blocking, Call, Task, block_on, wait_for};
pub(crate) use compute::{abandon, compute, compute_apart};
pub(crate) use failure::joined;
pub(crate) use runtime::{at_exit, runtime};
pub(crate) use selftest::_panic;
