//! The Rust client under load, or a bare loop of `reqwest`: requests per second on one thread.
//!
//! `bench-load PORT BODY-BYTES SECONDS [IN-FLIGHT [reqwest]]` prints one line of JSON.

use std::{
    error::Error,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use canary_bench::report;
use canary_core::predict::{Client, Prepared, Retry};

type Failed = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failed> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [port, bytes, seconds, rest @ ..] = arguments.as_slice() else {
        return Err("usage: bench-load PORT BODY-BYTES SECONDS [IN-FLIGHT [reqwest]]".into());
    };
    let in_flight: usize = rest.first().map_or(Ok(32), |text| text.parse())?;
    let bare = rest.get(1).is_some_and(|client| client == "reqwest");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let time = Duration::from_secs_f64(seconds.parse()?);
    let url = format!("http://127.0.0.1:{port}");
    // Four bytes of base64 for three of the file.
    let file = vec![7_u8; bytes.parse::<usize>()? * 3 / 4];
    runtime.block_on(async {
        let client = Client::new(&url)?.model("m").retry(Retry::never());
        let prepared = Arc::new(client.prepare(&file)?);
        let each = if bare {
            let http = reqwest::Client::builder().no_proxy().build()?;
            let url = reqwest::Url::parse(prepared.url())?;
            let body = bytes::Bytes::copy_from_slice(&prepared.body());
            run(in_flight, time, move || post(http.clone(), url.clone(), body.clone())).await?
        } else {
            let prepared = Arc::clone(&prepared);
            run(in_flight, time, move || ask(client.clone(), Arc::clone(&prepared))).await?
        };
        report("load", each, &[("body", prepared.body().len().into())])?;
        Ok(())
    })
}

/// One prediction.
async fn ask(client: Client, prepared: Arc<Prepared>) -> Result<(), Failed> {
    client.send(&prepared).await?;
    Ok(())
}

/// The same by `reqwest`, whose response is read and not parsed.
async fn post(http: reqwest::Client, url: reqwest::Url, body: bytes::Bytes) -> Result<(), Failed> {
    let request = http.post(url).header("content-type", "application/json").body(body);
    let read = request.send().await?.error_for_status()?.bytes().await?;
    if read.is_empty() { Err("an empty response".into()) } else { Ok(()) }
}

/// Nanoseconds a request, with so many in flight for so long.
async fn run<F>(
    in_flight: usize,
    time: Duration,
    one: impl Fn() -> F + Clone + Send + 'static,
) -> Result<f64, Failed>
where
    F: Future<Output = Result<(), Failed>> + Send,
{
    let answered = Arc::new(AtomicU32::new(0));
    let start = Instant::now();
    let tasks: Vec<_> = (0..in_flight)
        .map(|_| {
            let (one, answered) = (one.clone(), Arc::clone(&answered));
            tokio::spawn(async move {
                while start.elapsed() < time {
                    one().await?;
                    answered.fetch_add(1, Ordering::Relaxed);
                }
                Ok::<(), Failed>(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    Ok(start.elapsed().as_secs_f64() * 1e9 / f64::from(answered.load(Ordering::Relaxed)))
}
