//! `replay`, and its exit codes.

use crate::shell::{Answer, Scratch, command, downdraft, run_tiny, tiny};
use downdraft_journal::{Reader, Record, Writer};
use downdraft_types::{MachineId, MarkPrice};
use downdraft_venue::Event;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

fn replay(journal: &Path) -> Answer {
    downdraft(["replay", journal.to_str().unwrap()])
}

fn tiny_journal(scratch: &Scratch) -> Vec<u8> {
    assert_eq!(run_tiny(scratch, &["--quiet"]).code, 0);
    std::fs::read(scratch.path("journal.ddj")).unwrap()
}

#[test]
fn a_whole_journal_is_equal() {
    let scratch = Scratch::new("equal");
    tiny_journal(&scratch);
    let answer = replay(&scratch.path("journal.ddj"));
    assert_eq!(answer.code, 0, "{answer:?}");
    let summary: serde_json::Value = serde_json::from_str(&scratch.text("summary.json")).unwrap();
    assert!(answer.out.contains(summary["state_hash"].as_str().unwrap()), "{answer:?}");
}

#[test]
fn a_flipped_bit_is_damage() {
    let scratch = Scratch::new("flip");
    let bytes = tiny_journal(&scratch);
    let damaged = scratch.path("damaged.ddj");
    for place in [3, 20, bytes.len() / 3, bytes.len() / 2, bytes.len() - 2] {
        let mut flipped = bytes.clone();
        flipped[place] ^= 4;
        std::fs::write(&damaged, flipped).unwrap();
        let answer = replay(&damaged);
        assert_eq!(answer.code, 3, "byte {place}: {answer:?}");
    }
}

#[test]
fn a_cut_journal_is_verified_to_its_last_block() {
    let scratch = Scratch::new("cut");
    let bytes = tiny_journal(&scratch);
    let cut = scratch.path("cut.ddj");
    std::fs::write(&cut, &bytes[..bytes.len() - 100]).unwrap();
    let answer = replay(&cut);
    assert_eq!(answer.code, 3);
    assert!(answer.out.contains("verified up to block"), "{answer:?}");
}

#[test]
fn an_altered_event_is_a_divergence() {
    let scratch = Scratch::new("altered");
    let bytes = tiny_journal(&scratch);
    let mut reader = Reader::open(bytes.as_slice()).unwrap();
    let mut writer = Writer::new(Vec::new(), reader.header()).unwrap();
    let (mut begun, mut altered) = (false, false);
    while let Some(record) = reader.record().unwrap() {
        match record {
            Record::Command(applied) => {
                if begun {
                    writer.end().unwrap();
                }
                writer.begin(&applied.stamp, &applied.command);
                begun = true;
            }
            Record::Event(mut emitted) => {
                if let (Event::MarkMoved { mark, .. }, false) = (&mut emitted.event, altered) {
                    *mark = MarkPrice(mark.0 + 1);
                    altered = true;
                }
                writer.emit(emitted.parent, &emitted.event);
            }
        }
    }
    writer.end().unwrap();
    let (bytes, _) = writer.finish(&[(MachineId(0), 1)]).unwrap();
    let path = scratch.path("altered.ddj");
    std::fs::write(&path, bytes).unwrap();
    let answer = replay(&path);
    assert_eq!(answer.code, 1, "{answer:?}");
    assert!(answer.out.contains("event ") && answer.out.contains("MarkMoved"), "{answer:?}");
}

#[test]
fn what_is_no_journal_is_refused() {
    let scratch = Scratch::new("none");
    assert_eq!(replay(&scratch.path("nothing.ddj")).code, 2);
    let path = scratch.path("text.ddj");
    std::fs::write(&path, "not a journal").unwrap();
    let answer = replay(&path);
    assert_eq!((answer.code, answer.err.lines().count()), (3, 1), "{answer:?}");
}

#[test]
fn a_killed_run_leaves_a_journal_that_recovers() {
    let scratch = Scratch::new("killed");
    let (tiny, out, journal) = (tiny(), scratch.path("").display().to_string(), scratch.path("journal.ddj"));
    let long = ["run", &tiny, "--out", &out, "--quiet", "--set", "duration=\"10000h\""];
    let mut running = command(long).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while std::fs::metadata(&journal).map_or(0, |file| file.len()) < 1_000_000 {
        assert_eq!(running.try_wait().unwrap(), None, "it ended by itself");
        std::thread::sleep(Duration::from_millis(5));
    }
    running.kill().unwrap();
    running.wait().unwrap();
    let answer = replay(&journal);
    assert_eq!(answer.code, 3, "{answer:?}");
    assert!(answer.out.contains("verified up to block"), "{answer:?}");
}
