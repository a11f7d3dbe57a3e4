//! Orders to a driver from outside.

use canary_core::cluster::Control;

/// An order to a driver from outside.
pub(crate) enum Order {
    Pause,
    Resume,
    Suspend,
    Approve,
    Abort(String),
    Promote(String),
    Label(String, String),
}

impl Order {
    /// Sends the order; `false` when the run is over.
    pub(super) fn send(&self, control: &Control) -> bool {
        match self {
            Self::Pause => control.pause(),
            Self::Resume => control.resume(),
            Self::Suspend => control.suspend(),
            Self::Approve => control.approve(),
            Self::Promote(why) => control.promote(why.as_str()),
            Self::Label(id, truth) => control.label(id.as_str(), truth.as_str()),
            Self::Abort(why) => control.abort(why.as_str()),
        }
    }
}
