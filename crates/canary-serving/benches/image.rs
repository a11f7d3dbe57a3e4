//! Times of the image path: `cargo bench -p canary-core --bench image -- PHOTO.jpg`.
//!
//! Prints, as tab-separated lines, the operation and the least microseconds of many rounds. The rounds of all
//! operations take turns, so that a busy machine harms them alike. Without a file it makes a picture of its own.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::{hint::black_box, time::Instant};

use canary_core::image::{DecodeOptions, Filter, Layout, PixelData, Pixels, Preprocess, decode};
use canary_core::tensor::DType;

type Operation<'a> = (&'static str, Box<dyn FnMut() + 'a>);

fn main() {
    let file = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let file =
        file.map(|path| std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}")));
    let picture = match &file {
        Some(bytes) => decode(bytes, &DecodeOptions::default()).unwrap(),
        None => gradient(606, 512),
    };
    let unit = Preprocess::unit(224, 224);
    let floats = match picture.data() {
        PixelData::U8(levels) => levels.iter().map(|&level| f32::from(level)).collect::<Vec<_>>(),
        _ => unreachable!(),
    };
    let floats = Pixels::rgb32f(picture.height(), picture.width(), floats).unwrap();
    let on = |preprocess: Preprocess, pixels: &Pixels<'_>| {
        black_box(preprocess.apply_pixels(pixels).unwrap());
    };
    let mut operations: Vec<Operation<'_>> = vec![
        ("resize+normalise u8", Box::new(|| on(unit.clone(), &picture))),
        ("resize+normalise f32", Box::new(|| on(unit.clone(), &floats))),
        ("  caffe", Box::new(|| on(Preprocess::keras_resnet50(), &picture))),
        ("  NCHW", Box::new(|| on(unit.clone().layout(Layout::Nchw), &picture))),
        ("  f16", Box::new(|| on(unit.clone().dtype(DType::Half), &picture))),
        ("  bicubic", Box::new(|| on(unit.clone().filter(Filter::Bicubic), &picture))),
        ("  area", Box::new(|| on(unit.clone().filter(Filter::Area), &picture))),
        ("  antialias", Box::new(|| on(unit.clone().antialias(true), &picture))),
    ];
    if let Some(bytes) = &file {
        let batch = vec![bytes; 16];
        operations.push((
            "decode",
            Box::new(|| {
                black_box(decode(bytes, &DecodeOptions::default()).unwrap());
            }),
        ));
        operations.push((
            "file to tensor",
            Box::new(|| {
                black_box(unit.apply(bytes).unwrap());
            }),
        ));
        let unit = &unit;
        operations.push((
            "16 files, all cores",
            Box::new(move || {
                black_box(unit.apply_many(&batch));
            }),
        ));
    }
    let mut least = vec![f64::INFINITY; operations.len()];
    for _ in 0..200 {
        for (least, (_, operation)) in least.iter_mut().zip(&mut operations) {
            let start = Instant::now();
            operation();
            *least = least.min(start.elapsed().as_secs_f64());
        }
    }
    for (least, (name, _)) in least.iter().zip(&operations) {
        println!("{name}\t{:.1}", least * 1e6);
    }
}

#[allow(clippy::cast_possible_truncation)]
fn gradient(height: usize, width: usize) -> Pixels<'static> {
    let samples: Vec<u8> = (0..height * width * 3).map(|at| (at / 7 % 251) as u8).collect();
    Pixels::rgb8(height, width, samples).unwrap()
}
