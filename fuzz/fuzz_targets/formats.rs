//! Texts and frames of each network.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| crosstalk_fuzz::targets::formats(data));
