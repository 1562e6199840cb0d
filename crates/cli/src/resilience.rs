//! `resilience`: how fast a recorded book refills after sweeps.

use crate::args::{self, RecordedFormat};
use crate::output::{Failure, print};
use crate::screen::grouped;
use downdraft_insight::metrics::Resilience;
use downdraft_lab::resilience::{RecordedResilience, RecordingFormat, recorded_resilience};
use downdraft_types::Span;
use std::process::ExitCode;

/// Percentiles that are shown of the times.
const PERCENTS: [u32; 2] = [50, 90];

/// Measures a recording.
pub fn resilience(options: &args::Resilience) -> Result<ExitCode, Failure> {
    let format = match options.format {
        RecordedFormat::Lobster if options.instrument_id.is_some() => {
            return Err(Failure::Usage("--instrument-id is of dbn, a lobster file has one instrument".to_owned()));
        }
        RecordedFormat::Dbn if options.book.is_some() => {
            return Err(Failure::Usage("--book is of lobster, a dbn file begins with its own snapshot".to_owned()));
        }
        RecordedFormat::Lobster => RecordingFormat::Lobster { book: options.book.clone() },
        RecordedFormat::Dbn => RecordingFormat::Dbn { instrument: options.instrument_id },
    };
    let found =
        recorded_resilience(&options.recording, &format, &options.tick, &options.lot).map_err(Failure::Usage)?;
    print(&if options.json { json(&found) } else { table(&found) })?;
    Ok(ExitCode::SUCCESS)
}

fn table(found: &RecordedResilience) -> String {
    let mut text = format!("{} records, {:.1} s\n", grouped(&found.records.to_string()), seconds(found.length));
    for (name, side) in ["bids", "asks"].into_iter().zip(&found.sides) {
        let share = side.refilled().map_or_else(|| "none".to_owned(), |share| format!("{:.1}%", share * 100.0));
        text += &format!("{name}: {} sweeps, {share} refilled", grouped(&side.sweeps.to_string()));
        if let Some([half, full]) = times(side) {
            text += &format!("; half of it in {half}, all in {full}");
        }
        if let Some(rate) = side.recovery_rate() {
            text += &format!("; recovery rate {rate:.4} per second");
        }
        text += "\n";
    }
    text
}

/// Median and ninth decile of the times to half and to all; `None` where nothing was refilled.
fn times(side: &Resilience) -> Option<[String; 2]> {
    let told = |of: &downdraft_insight::Histogram| {
        let [median, most] = PERCENTS.map(|percent| of.percentile(percent).map(seconds));
        Some(format!("{:.6} s (90%: {:.6} s)", median?, most?))
    };
    Some([told(&side.half)?, told(&side.full)?])
}

fn json(found: &RecordedResilience) -> String {
    let side = |side: &Resilience| {
        let at = |of: &downdraft_insight::Histogram, percent| of.percentile(percent).map(seconds);
        serde_json::json!({
            "sweeps": side.sweeps,
            "refilled": side.refilled(),
            "half_refill_s": at(&side.half, 50),
            "half_refill_s_p90": at(&side.half, 90),
            "refill_s": at(&side.full, 50),
            "refill_s_p90": at(&side.full, 90),
            "recovery_rate_per_s": side.recovery_rate(),
        })
    };
    let [bids, asks] = &found.sides;
    let document = serde_json::json!({
        "records": found.records,
        "length_s": seconds(found.length),
        "bids": side(bids),
        "asks": side(asks),
    });
    format!("{document:#}\n")
}

fn seconds(span: Span) -> f64 {
    span.0 as f64 / 1e9
}
