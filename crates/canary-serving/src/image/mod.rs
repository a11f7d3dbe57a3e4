//! Images to tensors, with the numbers that TensorFlow and Keras give.
//!
//! [`Preprocess`] holds the steps: crop, resize, normalise, layout and element type. It takes the bytes of a file, or
//! [`Pixels`] that the caller already has.
//!
//! ```
//! use canary_core::image::{Pixels, Preprocess};
//!
//! let grey = Pixels::rgb8(300, 400, vec![128; 300 * 400 * 3])?;
//! let tensor = Preprocess::unit(224, 224).apply_pixels(&grey)?;
//! assert_eq!(tensor.shape(), [224, 224, 3]);
//! # Ok::<(), canary_core::Error>(())
//! ```
//!
//! Parity, tested against values that TensorFlow computed: resizing within 1e-4 on a [0, 1]
//! scale; JPEG, PNG, WebP, BMP and GIF files decode to the same levels.
//!
//! Images of the crate `image`, version 0.25, are inputs too: [`Pixels`] borrows an `RgbImage` and converts a
//! `DynamicImage`.

mod array;
mod batch;
mod channels;
mod convert;
mod crop;
mod decode;
mod fit;
mod format;
mod layout;
mod library;
mod model;
mod pixels;
mod preprocess;
mod preset;
mod render;
mod resize;

pub use batch::Image;
pub use channels::Channels;
pub use crop::{Crop, Region};
pub use decode::{DecodeOptions, decode, dimensions};
pub use fit::{Fit, NormalizedBox};
pub use format::Format;
pub use layout::Layout;
pub use library::Library;
pub use model::model_names;
pub use pixels::{PixelData, Pixels};
pub use preprocess::Preprocess;
pub use preset::Preset;
pub use resize::Filter;
