//! A server that writes what a script says, byte by byte, whatever the client does.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use crate::frames::HEADERS;

/// A step of a script.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Write(Vec<u8>),
    /// The same bytes, repeated.
    Repeat(Vec<u8>, usize),
    Pause(Duration),
    /// Nothing more is written, and the connection stays open.
    Hold,
    /// The orderly end of the connection.
    Close,
    /// The end of the connection with a reset.
    Reset,
}

/// A script of a single text, after which the connection stays open.
pub(crate) fn text(text: impl AsRef<[u8]>) -> Vec<Step> {
    vec![Step::Write(text.as_ref().to_vec())]
}

/// The part of a client's bytes that a script waits for before it begins.
#[derive(Clone, Copy, Debug)]
pub(crate) enum After {
    /// A request of HTTP/1.1 with its body; the script is played for each of them.
    Request,
    /// The head of a request of HTTP/2.
    Head,
}

/// Listens on a free port until it is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    written: Arc<AtomicUsize>,
    stopped: Arc<AtomicBool>,
}

impl Server {
    pub(crate) fn new(after: After, script: Vec<Step>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (written, stopped) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let (count, stop) = (written.clone(), stopped.clone());
        thread::spawn(move || {
            let script = Arc::new(script);
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                let play =
                    Play { script: script.clone(), count: count.clone(), stop: stop.clone() };
                thread::spawn(move || match after {
                    After::Request => play.requests(stream),
                    After::Head => play.frames(stream),
                });
            }
        });
        Self { address, written, stopped }
    }

    /// The host and the port.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The bytes that were written to all connections.
    pub(crate) fn written(&self) -> usize {
        self.written.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

struct Play {
    script: Arc<Vec<Step>>,
    count: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
}

impl Play {
    fn requests(&self, mut stream: TcpStream) {
        while read_request(&mut stream).is_some() {
            if !self.run(&mut stream) {
                break;
            }
        }
    }

    /// Frames are read all the time, so that the client can write.
    fn frames(&self, mut stream: TcpStream) {
        if read_head(&mut stream).is_err() {
            return;
        }
        let mut reader = stream.try_clone().unwrap();
        let reading = thread::spawn(move || {
            let mut chunk = [0; 1 << 14];
            while matches!(reader.read(&mut chunk), Ok(1..)) {}
        });
        if self.run(&mut stream) {
            self.hold();
        }
        drop(stream.shutdown(Shutdown::Both));
        drop(reading.join());
    }

    /// Plays the script; `false` when the connection is over.
    fn run(&self, stream: &mut TcpStream) -> bool {
        for step in self.script.iter() {
            let written = match step {
                Step::Write(bytes) => self.write(stream, bytes),
                Step::Repeat(bytes, times) => (0..*times).all(|_| self.write(stream, bytes)),
                Step::Pause(time) => {
                    thread::sleep(*time);
                    true
                }
                Step::Hold => {
                    self.hold();
                    false
                }
                Step::Close => {
                    let _ = stream.shutdown(Shutdown::Write);
                    // What the client still sends is read, so that the end is no reset.
                    let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
                    let _ = std::io::copy(stream, &mut std::io::sink());
                    false
                }
                Step::Reset => {
                    let _ = socket2::SockRef::from(&*stream).set_linger(Some(Duration::ZERO));
                    false
                }
            };
            if !written {
                return false;
            }
        }
        true
    }

    fn write(&self, stream: &mut TcpStream, bytes: &[u8]) -> bool {
        if self.stop.load(Ordering::SeqCst) || stream.write_all(bytes).is_err() {
            return false;
        }
        self.count.fetch_add(bytes.len(), Ordering::SeqCst);
        true
    }

    fn hold(&self) {
        while !self.stop.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

fn read_request(stream: &mut TcpStream) -> Option<()> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        match stream.read(&mut chunk).ok()? {
            0 => return None,
            read => bytes.extend_from_slice(&chunk[..read]),
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let mut left = length?.trim().parse::<usize>().ok()?.saturating_sub(bytes.len() - end);
    while left > 0 {
        match stream.read(&mut chunk).ok()? {
            0 => return None,
            read => left = left.saturating_sub(read),
        }
    }
    Some(())
}

/// Reads the preface of HTTP/2 and the frames up to the first head of a request.
fn read_head(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.read_exact(&mut [0; 24])?;
    loop {
        let mut frame = [0; 9];
        stream.read_exact(&mut frame)?;
        let length = u32::from_be_bytes([0, frame[0], frame[1], frame[2]]);
        std::io::copy(&mut stream.take(length.into()), &mut std::io::sink())?;
        if frame[3] == HEADERS {
            return Ok(());
        }
    }
}
