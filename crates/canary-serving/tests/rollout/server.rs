//! A model server behind a mesh whose responses each test chooses.
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use canary_core::predict::Client;

/// What a request is answered with.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) subset: Option<&'static str>,
    pub(crate) class: &'static str,
    /// The answer's rows, one for each member of a batch.
    pub(crate) rows: usize,
    /// The body in place of an answer.
    pub(crate) body: Option<&'static str>,
    /// How long it takes.
    pub(crate) after: Duration,
    /// Whether the connection is closed instead.
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

/// The requests so far: whether each had the header that leads to the canary.
pub(crate) type Asked = Arc<Mutex<Vec<bool>>>;

/// A server that answers the n-th request (from 0), of which it is told whether it had the header
/// `user-group: canary`; and a client of it.
pub(crate) fn serve(
    answer: impl Fn(usize, bool) -> Reply + Send + Sync + 'static,
) -> (Client, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (asked, answer) = (Asked::default(), Arc::new(answer));
    let log = Arc::clone(&asked);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
            thread::spawn(move || {
                let mut reader = BufReader::new(stream);
                while let Some(by_header) = read(&mut reader) {
                    let number = {
                        let mut log = log.lock().unwrap();
                        log.push(by_header);
                        log.len() - 1
                    };
                    let reply = answer(number, by_header);
                    thread::sleep(reply.after);
                    if reply.cut {
                        return;
                    }
                    write(reader.get_mut(), &reply);
                }
            });
        }
    });
    let client = Client::new(&format!("http://{address}")).unwrap().model("m");
    (client.signature("serving_preprocess"), asked)
}

/// Reads a whole request; none when the connection is over.
fn read(reader: &mut BufReader<TcpStream>) -> Option<bool> {
    let (mut length, mut by_header) = (0, false);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        by_header |= line == "user-group: canary";
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().ok()?;
        }
    }
    reader.read_exact(&mut vec![0; length]).ok()?;
    Some(by_header)
}

fn write(stream: &mut TcpStream, reply: &Reply) {
    let Reply { status, subset, class, rows, body, .. } = reply;
    let body = if let Some(body) = body {
        (*body).to_owned()
    } else if *status == 200 {
        let row = format!(r#"{{"labels":["{class}"],"probabilities":[0.75]}}"#);
        format!(r#"{{"predictions":[{}]}}"#, vec![row; *rows].join(","))
    } else {
        r#"{"error":"no"}"#.to_owned()
    };
    let subset = subset.map_or_else(String::new, |subset| format!("x-canary-subset: {subset}\r\n"));
    let length = body.len();
    // In one piece: small ones would wait for each other to be acknowledged.
    let response = format!(
        "HTTP/1.1 {status} X\r\n{subset}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    let _ = stream.write_all(response.as_bytes());
}
