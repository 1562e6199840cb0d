//! The scenario reader on any text.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| downdraft_lab::fuzz::fuzz_scenario(bytes));
