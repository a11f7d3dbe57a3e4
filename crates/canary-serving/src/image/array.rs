//! Arrays of any element type as pixels.

use std::borrow::Cow;

use half::{bf16, f16, slice::HalfBitsSliceExt};

use super::Pixels;
use crate::{
    Error, Result,
    tensor::{DataView, TensorView},
};

impl<'a> TryFrom<TensorView<'a>> for Pixels<'a> {
    type Error = Error;

    /// The image in an array of shape `[height, width, 3]`, or of a grey one, `[height, width]` or `[height, width, 1]`.
    ///
    /// The rule for each element type: `DT_UINT8` and `DT_FLOAT` are levels from 0 to 255 and are borrowed; `DT_DOUBLE`,
    /// `DT_HALF` and `DT_BFLOAT16` are the same levels, as 32-bit floats; integers are levels, and must be from 0 to 255;
    /// of `DT_BOOL`, true is level 255. `DT_UINT16` is refused: samples of 16 bits and levels look alike.
    ///
    /// ```
    /// use canary_core::{image::Pixels, tensor::{DataView, TensorView}};
    ///
    /// let mask = [true, false];
    /// let view = TensorView::new(vec![1, 2], DataView::Bool(&mask))?;
    /// assert_eq!(Pixels::try_from(view)?, Pixels::grey8(1, 2, &[255, 0])?);
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Input`] for another shape, a value that is not a level, and element types that are not numbers.
    fn try_from(view: TensorView<'a>) -> Result<Self> {
        let shape = Shape::of(&view)?;
        match view.data() {
            DataView::Uint8(levels) => shape.levels(levels.into()),
            DataView::Float(levels) => shape.floats(levels.into()),
            DataView::Double(values) => shape.floats(narrowed(values).into()),
            DataView::Half(bits) => {
                let halves: &[f16] = bits.reinterpret_cast();
                shape.floats(halves.iter().map(|half| half.to_f32()).collect())
            }
            DataView::Bfloat16(bits) => {
                let halves: &[bf16] = bits.reinterpret_cast();
                shape.floats(halves.iter().map(|half| half.to_f32()).collect())
            }
            DataView::Bool(values) => {
                shape.levels(values.iter().map(|&value| if value { 255 } else { 0 }).collect())
            }
            DataView::Int8(values) => shape.integers(values),
            DataView::Int16(values) => shape.integers(values),
            DataView::Int32(values) => shape.integers(values),
            DataView::Int64(values) => shape.integers(values),
            DataView::Uint32(values) => shape.integers(values),
            DataView::Uint64(values) => shape.integers(values),
            DataView::Uint16(_) => Err(shape.wrong(
                "elements of DT_UINT16",
                "integers of other sizes; keep the upper byte of 16-bit samples, or convert levels to 8 bits",
            )),
            DataView::String(_) | DataView::Bytes(_) => {
                Err(shape.wrong("texts", "numbers; give the bytes of a file as bytes"))
            }
        }
    }
}

#[allow(clippy::cast_possible_truncation)]
fn narrowed(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&value| value as f32).collect()
}

/// The shape of an image in an array.
struct Shape {
    height: usize,
    width: usize,
    grey: bool,
}

impl Shape {
    fn of(view: &TensorView<'_>) -> Result<Self> {
        let (height, width, grey) = match *view.shape() {
            [height, width, 3] => (height, width, false),
            [height, width] | [height, width, 1] => (height, width, true),
            ref other => {
                let help = match other {
                    [_, _, 4] => "leave out the opacity, the fourth channel",
                    [_, _, _, _] => "use `batch` for several images",
                    [3, _, _] => "move the channels to the last dimension",
                    _ => "give one image",
                };
                return Err(Error::Input {
                    what: "image array".to_owned(),
                    reason: format!(
                        "found shape {other:?}, expected [height, width, 3], or [height, width] of a grey image; {help}"
                    ),
                });
            }
        };
        Ok(Self { height, width, grey })
    }

    fn levels<'a>(&self, levels: Cow<'a, [u8]>) -> Result<Pixels<'a>> {
        if self.grey {
            return Pixels::grey8(self.height, self.width, &levels);
        }
        Pixels::rgb8(self.height, self.width, levels)
    }

    fn floats<'a>(&self, levels: Cow<'a, [f32]>) -> Result<Pixels<'a>> {
        if self.grey {
            return Pixels::grey32f(self.height, self.width, &levels);
        }
        Pixels::rgb32f(self.height, self.width, levels)
    }

    fn integers<T: Copy + TryInto<u8> + std::fmt::Display>(
        &self,
        values: &[T],
    ) -> Result<Pixels<'static>> {
        let levels: Option<Vec<u8>> = values.iter().map(|&value| value.try_into().ok()).collect();
        if let Some(levels) = levels {
            return self.levels(levels.into());
        }
        let outside = values.iter().find(|&&value| value.try_into().is_err());
        let outside = outside.map_or_else(String::new, ToString::to_string);
        Err(self.wrong(&outside, "levels from 0 to 255; scale the values to levels first"))
    }

    fn wrong(&self, found: &str, expected: &str) -> Error {
        Error::Input {
            what: format!("image array of {} × {}", self.height, self.width),
            reason: format!("found {found}, expected {expected}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::TensorData;

    fn pixels(data: &TensorData) -> Result<Pixels<'static>> {
        let view = TensorView::new(vec![1, 1, 3], data.view()).unwrap();
        Pixels::try_from(view).map(|pixels| match pixels.data() {
            crate::image::PixelData::U8(levels) => {
                Pixels::rgb8(1, 1, levels.clone().into_owned()).unwrap()
            }
            crate::image::PixelData::F32(levels) => {
                Pixels::rgb32f(1, 1, levels.clone().into_owned()).unwrap()
            }
        })
    }

    #[test]
    fn every_number_becomes_the_level_that_it_is() {
        let levels = Pixels::rgb8(1, 1, vec![0, 7, 127]).unwrap();
        let floats = Pixels::rgb32f(1, 1, vec![0.0, 7.0, 127.0]).unwrap();
        for (data, expected) in [
            (TensorData::Uint8(vec![0, 7, 127]), &levels),
            (TensorData::Int8(vec![0, 7, 127]), &levels),
            (TensorData::Int16(vec![0, 7, 127]), &levels),
            (TensorData::Int32(vec![0, 7, 127]), &levels),
            (TensorData::Int64(vec![0, 7, 127]), &levels),
            (TensorData::Uint32(vec![0, 7, 127]), &levels),
            (TensorData::Uint64(vec![0, 7, 127]), &levels),
            (TensorData::Float(vec![0.0, 7.0, 127.0]), &floats),
            (TensorData::Double(vec![0.0, 7.0, 127.0]), &floats),
            (
                TensorData::Half([0.0, 7.0, 127.0].map(|x| f16::from_f32(x).to_bits()).to_vec()),
                &floats,
            ),
            (
                TensorData::Bfloat16(
                    [0.0, 7.0, 127.0].map(|x| bf16::from_f32(x).to_bits()).to_vec(),
                ),
                &floats,
            ),
        ] {
            assert_eq!(&pixels(&data).unwrap(), expected, "{}", data.dtype());
        }
        let mask = pixels(&TensorData::Bool(vec![true, false, true])).unwrap();
        assert_eq!(mask, Pixels::rgb8(1, 1, vec![255, 0, 255]).unwrap());
    }

    #[test]
    fn what_is_not_a_level_is_named() {
        for (data, said) in [
            (TensorData::Int64(vec![0, 4095, 7]), "found 4095, expected levels from 0 to 255"),
            (TensorData::Int8(vec![0, -1, 7]), "found -1"),
            (TensorData::Uint16(vec![1, 2, 3]), "upper byte"),
            (TensorData::Double(vec![0.0, 1e300, 7.0]), "found inf"),
            (TensorData::Double(vec![0.0, f64::NAN, 7.0]), "found NaN"),
            (TensorData::String(vec![vec![], vec![], vec![]]), "found texts"),
        ] {
            let error = pixels(&data).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn shapes_are_those_of_one_image() {
        let levels = [0_u8; 24];
        let of = |shape: &[usize]| {
            let count = shape.iter().product();
            Pixels::try_from(
                TensorView::new(shape.to_vec(), DataView::Uint8(&levels[..count])).unwrap(),
            )
        };
        assert_eq!(of(&[2, 3]).unwrap(), of(&[2, 3, 1]).unwrap());
        for (shape, help) in [
            (&[2, 3, 4][..], "opacity"),
            (&[1, 2, 2, 3], "several images"),
            (&[3, 2, 2], "last dimension"),
            (&[12], "one image"),
        ] {
            let error = of(shape).unwrap_err().to_string();
            assert!(error.contains(help) && error.contains(&format!("{shape:?}")), "{error}");
        }
    }
}
