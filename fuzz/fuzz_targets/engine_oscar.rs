//! Connections of an AIM client.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| crosstalk_fuzz::targets::engine_oscar(data));
