//! Proves that the text of every 32-bit float reads back as that float: all 2³² of them, by core's parser and by this
//! crate's own; and that every kernel of this CPU (scalar, AVX-512) writes the same text.
//!
//! ```text
//! cargo run --release -p canary-core --example prove_floats [floats to try, all without it]
//! ```

use std::{error::Error, io::Write, thread};

use canary_core::{
    predict::{Form, float_rows_by_kernel, read_predict, write_predict},
    tensor::{DataView, Tensor, TensorData, TensorView},
};

const CHUNK: u64 = 1 << 16;

/// The floats that do not read back among those with these bits.
fn try_chunk(
    first: u64,
    end: u64,
    body: &mut Vec<u8>,
) -> Result<Vec<u32>, Box<dyn Error + Send + Sync>> {
    let floats: Vec<f32> =
        (first..end).map(|bits| f32::from_bits(u32::try_from(bits).unwrap_or(u32::MAX))).collect();
    let view = TensorView::new(vec![floats.len()], DataView::Float(&floats))?;
    body.clear();
    write_predict(body, "", Form::Column, &view.into())?;
    // `{"inputs":[…]}`: the list alone, so that it can stand in an answer.
    let list = std::str::from_utf8(body)?;
    let list = list.strip_prefix("{\"inputs\":").and_then(|rest| rest.strip_suffix('}'));
    let list = list.ok_or("the request is not laid out as expected")?;
    let same = |wrote: f32, read: f32| {
        wrote.to_bits() == read.to_bits() || wrote.is_nan() && read.is_nan()
    };
    let mut wrong = Vec::new();
    // A kernel takes numbers of one kind by another way than numbers mixed with 1.5, so both are tried.
    let mixed = floats.iter().flat_map(|float| [*float, 1.5]).collect();
    for values in [floats.clone(), mixed] {
        let mut by_kernel = float_rows_by_kernel(&values, 3).into_iter();
        let reference = by_kernel.next();
        for (kernel, text) in by_kernel {
            if reference.as_ref().is_none_or(|(_, wanted)| text != *wanted) {
                return Err(format!("{kernel} differs among the floats from {first:#x} on").into());
            }
        }
    }
    let texts = list[1..list.len() - 1].split(',');
    for (&float, text) in floats.iter().zip(texts) {
        if !text.parse().is_ok_and(|read| same(float, read)) {
            wrong.push(float.to_bits());
        }
    }
    let answer = format!("{{\"outputs\":{list}}}");
    let outputs = read_predict(answer.as_bytes(), false)?;
    let read: Option<&Tensor> = outputs.first().map(|(_, tensor)| tensor);
    let Some(TensorData::Float(read)) = read.map(Tensor::data) else {
        return Err("the answer was not read as floats".into());
    };
    if read.len() != floats.len() {
        return Err("an element was lost".into());
    }
    let pairs = floats.iter().zip(read);
    wrong.extend(pairs.filter(|(wrote, read)| !same(**wrote, **read)).map(|(f, _)| f.to_bits()));
    Ok(wrong)
}

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let count: u64 = std::env::args().nth(1).map_or(Ok(1 << 32), |text| text.parse())?;
    let count = count.min(1 << 32);
    let threads = thread::available_parallelism().map_or(1, usize::from) as u64;
    let workers: Vec<_> = (0..threads)
        .map(|worker| {
            thread::spawn(move || {
                let (mut body, mut wrong) = (Vec::new(), Vec::new());
                let mut first = worker * CHUNK;
                while first < count {
                    wrong.extend(try_chunk(first, (first + CHUNK).min(count), &mut body)?);
                    first += threads * CHUNK;
                }
                Ok::<_, Box<dyn Error + Send + Sync>>(wrong)
            })
        })
        .collect();
    let mut wrong = Vec::new();
    for worker in workers {
        wrong.extend(worker.join().map_err(|_| "a worker panicked")??);
    }
    let mut out = std::io::stdout();
    let kernels = float_rows_by_kernel(&[], 1).into_iter().map(|(kernel, _)| kernel);
    writeln!(out, "kernels that agree: {}", kernels.collect::<Vec<_>>().join(", "))?;
    writeln!(out, "{count} floats written and read; {} do not read back", wrong.len())?;
    for bits in wrong.iter().take(20) {
        writeln!(out, "  {bits:#010x} {:?}", f32::from_bits(*bits))?;
    }
    if wrong.is_empty() { Ok(()) } else { Err("the writer or the reader is wrong".into()) }
}
