//! The Rust client under load: requests per second on one thread.
//!
//! `bench-load PORT BODY-BYTES SECONDS [IN-FLIGHT]` prints one line of JSON.

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use canary_bench::report;
use canary_core::predict::{Client, Retry};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [port, bytes, seconds, rest @ ..] = arguments.as_slice() else {
        return Err("usage: bench-load PORT BODY-BYTES SECONDS [IN-FLIGHT]".into());
    };
    let in_flight: usize = rest.first().map_or(Ok(32), |text| text.parse())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let time = Duration::from_secs_f64(seconds.parse()?);
    let url = format!("http://127.0.0.1:{port}");
    // Four bytes of base64 for three of the file.
    let file = vec![7_u8; bytes.parse::<usize>()? * 3 / 4];
    runtime.block_on(async {
        let client = Client::new(&url)?.model("m").retry(Retry::never());
        let prepared = Arc::new(client.prepare(&file)?);
        let answered = Arc::new(AtomicU32::new(0));
        let start = Instant::now();
        let tasks: Vec<_> = (0..in_flight)
            .map(|_| {
                let (client, prepared) = (client.clone(), Arc::clone(&prepared));
                let answered = Arc::clone(&answered);
                tokio::spawn(async move {
                    while start.elapsed() < time {
                        client.send(&prepared).await?;
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                    Ok::<(), canary_core::rollout::Error>(())
                })
            })
            .collect();
        for task in tasks {
            task.await??;
        }
        let each =
            start.elapsed().as_secs_f64() * 1e9 / f64::from(answered.load(Ordering::Relaxed));
        report("load", each, &[("body", prepared.body().len().into())])?;
        Ok(())
    })
}
