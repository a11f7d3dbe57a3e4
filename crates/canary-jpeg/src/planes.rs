//! The levels of each component, before they become pixels.

use std::cell::Cell;

use crate::frame::Frame;

/// The levels of one component, in whole blocks.
pub(crate) struct Plane {
    pub(crate) levels: Vec<u8>,
    /// Levels in a row.
    pub(crate) stride: usize,
}

thread_local! {
    /// The memory of the last image's planes, for the next one on this thread. Without it the C library returns all
    /// memory of an image to the system, and gets it back page by page for every image.
    static KEPT: Cell<Vec<Vec<u8>>> = const { Cell::new(Vec::new()) };
}

/// Planes of more bytes are not kept.
const MOST_KEPT: usize = 4 << 20;

/// A plane of zeros for each component of the image.
pub(crate) fn of(frame: &Frame) -> Vec<Plane> {
    let mut kept = KEPT.take().into_iter();
    let plane = |component: &crate::frame::Component| {
        let mut levels = kept.next().unwrap_or_default();
        levels.clear();
        levels.resize(component.blocks() * 64, 0);
        Plane { levels, stride: component.stride * 8 }
    };
    frame.components.iter().map(plane).collect()
}

/// Keeps the memory of planes for the next image, unless it is much.
pub(crate) fn keep(planes: Vec<Plane>) {
    if planes.iter().map(|plane| plane.levels.capacity()).sum::<usize>() <= MOST_KEPT {
        KEPT.set(planes.into_iter().map(|plane| plane.levels).collect());
    }
}
