//! Costs of a piece of work: its requests to the allocator, and the growth of its time.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The system's allocator, which notes for each thread what is asked of it.
pub struct Counter;

/// The time below which nothing is measured.
const SHORT: Duration = Duration::from_millis(5);

thread_local! {
    static COST: Cell<Cost> = const { Cell::new(Cost { calls: 0, bytes: 0, held: 0, most: 0 }) };
}

/// Requests to the allocator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Number of requests for memory.
    pub calls: usize,
    /// Bytes requested in all.
    pub bytes: usize,
    /// Bytes held now, and the most that were held.
    held: isize,
    most: isize,
}

fn note(calls: usize, taken: usize, given: usize) {
    // Threads that end are not counted any more.
    let _ = COST.try_with(|cost| {
        let mut now = cost.get();
        now.calls += calls;
        now.bytes += taken;
        now.held += taken.cast_signed() - given.cast_signed();
        now.most = now.most.max(now.held);
        cost.set(now);
    });
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counter {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(1, layout.size(), 0);
        // SAFETY: the caller keeps what `alloc` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        note(0, 0, layout.size());
        // SAFETY: the caller keeps what `dealloc` asks for.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(1, size, layout.size());
        // SAFETY: the caller keeps what `realloc` asks for.
        unsafe { System.realloc(place, layout, size) }
    }
}

impl Cost {
    /// The most that was held at once, in bytes.
    pub fn peak(&self) -> usize {
        self.most.try_into().unwrap_or(0)
    }
}

/// Bytes that go back to the allocator when `thing` is dropped.
#[allow(dead_code)]
pub fn kept<T>(thing: T) -> usize {
    COST.set(Cost::default());
    drop(thing);
    usize::try_from(-COST.get().held).unwrap_or(0)
}

/// Cost and result of `work`.
pub fn cost<T>(work: impl FnOnce() -> T) -> (Cost, T) {
    COST.set(Cost::default());
    let done = work();
    (COST.get(), done)
}

/// Requests since the last [`cost`] began.
pub fn so_far() -> Cost {
    COST.get()
}

/// Whether work on four times as much takes less than eight times as long: the best of three, in
/// the thread's own time on the processor, so that other work on the machine does not count. What
/// takes less than [`SHORT`] is not told from noise; what grows with the square of its size is far
/// above that.
pub fn grows_linearly<T>(mut little: impl FnMut() -> T, mut much: impl FnMut() -> T) -> bool {
    let (mut best, mut most) = (Duration::MAX, Duration::MAX);
    (0..3).any(|_| {
        best = best.min(time(&mut little));
        most = most.min(time(&mut much));
        most < (best * 8).max(SHORT)
    })
}

fn time<T>(work: &mut impl FnMut() -> T) -> Duration {
    let now = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default();
    let begun = now();
    std::hint::black_box(work());
    now().saturating_sub(begun)
}
