//! Frames from links, and records from the disk.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| crosstalk_fuzz::targets::frames(data));
