//! Memory that several threads fill: no pass of zeros by one of them before.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;

/// As many floats as `fill` writes, or its error.
///
/// # Safety
/// When `fill` gives no error, it must have written every one of the `count` floats that it was given.
pub(super) unsafe fn floats<E>(
    count: usize,
    fill: impl FnOnce(&mut [MaybeUninit<f32>]) -> Result<(), E>,
) -> Result<Vec<f32>, E> {
    let mut floats = Vec::with_capacity(count);
    fill(&mut floats.spare_capacity_mut()[..count])?;
    // SAFETY: there is room for them, and as the caller promises they were written.
    unsafe { floats.set_len(count) };
    Ok(floats)
}
