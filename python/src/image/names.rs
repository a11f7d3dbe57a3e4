//! Python's names of the settings of a preparation.

use canary_core::{
    image::{Channels, Filter, Layout, Library, Preset},
    tensor::DType,
};

/// Names, each with the value that it stands for.
pub(super) type Names<T> = &'static [(&'static str, T)];

pub(super) const PRESETS: Names<Preset> = &[
    ("unit", Preset::Unit),
    ("identity", Preset::Identity),
    ("tf", Preset::Tf),
    ("caffe", Preset::Caffe),
    ("torch", Preset::Torch),
];

pub(super) const FILTERS: Names<Filter> = &[
    ("bilinear", Filter::Bilinear),
    ("bicubic", Filter::Bicubic),
    ("nearest", Filter::Nearest),
    ("area", Filter::Area),
    ("lanczos3", Filter::Lanczos3),
    ("lanczos5", Filter::Lanczos5),
    ("gaussian", Filter::Gaussian),
    ("mitchellcubic", Filter::MitchellCubic),
];

pub(super) const LIBRARIES: Names<Library> =
    &[("tensorflow", Library::TensorFlow), ("pillow", Library::Pillow)];

pub(super) const LAYOUTS: Names<Layout> = &[("nhwc", Layout::Nhwc), ("nchw", Layout::Nchw)];

pub(super) const DTYPES: Names<DType> =
    &[("float32", DType::Float), ("float16", DType::Half), ("uint8", DType::Uint8)];

pub(super) const CHANNELS: &[(usize, Channels)] = &[(3, Channels::Rgb), (1, Channels::Grey)];

/// The name of a value.
pub(super) fn name_of<T: PartialEq>(names: Names<T>, value: &T) -> Option<&'static str> {
    names.iter().find(|(_, known)| known == value).map(|&(name, _)| name)
}
