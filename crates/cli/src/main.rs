//! The `downdraft` command line.

fn main() {}
