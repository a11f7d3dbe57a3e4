//! Times one gRPC call with one image: `bench-grpc-calls PORT SECONDS`.
use std::{sync::Arc, time::{Duration, Instant}};
use canary_core::{predict::{Client, Input}, tensor::{Tensor, TensorData}};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next().ok_or("PORT")?;
    let seconds: u64 = arguments.next().ok_or("SECONDS")?.parse()?;
    let threads: usize = arguments.next().map_or(Ok(1), |text| text.parse())?;
    let mut builder = if threads == 1 {
        tokio::runtime::Builder::new_current_thread()
    } else {
        tokio::runtime::Builder::new_multi_thread()
    };
    if threads > 1 { builder.worker_threads(threads); }
    let runtime = builder.enable_all().build()?;
    let client = Client::new(&format!("grpc://127.0.0.1:{port}"))?.model("m");
    let pixels: Vec<f32> = (0..224 * 224 * 3).map(|i| i as f32 / 150_528.0).collect();
    let image = Arc::new(Tensor::new(vec![1, 224, 224, 3], TensorData::Float(pixels))?);
    let (mut shared, mut borrowed) = (Vec::new(), Vec::new());
    runtime.block_on(async {
        let end = Instant::now() + Duration::from_secs(seconds);
        while Instant::now() < end {
            let start = Instant::now();
            client.predict(Input::named([("x", Arc::clone(&image))])).await?;
            shared.push(start.elapsed());
            let start = Instant::now();
            client.predict(Input::named([("x", &*image)])).await?;
            borrowed.push(start.elapsed());
        }
        Ok::<_, canary_core::Error>(())
    })?;
    for (name, mut times) in [("shared", shared), ("borrowed", borrowed)] {
        times.sort();
        println!("{name}: {} calls, least {:?}, p10 {:?}, median {:?}, p90 {:?}", times.len(), times[0], times[times.len() / 10], times[times.len() / 2], times[times.len() * 9 / 10]);
    }
    Ok(())
}
