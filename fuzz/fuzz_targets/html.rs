//! Formatted text of AIM and Jabber.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| crosstalk_fuzz::targets::html(data));
