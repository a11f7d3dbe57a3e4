//! Many images at once, on all cores.

use std::{
    num::NonZero,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use super::{Pixels, Preprocess, decode, filled, preprocess::Samples};
use crate::{
    Error, Result,
    tensor::{DType, Tensor, TensorData},
};

/// One image of a batch.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Image<'a> {
    /// The bytes of a file.
    File(&'a [u8]),
    /// Pixels that the caller has.
    Pixels(Pixels<'a>),
}

impl Preprocess {
    /// The tensors of many image files, each on its own, in their order; computed on all cores.
    ///
    /// A file that fails does not keep the others from their result.
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

    /// One tensor of many images, `[n, height, width, 3]` or `[n, 3, height, width]`; computed on all cores, each image
    /// straight into its place.
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
    /// size is set, for then they may differ in theirs.
    pub fn batch(&self, images: &[Image<'_>]) -> Result<Tensor> {
        self.batch_until(images, &AtomicBool::new(false))
    }

    /// As [`batch`](Self::batch), until it is told to stop: each core looks before it takes the next image, and every few
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
            return wrong("preprocess.size", "a batch needs a size; set one, or take apply_many");
        };
        if images.is_empty() {
            return wrong("batch", "found no image, expected at least one");
        }
        let mut shape = self.shape(height, width);
        let each: usize = shape.iter().product();
        shape.insert(0, images.len());
        let count = each * images.len();
        let data = match self.dtype {
            DType::Half => {
                let mut halves = vec![0; count];
                self.fill(images, halves.chunks_mut(each).map(Samples::Half), stop)?;
                TensorData::Half(halves)
            }
            DType::Uint8 => {
                let mut levels = vec![0; count];
                self.fill(images, levels.chunks_mut(each).map(Samples::Uint8), stop)?;
                TensorData::Uint8(levels)
            }
            _ => {
                let fill = |floats: &mut [_]| {
                    self.fill(images, floats.chunks_mut(each).map(Samples::Float), stop)
                };
                // SAFETY: there is a place for each image, and without an error each was written whole.
                #[allow(unsafe_code)]
                let floats = unsafe { filled::floats(count, fill) }?;
                TensorData::Float(floats)
            }
        };
        Tensor::new(shape, data)
    }

    /// Writes each image to its place.
    fn fill<'a>(
        &self,
        images: &[Image<'_>],
        places: impl Iterator<Item = Samples<'a>> + Send,
        stop: &AtomicBool,
    ) -> Result<()> {
        let queue = Mutex::new(images.iter().zip(places).enumerate());
        let work = || {
            loop {
                let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
                let (at, (image, place)) = next?;
                if stop.load(Ordering::Relaxed) {
                    let (what, reason) = ("batch".to_owned(), "it was stopped".to_owned());
                    return Some((at, Error::Input { what, reason }));
                }
                let go_on = || !stop.load(Ordering::Relaxed);
                let done = match image {
                    Image::File(file) => decode(file, &self.decode)
                        .and_then(|pixels| self.write(&pixels, place, &go_on)),
                    Image::Pixels(pixels) => self.write(pixels, place, &go_on),
                };
                if let Err(error) = done {
                    return Some((at, name(error, at, images.len())));
                }
            }
        };
        // A worker stops at its first failure; what others took before it is done by then, so the first is among them.
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
    use crate::image::{Layout, Preset};

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
