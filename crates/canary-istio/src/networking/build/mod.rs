//! Named constructors of the three kinds for the common cases of a release, and consuming setters.

mod destination_rule;
mod gateway;
mod virtual_service;

/// Texts from anything that yields them.
fn texts<T: Into<String>>(items: impl IntoIterator<Item = T>) -> Vec<String> {
    items.into_iter().map(Into::into).collect()
}
