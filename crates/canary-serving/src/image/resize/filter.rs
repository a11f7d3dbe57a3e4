//! The filters of a resize, and their kernels: the weight of a pixel by its distance.

/// The weighing of source pixels, with the names of `tf.image.ResizeMethod`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Filter {
    /// Linear between the two nearest pixels; `TensorFlow`'s default.
    #[default]
    Bilinear,
    /// Keys' cubic with a = -0.5 over four pixels.
    Bicubic,
    /// The mean over the area that an output pixel covers. Antialiasing changes nothing.
    Area,
    /// The nearest pixel. Antialiasing changes nothing.
    Nearest,
    /// Lanczos' kernel of radius 3.
    Lanczos3,
    /// Lanczos' kernel of radius 5.
    Lanczos5,
    /// A Gaussian of radius 1.5 and sigma 0.5.
    Gaussian,
    /// Mitchell and Netravali's cubic, with B = C = 1/3.
    MitchellCubic,
}

pub(super) fn triangle(x: f32) -> f32 {
    (1.0 - x).max(0.0)
}

/// R. Keys, "Cubic convolution interpolation for digital image processing", 1981, with a = -0.5.
pub(super) fn keys_cubic(x: f32) -> f32 {
    if x >= 2.0 {
        0.0
    } else if x >= 1.0 {
        ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    } else {
        ((1.5 * x - 2.5) * x) * x + 1.0
    }
}

/// D. Mitchell and A. Netravali, "Reconstruction filters in computer graphics", 1988.
pub(super) fn mitchell_cubic(x: f32) -> f32 {
    if x >= 2.0 {
        0.0
    } else if x >= 1.0 {
        (((-7.0 / 18.0) * x + 2.0) * x - 10.0 / 3.0) * x + 16.0 / 9.0
    } else {
        (((7.0 / 6.0) * x - 2.0) * x) * x + 8.0 / 9.0
    }
}

pub(super) fn lanczos<const RADIUS: u8>(x: f32) -> f32 {
    let radius = f32::from(RADIUS);
    if x > radius {
        0.0
    } else if x <= 1e-3 {
        1.0
    } else {
        let angle = std::f32::consts::PI * x;
        radius * angle.sin() * (angle / radius).sin() / (angle * angle)
    }
}

pub(super) fn gaussian(x: f32) -> f32 {
    const RADIUS: f32 = 1.5;
    const SIGMA: f32 = RADIUS / 3.0;
    if x >= RADIUS { 0.0 } else { (-x * x / (2.0 * SIGMA * SIGMA)).exp() }
}
