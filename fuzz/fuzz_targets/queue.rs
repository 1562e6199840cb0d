//! The event queue against a sorted map.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| downdraft_testkit::queue_model::run_queue_differential(bytes));
