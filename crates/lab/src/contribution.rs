//! What each account contributed to a cascade: by leaving it out, and by its Shapley value.
//!
//! The game: players are accounts, and perhaps one more that stands for all the rest. A coalition's worth is a measure
//! of the run in which the accounts of the other players are removed (see [`Change::commands`]): all players together
//! are worth the run as it is, none of them a run in which nobody who counts is liquidated. So Shapley values sum to
//! what the liquidations of the players caused.

use crate::fork::{DriveError, Subject, Trunk};
use crate::outcome::{Closing, Outcome};
use crate::plan::Change;
use crate::probe::Probe;
use crate::shapley::{self, Coalition, MOST_PLAYERS, Shares};
use downdraft_types::{AccountId, CurrencyId, InstrumentId, Time};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// What of a run is attributed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Measure {
    /// How far the price of an instrument fell below its start, in mark increments.
    PriceFall(InstrumentId),
    /// Bad debt in a currency.
    BadDebt(CurrencyId),
    /// What the fund paid in a currency.
    FundPaid(CurrencyId),
    /// Accounts liquidated.
    Liquidated,
}

impl Measure {
    /// Its value of a run.
    #[must_use]
    pub fn of(self, outcome: &Outcome) -> i128 {
        let purse = |currency: CurrencyId| outcome.purses.get(currency.index()).copied().unwrap_or_default();
        match self {
            Self::PriceFall(instrument) => {
                let market = outcome.markets.get(instrument.index()).and_then(Option::as_ref);
                market.and_then(|market| market.price).map_or(0, |price| price.fall())
            }
            Self::BadDebt(currency) => purse(currency).deficits,
            Self::FundPaid(currency) => purse(currency).fund_paid,
            Self::Liquidated => i128::from(outcome.liquidated_accounts()),
        }
    }
}

/// A game of accounts.
#[derive(Clone, PartialEq, Debug)]
pub struct Game {
    /// The run with all of them.
    pub base: Subject,
    /// The players, each once.
    pub players: Vec<AccountId>,
    /// Whether all other accounts together are one more player, the last.
    pub rest: bool,
    /// What is attributed.
    pub measure: Measure,
    /// When accounts are removed; at time zero, when set-up is over.
    pub at: Time,
}

/// What was attributed.
#[derive(Clone, PartialEq, Debug)]
pub struct Contributions {
    /// The measure of the run as it is.
    pub base: i128,
    /// By player, the rest apart: how much less it is without that account.
    pub left_out: Vec<i128>,
    /// Shapley values, the rest's last.
    pub shapley: Shares,
}

/// The accounts with the largest positions whose liquidation began at a moment or later, by value at their triggers in
/// all, the largest first; ties by number. Positions in one instrument alone.
#[must_use]
pub fn largest(outcome: &Outcome, instrument: InstrumentId, count: usize, from: Time) -> Vec<AccountId> {
    let mut values: BTreeMap<AccountId, i128> = BTreeMap::new();
    let counts = |closing: &&Closing| closing.instrument == instrument && closing.triggered >= from;
    for closing in outcome.closings.iter().filter(counts) {
        *values.entry(closing.account).or_default() += closing.value;
    }
    let mut ranked: Vec<(AccountId, i128)> = values.into_iter().collect();
    ranked.sort_by_key(|(account, value)| (-value, *account));
    ranked.into_iter().take(count).map(|(account, _)| account).collect()
}

impl Game {
    /// How many players there are.
    #[must_use]
    pub fn size(&self) -> usize {
        self.players.len() + usize::from(self.rest)
    }

    /// Plays it: leave-one-out for every account, Shapley values over `permutations` orders drawn by the base's seed,
    /// or over all orders where that takes no more runs. Runs are spread over threads; the result does not depend on
    /// how many there are.
    ///
    /// # Errors
    /// The first of the runs', by coalition.
    ///
    /// # Panics
    /// Where there are more than [`MOST_PLAYERS`] players, or no order is asked for.
    pub fn play(&self, permutations: u32) -> Result<Contributions, DriveError> {
        let size = self.size();
        assert!(size <= MOST_PLAYERS, "{size} players");
        // All coalitions are one run up to the moment at which accounts are removed.
        let trunk = Trunk::grow(&self.base, self.at, Probe::new(self.base.end()))?;
        let worth = |coalition: Coalition| self.worth(coalition, trunk.as_ref());
        let all_orders = size <= 20 && 1_u64 << size <= u64::from(permutations) * size as u64;
        let shapley = match all_orders {
            true => shapley::exact(size, worth)?,
            false => shapley::sampled(size, permutations, self.base.seed(), worth)?,
        };
        let everyone = if size == MOST_PLAYERS { Coalition::MAX } else { (1 << size) - 1 };
        let base = shapley.ends.1;
        let without = (0..self.players.len()).into_par_iter().map(|player| worth(everyone & !(1 << player)));
        let without: Vec<Result<i128, DriveError>> = without.collect();
        let left_out = without.into_iter().map(|worth| Ok(base - worth?)).collect::<Result<_, DriveError>>()?;
        Ok(Contributions { base, left_out, shapley })
    }

    fn worth(&self, coalition: Coalition, trunk: Option<&Trunk<Probe>>) -> Result<i128, DriveError> {
        let away = |player: usize| coalition & (1 << player) == 0;
        let removed = self.players.iter().enumerate().filter(|(player, _)| away(*player));
        let mut changes: Vec<(Time, Change)> =
            removed.map(|(_, account)| (self.at, Change::Backstop(*account))).collect();
        if self.rest && away(self.players.len()) {
            changes.push((self.at, Change::BackstopAllBut(self.players.clone())));
        }
        let run = self.base.changed("coalition", changes);
        let (probe, driven) = match trunk {
            Some(trunk) => trunk.go_on(&run)?,
            None => {
                let mut probe = Probe::new(run.end());
                let driven = run.drive(&mut probe, |_| false)?;
                (probe, driven)
            }
        };
        Ok(self.measure.of(&probe.finish(&driven.venue)))
    }
}
