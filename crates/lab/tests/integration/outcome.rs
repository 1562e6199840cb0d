//! What the tests look at after a run: a few counts, and the auditor's verdict.

use core::ops::ControlFlow;
use downdraft_lab::{Prepared, Scenario, run};
use downdraft_sim::world::Observer;
use downdraft_types::{EventId, Money};
use downdraft_venue::audit::VenueAuditor;
use downdraft_venue::{Command, Event, Internal, Stamp, Venue};

/// Counts of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub state_hash: u64,
    pub liquidations: u64,
    pub with_parent: u64,
    pub forced_fills: u64,
    pub deleveraged: u64,
    pub halts: u64,
    pub drawn: Money,
    pub conceded: Money,
    pub overshoot: Money,
    pub to_vault: Money,
    /// Lots.
    pub taken_over: u64,
    pub deficits: Money,
    pub socialised: Money,
    pub uncovered: Money,
}

struct Watch {
    outcome: Outcome,
    auditor: VenueAuditor,
    forced: bool,
    commands: u64,
}

impl Observer for Watch {
    fn command(&mut self, _: &Stamp, command: &Command) {
        self.auditor.command(command);
        self.forced = matches!(command, Command::Internal(Internal::Liquidate { .. }));
    }

    fn event(&mut self, _: EventId, _: Option<u32>, event: &Event) {
        self.auditor.observe(event);
        let outcome = &mut self.outcome;
        match *event {
            Event::LiquidationTriggered { .. } => {
                outcome.liquidations += 1;
                outcome.with_parent += u64::from(self.forced);
            }
            Event::Trade { forced: true, .. } => outcome.forced_fills += 1,
            Event::TakenOver { qty, .. } => outcome.taken_over += qty.0,
            Event::VaultReceived { amount, .. } => outcome.to_vault += amount,
            Event::Deleveraged { conceded, remainder, .. } => {
                outcome.deleveraged += 1;
                outcome.overshoot += remainder;
                if conceded.is_positive() {
                    outcome.conceded += conceded;
                }
            }
            Event::FundSettled { amount, .. } if amount.is_negative() => outcome.drawn -= amount,
            Event::Deficit { amount, .. } => outcome.deficits += amount,
            Event::Socialised { amount, .. } => outcome.socialised += amount,
            Event::Uncovered { amount, .. } => outcome.uncovered += amount,
            Event::Halted { .. } => outcome.halts += 1,
            _ => {}
        }
    }

    fn done(&mut self, venue: &Venue) {
        self.commands += 1;
        if self.commands.is_multiple_of(20_000) {
            venue.check_invariants();
            assert_eq!(self.auditor.verdict(), Ok(()));
        }
    }
}

/// Runs a scenario under audit.
pub fn outcome(scenario: Scenario, seed: Option<u64>) -> Outcome {
    let prepared = Prepared::new(scenario, seed);
    let accounts = prepared.scenario.capacity.accounts;
    let auditor = VenueAuditor::new(accounts);
    let mut watch = Watch { outcome: Outcome::default(), auditor, forced: false, commands: 0 };
    let finished = run(&prepared, &mut watch, |_, _| ControlFlow::Continue(())).expect("a run to its end");
    finished.world.venue().check_invariants();
    assert_eq!(watch.auditor.verdict(), Ok(()), "conservation");
    assert_eq!((watch.commands, finished.interrupted), (finished.commands, false));
    Outcome { state_hash: finished.state_hash, ..watch.outcome }
}

/// A built-in scenario with changes.
pub fn scenario(name: &str, sets: &[&str]) -> Scenario {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    downdraft_lab::load(name, &sets).unwrap_or_else(|error| panic!("{error}"))
}
