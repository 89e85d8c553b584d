//! First bytes of clients and servers.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| crosstalk_fuzz::targets::ways_in(data));
