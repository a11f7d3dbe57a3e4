//! Changes of the objects of a store.

/// The kind of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Created,
    Applied,
    Deleted,
}
