//! A proxy between the users and the gateway: it may spoil the canary's responses on their way, or go away.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use canary_core::predict::Client;
use canary_tests::http::{Reply, Request, Server, forward};

/// The damage that it does to the responses of the canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spoils {
    /// Nothing.
    Nothing,
    /// A failure does not say whose it is.
    Name,
    /// The body is not JSON.
    Garbage,
    /// The body is empty.
    Empty,
    /// The body ends in the middle, and with it the connection.
    Cut,
    /// The connection ends without a response.
    Reset,
    /// The body is a page of a proxy, with the status 200.
    Page,
}

/// A running one.
pub(crate) struct Front(Server);

impl Front {
    /// Before a gateway, which it leaves alone for so many responses of the canary.
    pub(crate) async fn start(gateway: &str, spoils: Spoils, after: u64) -> Self {
        let gateway = Arc::<str>::from(gateway.trim_start_matches("http://"));
        let answered = Arc::new(AtomicU64::new(0));
        let answer = move |request: Request| {
            let (gateway, answered) = (Arc::clone(&gateway), Arc::clone(&answered));
            async move {
                let Ok((status, mut headers, body)) = forward(&gateway, &request).await else {
                    return Reply::Reset;
                };
                if spoils == Spoils::Name && status != 200 {
                    headers.retain(|(name, _)| name != Client::SUBSET_HEADER);
                }
                let by_canary =
                    headers.iter().any(|(name, by)| name == Client::SUBSET_HEADER && by == "v2");
                if !by_canary || answered.fetch_add(1, Ordering::Relaxed) < after {
                    return Reply::Whole(status, headers, body);
                }
                match spoils {
                    Spoils::Nothing | Spoils::Name => Reply::Whole(status, headers, body),
                    Spoils::Garbage => Reply::Whole(status, headers, b"\x00\xff{".to_vec()),
                    Spoils::Empty => Reply::Whole(status, headers, Vec::new()),
                    Spoils::Cut => Reply::Cut(headers, body),
                    Spoils::Reset => Reply::Reset,
                    Spoils::Page => Reply::Whole(200, headers, b"<html>log in</html>".to_vec()),
                }
            }
        };
        Self(Server::start(answer).await)
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        self.0.url()
    }

    /// Ends it: connections are refused from now on.
    pub(crate) fn stop(&self) {
        self.0.stop();
    }
}
