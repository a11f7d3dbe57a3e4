//! Many images at once, on all cores.

use std::{
    num::NonZero,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use super::{
    Pixels, Preprocess, decode,
    render::{self, Samples},
};
use crate::{Error, Result, tensor::Tensor};

/// One image of a batch.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Image<'a> {
    /// The bytes of a file.
    File(&'a [u8]),
    /// Pixels in memory.
    Pixels(Pixels<'a>),
}

impl Preprocess {
    /// The tensors of many image files, each on its own, in their order; computed on all cores.
    ///
    /// If a file fails, the others still give their results.
    ///
    /// # Errors
    /// For each file as [`Preprocess::apply`]; the error says which of the files it was.
    pub fn apply_many<F: AsRef<[u8]> + Sync>(&self, files: &[F]) -> Vec<Result<Tensor>> {
        let one = |at: usize| {
            let named = |error| name(error, at, files.len());
            self.apply(files[at].as_ref()).map_err(named)
        };
        let next = AtomicUsize::new(0);
        let work = || {
            let mut done = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                if at >= files.len() {
                    return done;
                }
                done.push((at, one(at)));
            }
        };
        let mut results: Vec<(usize, Result<Tensor>)> =
            on_all_cores(files.len(), work).into_iter().flatten().collect();
        results.sort_unstable_by_key(|&(at, _)| at);
        results.into_iter().map(|(_, result)| result).collect()
    }

    /// One tensor of many images, such as `[n, height, width, 3]` or `[n, 3, height, width]`; computed on all cores, each image
    /// straight into its part.
    ///
    /// ```
    /// use canary_core::image::{Image, Pixels, Preprocess};
    ///
    /// let small = Pixels::rgb8(1, 1, vec![255, 0, 51])?;
    /// let large = Pixels::rgb8(20, 30, vec![7; 1800])?;
    /// let batch = Preprocess::unit(2, 2).batch(&[Image::Pixels(small), Image::Pixels(large)])?;
    /// assert_eq!(batch.shape(), [2, 2, 2, 3]);
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Preprocess::apply`], for the first image that fails, by its number; when there is no image; and when no
    /// size is set, because then the images may differ in size.
    pub fn batch(&self, images: &[Image<'_>]) -> Result<Tensor> {
        self.batch_until(images, &AtomicBool::new(false))
    }

    /// As [`batch`](Self::batch), until `stop` is set: each core reads it before it takes the next image, and every few
    /// rows of a result.
    ///
    /// # Errors
    /// As [`batch`](Self::batch); also when it was stopped.
    pub fn batch_until(&self, images: &[Image<'_>], stop: &AtomicBool) -> Result<Tensor> {
        self.validate()?;
        let wrong = |what: &str, reason: &str| {
            Err(Error::Input { what: what.to_owned(), reason: reason.to_owned() })
        };
        let Some((height, width)) = self.size else {
            return wrong("preprocess.size", "a batch needs a size; set one, or use apply_many");
        };
        if images.is_empty() {
            return wrong("batch", "found no images, expected at least one");
        }
        let mut shape = self.shape(height, width);
        let each: usize = shape.iter().product();
        shape.insert(0, images.len());
        let data =
            self.data(each * images.len(), |samples| self.fill(images, samples.split(each), stop))?;
        Tensor::new(shape, data)
    }

    /// Writes each image to its part of the batch.
    fn fill(&self, images: &[Image<'_>], parts: Vec<Samples<'_>>, stop: &AtomicBool) -> Result<()> {
        let queue = Mutex::new(images.iter().zip(parts).enumerate());
        let work = || {
            loop {
                let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
                let (at, (image, part)) = next?;
                if stop.load(Ordering::Relaxed) {
                    let (what, reason) = ("batch".to_owned(), "it was stopped".to_owned());
                    return Some((at, Error::Input { what, reason }));
                }
                let go_on = || !stop.load(Ordering::Relaxed);
                let written = match image {
                    Image::File(file) => decode(file, &self.decode)
                        .and_then(|pixels| render::write(self, &pixels, part, &go_on)),
                    Image::Pixels(pixels) => render::write(self, pixels, part, &go_on),
                };
                if let Err(error) = written {
                    return Some((at, name(error, at, images.len())));
                }
            }
        };
        // Each worker ends at its first failure, and images are handed out in order: the first failure is among them.
        let failures = on_all_cores(images.len(), work).into_iter().flatten();
        failures.min_by_key(|&(at, _)| at).map_or(Ok(()), |(_, error)| Err(error))
    }
}

/// The results of `work` on as many threads as there are cores, or jobs.
fn on_all_cores<T: Send>(jobs: usize, work: impl Fn() -> T + Sync) -> Vec<T> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(jobs);
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(&work)).collect();
        let mut all = vec![work()];
        for other in others {
            match other.join() {
                Ok(part) => all.push(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    })
}

/// The error with the number of the image it is about.
fn name(error: Error, at: usize, of: usize) -> Error {
    match error {
        Error::Input { what, reason } => {
            Error::Input { what: format!("image {at} of {of}: {what}"), reason }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        image::{Layout, Preset},
        tensor::{DType, TensorData},
    };

    fn pixels(height: usize, width: usize, seed: usize) -> Pixels<'static> {
        let level = |at: usize| (at * 7 + seed * 31).to_le_bytes()[0];
        Pixels::rgb8(height, width, (0..height * width * 3).map(level).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn a_batch_stops_when_it_is_told_to() {
        let images = [Image::Pixels(pixels(3, 3, 1)), Image::Pixels(pixels(3, 3, 2))];
        let one = Preprocess::unit(2, 2);
        let stopped = one.batch_until(&images, &AtomicBool::new(true)).unwrap_err().to_string();
        assert!(stopped.contains("stopped"), "{stopped}");
        assert!(one.batch_until(&images, &AtomicBool::new(false)).is_ok());
    }

    #[test]
    fn a_batch_is_its_images_one_after_the_other() {
        let images: Vec<_> = (0..9).map(|at| pixels(10 + at, 20 - at, at)).collect();
        let one = Preprocess::unit(5, 7);
        for preprocess in [
            one.clone(),
            one.clone().layout(Layout::Nchw),
            one.clone().dtype(DType::Half).layout(Layout::Nchw),
            one.preset(Preset::Identity).dtype(DType::Uint8),
        ] {
            let all: Vec<_> = images.iter().cloned().map(Image::Pixels).collect();
            let batch = preprocess.batch(&all).unwrap();
            let each: Vec<_> =
                images.iter().map(|image| preprocess.apply_pixels(image).unwrap()).collect();
            assert_eq!(batch.shape()[0], 9);
            assert_eq!(&batch.shape()[1..], each[0].shape());
            let text = |data: &TensorData| match data {
                TensorData::Float(values) => values.iter().map(|value| value.to_bits()).collect(),
                TensorData::Half(bits) => bits.iter().copied().map(u32::from).collect(),
                TensorData::Uint8(levels) => levels.iter().copied().map(u32::from).collect(),
                other => panic!("{other:?}"),
            };
            let wanted: Vec<u32> = each.iter().flat_map(|tensor| text(tensor.data())).collect();
            let found: Vec<u32> = text(batch.data());
            assert_eq!(found, wanted);
        }
    }

    #[test]
    fn a_batch_names_its_first_failure() {
        let preprocess = Preprocess::unit(2, 2);
        let good = || Image::Pixels(pixels(3, 3, 1));
        let images = [good(), good(), Image::File(b"no image"), good(), Image::File(b"")];
        let message = preprocess.batch(&images).unwrap_err().to_string();
        assert!(message.contains("image 2 of 5"), "{message}");
        assert!(preprocess.batch(&[]).unwrap_err().to_string().contains("no image"));
        let message = Preprocess::default().batch(&[good()]).unwrap_err().to_string();
        assert!(message.contains("size"), "{message}");
    }
}
