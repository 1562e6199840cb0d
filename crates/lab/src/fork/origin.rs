//! From what is named on a command line to the base of forks, and from a change to a fork.

use super::playback::{Playback, PlaybackError};
use super::{Counterfactual, FixedSetting, MarkSeries, Subject, Variant, mid_run};
use crate::compare::Names;
use crate::error::ScenarioError;
use crate::library::Text;
use crate::plan::Change;
use crate::prepare::Prepared;
use downdraft_journal::{End, Header, MAGIC, survey};
use downdraft_types::{AccountId, Time};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The base of forks: a scenario with its seed, or a run.
pub struct Origin {
    /// The base itself.
    pub base: Subject,
    /// What things are called; `None` of a journal without a readable scenario.
    pub names: Option<Names>,
    /// What its reader has to know.
    pub notes: Vec<String>,
    /// Its text and the changes that base and forks share.
    text: Option<(Text, Vec<String>)>,
}

/// How a base is to be opened.
#[derive(Clone, Debug, Default)]
pub struct Opening {
    /// A scenario's name or file, or a run's directory or journal.
    pub source: String,
    /// Changes that base and forks share, of a scenario.
    pub with: Vec<String>,
    /// The seed, of a scenario; its own otherwise.
    pub seed: Option<u64>,
    /// Where the files are that a journal's scenario names.
    pub files: Option<PathBuf>,
    /// Whether a journal's commands are recorded flow even where its scenario leads to the same run.
    pub recorded_flow: bool,
    /// Whether what can be read of a journal that is damaged or incomplete is taken.
    pub partial: bool,
}

/// Why a base could not be opened, or a fork not be made.
#[derive(Debug, thiserror::Error)]
pub enum OriginError {
    /// What is wrong with the scenario.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// What is wrong with the journal.
    #[error(transparent)]
    Playback(#[from] PlaybackError),
    /// A setting that cannot change while the run goes on.
    #[error(transparent)]
    Fixed(#[from] FixedSetting),
    /// A journal that is damaged or incomplete.
    #[error("{path}: {end}; --partial takes what can be read")]
    Cut {
        /// The journal.
        path: String,
        /// How it ends.
        end: End,
    },
    /// What was asked for makes no sense.
    #[error("{0}")]
    Usage(String),
}

/// Where the journal of a run is: in its directory, or the file itself.
#[must_use]
pub fn journal_path(run: &Path) -> PathBuf {
    if run.is_dir() { run.join("journal.ddj") } else { run.to_owned() }
}

/// As [`journal_path`]. `None` where the path is no run.
#[must_use]
pub fn journal_of(source: &str) -> Option<PathBuf> {
    let journal = journal_path(Path::new(source));
    let mut start = [0; MAGIC.len()];
    File::open(&journal).and_then(|mut file| file.read_exact(&mut start)).ok().filter(|()| start == MAGIC)?;
    Some(journal)
}

impl Origin {
    /// Opens a base.
    ///
    /// A journal's scenario is executed to find out whether it leads to the journal's final state: if it does, forks
    /// are executed from it; if it does not, or cannot be read, they are made of the journal's commands as recorded
    /// flow, and the notes say why.
    ///
    /// # Errors
    /// [`OriginError`].
    pub fn open(opening: &Opening) -> Result<Self, OriginError> {
        match journal_of(&opening.source) {
            Some(journal) => Self::of_journal(&journal, opening),
            None if Path::new(&opening.source).is_dir() => Err(OriginError::Usage(format!(
                "{}: found no journal.ddj that is a journal, expected a run's directory",
                opening.source
            ))),
            None => Self::of_scenario(opening),
        }
    }

    fn of_scenario(opening: &Opening) -> Result<Self, OriginError> {
        if opening.recorded_flow {
            return Err(OriginError::Usage(format!(
                "{}: found a scenario, expected a run to take as recorded flow",
                opening.source
            )));
        }
        let text = Text::open(&opening.source)?;
        let scenario = text.read(&opening.with).map_err(|error| error.of_option("--with", &opening.with))?;
        let prepared = Prepared::new(scenario, opening.seed);
        let names = Some(Names::of_scenario(&prepared.scenario));
        let base = Subject::Executed(Box::new(Variant::new("base", prepared)));
        Ok(Self { base, names, notes: Vec::new(), text: Some((text, opening.with.clone())) })
    }

    fn of_journal(journal: &Path, opening: &Opening) -> Result<Self, OriginError> {
        if opening.seed.is_some() || !opening.with.is_empty() {
            let found = if opening.seed.is_some() { "--seed" } else { "--with" };
            return Err(OriginError::Usage(format!(
                "{found}: a run has its seed and its settings, expected a scenario"
            )));
        }
        let mut reader = Playback::open(journal)?;
        let header = reader.header().clone();
        let io = |error| PlaybackError::Io { path: journal.display().to_string(), error };
        let (_, end) = survey(&mut reader).map_err(io)?;
        let last = reader.block().last_time;
        whole_or_asked_for(journal, &end, opening.partial)?;
        let text = Text::of_journal(header.scenario.clone(), opening.files.clone());
        let read = if header.scenario.trim().is_empty() {
            Err("it holds no scenario".to_owned())
        } else {
            text.read(&[]).map_err(|e| e.to_string())
        };
        let (prepared, why) = match read {
            Ok(scenario) => (Some(Prepared::new(scenario, Some(header.seed))), None),
            Err(why) => (None, Some(format!("the journal's scenario cannot be read: {why}"))),
        };
        let names = prepared.as_ref().map(|prepared| Names::of_scenario(&prepared.scenario));
        let why = match (&prepared, why) {
            _ if opening.recorded_flow => Some("as asked for".to_owned()),
            (Some(prepared), None) => check_reproduced(prepared, &end),
            (_, why) => why,
        };
        // What a torn journal lacks is not made up for.
        let whole = prepared.as_ref().filter(|_| matches!(end, End::Complete(_)));
        let end_time = whole.map_or(last, |prepared| prepared.end().max(last));
        let base = match (prepared.clone(), &why) {
            (Some(prepared), None) => Subject::Executed(Box::new(Variant::new("base", prepared))),
            _ => Subject::Played {
                label: "base".to_owned(),
                playback: Playback::flow(journal, end_time),
                seed: header.seed,
            },
        };
        let notes = why.map(|why| format!("forks are made of recorded flow: {why}")).into_iter().collect();
        Ok(Self { base, names, notes, text: prepared.map(|_| (text, Vec::new())) })
    }

    /// A fork: with `sets`, and with accounts removed, from a moment on or from the start.
    ///
    /// # Errors
    /// [`OriginError`].
    pub fn fork(
        &self,
        label: &str,
        sets: &[String],
        at: Option<Time>,
        without: &[AccountId],
    ) -> Result<Subject, OriginError> {
        self.check_moment(at)?;
        let moment = at.unwrap_or(Time::ZERO);
        let removed = without.iter().map(|account| (moment, Change::Backstop(*account)));
        match &self.base {
            Subject::Executed(base) => {
                let mut fork = Variant { label: label.to_owned(), ..(**base).clone() };
                if at.is_some() {
                    fork.plan = fork.plan.and(self.commands(sets)?.into_iter().map(|change| (moment, change)));
                } else {
                    fork.prepared = self.reread(&base.prepared, sets)?;
                }
                fork.plan = fork.plan.and(removed);
                Ok(Subject::Executed(Box::new(fork)))
            }
            Subject::Played { playback, seed, .. } => {
                let changes = self.commands(sets)?.into_iter().map(|change| (moment, change));
                let plan = playback.plan.clone().and(changes).and(removed);
                let playback = Playback { plan, ..playback.clone() };
                Ok(Subject::Played { label: label.to_owned(), playback, seed: *seed })
            }
        }
    }

    /// A built-in counterfactual, from a moment on or from the start. `marks` are those of the suppressed fork.
    /// `Ok(None)` where the base is like that already.
    ///
    /// # Errors
    /// [`OriginError`].
    pub fn counterfactual(
        &self,
        counterfactual: Counterfactual,
        at: Option<Time>,
        marks: Option<&MarkSeries>,
    ) -> Result<Option<Subject>, OriginError> {
        self.check_moment(at)?;
        let moment = at.unwrap_or(Time::ZERO);
        let changes: Vec<(Time, Change)> = match (counterfactual, counterfactual.change(), marks) {
            (Counterfactual::ExogenousMark, _, Some(marks)) => marks.changes(moment).collect(),
            (_, Some(change), _) => vec![(moment, change)],
            _ => Vec::new(),
        };
        let label = counterfactual.name();
        match &self.base {
            Subject::Executed(base) if at.is_none() => {
                Ok(counterfactual.fork(base, marks).map(|fork| Subject::Executed(Box::new(fork))))
            }
            _ if changes.is_empty() => Err(OriginError::Usage(format!(
                "{label}: it changes an actor, expected a scenario's actors from their start (no --at, no recorded flow)"
            ))),
            Subject::Executed(base) => {
                let oracle = base.prepared.scenario.has_oracle();
                if counterfactual == Counterfactual::ExogenousMark && oracle {
                    return Err(OriginError::Usage(format!(
                        "{label}: found an oracle, which goes on reporting, expected none with --at"
                    )));
                }
                let plan = base.plan.clone().and(changes);
                let fork = Variant { label, plan, ..(**base).clone() };
                Ok(Some(Subject::Executed(Box::new(fork))))
            }
            Subject::Played { playback, seed, .. } => {
                let without_reports = counterfactual == Counterfactual::ExogenousMark;
                let plan = playback.plan.clone().and(changes);
                let playback = Playback { plan, without_reports, ..playback.clone() };
                Ok(Some(Subject::Played { label, playback, seed: *seed }))
            }
        }
    }

    /// The header of a journal of a fork.
    ///
    /// # Errors
    /// Where the base's journal cannot be opened any more.
    pub fn header(&self, fork: &Subject) -> Result<Header, OriginError> {
        match fork {
            Subject::Executed(variant) => Ok(variant.prepared.header()),
            Subject::Played { playback, .. } => Ok(Playback::open(&playback.journal)?.header().clone()),
        }
    }

    /// Checks that a moment is one of the run.
    ///
    /// # Errors
    /// [`OriginError::Usage`].
    pub fn check_moment(&self, at: Option<Time>) -> Result<(), OriginError> {
        let end = self.base.end();
        match at.filter(|at| *at >= end) {
            Some(at) => {
                Err(OriginError::Usage(format!("--at: found {at}, expected a moment before the run's end, {end}")))
            }
            None => Ok(()),
        }
    }

    fn reread(&self, base: &Prepared, sets: &[String]) -> Result<Prepared, OriginError> {
        let Some((text, with)) = &self.text else { return Ok(base.clone()) };
        if sets.is_empty() {
            return Ok(base.clone());
        }
        let all: Vec<String> = with.iter().chain(sets).cloned().collect();
        let scenario = text.read(&all)?;
        // A fork has the seed of its base, unless the seed is what it changes.
        let seed = if scenario.seed == base.scenario.seed { base.seed } else { scenario.seed };
        Names::of_scenario(&base.scenario)
            .check_comparable(&Names::of_scenario(&scenario))
            .map_err(|reason| OriginError::Usage(format!("--set {}: {reason}", sets.join(" --set "))))?;
        Ok(Prepared::new(scenario, Some(seed)))
    }

    /// Settings as changes of a venue.
    fn commands(&self, sets: &[String]) -> Result<Vec<Change>, OriginError> {
        if sets.is_empty() {
            return Ok(Vec::new());
        }
        let Some((text, with)) = &self.text else {
            let expected = "expected none, a counterfactual, or --files with the directory of the scenario's files";
            return Err(OriginError::Usage(format!(
                "--set {}: the journal's scenario cannot be read, {expected}",
                sets[0]
            )));
        };
        let seed = match &self.base {
            Subject::Executed(base) => base.prepared.seed,
            Subject::Played { seed, .. } => *seed,
        };
        Ok(mid_run(text, with, sets, seed)??)
    }
}

/// A run as it stands, from its journal, to be compared; and what things are called in it, where its scenario can be
/// read.
///
/// # Errors
/// Where the journal cannot be read, or is not whole and that was not asked for by `partial`.
pub fn recorded(
    journal: &Path,
    label: &str,
    files: Option<&Path>,
    partial: bool,
) -> Result<(Subject, Option<Names>), OriginError> {
    let mut reader = Playback::open(journal)?;
    let header = reader.header().clone();
    let io = |error| PlaybackError::Io { path: journal.display().to_string(), error };
    let (_, end) = survey(&mut reader).map_err(io)?;
    whole_or_asked_for(journal, &end, partial)?;
    let last = reader.block().last_time;
    let scenario = Text::of_journal(header.scenario.clone(), files.map(Path::to_owned)).read(&[]).ok();
    let end = scenario.as_ref().map_or(last, |scenario| Time(scenario.duration.0).max(last));
    let names = scenario.as_ref().map(Names::of_scenario);
    let playback = Playback::verbatim(journal, end);
    Ok((Subject::Played { label: label.to_owned(), playback, seed: header.seed }, names))
}

fn whole_or_asked_for(journal: &Path, end: &End, partial: bool) -> Result<(), OriginError> {
    if partial || matches!(end, End::Complete(_)) {
        return Ok(());
    }
    Err(OriginError::Cut { path: journal.display().to_string(), end: end.clone() })
}

/// Says why not, if the scenario does not lead to the journal's state.
fn check_reproduced(prepared: &Prepared, end: &End) -> Option<String> {
    let End::Complete(footer) = end else {
        return Some(format!("the journal is not whole, so that it cannot be compared with its scenario's run: {end}"));
    };
    let expected = footer.states.first().map(|(_, hash)| *hash);
    let executed = Subject::Executed(Box::new(Variant::new("the journal's scenario", prepared.clone())));
    match executed.drive(&mut (), |()| false) {
        Ok(driven) if Some(driven.venue.state_hash()) == expected => None,
        Ok(_) => Some(
            "its scenario, executed, ends in another state: it was forked, had other actors, or is of another version"
                .to_owned(),
        ),
        Err(error) => Some(format!("its scenario cannot be executed: {error}")),
    }
}
