//! Shared code of this package's programs: timing, and lines of JSON.

use std::{
    hint::black_box,
    io::{Read, Write},
    time::{Duration, Instant},
};

use tokio::net::{TcpListener, TcpStream};

/// The least time of one call, in nanoseconds: over rounds that together take `budget`, each of as many calls as take
/// about a millisecond.
pub fn least<T>(budget: Duration, mut call: impl FnMut() -> T) -> f64 {
    let start = Instant::now();
    black_box(call());
    let once = start.elapsed().max(Duration::from_nanos(1));
    let calls = (Duration::from_millis(1).as_nanos() / once.as_nanos()).clamp(1, 100_000);
    let mut least = f64::INFINITY;
    let end = Instant::now() + budget;
    loop {
        let start = Instant::now();
        for _ in 0..calls {
            black_box(call());
        }
        // Durations and counts here are far below 2⁵³.
        #[allow(clippy::cast_precision_loss)]
        let each = start.elapsed().as_nanos() as f64 / calls as f64;
        least = least.min(each);
        if Instant::now() > end {
            return least;
        }
    }
}

/// Prints `{"operation": …, "ours_ns": …}` and what else is known, as one line.
///
/// # Errors
/// When the output cannot be written.
pub fn report(
    operation: &str,
    nanoseconds: f64,
    more: &[(&str, serde_json::Value)],
) -> std::io::Result<()> {
    let mut line = serde_json::json!({"operation": operation, "ours_ns": nanoseconds});
    for (name, value) in more {
        line[*name] = value.clone();
    }
    writeln!(std::io::stdout(), "{line}")
}

/// Prints a free port, listens on it, and gives `serve` each connection, until the standard input ends.
///
/// # Errors
/// When there is no port, or its number cannot be printed.
pub fn listen<F>(serve: impl Fn(TcpStream) -> F) -> std::io::Result<()>
where
    F: Future<Output: Send> + Send + 'static,
{
    // The parent's end of the pipe closes when it is gone, however it went.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        writeln!(std::io::stdout(), "{}", listener.local_addr()?.port())?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::spawn(serve(stream));
        }
    })
}
