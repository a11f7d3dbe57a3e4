//! Inputs of `predict`: a path, bytes, a PIL image, an array, a list of these, or several by name.

mod borrowed;
mod file;
mod given;
mod pil;
mod value;

pub(crate) use self::{
    borrowed::Borrowed,
    file::{file, unreadable},
    given::{iterate, sample},
    value::read,
};
