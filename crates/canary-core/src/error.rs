//! The errors of all crates as one, for programs that use several of them.

pub use canary_serving::error::{BoxError, Origin, PredictError};

/// `Result` with the [`enum@Error`] of the facade.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of one of the crates; its text and its source are those of the error itself.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A text that is not an object, or an object that the mesh would refuse.
    #[error(transparent)]
    Istio(#[from] canary_istio::Error),
    /// A plan that cannot run, or a cluster that did not do what a call wanted.
    #[error(transparent)]
    Rollout(#[from] canary_rollout::Error),
    /// A workload, an image, a prediction or a copy of a model failed.
    #[error(transparent)]
    Serving(#[from] canary_serving::Error),
    /// A parameter of a test outside its range.
    #[error(transparent)]
    Stats(#[from] canary_stats::StatsError),
}

impl Error {
    /// Returns `true` when the same call may succeed when it is repeated later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Rollout(error) => error.is_retryable(),
            Self::Serving(error) => error.is_retryable(),
            _ => false,
        }
    }
}
