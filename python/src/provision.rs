//! Pages for memory that is about to be written, by a thread beside the one that writes it.
//!
//! The kernel gives memory page by page when it is first written: for the request of a batch, 60 MB, these faults cost
//! more than writing the digits.
#![cfg_attr(not(target_os = "linux"), allow(unused_variables))]

use std::ops::Range;

/// Asks for pages until it is dropped.
pub(crate) struct Provision {
    #[cfg(target_os = "linux")]
    _worker: linux::Worker,
}

impl Provision {
    /// Asks for the pages of a range of addresses, when that is worth a thread.
    ///
    /// The range must stay allocated until the value is dropped.
    pub(crate) fn of(range: Range<usize>) -> Option<Self> {
        #[cfg(target_os = "linux")]
        return Some(Self { _worker: linux::Worker::start(range)? });
        #[cfg(not(target_os = "linux"))]
        None
    }
}

#[cfg(target_os = "linux")]
mod linux {
    #![allow(unsafe_code)]

    use std::{
        num::NonZero,
        ops::Range,
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering},
        },
        thread::{self, JoinHandle},
    };

    /// Ranges below this are written faster than a thread begins.
    const LARGE: usize = 8 << 20;
    /// The largest page of the processors that Linux runs on.
    const PAGE: usize = 64 << 10;
    /// What is asked for at once, a fraction of a millisecond: so long does a writer wait that is done.
    const STEP: usize = 1 << 20;

    pub(super) struct Worker {
        stop: Arc<AtomicBool>,
        thread: Option<JoinHandle<()>>,
    }

    impl Worker {
        pub(super) fn start(range: Range<usize>) -> Option<Self> {
            // The number of cores is read from files, which takes longer than most requests.
            if range.len() < LARGE || thread::available_parallelism().map_or(1, NonZero::get) < 2 {
                return None;
            }
            let stop = Arc::new(AtomicBool::new(false));
            let told = Arc::clone(&stop);
            let work = move || {
                let (mut next, end) = (range.start.next_multiple_of(PAGE), range.end / PAGE * PAGE);
                while next < end && !told.load(Ordering::Relaxed) {
                    let length = STEP.min(end - next);
                    if !populate(next, length) {
                        return;
                    }
                    next += length;
                }
            };
            // Without a thread the writer takes the faults itself.
            let thread = thread::Builder::new().name("canary-pages".to_owned()).spawn(work).ok()?;
            Some(Self { stop, thread: Some(thread) })
        }
    }

    impl Drop for Worker {
        fn drop(&mut self) {
            self.stop.store(true, Ordering::Relaxed);
            if let Some(thread) = self.thread.take() {
                _ = thread.join();
            }
        }
    }

    /// Gives whole pages of the process their memory; `false` when the kernel does not (before Linux 5.14).
    fn populate(start: usize, length: usize) -> bool {
        let start = std::ptr::with_exposed_provenance_mut(start);
        // SAFETY: this advice leaves what memory holds as it is, whoever writes it meanwhile; on addresses that are
        // not this process's it fails. See madvise(2).
        unsafe { libc::madvise(start, length, libc::MADV_POPULATE_WRITE) == 0 }
    }
}
