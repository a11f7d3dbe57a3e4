//! Images of the crate `image` as inputs.

use ::image::{DynamicImage, ImageBuffer, Pixel};

use super::input::Value;
use crate::tensor::{DataView, Tensor, TensorData, TensorView};

/// The shape of a batch of one image.
fn shape(height: u32, width: u32, channels: u8) -> [usize; 4] {
    [1, height as usize, width as usize, channels.into()]
}

macro_rules! from_buffer {
    ($($sample:ty, $data:ident;)*) => {$(
        impl<P: Pixel<Subpixel = $sample>> From<ImageBuffer<P, Vec<$sample>>> for Value<'_> {
            /// A batch of one: the samples as they are, shape `[1, height, width, channels]`.
            fn from(image: ImageBuffer<P, Vec<$sample>>) -> Self {
                let shape = shape(image.height(), image.width(), P::CHANNEL_COUNT);
                let mut samples = image.into_raw();
                // A buffer may be longer than its image.
                samples.truncate(shape.iter().product());
                Value::Tensor(Tensor::of_image(shape, TensorData::$data(samples)))
            }
        }

        impl<'a, P: Pixel<Subpixel = $sample>> From<&'a ImageBuffer<P, Vec<$sample>>> for Value<'a> {
            /// The same without a copy.
            fn from(image: &'a ImageBuffer<P, Vec<$sample>>) -> Self {
                let shape = shape(image.height(), image.width(), P::CHANNEL_COUNT);
                let samples = &image.as_raw()[..shape.iter().product()];
                Value::View(TensorView::of_image(shape, DataView::$data(samples)))
            }
        }
    )*};
}

from_buffer! {
    u8, Uint8;
    u16, Uint16;
    f32, Float;
}

impl From<DynamicImage> for Value<'_> {
    /// A batch of one RGB image, `[1, height, width, 3]`: `DT_UINT8`, `DT_UINT16` or `DT_FLOAT` by its samples. Grey is
    /// repeated, alpha is dropped.
    ///
    /// ```
    /// use canary_core::predict::Input;
    ///
    /// let photo = image::DynamicImage::new_rgb8(640, 480);
    /// let input = Input::from(&photo);
    /// assert_eq!((input.batch_len(), input.elements()), (Some(1), 480 * 640 * 3));
    /// ```
    fn from(image: DynamicImage) -> Self {
        match image {
            DynamicImage::ImageLuma16(_)
            | DynamicImage::ImageLumaA16(_)
            | DynamicImage::ImageRgb16(_)
            | DynamicImage::ImageRgba16(_) => image.into_rgb16().into(),
            DynamicImage::ImageRgb32F(_) | DynamicImage::ImageRgba32F(_) => {
                image.into_rgb32f().into()
            }
            _ => image.into_rgb8().into(),
        }
    }
}

impl<'a> From<&'a DynamicImage> for Value<'a> {
    /// As for a borrowed image; RGB images are not copied.
    fn from(image: &'a DynamicImage) -> Self {
        match image {
            DynamicImage::ImageRgb8(image) => image.into(),
            DynamicImage::ImageRgb16(image) => image.into(),
            DynamicImage::ImageRgb32F(image) => image.into(),
            other => other.clone().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use ::image::{Luma, Rgb, Rgba};

    use super::*;
    use crate::{predict::Input, tensor::DType};

    fn parts(value: &Value<'_>) -> (Vec<usize>, DType) {
        let view = value.view();
        (view.shape().to_vec(), view.dtype())
    }

    #[test]
    fn buffers_are_sent_as_they_are() {
        let grey = ImageBuffer::<Luma<u16>, _>::from_raw(3, 2, vec![1; 6]).unwrap();
        assert_eq!(parts(&(&grey).into()), (vec![1, 2, 3, 1], DType::Uint16));
        assert_eq!(parts(&grey.into()), (vec![1, 2, 3, 1], DType::Uint16));
        let floats = ImageBuffer::<Rgb<f32>, _>::from_raw(1, 1, vec![0.5; 3]).unwrap();
        assert_eq!(parts(&floats.into()), (vec![1, 1, 1, 3], DType::Float));
        // Longer than its image, which the crate allows.
        let long = ImageBuffer::<Rgba<u8>, _>::from_raw(1, 2, vec![7; 99]).unwrap();
        let borrowed = Value::from(&long);
        assert_eq!(parts(&borrowed), (vec![1, 2, 1, 4], DType::Uint8));
        let DataView::Uint8(samples) = borrowed.view().data() else { panic!("{borrowed:?}") };
        assert_eq!(samples.as_ptr(), long.as_raw().as_ptr());
        assert_eq!(Value::from(long.clone()).view(), borrowed.view());
    }

    #[test]
    fn dynamic_images_are_sent_as_rgb() {
        let pixel = |image: DynamicImage| {
            assert_eq!(Value::from(&image).view(), Value::from(image.clone()).view());
            Value::from(image)
        };
        let rgba = ImageBuffer::<Rgba<u8>, _>::from_raw(1, 1, vec![1, 2, 3, 0]).unwrap();
        assert_eq!(pixel(rgba.into()).view().data(), DataView::Uint8(&[1, 2, 3]));
        let grey = ImageBuffer::<Luma<u16>, _>::from_raw(1, 1, vec![700]).unwrap();
        assert_eq!(pixel(grey.into()).view().data(), DataView::Uint16(&[700; 3]));
        let floats = ImageBuffer::<Rgb<f32>, _>::from_raw(1, 1, vec![0.25; 3]).unwrap();
        assert_eq!(pixel(floats.into()).view().data(), DataView::Float(&[0.25; 3]));
        assert_eq!(Input::from(DynamicImage::new_luma8(4, 5)).batch_len(), Some(1));
    }
}
