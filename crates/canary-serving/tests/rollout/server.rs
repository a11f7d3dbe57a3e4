//! A model server behind a mesh whose responses each test chooses.

use std::{
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use canary_core::predict::Client;

#[path = "../predict/server.rs"]
#[expect(dead_code, reason = "some of it only the tests of the client need")]
mod http;

/// The response to a request.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) subset: Option<&'static str>,
    pub(crate) class: &'static str,
    /// The rows of the body, one for each member of a batch.
    pub(crate) rows: usize,
    /// Another body in place of it.
    pub(crate) body: Option<&'static str>,
    /// The time before it is sent.
    pub(crate) after: Duration,
    /// True when the connection is closed instead.
    pub(crate) cut: bool,
}

impl Reply {
    pub(crate) fn by(subset: &'static str, class: &'static str) -> Self {
        Self {
            status: 200,
            subset: Some(subset),
            class,
            rows: 1,
            body: None,
            after: Duration::ZERO,
            cut: false,
        }
    }

    pub(crate) fn failed(status: u16, subset: &'static str) -> Self {
        Self { status, rows: 0, ..Self::by(subset, "") }
    }

    /// No response at all.
    pub(crate) fn cut() -> Self {
        Self { cut: true, subset: None, ..Self::failed(503, "") }
    }
}

/// For each request so far, true when it had the header that leads to the canary.
pub(crate) type Sent = Arc<Mutex<Vec<bool>>>;

/// A server that answers the n-th request (from 0), with or without the header `user-group: canary`; and a client of it.
pub(crate) fn serve(
    answer: impl Fn(usize, bool) -> Reply + Send + Sync + 'static,
) -> (Client, Sent) {
    let sent = Sent::default();
    let log = Arc::clone(&sent);
    let server = http::Server::new(move |request, stream| {
        let by_header = request.head.to_ascii_lowercase().contains("\r\nuser-group: canary");
        let number = {
            let mut log = log.lock().unwrap();
            log.push(by_header);
            log.len() - 1
        };
        let reply = answer(number, by_header);
        thread::sleep(reply.after);
        if reply.cut {
            return false;
        }
        let status = format!("{} X", reply.status);
        let subset = reply.subset.map(|subset| ("x-canary-subset", subset));
        let json = Some(("content-type", "application/json"));
        let headers: Vec<_> = subset.into_iter().chain(json).collect();
        http::reply(stream, &status, &headers, reply.text().as_bytes())
    });
    let client = Client::new(&server.url()).unwrap().model("m");
    // It serves until the process of the tests ends.
    std::mem::forget(server);
    (client.signature("serving_preprocess"), sent)
}

impl Reply {
    fn text(&self) -> String {
        if let Some(body) = self.body {
            body.to_owned()
        } else if self.status == 200 {
            let row = format!(r#"{{"labels":["{}"],"probabilities":[0.75]}}"#, self.class);
            format!(r#"{{"predictions":[{}]}}"#, vec![row; self.rows].join(","))
        } else {
            r#"{"error":"no"}"#.to_owned()
        }
    }
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(future)
}
