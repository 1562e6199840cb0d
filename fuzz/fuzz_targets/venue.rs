//! A venue with every check after every command.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| downdraft_testkit::venue_commands::run_venue_commands(bytes));
