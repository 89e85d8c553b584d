//! Changes to inputs, by a seed, as networks, tools and enemies make them.

/// Bytes that mean something in one format or another.
const TELLING: &[u8] = b"\0\x01\x02\x10\x7f\x80\xc0\xff<>&;@:'\"\r\n 0";

/// Reproducible randomness: `SplitMix64`.
pub struct Random(pub u64);

impl Random {
    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.number() % end.max(1) as u64).unwrap_or(0)
    }
}

/// Changes `input` in one of many ways; `other` is an input to borrow from, and `most` the longest
/// that it may become.
pub fn mutate(input: &mut Vec<u8>, other: &[u8], most: usize, random: &mut Random) {
    if input.is_empty() {
        input.push(0);
    }
    let at = random.below(input.len());
    let end = input.len().min(at + 1 + random.below(64));
    match random.below(10) {
        0 => input[at] ^= 1 << random.below(8),
        1 => input[at] = TELLING[random.below(TELLING.len())],
        2 => input.truncate(at),
        3 => drop(input.drain(at..end)),
        4 => input[at..end].fill_with(|| random.number() as u8),
        5 => repeat(input, at..end, random.below(64)),
        6 => repeat(input, at..end, random.below(most)),
        7 | 8 => {
            let from = random.below(other.len());
            let to = other.len().min(from + random.below(1024));
            let borrowed = other.get(from..to).unwrap_or_default().iter().copied();
            drop(input.splice(at..end, borrowed));
        }
        _ => {
            let digits = input[at..].iter().position(u8::is_ascii_digit).map_or(at, |n| at + n);
            let numbers = ["0", "1", "-1", "255", "65535", "65536", "4294967296", "99999999999"];
            let number = numbers[random.below(numbers.len())].bytes();
            drop(input.splice(digits..(digits + 1).min(input.len()), number));
        }
    }
    input.truncate(most);
}

/// Repeats a part until there are so many bytes more.
fn repeat(input: &mut Vec<u8>, part: std::ops::Range<usize>, more: usize) {
    let repeated: Vec<u8> = input[part.clone()].iter().copied().cycle().take(more).collect();
    drop(input.splice(part.end..part.end, repeated));
}
