//! A server on one thread that answers every request with the same prediction: the other end of the clients compared.
//!
//! `bench-server` prints its port and serves until its standard input ends.

use canary_bench::listen;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 34\r\n\r\n\
{\"predictions\": [[0.25,0.5,0.25]]}";

fn main() -> std::io::Result<()> {
    listen(serve)
}

/// Reads requests to their ends and answers them; the client hangs up.
async fn serve(mut stream: TcpStream) -> std::io::Result<()> {
    let mut buffer = vec![0; 1 << 17];
    let mut held = 0;
    loop {
        let read = stream.read(&mut buffer[held..]).await?;
        if read == 0 {
            return Ok(());
        }
        held += read;
        while let Some(size) = request_size(&buffer[..held]) {
            let mut left = size.saturating_sub(held);
            while left > 0 {
                let room = left.min(buffer.len());
                let read = stream.read(&mut buffer[..room]).await?;
                if read == 0 {
                    return Ok(());
                }
                left -= read;
            }
            buffer.copy_within(size.min(held)..held, 0);
            held = held.saturating_sub(size);
            stream.write_all(ANSWER).await?;
        }
    }
}

/// The bytes of head and body of the first request, once its head is whole.
fn request_size(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&bytes[..head]).ok()?;
    let body = text
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())
        .unwrap_or(0);
    Some(head + body)
}
