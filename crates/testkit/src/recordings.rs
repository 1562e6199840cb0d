//! Where recorded data is, for tests that use it. It is never part of the project.

use std::path::PathBuf;

/// The path of a recording under `DOWNDRAFT_DATA` or, without that, `../shared/data` beside the checkout. Says so
/// where there is none, and the test is then skipped.
#[must_use]
pub fn find(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("DOWNDRAFT_DATA")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")), PathBuf::from);
    let path = root.join(name);
    if path.is_file() {
        return Some(path);
    }
    eprintln!("skipped: no recording {name}; set DOWNDRAFT_DATA to a folder that has it");
    None
}
