//! Answers of models.

mod class;
mod many;
mod pickle;
mod window;

pub(crate) use self::{class::Answer, many::Answers};
