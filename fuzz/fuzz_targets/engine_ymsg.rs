//! Connections of a Yahoo client.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| crosstalk_fuzz::targets::engine_ymsg(data));
