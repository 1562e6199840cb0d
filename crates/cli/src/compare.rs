//! `compare`: what differs between runs that have been.

use crate::args;
use crate::fork::{json, on_threads, screen, spinner, write};
use crate::output::{Failure, create_directory, print};
use downdraft_lab::compare::{Names, Report, compare as compare_runs};
use downdraft_lab::fork::{Subject, journal_of, recorded};
use std::path::Path;
use std::process::ExitCode;

/// Compares runs with the first of them.
pub fn compare(options: &args::Compare) -> Result<ExitCode, Failure> {
    let labels = labels(&options.runs);
    let open = |(source, label): (&String, String)| -> Result<(Subject, Option<Names>), Failure> {
        let journal = journal_of(source).ok_or_else(|| {
            Failure::Usage(format!("{source}: found no journal, expected a run's directory or its journal.ddj"))
        })?;
        Ok(recorded(&journal, &label, options.recording.files.as_deref(), options.recording.partial)?)
    };
    let opened: Vec<_> = options.runs.iter().zip(labels).map(open).collect::<Result<_, _>>()?;
    check_comparable(&opened)?;
    let (subjects, names): (Vec<Subject>, Vec<Option<Names>>) = opened.into_iter().unzip();
    let Some((base, runs)) = subjects.split_first() else {
        return Err(Failure::Usage("found no run, expected at least one".to_owned()));
    };
    if let Some(directory) = &options.out {
        create_directory(directory)?;
    }
    let spinner = spinner(options.batch.quiet || options.batch.json, "replaying runs");
    let mut comparison = on_threads(options.batch.threads, || compare_runs(base, runs))??;
    spinner.finish_and_clear();
    let traced = [&mut comparison.base].into_iter().chain(comparison.runs.iter_mut().map(|compared| &mut compared.run));
    traced.zip(&names).for_each(|(run, names)| run.names.clone_from(names));
    let names = names.into_iter().flatten().next().unwrap_or_else(|| Names::bare(&comparison.base.outcome));
    if let Some(directory) = &options.out {
        write(&comparison, &names, directory)?;
    }
    let report = Report::new(&comparison, &names);
    if options.batch.json {
        print(&json(&report)?)?;
    } else if !options.batch.quiet {
        print(&screen(&report))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Refuses runs whose prices, quantities or money are of another kind than the first's.
fn check_comparable(opened: &[(Subject, Option<Names>)]) -> Result<(), Failure> {
    let mut known = opened.iter().filter_map(|(run, names)| Some((run.label(), names.as_ref()?)));
    let Some((against, expected)) = known.next() else { return Ok(()) };
    known.try_for_each(|(label, names)| {
        expected.check_comparable(names).map_err(|reason| {
            Failure::Usage(format!(
                "{label} against {against}: {reason}; `downdraft report` shows them beside one another"
            ))
        })
    })
}

/// The last parts of the paths, or the paths where those are not distinct.
fn labels(runs: &[String]) -> Vec<String> {
    let short = |run: &String| {
        let path = Path::new(run);
        let named = match path.file_name() {
            Some(name) if name == "journal.ddj" => path.parent().and_then(Path::file_name),
            name => name,
        };
        named.map_or_else(|| run.clone(), |name| name.to_string_lossy().into_owned())
    };
    let shorts: Vec<String> = runs.iter().map(short).collect();
    let twice = |label: &String| shorts.iter().filter(|other| *other == label).count() > 1;
    shorts.iter().zip(runs).map(|(label, run)| if twice(label) { run.clone() } else { label.clone() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_called_by_what_tells_them_apart() {
        let runs = ["runs/a-1", "runs/b/journal.ddj", "old/a-1"].map(str::to_owned);
        assert_eq!(labels(&runs), ["runs/a-1", "b", "old/a-1"]);
    }
}
