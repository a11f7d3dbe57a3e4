//! An allocator that counts, for tests of the memory that a call takes.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

/// Counts the bytes that are in use, and the most there ever were. A test program makes it its `global_allocator`.
#[derive(Debug)]
pub struct Counting;

static USED: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

fn grown(by: usize) {
    let used = USED.fetch_add(by, Relaxed) + by;
    PEAK.fetch_max(used, Relaxed);
}

#[expect(unsafe_code, reason = "an allocator can be written no other way")]
// SAFETY: every call goes to the system's allocator with the arguments it came with; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grown(layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        USED.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// The bytes in use now.
pub fn used() -> usize {
    USED.load(Relaxed)
}

/// Begins a new count of the most bytes in use; gives those in use now.
pub fn restart() -> usize {
    let used = used();
    PEAK.store(used, Relaxed);
    used
}

/// The most bytes in use since [`restart`], beyond those that were in use before.
pub fn most_since(before: usize) -> usize {
    PEAK.load(Relaxed).saturating_sub(before)
}
