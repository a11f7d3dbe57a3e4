//! Decodes a file to its header or its pixels.

#[cfg(target_arch = "x86_64")]
use crate::avx2;
use crate::{
    Error, Result,
    colour::{self, Colours},
    frame::{Frame, Scan},
    planes, progressive,
    reader::Reader,
    sequential,
    upsample::Rows,
};

/// The bounds of what is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The most pixels an image may have; checked before memory is allocated. 100 million by default.
    ///
    /// A pixel takes up to 6 bytes while it is decoded, 9 in a progressive file.
    pub max_pixels: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_pixels: 100_000_000 }
    }
}

impl Limits {
    /// Changes the most pixels an image may have.
    #[must_use]
    pub fn max_pixels(mut self, max_pixels: u64) -> Self {
        self.max_pixels = max_pixels;
        self
    }
}

/// The headers of a file, before its pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    height: u16,
    width: u16,
    components: usize,
    progressive: bool,
    exif: Option<&'a [u8]>,
}

impl<'a> Header<'a> {
    /// Reads the headers, up to the data of the pixels.
    ///
    /// ```
    /// # let file: &[u8] = include_bytes!("example.jpg");
    /// let header = canary_jpeg::Header::read(file)?;
    /// assert_eq!((header.components(), header.is_progressive(), header.exif()), (3, false, None));
    /// # Ok::<(), canary_jpeg::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NotJpeg`], [`Error::Truncated`], [`Error::Unsupported`] and [`Error::Damaged`].
    pub fn read(bytes: &'a [u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes)?;
        let (frame, _) = first_scan(&mut reader)?;
        Ok(Self {
            height: frame.height,
            width: frame.width,
            components: frame.components.len(),
            progressive: frame.progressive,
            exif: reader.exif,
        })
    }

    /// The number of rows, at least 1.
    pub fn height(&self) -> u16 {
        self.height
    }

    /// The number of columns, at least 1.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// The number of colour components in the file: 1 (grey), 3 (YCbCr or RGB) or 4 (inks).
    pub fn components(&self) -> usize {
        self.components
    }

    /// True if the pixels come in several passes of growing quality.
    pub fn is_progressive(&self) -> bool {
        self.progressive
    }

    /// The EXIF data, which begins with a TIFF header; it has the camera's orientation.
    pub fn exif(&self) -> Option<&'a [u8]> {
        self.exif
    }
}

/// An RGB image.
#[derive(Clone, PartialEq, Eq)]
pub struct Image {
    height: u16,
    width: u16,
    rgb: Vec<u8>,
}

impl std::fmt::Debug for Image {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Image({} × {})", self.height, self.width)
    }
}

impl Image {
    /// The number of rows.
    pub fn height(&self) -> u16 {
        self.height
    }

    /// The number of columns.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Red, green and blue of each pixel, rows from top to bottom: `height × width × 3` levels.
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// The same levels without the image around them.
    pub fn into_rgb(self) -> Vec<u8> {
        self.rgb
    }
}

/// The pixels of a JPEG file as `tf.io.decode_image(channels=3)` gives them.
///
/// Grey levels are repeated, inks are multiplied out. The orientation of a camera is not applied, as in TensorFlow; see
/// [`Header::exif`].
///
/// ```
/// # let file: &[u8] = include_bytes!("example.jpg");
/// use canary_jpeg::{Error, Limits, decode};
///
/// let image = decode(file, &Limits::default())?;
/// assert_eq!((image.height(), image.width()), (8, 16));
/// let too_large = decode(file, &Limits::default().max_pixels(100)).unwrap_err();
/// assert_eq!(too_large, Error::TooLarge { height: 8, width: 16, max_pixels: 100 });
/// # Ok::<(), Error>(())
/// ```
///
/// # Errors
/// Every variant of [`Error`]; a file that is damaged or incomplete gives no pixels at all.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Image> {
    let mut reader = Reader::new(bytes)?;
    let (frame, scan) = first_scan(&mut reader)?;
    let Frame { height, width, .. } = frame;
    let &Limits { max_pixels } = limits;
    if u64::from(height) * u64::from(width) > max_pixels {
        return Err(Error::TooLarge { height, width, max_pixels });
    }
    let (found, least) = (bytes.len() - scan.data, frame.least_bytes());
    if (found as u64) < least {
        return Err(Error::TooShort { height, width, found, least });
    }
    let colours = Colours::of(&reader, &frame);
    let planes = if frame.progressive {
        progressive::decode(&mut reader, &frame, scan)?
    } else {
        reader.complete_tables();
        sequential::decode(&mut reader, &frame, scan)?
    };
    let mut rgb = vec![0; usize::from(height) * usize::from(width) * 3];
    let parts = planes.iter().zip(&frame.components);
    let rows: Vec<_> = parts.map(|(plane, part)| Rows::new(plane, part, &frame)).collect();
    #[cfg(target_arch = "x86_64")]
    let written = avx2::write(width.into(), &rows, colours, &mut rgb);
    #[cfg(not(target_arch = "x86_64"))]
    let written = false;
    if !written {
        colour::write(width.into(), &rows, colours, &mut rgb);
    }
    planes::keep(planes);
    Ok(Image { height, width, rgb })
}

/// Reads up to the data of the first scan.
fn first_scan(reader: &mut Reader<'_>) -> Result<(Frame, Scan)> {
    let scan = reader.next_scan()?.ok_or_else(|| reader.truncated("its pixels"))?;
    // The reader also needs it, to read the headers of further scans.
    let frame = reader.frame.clone();
    frame.map(|frame| (frame, scan)).ok_or_else(|| reader.truncated("its frame header"))
}
