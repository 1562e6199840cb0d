//! The book against its naive twin.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| downdraft_testkit::book_commands::run_book_differential(bytes));
