//! Resilience of recorded books.

use downdraft_lab::resilience::{RecordedResilience, RecordingFormat, recorded_resilience};
use downdraft_testkit::recordings::find;
use downdraft_types::Span;

/// Most sweeps of a real book are refilled, half of the way first, within minutes.
fn check(found: &RecordedResilience, records: u64) {
    assert_eq!(found.records, records);
    for side in &found.sides {
        let told = format!("{} sweeps, {:?} refilled", side.sweeps, side.refilled());
        assert!(side.sweeps >= 3 && side.refilled().is_some_and(|share| share > 0.5 && share <= 1.0), "{told}");
        let (half, full) = (side.half.percentile(50), side.full.percentile(50));
        assert!(
            half.is_some() && half <= full && full < Some(Span::from_secs(600)),
            "half in {half:?}, all in {full:?}"
        );
        assert!(side.half.count() >= side.full.count(), "{told}");
    }
}

#[test]
fn an_hour_of_an_equity_refills() {
    let Some(path) = find("lobster/AAPL_2012-06-21_34200000_37800000_message_50.csv.gz") else { return };
    let Some(book) = find("lobster/AAPL_2012-06-21_34200000_57600000_orderbook_10.csv") else { return };
    let format = RecordingFormat::Lobster { book: Some(book) };
    check(&recorded_resilience(&path, &format, "0.01", "1").unwrap(), 91_997);
}

#[test]
fn an_evening_of_a_future_refills() {
    let Some(path) = find("dbn/esh4-glbx-mdp3-20231225.mbo.dbn.zst") else { return };
    let format = RecordingFormat::Dbn { instrument: None };
    check(&recorded_resilience(&path, &format, "0.25", "1").unwrap(), 68_792);
}
