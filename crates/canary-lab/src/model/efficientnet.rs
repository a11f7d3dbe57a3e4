//! EfficientNet-Lite in plain Rust: the forward pass of one image on one thread.
//!
//! The network is that of "Higher accuracy on vision models with EfficientNet-Lite" (Tan, 2020): EfficientNet
//! (arXiv:1905.11946) without squeeze-and-excite and with `ReLU6`. Batch normalisation is folded into the weights.

use std::path::Path;

use canary_core::serving::Result;

use super::{
    layers::{Depthwise, Pointwise, Shape, Stem, mean_pool},
    weights::{self, Weights},
};

/// One of the two networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Variant {
    /// EfficientNet-Lite0: 224×224 pixels, 4.7 million weights.
    Lite0,
    /// EfficientNet-Lite1: 240×240 pixels, 5.4 million weights.
    Lite1,
}

impl Variant {
    /// Both, the smaller one first.
    pub const ALL: [Self; 2] = [Self::Lite0, Self::Lite1];

    /// `efficientnet-lite0` or `efficientnet-lite1`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lite0 => "efficientnet-lite0",
            Self::Lite1 => "efficientnet-lite1",
        }
    }

    /// Height and width of the input in pixels.
    pub fn resolution(self) -> usize {
        match self {
            Self::Lite0 => 224,
            Self::Lite1 => 240,
        }
    }

    /// The number of blocks of a stage in this variant: the depth coefficient is 1.0 or 1.1, rounded up.
    fn repeats(self, stage: usize, base: usize) -> usize {
        match self {
            Self::Lite1 if stage != 0 && stage + 1 != STAGES.len() => (base * 11).div_ceil(10),
            _ => base,
        }
    }
}

/// Expansion, channels, repeats, stride and kernel of each stage.
const STAGES: [(usize, usize, usize, usize, usize); 7] = [
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
];
const STEM: usize = 32;
const HEAD: usize = 1280;
/// The number of classes: those of the `ImageNet` challenge of 2012.
pub const CLASSES: usize = 1000;

/// The network with its weights.
#[derive(Debug)]
pub struct EfficientNet {
    variant: Variant,
    stem: Stem,
    blocks: Vec<Block>,
    head: Pointwise,
    classes: Pointwise,
}

#[derive(Debug)]
struct Block {
    expand: Option<Pointwise>,
    depthwise: Depthwise,
    project: Pointwise,
    residual: bool,
}

impl EfficientNet {
    /// Reads the weights from a safetensors file with the names of the `PyTorch` model.
    ///
    /// # Errors
    /// [`canary_core::serving::Error::Istio`] when the file cannot be read, or does not have the tensors of this network.
    pub fn open(variant: Variant, path: &Path) -> Result<Self> {
        let (file, bytes) = (path.display().to_string(), weights::load(path)?);
        let weights = Weights::read(&file, &bytes)?;
        let stem = Stem::read(&weights, "_conv_stem", "_bn0", STEM)?;
        let mut blocks = Vec::new();
        let mut channels = STEM;
        for (stage, &(expansion, out, base, stride, kernel)) in STAGES.iter().enumerate() {
            for repeat in 0..variant.repeats(stage, base) {
                let stride = if repeat == 0 { stride } else { 1 };
                let name = |part: &str| format!("_blocks.{}.{part}", blocks.len());
                let inner = channels * expansion;
                let expand = if expansion == 1 {
                    None
                } else {
                    let (conv, norm) = (name("_expand_conv"), name("_bn0"));
                    Some(Pointwise::read(&weights, &conv, &norm, channels, inner, true)?)
                };
                let (conv, norm) = (name("_depthwise_conv"), name("_bn1"));
                let depthwise = Depthwise::read(&weights, &conv, &norm, inner, kernel, stride)?;
                let (conv, norm) = (name("_project_conv"), name("_bn2"));
                let project = Pointwise::read(&weights, &conv, &norm, inner, out, false)?;
                let residual = stride == 1 && channels == out;
                blocks.push(Block { expand, depthwise, project, residual });
                channels = out;
            }
        }
        let head = Pointwise::read(&weights, "_conv_head", "_bn1", channels, HEAD, true)?;
        let classes = Pointwise::dense(&weights, "_fc", HEAD, CLASSES)?;
        Ok(Self { variant, stem, blocks, head, classes })
    }

    /// The variant.
    pub fn variant(&self) -> Variant {
        self.variant
    }

    /// The 1000 logits of one image.
    ///
    /// `image` holds height × width × 3 numbers, RGB, each `(pixel − 127) / 128`, with the variant's resolution;
    /// missing numbers count as 0.
    pub fn logits(&self, image: &[f32]) -> Vec<f32> {
        let side = self.variant.resolution();
        let mut shape = Shape { channels: 3, height: side, width: side };
        let mut now = self.stem.forward(image, &mut shape);
        let mut scratch = Vec::new();
        for block in &self.blocks {
            let before = block.residual.then(|| now.clone());
            if let Some(expand) = &block.expand {
                now = expand.forward(&now, &mut shape);
            }
            now = block.depthwise.forward(&now, &mut shape, &mut scratch);
            now = block.project.forward(&now, &mut shape);
            if let Some(before) = before {
                now.iter_mut().zip(&before).for_each(|(sum, add)| *sum += add);
            }
        }
        now = self.head.forward(&now, &mut shape);
        now = mean_pool(&now, &mut shape);
        self.classes.forward(&now, &mut shape)
    }
}
