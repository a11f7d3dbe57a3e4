//! The pods behind a subset of a `DestinationRule`: those that can serve, or the reason why there are none.

mod behind;
mod host;
mod judge;
mod lists;
mod objects;
mod selection;
mod state;
#[cfg(test)]
mod tests;
mod words;

pub(super) use behind::Place;
pub use behind::{Behind, presence};
pub(super) use host::Host;
pub(super) use objects::{
    is_live, labels, name, template, template_labels, template_of, title, wanted,
};
pub(super) use selection::{Selection, has_all};
pub use state::Presence;
