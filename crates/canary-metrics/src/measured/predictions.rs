//! The run's own requests to the models, by route and outcome.

/// The route of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// The route that the weights divide.
    Weights,
    /// The header route, which leads to the canary.
    Header,
    /// The label of a version on servers that serve both.
    Label,
}

impl Route {
    pub(crate) const ALL: [Self; 3] = [Self::Weights, Self::Header, Self::Label];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Weights => "weights",
            Self::Header => "header",
            Self::Label => "label",
        }
    }
}

/// The result of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// A model answered.
    Ok,
    /// An error status, a timeout, a reset, an unreadable response.
    Failed,
    /// No connection was established.
    NotConnected,
    /// The input could not be sent at all.
    InvalidInput,
}

impl Sent {
    pub(crate) const ALL: [Self; 4] =
        [Self::Ok, Self::Failed, Self::NotConnected, Self::InvalidInput];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::NotConnected => "not_connected",
            Self::InvalidInput => "invalid_input",
        }
    }
}

/// The number of requests of each route and outcome.
#[derive(Clone, Debug, Default)]
pub(crate) struct Predictions([[u64; Sent::ALL.len()]; Route::ALL.len()]);

impl Predictions {
    pub(crate) fn add(&mut self, route: Route, sent: Sent) {
        self.0[route as usize][sent as usize] += 1;
    }

    pub(crate) fn count(&self, route: Route, sent: Sent) -> u64 {
        self.0[route as usize][sent as usize]
    }
}
