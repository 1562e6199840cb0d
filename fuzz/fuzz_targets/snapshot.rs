//! Changed snapshots of a book.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| downdraft_testkit::book_commands::run_book_snapshot(bytes));
