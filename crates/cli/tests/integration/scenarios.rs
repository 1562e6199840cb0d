//! `scenarios`, `show` and `check`.

use crate::shell::{Scratch, downdraft, tiny};

#[test]
fn the_library_is_listed_shown_and_checked() {
    let list = downdraft(["scenarios"]);
    assert_eq!((list.code, list.err.as_str()), (0, ""));
    assert!(list.out.lines().next().unwrap().starts_with("flash-crash "), "{}", list.out);
    for line in list.out.lines() {
        let (name, summary) = line.split_once(' ').unwrap();
        assert!(summary.trim().len() > 20, "{line}");
        let shown = downdraft(["show", name]);
        assert_eq!(shown.code, 0);
        assert!(shown.out.contains(&format!("name = \"{name}\"")), "{name}");
    }
}

#[test]
fn what_is_shown_can_be_checked_as_a_file() {
    let scratch = Scratch::new("show");
    let path = scratch.path("mine.toml");
    std::fs::write(&path, downdraft(["show", "flash-crash"]).out).unwrap();
    let file = path.to_str().unwrap();
    let answer = downdraft(["check", file]);
    assert_eq!((answer.code, answer.err.as_str()), (0, ""));
    assert!(answer.out.starts_with("flash-crash: ok, 1 instrument, "), "{}", answer.out);
    let broken = downdraft(["check", file, "--set", "instruments.0.tick_size=0.3"]);
    assert_eq!((broken.code, broken.out.as_str()), (2, ""));
    assert!(broken.err.contains("mine.toml:") && broken.err.contains("ticks of 0.3"), "{}", broken.err);
}

#[test]
fn a_file_is_checked() {
    let answer = downdraft(["check", &tiny()]);
    assert_eq!(answer.code, 0, "{answer:?}");
    assert!(answer.out.starts_with("tiny: ok, 1 instrument, 3 actors and "), "{}", answer.out);
}

/// What a venue refuses is told before a run is begun.
#[test]
fn what_cannot_be_set_up_is_refused() {
    for (set, part) in [
        ("instruments.0.max_position=0.001", "crowd: counterparties.count: found 50, one of which would hold 2 lots"),
        ("instruments.0.book={ orders = 1000, levels = 1000 }", "expected at most 1000, the book.orders of BTC-PERP"),
    ] {
        let answer = downdraft(["check", &tiny(), "--set", set]);
        assert_eq!((answer.code, answer.out.as_str()), (2, ""), "{set} {answer:?}");
        assert_eq!(answer.err.lines().count(), 1, "{answer:?}");
        assert!(answer.err.contains(part), "{}", answer.err);
    }
    let spot = "instruments.TKN-USDT.max_order=9223372036854775807";
    let answer = downdraft(["check", "collateral-loop", "--set", spot]);
    assert_eq!(answer.code, 2, "{answer:?}");
    assert!(answer.err.contains("the venue refused list-instrument instrument=1 spec={kind="), "{}", answer.err);
}
