//! Files that are being written: the room that they may take, of each person and of all.

use std::collections::HashMap;
use std::sync::Mutex;

use crosstalk_core::Address;

use crate::lock::lock;

/// The largest file, in bytes.
pub(crate) const MAX_FILE: u64 = 32 << 20;
/// Bytes of one person's that may be under way: one file of any size, and small ones beside it.
const OWN: u64 = MAX_FILE + (1 << 20);
/// Bytes of all that may be under way.
const ALL: u64 = 16 * MAX_FILE;

/// Bytes that are being written or may be, by whose they are.
#[derive(Default)]
pub(crate) struct Uploads(Mutex<HashMap<Address, u64>>);

/// Room for a file while it is written.
pub(crate) struct Upload<'a> {
    uploads: &'a Uploads,
    who: &'a Address,
    bytes: u64,
    /// What others were under way when it began: of the same person, and of all.
    pub(crate) beside: (u64, u64),
}

impl Uploads {
    /// Sets room aside for a file of up to so many bytes; none where too much is under way.
    pub(crate) fn begin<'a>(&'a self, who: &'a Address, bytes: u64) -> Option<Upload<'a>> {
        let mut under_way = lock(&self.0);
        let all: u64 = under_way.values().sum();
        let own = under_way.get(who).copied().unwrap_or_default();
        if own + bytes > OWN || all + bytes > ALL {
            return None;
        }
        under_way.insert(who.clone(), own + bytes);
        Some(Upload { uploads: self, who, bytes, beside: (own, all) })
    }
}

impl Drop for Upload<'_> {
    fn drop(&mut self) {
        let mut under_way = lock(&self.uploads.0);
        if let Some(bytes) = under_way.get_mut(self.who) {
            *bytes -= self.bytes;
            if *bytes == 0 {
                under_way.remove(self.who);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_writes_one_file_at_a_time_and_leaves_room_to_others() {
        let uploads = Uploads::default();
        let people: Vec<Address> = (0..17).map(|n| format!("p{n}@apps").parse().unwrap()).collect();
        let first = uploads.begin(&people[0], MAX_FILE).unwrap();
        assert!(uploads.begin(&people[0], MAX_FILE).is_none());
        let small = uploads.begin(&people[0], 64 << 10).unwrap();
        assert_eq!(small.beside, (MAX_FILE, MAX_FILE));
        drop(small);
        let others: Vec<_> =
            people[1..16].iter().map(|who| uploads.begin(who, MAX_FILE).unwrap()).collect();
        assert!(uploads.begin(&people[16], MAX_FILE).is_none());
        drop(first);
        assert!(uploads.begin(&people[16], MAX_FILE).is_some());
        drop(others);
        assert!(lock(&uploads.0).is_empty());
    }
}
