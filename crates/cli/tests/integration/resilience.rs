//! `downdraft resilience`.

use crate::shell::{Scratch, downdraft};

/// Bids of five shares at 1.00, 0.98 and 0.95. Twelve are sold at 2 s; 0.98 is back at 4.5 s and 1.00 at 6 s.
const SWEPT: &str = "1,1,1,5,10000,1\n1,1,2,5,9800,1\n1,1,3,5,9500,1\n2,4,1,5,10000,1\n2,4,2,5,9800,1\n2,4,3,2,9500,1\n\
                     4.5,1,4,1,9800,1\n6,1,5,1,10000,1\n";

#[test]
fn a_sweep_is_timed() {
    let scratch = Scratch::new("resilience");
    let path = scratch.path("messages.csv").display().to_string();
    std::fs::write(&path, SWEPT).unwrap();
    let answer = downdraft(["resilience", &path, "--format", "lobster", "--tick", "0.01"]);
    assert_eq!((answer.code, answer.err.as_str()), (0, ""), "{answer:?}");
    assert!(
        answer.out.contains("8 records, 5.0 s\nbids: 1 sweeps, 100.0% refilled; half of it in 2.5"),
        "{}",
        answer.out
    );
    assert!(answer.out.contains("asks: 0 sweeps, none refilled\n"), "{}", answer.out);
    let answer = downdraft(["resilience", &path, "--format", "lobster", "--tick", "0.01", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&answer.out).unwrap();
    let near = |name: &str, expected: f64| {
        let found = json["bids"][name].as_f64().unwrap();
        assert!((found / expected - 1.0).abs() <= 1.0 / 256.0, "{name}: {found}, {expected} expected");
    };
    near("half_refill_s", 2.5);
    near("refill_s", 4.0);
    near("recovery_rate_per_s", core::f64::consts::LN_2 / 2.5);
    assert_eq!((json["bids"]["sweeps"].as_u64(), json["asks"]["refilled"].is_null()), (Some(1), true));
}

#[test]
fn what_does_not_fit_is_explained() {
    let scratch = Scratch::new("resilience-wrong");
    let path = scratch.path("messages.csv").display().to_string();
    std::fs::write(&path, SWEPT.replace("4.5,1,4,1", "4.5,1,4,x")).unwrap();
    for (more, part) in [
        (&["--tick", "0.01"][..], "line 7: size"),
        (&["--tick", "0.00001"], "--tick: found 0.00001"),
        (&["--tick", "0.01", "--lot", "0.5"], "--lot: found 0.5"),
        (&["--tick", "0.01", "--instrument-id", "3"], "--instrument-id is of dbn"),
    ] {
        let answer = downdraft(["resilience", &path, "--format", "lobster"].into_iter().chain(more.iter().copied()));
        assert_eq!((answer.code, answer.out.as_str()), (2, ""), "{answer:?}");
        assert!(answer.err.contains(part), "{part:?} in {}", answer.err);
    }
    assert_eq!(downdraft(["resilience", "nowhere", "--format", "dbn", "--tick", "0.25"]).code, 2);
}
