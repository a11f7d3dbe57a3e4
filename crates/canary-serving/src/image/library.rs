//! The library whose arithmetic a preparation follows.

/// The library whose results are reproduced when an image is resized or made grey.
///
/// ```
/// use canary_core::image::{Filter, Library, Pixels, Preprocess, Preset};
///
/// let two = Pixels::rgb8(1, 2, vec![0, 0, 0, 3, 3, 3])?;
/// let mean = Preprocess::unit(1, 1).preset(Preset::Identity).antialias(true);
/// assert_eq!(mean.apply_pixels(&two)?.as_floats().unwrap(), [1.5; 3]);
/// let rounded = mean.library(Library::Pillow);
/// assert_eq!(rounded.apply_pixels(&two)?.as_floats().unwrap(), [2.0; 3]);
/// # Ok::<(), canary_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Library {
    /// `tf.image.resize` and `tf.image.rgb_to_grayscale`: 32-bit floats.
    #[default]
    TensorFlow,
    /// `PIL.Image.resize` and `convert("L")`, which torchvision uses for PIL images: columns first, then rows, and the
    /// result of each is rounded to whole levels. The filter is always widened when an image becomes smaller. These are
    /// the results of Pillow 3.3 to 12; version 13 resizes the rows first where the height shrinks much more than the
    /// width.
    Pillow,
}
