//! Element types, and the elements of an array in owned and in borrowed memory.

use std::{borrow::Cow, fmt};

/// Defines the element types of numbers, each with the Rust type of its elements, and the containers of all types.
macro_rules! element_types {
    ($($(#[$doc:meta])+ $variant:ident($number:ty) = $name:literal;)+) => {
        /// The element types of TensorFlow Serving's inputs and outputs, with TensorFlow's names.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum DType {
            $($(#[$doc])+ $variant,)+
            /// `DT_STRING`: bytes of any length, not necessarily UTF-8.
            String,
        }

        impl DType {
            /// TensorFlow's name, such as `DT_FLOAT`.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                    Self::String => "DT_STRING",
                }
            }

            /// The type with TensorFlow's name, such as `DT_FLOAT`.
            pub fn of_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)+
                    "DT_STRING" => Some(Self::String),
                    _ => None,
                }
            }
        }

        /// The elements of a [`Tensor`](super::Tensor), in row-major order.
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum TensorData {
            $($(#[$doc])+ $variant(Vec<$number>),)+
            /// `DT_STRING`.
            String(Vec<Vec<u8>>),
        }

        impl TensorData {
            /// Borrows the elements.
            pub fn view(&self) -> DataView<'_> {
                match self {
                    $(Self::$variant(values) => DataView::$variant(values),)+
                    Self::String(values) => DataView::String(values),
                }
            }
        }

        /// The elements of a [`TensorView`](super::TensorView), in row-major order, in borrowed memory.
        #[derive(Clone, Copy, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum DataView<'a> {
            $($(#[$doc])+ $variant(&'a [$number]),)+
            /// `DT_STRING` from owned byte strings.
            String(&'a [Vec<u8>]),
            /// `DT_STRING` from byte strings that may themselves be borrowed.
            Bytes(&'a [Cow<'a, [u8]>]),
        }

        impl DataView<'_> {
            /// The number of elements.
            pub fn len(&self) -> usize {
                match self {
                    $(Self::$variant(values) => values.len(),)+
                    Self::String(values) => values.len(),
                    Self::Bytes(values) => values.len(),
                }
            }

            /// The element type.
            pub fn dtype(&self) -> DType {
                match self {
                    $(Self::$variant(_) => DType::$variant,)+
                    Self::String(_) | Self::Bytes(_) => DType::String,
                }
            }

            /// Copies the elements.
            pub(super) fn to_owned(self) -> TensorData {
                match self {
                    $(Self::$variant(values) => TensorData::$variant(values.to_vec()),)+
                    Self::String(values) => TensorData::String(values.to_vec()),
                    Self::Bytes(values) => {
                        TensorData::String(values.iter().map(|value| value.to_vec()).collect())
                    }
                }
            }
        }

        #[cfg(feature = "predict")]
        impl<'a> DataView<'a> {
            /// The memory of numbers, little-endian, element after element; empty for strings.
            pub(crate) fn little_endian(self) -> Cow<'a, [u8]> {
                match self {
                    $(Self::$variant(values) => little_endian(values),)+
                    Self::String(_) | Self::Bytes(_) => Cow::default(),
                }
            }
        }
    };
}

element_types! {
    /// `DT_HALF`: IEEE 754 binary16, as its bits.
    Half(u16) = "DT_HALF";
    /// `DT_BFLOAT16`: the upper half of a binary32, as its bits.
    Bfloat16(u16) = "DT_BFLOAT16";
    /// `DT_FLOAT`: 32-bit floating point.
    Float(f32) = "DT_FLOAT";
    /// `DT_DOUBLE`: 64-bit floating point.
    Double(f64) = "DT_DOUBLE";
    /// `DT_INT8`.
    Int8(i8) = "DT_INT8";
    /// `DT_INT16`.
    Int16(i16) = "DT_INT16";
    /// `DT_INT32`.
    Int32(i32) = "DT_INT32";
    /// `DT_INT64`.
    Int64(i64) = "DT_INT64";
    /// `DT_UINT8`.
    Uint8(u8) = "DT_UINT8";
    /// `DT_UINT16`.
    Uint16(u16) = "DT_UINT16";
    /// `DT_UINT32`.
    Uint32(u32) = "DT_UINT32";
    /// `DT_UINT64`.
    Uint64(u64) = "DT_UINT64";
    /// `DT_BOOL`.
    Bool(bool) = "DT_BOOL";
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TensorData {
    /// The number of elements.
    pub fn len(&self) -> usize {
        self.view().len()
    }

    /// True when there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.view().dtype()
    }
}

impl DataView<'_> {
    /// True when there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(all(feature = "predict", target_endian = "little"))]
fn little_endian<T: bytemuck::NoUninit>(values: &[T]) -> Cow<'_, [u8]> {
    Cow::Borrowed(bytemuck::cast_slice(values))
}

#[cfg(all(feature = "predict", target_endian = "big"))]
fn little_endian<T: bytemuck::NoUninit>(values: &[T]) -> Cow<'_, [u8]> {
    values.iter().flat_map(|value| bytemuck::bytes_of(value).iter().rev().copied()).collect()
}
