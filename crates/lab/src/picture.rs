//! Reports: of a run as it happens, and of a journal afterwards. Both give the same report.

use crate::analysis::units_of;
use crate::prepare::Prepared;
use crate::reproduce::reproduce;
use crate::run::Finished;
use crate::scenario::Outline;
use downdraft_insight::metrics::Metrics;
use downdraft_insight::report::{About, Camera, JournalError, Outcomes, Replayed, RunReport, replayed};
use downdraft_insight::{RunInfo, Summary, Units};
use downdraft_journal::{End, Reader, Totals};
use downdraft_sim::world::Observer;
use downdraft_types::{EventId, Span, Time};
use downdraft_venue::{Command, Event, Stamp, Venue};
use std::io::Read;

/// Watches a run for its report, if it is to have one.
#[derive(Clone, Debug)]
pub struct Filming(Option<Camera>);

impl Filming {
    /// Watches a run to come.
    #[must_use]
    pub fn new(prepared: &Prepared) -> Self {
        Self(Some(Camera::new(prepared.scenario.capacity, Span(prepared.end().0))))
    }

    /// Watches nothing.
    #[must_use]
    pub const fn off() -> Self {
        Self(None)
    }
}

impl Observer for Filming {
    fn command(&mut self, stamp: &Stamp, _: &Command) {
        if let Some(camera) = &mut self.0 {
            camera.command(stamp);
        }
    }

    fn event(&mut self, _: EventId, _: Option<u32>, event: &Event) {
        if let Some(camera) = &mut self.0 {
            camera.event(event);
        }
    }

    fn done(&mut self, venue: &Venue) {
        if let Some(camera) = &mut self.0 {
            camera.done(venue);
        }
    }
}

/// The report of a run that is over, with what an [`Analysis`](crate::Analysis) made of it. `None` where nothing was
/// filmed.
#[must_use]
pub fn run_report(
    prepared: &Prepared,
    finished: &Finished,
    film: Filming,
    summary: Summary,
    outcomes: Outcomes,
    metrics: Option<&Metrics>,
) -> Option<RunReport> {
    let scenario = &prepared.scenario;
    let about = About {
        summary: scenario.summary.clone(),
        scenario: scenario.text.clone(),
        actors: scenario.actors.iter().map(|actor| actor.name.clone()).collect(),
        reproduce: reproduce(&scenario.text, prepared.seed),
        warning: None,
    };
    let units = units_of(&scenario.currencies, &scenario.instruments);
    let report = RunReport::new(about, units, summary, outcomes, film.0?, finished.world.venue());
    Some(match metrics {
        Some(metrics) => report.with_metrics(metrics),
        None => report,
    })
}

/// A report of a journal, and how the journal ends.
#[derive(Debug)]
pub struct JournalReport {
    /// The report.
    pub report: RunReport,
    /// Whether there is all of it.
    pub end: End,
}

/// Makes the report of a journal from its first record to its end, whole or not. `length` is about how long its run
/// lasted, for a journal that may not reach the end of its scenario; `progress` is called at each block.
///
/// # Errors
/// Where it cannot be read, or this version cannot replay it.
pub fn journal_report<R: Read>(
    reader: &mut Reader<R>,
    length: Option<Span>,
    progress: impl FnMut(&Totals, Time),
) -> Result<JournalReport, JournalError> {
    let header = reader.header().clone();
    let outline = Outline::read(&header.scenario);
    let capacity = downdraft_insight::report::capacity(reader)?;
    let mut about = About {
        reproduce: reproduce(&header.scenario, header.seed),
        scenario: header.scenario.clone(),
        ..About::default()
    };
    let (name, units, horizon) = match outline {
        Ok(outline) => {
            about.summary = outline.summary;
            about.actors = outline.actors;
            let units = units_of(&outline.currencies, &outline.instruments);
            (outline.name, units, length.unwrap_or(outline.duration))
        }
        Err(error) => {
            about.warning = Some(format!("Numbers are in ticks, lots and smallest units of money: {error}"));
            let scales = vec![1; usize::from(capacity.instruments)];
            ("unnamed".to_owned(), Units::bare(capacity.currencies, &scales), length.unwrap_or_default())
        }
    };
    let Replayed { analyzer, camera, metrics, venue, end } = replayed(reader, units.clone(), horizon, progress)?;
    if !matches!(end, End::Complete(_)) {
        let cut = format!("The journal is not whole ({end}): the report shows what could be read.");
        about.warning = Some(about.warning.map_or(cut.clone(), |before| format!("{cut} {before}")));
    }
    let (mut summary, outcomes) = analyzer.finish(RunInfo {
        scenario: name,
        seed: header.seed,
        version: header.software.strip_prefix("downdraft ").unwrap_or(&header.software).to_owned(),
        state_hash: venue.state_hash(),
        ..RunInfo::default()
    });
    summary.metrics = Some(metrics.digest(&units, &venue));
    let report = RunReport::new(about, units, summary, outcomes, camera, &venue).with_metrics(&metrics);
    Ok(JournalReport { report, end })
}
