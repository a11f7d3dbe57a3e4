//! The default values of a plan.

use std::time::Duration;

use super::DEFAULT_ALPHA;

pub(super) fn default_alpha() -> f64 {
    DEFAULT_ALPHA
}

pub(super) fn default_settle() -> Duration {
    Duration::from_secs(2)
}

pub(super) fn default_patience() -> Duration {
    Duration::from_secs(3600)
}

pub(super) fn default_request_timeout() -> Duration {
    Duration::from_secs(15)
}

pub(super) fn is_default_request_timeout(timeout: &Duration) -> bool {
    *timeout == default_request_timeout()
}

pub(super) fn default_startup_timeout() -> Duration {
    Duration::from_secs(60)
}

pub(super) fn is_default_startup_timeout(timeout: &Duration) -> bool {
    *timeout == default_startup_timeout()
}
