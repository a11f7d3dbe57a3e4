//! The order of the dimensions of a result.

/// The order of a tensor's dimensions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Layout {
    /// Height, width, channel: TensorFlow's order.
    #[default]
    Nhwc,
    /// Channel, height, width: PyTorch's order.
    Nchw,
}
