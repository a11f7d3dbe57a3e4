//! A receiver of webhooks on loopback, and the notices of a small run.

use std::time::Duration;

use canary_rollout::{
    Notice, Notices, Plan, Split, Verdict, Why, cluster::Progress, evidence::Timestamp,
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
};

/// Far beyond what a test takes; a test that waits so long has failed.
pub(crate) const FOREVER: Duration = Duration::from_secs(600);

/// A request as it came.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) head: String,
    pub(crate) body: Value,
}

pub(crate) struct Receiver {
    pub(crate) host: String,
    requests: UnboundedReceiver<Received>,
}

impl Receiver {
    /// Answers the requests by their numbers, from 0: a status line's end, such as `200 OK`, or none to keep silent.
    pub(crate) async fn start(answer: fn(usize) -> Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let (sender, requests) = unbounded_channel();
        tokio::spawn(async move {
            let mut silent = Vec::new();
            for number in 0.. {
                let (mut stream, _) = listener.accept().await.unwrap();
                let received = read(&mut stream).await;
                match answer(number) {
                    Some(status) => {
                        let text = format!(
                            "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                        );
                        stream.write_all(text.as_bytes()).await.unwrap();
                    }
                    None => silent.push(stream),
                }
                if sender.send(received).is_err() {
                    return;
                }
            }
        });
        Self { host, requests }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.host)
    }

    /// The next request; waits for it.
    pub(crate) async fn next(&mut self) -> Received {
        self.requests.recv().await.unwrap()
    }

    /// The requests that have come and were not looked at.
    pub(crate) fn rest(&mut self) -> Vec<Received> {
        std::iter::from_fn(|| self.requests.try_recv().ok()).collect()
    }
}

async fn read(stream: &mut TcpStream) -> Received {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_ascii_lowercase();
            let length = head.split("content-length: ").nth(1).unwrap();
            let length: usize = length.lines().next().unwrap().parse().unwrap();
            if body.len() >= length {
                return Received { head, body: serde_json::from_str(body).unwrap() };
            }
        }
        let mut more = [0; 4096];
        let count = stream.read(&mut more).await.unwrap();
        assert!(count > 0, "the request ended early: {text}");
        bytes.extend_from_slice(&more[..count]);
    }
}

pub(crate) fn plan() -> Plan {
    Plan::new("pets", "v1", "v2").namespace("models")
}

/// The notices of a run: started, one weight, paused, resumed, approval, suspended, the verdict.
pub(crate) fn notices() -> Vec<Notice> {
    let mut notices = Notices::new(&plan());
    let why = Why::SourcesEnded { why: "a <b> & c".to_owned() };
    let course = [
        Progress::Started { resumed: false, step: 0, anew: None, stored: None },
        Progress::Written { step: 0, split: Split::new(10) },
        Progress::Paused,
        Progress::Resumed,
        Progress::AwaitingApproval { step: 1, timeout: None },
        Progress::Suspended { step: 1, split: None },
        Progress::Finished { verdict: Verdict::Inconclusive { why }, stored: None },
    ];
    let all = course.iter().zip(1_000..);
    all.map(|(progress, at)| notices.of(progress, Timestamp(at)).unwrap()).collect()
}

pub(crate) fn verdict() -> Notice {
    notices().pop().unwrap()
}
