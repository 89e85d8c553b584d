//! Chance by a seed, and times that grow with what they are for.

use std::time::Duration;

/// Reproducible randomness: `SplitMix64`.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }
}

/// Checks that four times as much takes about four times as long, and not sixteen times: `work`
/// is given how much to do, and returns how long that took. The best of a few runs counts, since
/// others use the machine too.
pub fn assert_linear(what: &str, amount: usize, mut work: impl FnMut(usize) -> Duration) {
    let (mut small, mut large) = (Duration::MAX, Duration::MAX);
    for _ in 0..8 {
        small = small.min(work(amount));
        large = large.min(work(4 * amount));
        if large <= 8 * small + Duration::from_millis(10) {
            return;
        }
    }
    panic!("{what}: {small:?} for {amount}, {large:?} for four times as much");
}
