//! Fields behind a value: how what one version adds is written for all.
//!
//! A field is a number, a length and so many bytes, the first two as postcard's varints. Who does
//! not know an odd number skips the field; who does not know an even one does without the whole
//! value, and says so where it is to be answered (as extensions of Lightning do, BOLT 1).

use super::layout::{Unreadable, read};

/// The most fields behind one value.
const MAX_FIELDS: usize = 64;

/// Appends a field.
pub(crate) fn put(to: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    // Into memory; it does not fail.
    if let Ok(with_field) = postcard::to_extend(&(number, bytes), std::mem::take(to)) {
        *to = with_field;
    }
}

/// Reads fields up to the end of `bytes`, each given to `take` by its number. That says whether it
/// knows the number; one that is not known and may not be skipped is [`Unreadable::Unknown`].
pub(crate) fn each<'a>(
    mut bytes: &'a [u8],
    mut take: impl FnMut(u32, &'a [u8]) -> bool,
) -> Result<(), Unreadable> {
    let (mut count, mut lacks) = (0, false);
    while !bytes.is_empty() {
        let ((number, field), rest) = read::<(u32, &[u8])>(bytes)?;
        count += 1;
        if count > MAX_FIELDS {
            return Err(Unreadable::Malformed);
        }
        lacks |= !take(number, field) && number % 2 == 0;
        bytes = rest;
    }
    // Only now: what is malformed further on is so for everybody.
    if lacks { Err(Unreadable::Unknown) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_field_is_skipped_where_its_number_is_odd() {
        let mut bytes = Vec::new();
        put(&mut bytes, 3, b"new");
        put(&mut bytes, 1, b"known");
        put(&mut bytes, 4001, &[0; 300]);
        let mut found = Vec::new();
        let known = |number, field: &[u8]| {
            found.extend_from_slice(if number == 1 { field } else { &[] });
            number == 1
        };
        assert_eq!(each(&bytes, known), Ok(()));
        assert_eq!(found, b"known");
        put(&mut bytes, 2, b"must");
        assert_eq!(each(&bytes, |number, _| number == 1), Err(Unreadable::Unknown));
    }

    #[test]
    fn what_is_no_field_is_malformed() {
        let mut bytes = Vec::new();
        put(&mut bytes, 2, b"must");
        for bad in [&bytes[..bytes.len() - 1], &[1], &[1, 0xff, 0xff, 0xff, 0xff, 0x7f]] {
            assert_eq!(each(bad, |_, _| true), Err(Unreadable::Malformed));
        }
        let many = [1, 0].repeat(MAX_FIELDS + 1);
        assert_eq!(each(&many, |_, _| true), Err(Unreadable::Malformed));
        assert_eq!(each(&many[2..], |_, _| true), Ok(()));
    }
}
