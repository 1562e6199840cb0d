//! Running: the loop, what listens to it, and how it ends. Memory does not grow with a run's length.

use crate::error::ScenarioError;
use crate::plan::{Change, Plan, Refusal, reached};
use crate::prepare::Prepared;
use core::ops::ControlFlow;
use downdraft_insight::{fields, names::command_kind};
use downdraft_journal::{Footer, Header, WriteError, Writer};
use downdraft_sim::world::{Observer, Unsaved, World, WorldError};
use downdraft_types::{EventId, MachineId, Time};
use downdraft_venue::{Command, Event, Origin, Rejection, Stamp, Venue};
use std::io::Write;

/// How far a run has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// The present.
    pub now: Time,
    /// When the run ends.
    pub end: Time,
    /// Commands applied.
    pub commands: u64,
}

impl Progress {
    /// The part of simulated time that has passed, 0 to 1.
    #[must_use]
    pub fn fraction(&self) -> f64 {
        if self.end == Time::ZERO { 1.0 } else { self.now.0 as f64 / self.end.0 as f64 }
    }
}

/// A run that is over.
pub struct Finished {
    /// The world as it ended: its venue, and what its actors counted.
    pub world: World,
    /// The venue's state hash.
    pub state_hash: u64,
    /// Commands applied.
    pub commands: u64,
    /// Whether `progress` broke it off before its end.
    pub interrupted: bool,
}

impl Finished {
    /// The state hashes as a journal's footer has them.
    #[must_use]
    pub fn states(&self) -> [(MachineId, u64); 1] {
        [(MachineId(0), self.state_hash)]
    }
}

/// Why a run did not reach its end.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RunError {
    /// The scenario's actors could not be made.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The venue refused a command of the set-up.
    #[error("set-up: the venue refused {command}: {reason:?}")]
    SetUp {
        /// Which.
        command: String,
        /// Why.
        reason: Rejection,
    },
    /// The venue refused a command of a plan.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A plan removes an account that has nothing to remove.
    #[error("account {account} holds no position at {time}, expected one that does")]
    NoPosition {
        /// Which.
        account: u32,
        /// When.
        time: Time,
    },
    /// An actor's input turned out to be broken.
    #[error("{0}")]
    World(#[from] WorldError),
    /// A snapshot cannot be gone on from any more: a recording is gone.
    #[error("{0}")]
    Unsaved(#[from] Unsaved),
}

/// Steps between two calls of `progress`.
const STEPS: u32 = 4_096;

/// Runs a scenario to its end. `observer` hears everything; `progress` is called every few thousand steps and may
/// break the run off.
///
/// # Errors
/// [`RunError`].
pub fn run<O: Observer>(
    prepared: &Prepared,
    observer: &mut O,
    progress: impl FnMut(&Progress, &O) -> ControlFlow<()>,
) -> Result<Finished, RunError> {
    run_world(prepared.world()?, observer, progress)
}

/// As [`run`], for a world to which actors were added.
///
/// # Errors
/// [`RunError`].
pub fn run_world<O: Observer>(
    world: World,
    observer: &mut O,
    progress: impl FnMut(&Progress, &O) -> ControlFlow<()>,
) -> Result<Finished, RunError> {
    run_planned(world, Plan::default(), observer, progress)
}

/// As [`run_world`], while a plan is carried out.
///
/// # Errors
/// [`RunError`]; also where the venue refuses a command of the plan.
pub fn run_planned<O: Observer>(
    world: World,
    plan: Plan,
    observer: &mut O,
    progress: impl FnMut(&Progress, &O) -> ControlFlow<()>,
) -> Result<Finished, RunError> {
    let mut course = Course::new(world, plan);
    let interrupted = course.run(None, observer, progress)?;
    Ok(course.finish(interrupted))
}

/// A run that may stop on its way, be saved there, and go on.
pub struct Course {
    world: World,
    plan: Plan,
}

impl Course {
    /// A run of this world from where it is, while this plan is carried out.
    #[must_use]
    pub const fn new(world: World, plan: Plan) -> Self {
        Self { world, plan }
    }

    /// The world as it is.
    #[must_use]
    pub const fn world(&self) -> &World {
        &self.world
    }

    /// Goes on to the end; or, where `until` is given, to where a change of that moment would be made, ahead of all
    /// else that is due then (see [`Plan`]), those of its own plan included. Returns whether `progress` broke it off.
    ///
    /// # Errors
    /// [`RunError`]; also where the venue refuses a command of the plan.
    pub fn run<O: Observer>(
        &mut self,
        until: Option<Time>,
        observer: &mut O,
        mut progress: impl FnMut(&Progress, &O) -> ControlFlow<()>,
    ) -> Result<bool, RunError> {
        let Self { world, plan } = self;
        let mut guard = SetUpGuard { observer, command: None, refused: None };
        loop {
            for _ in 0..STEPS {
                if !plan.is_empty() {
                    intervene(world, plan, until, &mut guard)?;
                }
                if until.is_some_and(|until| reached(until, world.next_time())) || !world.step(&mut guard)? {
                    return Ok(false);
                }
                if let Some((command, reason)) = guard.refused.take() {
                    return Err(RunError::SetUp { command, reason });
                }
            }
            let so_far = Progress { now: world.now(), end: world.end(), commands: world.applied() };
            if progress(&so_far, guard.observer).is_break() {
                return Ok(true);
            }
        }
    }

    /// What it has come to.
    #[must_use]
    pub fn finish(self, interrupted: bool) -> Finished {
        let (state_hash, commands) = (self.world.venue().state_hash(), self.world.applied());
        Finished { world: self.world, state_hash, commands, interrupted }
    }
}

/// Carries out what a plan has for this moment.
fn intervene<O: Observer>(
    world: &mut World,
    plan: &mut Plan,
    until: Option<Time>,
    guard: &mut SetUpGuard<'_, O>,
) -> Result<(), RunError> {
    loop {
        if until.zip(plan.next_time()).is_some_and(|(until, time)| time >= until) {
            return Ok(());
        }
        let next = world.next_time();
        let Some((time, change)) = plan.due(next).filter(|(time, _)| *time <= world.end()) else { return Ok(()) };
        let commands = change.commands(world.venue());
        if let (true, Change::Backstop(account)) = (commands.is_empty(), &change) {
            return Err(RunError::NoPosition { account: account.0, time });
        }
        for command in commands {
            world.intervene(time, &command, guard).expect("it is due before all else");
            if let Some((_, reason)) = guard.refused.take() {
                return Err(change.refused(&command, time, reason).into());
            }
        }
    }
}

/// Passes everything on, and notices when a command of the scenario itself is refused.
struct SetUpGuard<'a, O> {
    observer: &'a mut O,
    /// The present command, where it is the scenario's.
    command: Option<Command>,
    refused: Option<(String, Rejection)>,
}

impl<O: Observer> Observer for SetUpGuard<'_, O> {
    fn command(&mut self, stamp: &Stamp, command: &Command) {
        self.command = (stamp.origin == Origin::Outside).then(|| command.clone());
        self.observer.command(stamp, command);
    }

    fn event(&mut self, id: EventId, parent: Option<u32>, event: &Event) {
        if let (Event::Rejected { reason }, Some(command)) = (event, self.command.take()) {
            let told = format!("{} {}", command_kind(&command), fields(&command));
            self.refused = Some((told, *reason));
        }
        self.observer.event(id, parent, event);
    }

    fn done(&mut self, venue: &Venue) {
        self.observer.done(venue);
    }
}

/// Two observers that hear the same.
#[derive(Clone, Debug, Default)]
pub struct Tee<A, B>(pub A, pub B);

impl<A: Observer, B: Observer> Observer for Tee<A, B> {
    fn command(&mut self, stamp: &Stamp, command: &Command) {
        self.0.command(stamp, command);
        self.1.command(stamp, command);
    }

    fn event(&mut self, id: EventId, parent: Option<u32>, event: &Event) {
        self.0.event(id, parent, event);
        self.1.event(id, parent, event);
    }

    fn done(&mut self, venue: &Venue) {
        self.0.done(venue);
        self.1.done(venue);
    }
}

/// Writes a journal.
#[derive(Clone)]
pub struct Recorder<W> {
    writer: Writer<W>,
    failed: bool,
}

impl<W: Write> Recorder<W> {
    /// Begins the journal of a run.
    ///
    /// # Errors
    /// Where the header cannot be written.
    pub fn new(out: W, prepared: &Prepared) -> Result<Self, WriteError> {
        Self::with_header(out, &prepared.header())
    }

    /// Begins the journal of a run with this header.
    ///
    /// # Errors
    /// Where the header cannot be written.
    pub fn with_header(out: W, header: &Header) -> Result<Self, WriteError> {
        Ok(Self { writer: Writer::new(out, header)?, failed: false })
    }

    /// Whether writing has failed; `finish` says why. A run may be broken off then.
    #[must_use]
    pub const fn failed(&self) -> bool {
        self.failed
    }

    /// Ends the journal of a run that reached its end. Returns the output.
    ///
    /// # Errors
    /// The first failure of writing.
    pub fn finish(self, finished: &Finished) -> Result<(W, Footer), WriteError> {
        self.finish_with(finished.state_hash)
    }

    /// Ends the journal of a run that ended in this state. Returns the output.
    ///
    /// # Errors
    /// The first failure of writing.
    pub fn finish_with(self, state_hash: u64) -> Result<(W, Footer), WriteError> {
        self.writer.finish(&[(MachineId(0), state_hash)])
    }

    /// Hands over what there is, of a run that did not reach its end: a journal without a footer.
    ///
    /// # Errors
    /// The first failure of writing.
    pub fn abandon(mut self) -> Result<(), WriteError> {
        self.writer.flush()
    }
}

impl<W: Write> Observer for Recorder<W> {
    fn command(&mut self, stamp: &Stamp, command: &Command) {
        self.writer.begin(stamp, command);
    }

    fn event(&mut self, _: EventId, parent: Option<u32>, event: &Event) {
        self.writer.emit(parent, event);
    }

    fn done(&mut self, _: &Venue) {
        self.failed |= self.writer.end().is_err();
    }
}
