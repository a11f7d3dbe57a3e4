//! Constructors and setters of the kinds.

mod gateway;
mod policies;
mod route;

/// Texts of any kind as owned ones.
fn texts<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Vec<String> {
    texts.into_iter().map(Into::into).collect()
}
