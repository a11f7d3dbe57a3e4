//! Writing requests and reading answers: one line of JSON for each operation.
//!
//! `bench-requests [seconds for each operation] [part of the operation's name]`

use std::{error::Error, sync::Arc, time::Duration};

use canary_bench::{least, report};
use canary_core::{
    predict::{Client, Form, Input, ModelVersion, read_predict, write_predict, write_predict_grpc},
    tensor::{Tensor, TensorData},
};

/// A small generator of the same numbers on every machine (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Between 0 and 1.
    #[allow(clippy::cast_precision_loss)]
    fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1_u64 << 24) as f32
    }
}

/// Pixels as bilinear resizing of 8-bit ones leaves them, in [0, 1].
#[allow(clippy::cast_precision_loss)]
fn pixels(count: usize) -> Vec<f32> {
    let mut numbers = Numbers(1);
    (0..count)
        .map(|_| {
            let corners = numbers.next().to_le_bytes();
            let (x, y) = (numbers.unit(), numbers.unit());
            let mix = |a: u8, b: u8, t: f32| f32::from(a) + (f32::from(b) - f32::from(a)) * t;
            mix_rows(mix(corners[0], corners[1], x), mix(corners[2], corners[3], x), y) / 255.0
        })
        .collect()
}

fn mix_rows(top: f32, bottom: f32, t: f32) -> f32 {
    top + (bottom - top) * t
}

fn images(batch: usize, data: TensorData) -> Result<Tensor, Box<dyn Error>> {
    Ok(Tensor::new(vec![batch, 224, 224, 3], data)?)
}

fn logits(rows: usize) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut numbers = Numbers(2);
    let values = (0..rows * 1001).map(|_| numbers.unit() * 20.0 - 8.0).collect();
    let tensor = Tensor::new(vec![rows, 1001], TensorData::Float(values))?;
    // As TensorFlow Serving lays it out: the shortest digits, white space between them.
    let shortest = tensor.as_floats().unwrap_or_default().chunks(1001).map(|row| {
        let row: Vec<_> = row.iter().map(|value| format!("{value:?}")).collect();
        format!("[{}]", row.join(", "))
    });
    let rows: Vec<_> = shortest.collect();
    Ok(format!("{{\n    \"predictions\": [{}\n    ]\n}}", rows.join(", ")).into_bytes())
}

fn main() -> Result<(), Box<dyn Error>> {
    let seconds: f64 = std::env::args().nth(1).map_or(Ok(0.3), |text| text.parse())?;
    let budget = Duration::from_secs_f64(seconds);
    let part = std::env::args().nth(2).unwrap_or_default();
    let wanted = |name: &str| name.contains(&part);
    let one = 224 * 224 * 3;
    let mut body = Vec::new();

    let mut numbers = Numbers(3);
    let file: Vec<u8> = (0..82_000).map(|_| numbers.next().to_le_bytes()[0]).collect();
    let input = Input::from(&file);
    let mut time = |name: &str, input: &Input<'_>| -> Result<(), Box<dyn Error>> {
        if !wanted(name) {
            return Ok(());
        }
        let nanoseconds = least(budget, || {
            body.clear();
            write_predict(&mut body, "serving_preprocess", Form::Row, input)
        });
        report(name, nanoseconds, &[("bytes", body.len().into())])?;
        Ok(())
    };
    time("request: b64 from a file of 82 kB", &input)?;
    let image = images(1, TensorData::Float(pixels(one)))?;
    time("request: floats, 1 image", &(&image).into())?;
    let scaled = pixels(one).iter().map(|pixel| pixel * 255.0).collect();
    let scaled = images(1, TensorData::Float(scaled))?;
    time("request: floats from 0 to 255, 1 image", &(&scaled).into())?;
    let whole = pixels(one).iter().map(|pixel| (pixel * 255.0).round()).collect();
    let whole = images(1, TensorData::Float(whole))?;
    time("request: whole floats, 1 image", &(&whole).into())?;
    let signed = pixels(one).iter().map(|pixel| pixel * 2.0 - 1.0).collect();
    let signed = images(1, TensorData::Float(signed))?;
    time("request: floats from -1 to 1, 1 image", &(&signed).into())?;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let bytes = pixels(one).iter().map(|pixel| (pixel * 255.0).round() as u8).collect();
    let bytes = images(1, TensorData::Uint8(bytes))?;
    time("request: uint8, 1 image", &(&bytes).into())?;
    if wanted("request: floats, 32 images") {
        let batch = images(32, TensorData::Float(pixels(one * 32)))?;
        time("request: floats, 32 images", &(&batch).into())?;
    }

    if wanted("PredictRequest bytes, 1 image") {
        let named = Input::named([("x", &image)]);
        let nanoseconds = least(budget, || {
            body.clear();
            write_predict_grpc(&mut body, "m", &ModelVersion::Latest, "", &named)
        });
        report("PredictRequest bytes, 1 image", nanoseconds, &[("bytes", body.len().into())])?;
    }
    if wanted("PredictRequest to be sent, 1 image") {
        let client = Client::new("grpc://127.0.0.1:1")?.model("m");
        let shared = Arc::new(image.clone());
        let nanoseconds =
            least(budget, || client.prepare(Input::named([("x", Arc::clone(&shared))])));
        report("PredictRequest to be sent, 1 image", nanoseconds, &[])?;
    }
    if wanted("floor: copy of 1 image") {
        let floor = image.as_floats().unwrap_or_default();
        let mut copy = Vec::with_capacity(floor.len());
        let nanoseconds = least(budget, || {
            copy.clear();
            copy.extend_from_slice(floor);
        });
        report("floor: copy of 1 image", nanoseconds, &[])?;
    }

    for rows in [1, 32].into_iter().filter(|rows| wanted(&format!("answer: {rows} x 1001 floats")))
    {
        let answer = logits(rows)?;
        let nanoseconds = least(budget, || read_predict(&answer, false));
        let name = format!("answer: {rows} x 1001 floats");
        report(&name, nanoseconds, &[("bytes", answer.len().into())])?;
    }
    Ok(())
}
