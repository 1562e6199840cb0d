//! Running the program, in a directory of the test's own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A directory that is gone when the test ends.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("downdraft-cli-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What the program answered.
#[derive(Debug)]
pub struct Answer {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl From<Output> for Answer {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// A scenario that takes a moment.
pub fn tiny() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/integration/tiny.toml").display().to_string()
}

pub fn command<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_downdraft"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// Runs the program to its end. It never panics.
pub fn downdraft<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Answer {
    let answer = Answer::from(command(arguments).output().unwrap());
    assert!(!answer.err.contains("panicked") && answer.code != 101, "{answer:?}");
    answer
}

/// Runs the tiny scenario into a directory.
pub fn run_tiny(scratch: &Scratch, more: &[&str]) -> Answer {
    let (tiny, out) = (tiny(), scratch.path("").display().to_string());
    downdraft(["run", &tiny, "--out", &out].into_iter().chain(more.iter().copied()))
}
