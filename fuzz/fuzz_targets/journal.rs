//! A journal's reader on any bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| downdraft_journal::fuzz::fuzz_reader(bytes));
