//! The margin engine against its naive model.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| downdraft_testkit::margin_commands::run_margin_differential(bytes));
