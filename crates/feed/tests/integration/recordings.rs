//! Where recordings are looked for. They may not be redistributed, so a test does without them.

use downdraft_feed::Input;
use std::fs::File;
use std::path::{Path, PathBuf};

/// The file under `DOWNDRAFT_DATA`, else `../shared/data` beside the workspace; `None`, and a line that says so,
/// where it is absent.
pub fn path(name: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let path = std::env::var_os("DOWNDRAFT_DATA").map_or_else(beside, PathBuf::from).join(name);
    if path.is_file() {
        return Some(path);
    }
    println!("skipped: {} is absent (set DOWNDRAFT_DATA to the folder of recordings)", path.display());
    None
}

pub fn open(name: &str) -> Option<Input<File>> {
    path(name).map(|path| Input::new(File::open(path).unwrap()).unwrap())
}
