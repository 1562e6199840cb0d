//! The LOBSTER readers on any bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| downdraft_feed::fuzz::fuzz_lobster(bytes));
