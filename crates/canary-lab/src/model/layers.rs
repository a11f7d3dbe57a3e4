//! The layers of the network, channels first, with batch normalisation folded in and `TensorFlow`'s "SAME" padding.

use canary_core::serving::Result;
use ndarray::{ArrayView2, ArrayViewMut2, linalg::general_mat_mul};

use super::weights::Weights;

/// The constant that batch normalisation adds to the variance.
const EPSILON: f32 = 1e-3;

/// Size of an activation; the data is channels × height × width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) channels: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
}

impl Shape {
    fn area(self) -> usize {
        self.height * self.width
    }
}

/// Multiplies each output's weights by its scale and gives the biases: `y = scale·(x − mean) + shift`.
fn fold(weights: &Weights<'_>, norm: &str, out: usize, kernel: &mut [f32]) -> Result<Vec<f32>> {
    let get = |part: &str| weights.get(&format!("{norm}.{part}"), &[out]);
    let (gain, shift) = (get("weight")?, get("bias")?);
    let (mean, variance) = (get("running_mean")?, get("running_var")?);
    let each = kernel.len() / out;
    Ok((0..out)
        .map(|index| {
            let scale = gain[index] / (variance[index] + EPSILON).sqrt();
            kernel[index * each..(index + 1) * each].iter_mut().for_each(|weight| *weight *= scale);
            shift[index] - mean[index] * scale
        })
        .collect())
}

fn relu6(data: &mut [f32]) {
    for value in data {
        *value = value.clamp(0.0, 6.0);
    }
}

/// A 1×1 convolution, or a dense layer when the activation is one pixel.
#[derive(Debug)]
pub(crate) struct Pointwise {
    weights: Vec<f32>,
    bias: Vec<f32>,
    inputs: usize,
    activate: bool,
}

impl Pointwise {
    pub(crate) fn read(
        weights: &Weights<'_>,
        conv: &str,
        norm: &str,
        inputs: usize,
        outputs: usize,
        activate: bool,
    ) -> Result<Self> {
        let mut kernel = weights.get(&format!("{conv}.weight"), &[outputs, inputs, 1, 1])?;
        let bias = fold(weights, norm, outputs, &mut kernel)?;
        Ok(Self { weights: kernel, bias, inputs, activate })
    }

    pub(crate) fn dense(
        weights: &Weights<'_>,
        name: &str,
        inputs: usize,
        outputs: usize,
    ) -> Result<Self> {
        let kernel = weights.get(&format!("{name}.weight"), &[outputs, inputs])?;
        let bias = weights.get(&format!("{name}.bias"), &[outputs])?;
        Ok(Self { weights: kernel, bias, inputs, activate: false })
    }

    pub(crate) fn forward(&self, input: &[f32], shape: &mut Shape) -> Vec<f32> {
        let area = shape.area();
        shape.channels = self.bias.len();
        let mut output = Vec::with_capacity(self.bias.len() * area);
        for &bias in &self.bias {
            output.resize(output.len() + area, bias);
        }
        multiply(&self.weights, input, &mut output, self.inputs, area);
        if self.activate {
            relu6(&mut output);
        }
        output
    }
}

/// `output += weights · input`, where `weights` is outputs × inner and `input` inner × columns, both row-major.
fn multiply(weights: &[f32], input: &[f32], output: &mut [f32], inner: usize, columns: usize) {
    let rows = weights.len() / inner;
    let (Ok(weights), Ok(input), Ok(mut output)) = (
        ArrayView2::from_shape((rows, inner), weights),
        ArrayView2::from_shape((inner, columns), input),
        ArrayViewMut2::from_shape((rows, columns), output),
    ) else {
        unreachable!("each layer checks its weights when they are read, and allocates its output")
    };
    general_mat_mul(1.0, &weights, &input, 1.0, &mut output);
}

/// A depthwise convolution: one square kernel for each channel.
#[derive(Debug)]
pub(crate) struct Depthwise {
    weights: Vec<f32>,
    bias: Vec<f32>,
    kernel: usize,
    stride: usize,
}

impl Depthwise {
    pub(crate) fn read(
        weights: &Weights<'_>,
        conv: &str,
        norm: &str,
        channels: usize,
        kernel: usize,
        stride: usize,
    ) -> Result<Self> {
        let shape = [channels, 1, kernel, kernel];
        let mut data = weights.get(&format!("{conv}.weight"), &shape)?;
        let bias = fold(weights, norm, channels, &mut data)?;
        Ok(Self { weights: data, bias, kernel, stride })
    }

    pub(crate) fn forward(
        &self,
        input: &[f32],
        shape: &mut Shape,
        padded: &mut Vec<f32>,
    ) -> Vec<f32> {
        let (kernel, stride) = (self.kernel, self.stride);
        let (height, top) = same(shape.height, kernel, stride);
        let (width, left) = same(shape.width, kernel, stride);
        let wide = shape.width + kernel;
        padded.clear();
        padded.resize((shape.height + kernel) * wide, 0.0);
        let mut output = Vec::with_capacity(shape.channels * height * width);
        for (channel, plane) in input.chunks_exact(shape.area()).enumerate() {
            for (y, row) in plane.chunks_exact(shape.width).enumerate() {
                let at = (y + top) * wide + left;
                padded[at..at + shape.width].copy_from_slice(row);
            }
            let taps = &self.weights[channel * kernel * kernel..][..kernel * kernel];
            for y in 0..height {
                let start = output.len();
                output.resize(start + width, self.bias[channel]);
                let line = &mut output[start..];
                for (ky, taps) in taps.chunks_exact(kernel).enumerate() {
                    let row = &padded[(y * stride + ky) * wide..][..wide];
                    convolve(line, row, taps, stride);
                }
                relu6(line);
            }
        }
        (shape.height, shape.width) = (height, width);
        output
    }
}

/// Adds one row of a kernel, over one row of pixels, to one row of the output.
fn convolve(line: &mut [f32], row: &[f32], taps: &[f32], stride: usize) {
    for (kx, &tap) in taps.iter().enumerate() {
        if stride == 1 {
            line.iter_mut().zip(&row[kx..]).for_each(|(sum, &pixel)| *sum += tap * pixel);
        } else {
            let pixels = row[kx..].iter().step_by(stride);
            line.iter_mut().zip(pixels).for_each(|(sum, &pixel)| *sum += tap * pixel);
        }
    }
}

/// Size of the output and padding before the input, as `TensorFlow`'s "SAME" has them.
fn same(size: usize, kernel: usize, stride: usize) -> (usize, usize) {
    let out = size.div_ceil(stride);
    (out, ((out - 1) * stride + kernel).saturating_sub(size) / 2)
}

/// The first convolution: 3×3, stride 2, from pixels to channels.
#[derive(Debug)]
pub(crate) struct Stem {
    weights: Vec<f32>,
    bias: Vec<f32>,
}

impl Stem {
    pub(crate) fn read(
        weights: &Weights<'_>,
        conv: &str,
        norm: &str,
        outputs: usize,
    ) -> Result<Self> {
        let mut data = weights.get(&format!("{conv}.weight"), &[outputs, 3, 3, 3])?;
        let bias = fold(weights, norm, outputs, &mut data)?;
        Ok(Self { weights: data, bias })
    }

    /// From height × width × 3 pixels, colours fastest.
    pub(crate) fn forward(&self, pixels: &[f32], shape: &mut Shape) -> Vec<f32> {
        let (height, top) = same(shape.height, 3, 2);
        let (width, left) = same(shape.width, 3, 2);
        let area = height * width;
        // One row for each colour and tap, one column for each pixel of the output.
        let mut columns = vec![0.0; 27 * area];
        for (row, line) in columns.chunks_exact_mut(area).enumerate() {
            let (colour, ky, kx) = (row / 9, row / 3 % 3, row % 3);
            for (at, value) in line.iter_mut().enumerate() {
                let y = (at / width * 2 + ky).wrapping_sub(top);
                let x = (at % width * 2 + kx).wrapping_sub(left);
                if y < shape.height && x < shape.width {
                    *value = pixels.get((y * shape.width + x) * 3 + colour).copied().unwrap_or(0.0);
                }
            }
        }
        *shape = Shape { channels: self.bias.len(), height, width };
        let mut output = Vec::with_capacity(self.bias.len() * area);
        for &bias in &self.bias {
            output.resize(output.len() + area, bias);
        }
        multiply(&self.weights, &columns, &mut output, 27, area);
        relu6(&mut output);
        output
    }
}

/// The mean of each channel.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn mean_pool(input: &[f32], shape: &mut Shape) -> Vec<f32> {
    let area = shape.area();
    (shape.height, shape.width) = (1, 1);
    input.chunks_exact(area).map(|plane| plane.iter().sum::<f32>() / area as f32).collect()
}

#[cfg(test)]
#[allow(clippy::cast_precision_loss)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_that_of_tensorflow() {
        assert_eq!(same(224, 3, 2), (112, 0));
        assert_eq!(same(225, 3, 2), (113, 1));
        assert_eq!(same(7, 5, 1), (7, 2));
        assert_eq!(same(14, 5, 2), (7, 1));
    }

    #[test]
    fn a_depthwise_layer_is_the_sum_over_its_window() {
        for (kernel, stride) in [(3, 1), (3, 2), (5, 1), (5, 2)] {
            let (height, width) = (7, 6);
            let input: Vec<f32> = (0..2 * height * width).map(|n| (n % 11) as f32 / 10.0).collect();
            let weights: Vec<f32> =
                (0..2 * kernel * kernel).map(|n| (n % 5) as f32 / 20.0).collect();
            let layer =
                Depthwise { weights: weights.clone(), bias: vec![0.1, 0.2], kernel, stride };
            let mut shape = Shape { channels: 2, height, width };
            let found = layer.forward(&input, &mut shape, &mut Vec::new());
            let (top, left) = (same(height, kernel, stride).1, same(width, kernel, stride).1);
            for channel in 0..2 {
                for y in 0..shape.height {
                    for x in 0..shape.width {
                        let mut sum = [0.1f32, 0.2][channel];
                        for (tap, weight) in weights[channel * kernel * kernel..][..kernel * kernel]
                            .iter()
                            .enumerate()
                        {
                            let row = (y * stride + tap / kernel).wrapping_sub(top);
                            let column = (x * stride + tap % kernel).wrapping_sub(left);
                            if row < height && column < width {
                                sum += weight * input[(channel * height + row) * width + column];
                            }
                        }
                        let at = (channel * shape.height + y) * shape.width + x;
                        assert!(
                            (found[at] - sum.clamp(0.0, 6.0)).abs() < 1e-5,
                            "{kernel} {stride}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn a_pointwise_layer_is_a_matrix_product() {
        let layer = Pointwise {
            weights: vec![1.0, 2.0, 3.0, 4.0, -1.0, -1.0],
            bias: vec![0.5, 0.0, 0.0],
            inputs: 2,
            activate: true,
        };
        let mut shape = Shape { channels: 2, height: 1, width: 2 };
        let found = layer.forward(&[1.0, 0.5, 0.25, 0.5], &mut shape);
        assert_eq!(found, [2.0, 2.0, 4.0, 3.5, 0.0, 0.0]);
        assert_eq!(shape.channels, 3);
    }
}
