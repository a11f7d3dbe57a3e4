//! The ratios of the null for which evidence is kept.

/// The ratios, as multiples of the bound.
pub(super) const GRID: [f64; 16] =
    [0.1, 0.2, 0.35, 0.5, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0];
/// The number of ratios.
pub(crate) const NODES: usize = GRID.len();
/// The place of the bound.
pub(crate) const BOUND: usize = 7;
