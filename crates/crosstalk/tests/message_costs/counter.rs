//! Costs of the threads of gateways: requests to the allocator, and wake-ups. Neither depends on how
//! fast the machine is or what else it does.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// The system's allocator, which counts requests from threads of gateways.
pub(crate) struct Counter;

/// Number of requests so far, and threads that they are counted of.
static REQUESTS: AtomicU64 = AtomicU64::new(0);
static THREADS: Mutex<Vec<i32>> = Mutex::new(Vec::new());

thread_local! {
    static IS_COUNTED: Cell<bool> = const { Cell::new(false) };
}

/// Counts this thread from now on.
pub(crate) fn count_this_thread() {
    THREADS.lock().unwrap().push(rustix::thread::gettid().as_raw_nonzero().get());
    IS_COUNTED.set(true);
}

fn note() {
    // Threads that end are not counted any more.
    if IS_COUNTED.try_with(Cell::get).unwrap_or(false) {
        REQUESTS.fetch_add(1, Ordering::Relaxed);
    }
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counter {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note();
        // SAFETY: the caller keeps what `alloc` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps what `dealloc` asks for.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note();
        // SAFETY: the caller keeps what `realloc` asks for.
        unsafe { System.realloc(place, layout, size) }
    }
}

/// The counted threads.
pub(crate) fn threads() -> Vec<i32> {
    THREADS.lock().unwrap().clone()
}

/// Costs of the counted threads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// Requests to the allocator.
    pub(crate) requests: u64,
    /// Number of times that a thread had nothing to do and was woken again.
    pub(crate) wakes: u64,
}

impl Cost {
    /// Costs so far.
    pub(crate) fn so_far() -> Self {
        let wakes = |thread: &i32| {
            // A thread may have ended.
            let status = fs::read_to_string(format!("/proc/self/task/{thread}/status"));
            let status = status.unwrap_or_default();
            let slept = status.lines().find_map(|l| l.strip_prefix("voluntary_ctxt_switches:"));
            slept.and_then(|n| n.trim().parse::<u64>().ok()).unwrap_or(0)
        };
        let wakes = threads().iter().map(wakes).sum();
        Self { requests: REQUESTS.load(Ordering::Relaxed), wakes }
    }

    /// Requests to the allocator, and wake-ups, since `before`.
    pub(crate) fn since(self, before: Self) -> [u64; 2] {
        [self.requests.saturating_sub(before.requests), self.wakes.saturating_sub(before.wakes)]
    }
}
