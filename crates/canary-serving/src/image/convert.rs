//! Images of the crate `image` as pixels.

use ::image::{DynamicImage, ImageBuffer, Rgb};

use super::{Pixels, pixels::spread};
use crate::{Error, Result};

impl<'a> TryFrom<&'a ImageBuffer<Rgb<u8>, Vec<u8>>> for Pixels<'a> {
    type Error = Error;

    /// The pixels of an `RgbImage`, borrowed.
    ///
    /// ```
    /// use canary_core::image::{Pixels, Preprocess};
    ///
    /// let photo = image::RgbImage::from_pixel(30, 20, image::Rgb([9, 99, 199]));
    /// let tensor = Preprocess::unit(8, 8).apply_pixels(&Pixels::try_from(&photo)?)?;
    /// assert_eq!(tensor.shape(), [8, 8, 3]);
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    fn try_from(image: &'a ImageBuffer<Rgb<u8>, Vec<u8>>) -> Result<Self> {
        let (width, height) = (image.width() as usize, image.height() as usize);
        // A buffer may be longer than its image.
        Self::rgb8(height, width, &image.as_raw()[..height * width * 3])
    }
}

impl<'a> TryFrom<&'a DynamicImage> for Pixels<'a> {
    type Error = Error;

    /// The pixels of an image as [`decode`](super::decode) gives them: grey is repeated, alpha is dropped, 16-bit
    /// samples keep their upper byte. Floats become levels, 1.0 being 255. An 8-bit RGB image is borrowed.
    ///
    /// ```
    /// use canary_core::image::Pixels;
    ///
    /// let grey = image::DynamicImage::new_luma8(2, 1);
    /// assert_eq!(Pixels::try_from(&grey)?, Pixels::rgb8(1, 2, vec![0; 6])?);
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    fn try_from(image: &'a DynamicImage) -> Result<Self> {
        match image {
            DynamicImage::ImageRgb8(image) => Self::try_from(image),
            other => Pixels::<'static>::try_from(other.clone()),
        }
    }
}

impl TryFrom<DynamicImage> for Pixels<'static> {
    type Error = Error;

    /// As from a borrowed image; the memory of 8-bit samples is used again.
    fn try_from(image: DynamicImage) -> Result<Self> {
        let (width, height) = (image.width() as usize, image.height() as usize);
        let count = height * width;
        let upper = |sample: u16| sample.to_be_bytes()[0];
        let levels = match image {
            DynamicImage::ImageRgb8(image) => {
                let mut levels = image.into_raw();
                levels.truncate(count * 3);
                levels
            }
            DynamicImage::ImageRgba8(image) => drop_alpha(image.into_raw(), count),
            DynamicImage::ImageLuma8(image) => spread(image.pixels().map(|grey| grey[0]), count),
            DynamicImage::ImageLumaA8(image) => spread(image.pixels().map(|grey| grey[0]), count),
            DynamicImage::ImageLuma16(image) => {
                spread(image.pixels().map(|grey| upper(grey[0])), count)
            }
            DynamicImage::ImageLumaA16(image) => {
                spread(image.pixels().map(|grey| upper(grey[0])), count)
            }
            DynamicImage::ImageRgb16(image) => {
                image.pixels().flat_map(|pixel| pixel.0.map(upper)).collect()
            }
            DynamicImage::ImageRgba16(image) => image
                .pixels()
                .flat_map(|&::image::Rgba([r, g, b, _])| [r, g, b].map(upper))
                .collect(),
            other => {
                let mut floats = other.into_rgb32f().into_raw();
                floats.truncate(count * 3);
                for sample in &mut floats {
                    *sample *= 255.0;
                }
                return Self::rgb32f(height, width, floats);
            }
        };
        Self::rgb8(height, width, levels)
    }
}

/// Drops the fourth sample of each pixel, in place.
fn drop_alpha(mut rgba: Vec<u8>, pixels: usize) -> Vec<u8> {
    for pixel in 1..pixels {
        rgba.copy_within(4 * pixel..4 * pixel + 3, 3 * pixel);
    }
    rgba.truncate(3 * pixels);
    rgba.shrink_to_fit();
    rgba
}

#[cfg(test)]
mod tests {
    use ::image::{ImageBuffer, Luma, LumaA, Pixel, Rgb, Rgba};

    use super::*;
    use crate::image::PixelData;

    /// Two pixels in a row.
    fn image<P: Pixel>(samples: Vec<P::Subpixel>) -> DynamicImage
    where
        DynamicImage: From<ImageBuffer<P, Vec<P::Subpixel>>>,
    {
        ImageBuffer::<P, _>::from_raw(2, 1, samples).unwrap().into()
    }

    #[test]
    fn every_kind_becomes_what_a_file_of_it_becomes() {
        let rgb = Pixels::rgb8(1, 2, vec![1, 2, 3, 4, 5, 6]).unwrap();
        let grey = Pixels::rgb8(1, 2, vec![7, 7, 7, 9, 9, 9]).unwrap();
        let wide = |levels: &[u16]| levels.iter().map(|level| level << 8 | 0xFF).collect();
        for (image, wanted) in [
            (image::<Rgb<u8>>(vec![1, 2, 3, 4, 5, 6]), &rgb),
            (image::<Rgba<u8>>(vec![1, 2, 3, 0, 4, 5, 6, 255]), &rgb),
            (image::<Rgb<u16>>(wide(&[1, 2, 3, 4, 5, 6])), &rgb),
            (image::<Rgba<u16>>(wide(&[1, 2, 3, 0, 4, 5, 6, 9])), &rgb),
            (image::<Luma<u8>>(vec![7, 9]), &grey),
            (image::<LumaA<u8>>(vec![7, 0, 9, 1]), &grey),
            (image::<Luma<u16>>(wide(&[7, 9])), &grey),
            (image::<LumaA<u16>>(wide(&[7, 0, 9, 1])), &grey),
        ] {
            assert_eq!(&Pixels::try_from(&image).unwrap(), wanted, "{:?}", image.color());
            assert_eq!(&Pixels::try_from(image).unwrap(), wanted);
        }
    }

    #[test]
    fn floats_are_levels_and_nothing_is_copied_without_need() {
        let floats = vec![0.0, 0.5, 1.0];
        let image = ImageBuffer::<Rgb<f32>, _>::from_raw(1, 1, floats).unwrap();
        let pixels = Pixels::try_from(DynamicImage::from(image)).unwrap();
        assert_eq!(pixels, Pixels::rgb32f(1, 1, vec![0.0, 127.5, 255.0]).unwrap());
        // Longer than its image, which the crate allows.
        let image = ImageBuffer::<Rgb<u8>, _>::from_raw(1, 1, vec![1, 2, 3, 4]).unwrap();
        let pixels = Pixels::try_from(&image).unwrap();
        let PixelData::U8(levels) = pixels.data() else { panic!("{pixels:?}") };
        assert_eq!(levels.as_ptr(), image.as_raw().as_ptr());
        assert!(Pixels::try_from(&DynamicImage::new_rgb8(0, 5)).is_err());
    }
}
