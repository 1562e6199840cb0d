//! Replay: a journal's commands, fed to empty machines, must lead to its events and its state hashes.
//!
//! Neither scheduler nor actors are needed: what they did is in the journal as commands. What the machines
//! asked for is checked too: an internal command must have been requested, with the same moment and cause, by
//! the machine it is applied to.

use crate::codec::{self, DecodeError};
use crate::machine::Machine;
use crate::read::{End, Reader, Totals};
use crate::record::{Applied, Emitted, Record};
use crate::verdict::{Difference, Divergence, Replay, Verdict};
use downdraft_types::{EventId, MachineId, Time};
use downdraft_venue::{Command, Event, Origin, Request, Sink, Stamp};
use std::collections::BTreeMap;
use std::io::{self, Read};

/// Why a replay could not be begun, or not be read on.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// Reading failed.
    #[error("cannot read the journal: {0}")]
    Io(#[from] io::Error),
    /// A machine of a kind that this replay has no code for.
    #[error("machine {machine} is a {found:?}, expected a {expected:?}")]
    Kind {
        /// Which.
        machine: MachineId,
        /// In the header.
        found: String,
        /// [`Machine::KIND`].
        expected: &'static str,
    },
    /// A machine's genesis is not of its kind.
    #[error("genesis of machine {machine}: {error}")]
    Genesis {
        /// Which.
        machine: MachineId,
        /// What is wrong.
        error: DecodeError,
    },
    /// Two machines of one number.
    #[error("machine {machine} is in the header twice")]
    Twice {
        /// Which.
        machine: MachineId,
    },
}

/// Replays a journal from its first record. `progress` is called at each block, with what is read so far and
/// the time reached.
///
/// # Errors
/// Where the header's machines cannot be built, or reading fails. What the replay finds is no error.
pub fn replay<M: Machine, R: Read>(
    mut reader: Reader<R>,
    mut progress: impl FnMut(&Totals, Time),
) -> Result<Replay, ReplayError> {
    let mut run = Run::<M>::new(&reader)?;
    let mut entered = 0;
    let (verdict, blocks) = loop {
        let step = match reader.record()? {
            Some(record) => run.step(&mut reader, record),
            None => Err(Stop::End),
        };
        let blocks = reader.totals().blocks;
        match step {
            Ok(()) if blocks != entered => {
                entered = blocks;
                progress(reader.totals(), reader.block().last_time);
            }
            Ok(()) => {}
            Err(Stop::Io(error)) => return Err(error.into()),
            Err(Stop::End) => break (run.judge_end(reader.end()), blocks),
            // The block with the difference is read, but not verified.
            Err(Stop::Different(difference)) => break (run.diverged(*difference), blocks.saturating_sub(1)),
        }
    };
    Ok(Replay { verdict, blocks, commands: run.commands, events: run.events, states: run.states() })
}

/// Why a replay goes no further.
enum Stop {
    End,
    Different(Box<Difference>),
    Io(io::Error),
}

impl From<Difference> for Stop {
    fn from(difference: Difference) -> Self {
        Self::Different(Box::new(difference))
    }
}

/// Requests not yet applied, and how often each was made.
type Requests = BTreeMap<(MachineId, Request), u32>;

/// A replay under way.
struct Run<M> {
    machines: Vec<(MachineId, M)>,
    requests: Requests,
    /// The present command, and how many of its events were equal.
    stamp: Option<Stamp>,
    index: u32,
    commands: u64,
    events: u64,
}

impl<M: Machine> Run<M> {
    /// The header's machines, empty.
    fn new<R: Read>(reader: &Reader<R>) -> Result<Self, ReplayError> {
        let mut machines: Vec<(MachineId, M)> = Vec::new();
        for entry in &reader.header().machines {
            let machine = entry.id;
            if entry.kind != M::KIND {
                return Err(ReplayError::Kind { machine, found: entry.kind.clone(), expected: M::KIND });
            }
            if machines.iter().any(|(id, _)| *id == machine) {
                return Err(ReplayError::Twice { machine });
            }
            let genesis = codec::decode_owned(&entry.genesis);
            machines.push((machine, M::genesis(genesis.map_err(|error| ReplayError::Genesis { machine, error })?)));
        }
        let requests = Requests::new();
        Ok(Self { machines, requests, stamp: None, index: 0, commands: 0, events: 0 })
    }

    /// Applies a command and compares the events that follow it.
    fn step<R: Read>(&mut self, reader: &mut Reader<R>, record: Record) -> Result<(), Stop> {
        let Applied { stamp, command } = match record {
            Record::Command(applied) => applied,
            // As many as the replay has were passed with their command.
            Record::Event(event) => {
                let difference = Difference::Event { index: self.index, expected: Some(event), found: None };
                return Err(difference.into());
            }
        };
        let before = self.stamp.replace(stamp);
        self.index = 0;
        check_order(before.as_ref(), &stamp)?;
        check_origin(&mut self.requests, &stamp, &command)?;
        let machine = self.machines.iter_mut().find(|(id, _)| *id == stamp.machine);
        let (_, machine) = machine.ok_or(Difference::UnknownMachine)?;
        let mut comparing = Comparing {
            reader,
            requests: &mut self.requests,
            machine: stamp.machine,
            next: EventId { seq: stamp.seq, index: 0 },
            stop: None,
        };
        let applied = machine.apply(stamp.time, stamp.seq, &command, &mut comparing);
        let Comparing { stop, next, .. } = comparing;
        self.commands += 1;
        self.index = next.index;
        self.events += u64::from(next.index);
        stop.map_or(Ok(()), Err)?;
        applied.map_err(|error| Difference::Refused(error.to_string()).into())
    }

    /// Judges a journal read to its end without a difference.
    fn judge_end(&self, end: Option<&End>) -> Verdict {
        let footer = match end.expect("a journal read to its end has one") {
            End::Complete(footer) => footer,
            end => return Verdict::Incomplete(end.clone()),
        };
        let found = self.states();
        let missing = found.get(footer.states.len()).map(|(id, hash)| (*id, None, Some(*hash)));
        let differing = footer.states.iter().enumerate().find_map(|(place, (id, expected))| {
            let hash = found.get(place).filter(|(found, _)| found == id).map(|(_, hash)| *hash);
            (hash != Some(*expected)).then_some((*id, Some(*expected), hash))
        });
        match differing.or(missing) {
            Some((machine, expected, found)) => self.diverged(Difference::State { machine, expected, found }),
            None => Verdict::Equal,
        }
    }

    fn diverged(&self, difference: Difference) -> Verdict {
        Verdict::Diverged(Box::new(Divergence { stamp: self.stamp, difference }))
    }

    fn states(&self) -> Vec<(MachineId, u64)> {
        self.machines.iter().map(|(id, machine)| (*id, machine.state_hash())).collect()
    }
}

/// A command comes after the one before it, and after its cause.
fn check_order(before: Option<&Stamp>, stamp: &Stamp) -> Result<(), Stop> {
    if let Some(before) = before.filter(|before| before.seq >= stamp.seq || before.time > stamp.time) {
        return Err(Difference::Order(before.time, before.seq).into());
    }
    stamp.cause.filter(|cause| cause.seq >= stamp.seq).map_or(Ok(()), |cause| Err(Difference::Cause(cause).into()))
}

/// An internal command uses up a request; no other command says that it is one.
fn check_origin(requests: &mut Requests, stamp: &Stamp, command: &Command) -> Result<(), Stop> {
    let not_requested = || Stop::from(Difference::NotRequested(command.clone()));
    match (command, stamp.origin) {
        (Command::Internal(internal), Origin::Internal) => {
            let cause = stamp.cause.ok_or_else(not_requested)?;
            let key = (stamp.machine, Request { due: stamp.time, cause, command: *internal });
            let count = requests.get_mut(&key).ok_or_else(not_requested)?;
            *count -= 1;
            if *count == 0 {
                requests.remove(&key);
            }
            Ok(())
        }
        (Command::Internal(_), origin) => Err(Difference::Origin(origin).into()),
        (_, Origin::Internal) => Err(not_requested()),
        _ => Ok(()),
    }
}

/// Compares what a machine emits with what the journal has next, as bytes: equal events have equal bytes, and
/// only a different one needs decoding.
struct Comparing<'a, R> {
    reader: &'a mut Reader<R>,
    requests: &'a mut Requests,
    machine: MachineId,
    next: EventId,
    /// Set at the first difference; what comes after it is not compared.
    stop: Option<Stop>,
}

impl<R: Read> Comparing<'_, R> {
    fn compare(&mut self, id: EventId, parent: Option<u32>, event: &Event) -> Result<(), Stop> {
        if id != self.next {
            return Err(Difference::EventId { expected: self.next, found: id }.into());
        }
        match self.reader.pass_event(parent, event).map_err(Stop::Io)? {
            Some(true) => {
                self.next.index += 1;
                return Ok(());
            }
            None if self.reader.ends_within_command() => return Err(Stop::End),
            Some(false) | None => {}
        }
        let expected = match self.reader.record().map_err(Stop::Io)? {
            Some(Record::Event(emitted)) => Some(emitted),
            None if self.reader.ends_within_command() => return Err(Stop::End),
            Some(Record::Command(_)) | None => None,
        };
        let found = Some(Emitted { parent, event: *event });
        Err(Difference::Event { index: id.index, expected, found }.into())
    }
}

impl<R: Read> Sink for Comparing<'_, R> {
    fn event(&mut self, id: EventId, parent: Option<u32>, event: &Event) {
        if self.stop.is_none() {
            self.stop = self.compare(id, parent, event).err();
        }
    }

    fn request(&mut self, request: &Request) {
        *self.requests.entry((self.machine, *request)).or_insert(0) += 1;
    }
}
