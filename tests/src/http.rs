//! A small server of HTTP/1.1 on loopback whose every byte a test decides.

use std::{net::SocketAddr, sync::Arc};

use futures_util::{StreamExt, stream::BoxStream};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

/// A request as it came.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The path with its query.
    pub target: String,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// The server's reaction to a request.
pub enum Reply {
    /// A response with its body.
    Whole(u16, Vec<(String, String)>, Vec<u8>),
    /// A response whose body comes in pieces.
    Pieces(u16, Vec<(String, String)>, BoxStream<'static, Vec<u8>>),
    /// The head of a response, half of its body, and the end of the connection.
    Cut(Vec<(String, String)>, Vec<u8>),
    /// The end of the connection.
    Reset,
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Whole(status, ..) | Self::Pieces(status, ..) => write!(f, "Reply({status})"),
            Self::Cut(..) | Self::Reset => f.write_str("Reply(broken)"),
        }
    }
}

impl Reply {
    /// A response of JSON.
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        let kind = ("content-type".to_owned(), "application/json".to_owned());
        Self::Whole(status, vec![kind], body.to_string().into_bytes())
    }
}

/// A running server; dropped, it ends with all its connections.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    /// Answers requests on a free port.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn start<A>(answer: impl Fn(Request) -> A + Send + Sync + 'static) -> Self
    where
        A: Future<Output = Reply> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answer = Arc::new(answer);
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let answer = Arc::clone(&answer);
                connections.spawn(async move {
                    // The peer may leave at any moment.
                    let _ = serve(stream, &*answer).await;
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Self { address, task }
    }

    /// Its address as a URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends it and all its connections: further ones are refused.
    pub fn stop(&self) {
        self.task.abort();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn serve<A: Future<Output = Reply>>(
    mut stream: TcpStream,
    answer: &(impl Fn(Request) -> A + Send + Sync),
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let (reader, mut writer) = stream.split();
    let mut reader = BufReader::new(reader);
    while let Some(request) = read(&mut reader).await? {
        match answer(request).await {
            Reply::Whole(status, headers, body) => {
                let length = ("content-length".to_owned(), body.len().to_string());
                let mut bytes = head(status, headers.into_iter().chain([length]));
                bytes.extend(body);
                writer.write_all(&bytes).await?;
            }
            Reply::Pieces(status, headers, mut body) => {
                let chunked = ("transfer-encoding".to_owned(), "chunked".to_owned());
                writer.write_all(&head(status, headers.into_iter().chain([chunked]))).await?;
                while let Some(piece) = body.next().await {
                    let mut bytes = format!("{:x}\r\n", piece.len()).into_bytes();
                    bytes.extend(piece);
                    bytes.extend(b"\r\n");
                    writer.write_all(&bytes).await?;
                }
                writer.write_all(b"0\r\n\r\n").await?;
            }
            Reply::Cut(headers, body) => {
                let length = ("content-length".to_owned(), body.len().to_string());
                let mut bytes = head(200, headers.into_iter().chain([length]));
                bytes.extend(&body[..body.len() / 2]);
                return writer.write_all(&bytes).await;
            }
            Reply::Reset => return Ok(()),
        }
    }
    Ok(())
}

fn head(status: u16, headers: impl Iterator<Item = (String, String)>) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} Scripted\r\n");
    for (name, value) in headers {
        head.extend([name.as_str(), ": ", value.as_str(), "\r\n"]);
    }
    head.push_str("\r\n");
    head.into_bytes()
}

/// A message's first line and headers; none at the end of the connection.
type Head = Option<(String, Vec<(String, String)>)>;

async fn read_head(reader: &mut (impl AsyncBufReadExt + Unpin)) -> std::io::Result<Head> {
    let mut first = String::new();
    if reader.read_line(&mut first).await? == 0 {
        return Ok(None);
    }
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).await?;
        match line.trim_end().split_once(':') {
            Some((name, value)) => {
                headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
            }
            None => return Ok(Some((first.trim_end().to_owned(), headers))),
        }
    }
}

async fn read_body(
    reader: &mut (impl AsyncBufReadExt + Unpin),
    headers: &[(String, String)],
) -> std::io::Result<Vec<u8>> {
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.and_then(|(_, length)| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).await?;
    Ok(body)
}

async fn read(reader: &mut (impl AsyncBufReadExt + Unpin)) -> std::io::Result<Option<Request>> {
    let Some((first, headers)) = read_head(reader).await? else { return Ok(None) };
    let body = read_body(reader, &headers).await?;
    let mut words = first.split(' ').map(str::to_owned);
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    Ok(Some(Request { method, target, headers, body }))
}

/// Sends a request on to a server on loopback that states the length of its bodies: the status, headers and body of the
/// response.
///
/// # Errors
/// The errors of the connection.
pub async fn forward(
    address: &str,
    request: &Request,
) -> std::io::Result<(u16, Vec<(String, String)>, Vec<u8>)> {
    let mut stream = TcpStream::connect(address).await?;
    let mut bytes = format!("{} {} HTTP/1.1\r\n", request.method, request.target).into_bytes();
    for (name, value) in request.headers.iter().filter(|(name, _)| name != "connection") {
        bytes.extend(format!("{name}: {value}\r\n").into_bytes());
    }
    bytes.extend(b"connection: close\r\n\r\n");
    bytes.extend(&request.body);
    stream.write_all(&bytes).await?;
    let mut reader = BufReader::new(stream);
    let ended = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
    let (first, mut headers) = read_head(&mut reader).await?.ok_or_else(ended)?;
    let body = read_body(&mut reader, &headers).await?;
    headers.retain(|(name, _)| !["content-length", "connection"].contains(&name.as_str()));
    let status = first.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Ok((status, headers, body))
}
