//! Meter of costs: memory, counted by the allocator, and time on this thread's processor, which
//! other programs hardly change.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::oracles;

/// A cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// The bytes allocated in all.
    pub allocated: usize,
    /// The bytes still held afterwards; negative where more were given back.
    pub kept: i64,
    /// The time.
    pub time: Duration,
}

impl Cost {
    /// Fails where the work was more than its input of `looked_at` bytes is worth.
    ///
    /// # Panics
    ///
    /// That is the failure.
    pub fn check(&self, looked_at: usize) {
        let Self { allocated, time, .. } = *self;
        let allowed = oracles::work_allowed(looked_at);
        assert!(allocated <= allowed, "cost: {allocated} bytes allocated for {looked_at} of input");
        let allowed = oracles::time_allowed(looked_at);
        assert!(time <= allowed, "cost: {time:?} for {looked_at} bytes of input");
    }
}

/// Runs `work`, and measures its cost.
pub fn measured<T>(work: impl FnOnce() -> T) -> (T, Cost) {
    let mut result = None;
    let begun = now();
    let memory = allocation_counter::measure(|| result = Some(work()));
    let time = now().saturating_sub(begun);
    let cost = Cost {
        allocated: usize::try_from(memory.bytes_total).unwrap_or(usize::MAX),
        kept: memory.bytes_current,
        time,
    };
    let Some(result) = result else { unreachable!("measuring does the work") };
    (result, cost)
}

/// Runs `work`, which may cost what `looked_at` bytes are worth, and not more.
pub fn bounded<T>(looked_at: usize, work: impl FnOnce() -> T) -> T {
    let (result, cost) = measured(work);
    cost.check(looked_at);
    result
}

/// Runs `work` that is no part of what is measured: its memory is not counted.
pub fn uncounted<T>(work: impl FnOnce() -> T) -> T {
    let mut result = None;
    allocation_counter::opt_out(|| result = Some(work()));
    let Some(result) = result else { unreachable!("opting out does the work") };
    result
}

fn now() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}
