//! Given positions: a venue as it stands.

use super::opening::{Opening, Terms, nets};
use super::set_up::SetUp;
use crate::actor::{Actor, Context, Notice};
use downdraft_margin::{Instrument, InstrumentSpec, MarginMode};
use downdraft_types::{AccountId, InstrumentId, Lots, MarkPrice, Money};
use std::collections::BTreeSet;

/// Parameters of an [`Explicit`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExplicitConfig {
    /// The instruments, with their terms as listed and their marks at the start.
    pub instruments: Vec<(InstrumentId, InstrumentSpec, MarkPrice)>,
    /// The positions, at most one per account and instrument.
    pub holdings: Vec<Holding>,
    /// The account that all trade against at the start; it ends flat and empty.
    pub pivot: AccountId,
    /// Who takes what does not net; `None`: then positions must net.
    pub balancing: Option<Balancing>,
    /// The accounts that are under portfolio margin.
    pub portfolio: BTreeSet<AccountId>,
}

/// A position as given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Holding {
    /// Whose.
    pub account: AccountId,
    /// In what.
    pub instrument: InstrumentId,
    /// Lots: positive long, negative short.
    pub size: Lots,
    /// Its notional at entry: what it cost, or was sold for, in all; positive for positive prices.
    pub value: Money,
    /// The money behind it, profit and loss apart.
    pub margin: Money,
    /// Cross or isolated.
    pub mode: MarginMode,
}

impl Holding {
    /// Its signed cost, as the engine will have it.
    pub(super) fn cost(&self, terms: &Instrument) -> Money {
        let cost = terms.spec().payoff.of_notional(self.value);
        if self.size.is_negative() { -cost } else { cost }
    }
}

/// The account that takes the other side of positions that do not net, in cross margin, at the initial mark.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Balancing {
    /// The account, which holds no other position.
    pub account: AccountId,
    /// What it deposits, in the settlement currency of the first instrument in which it takes something.
    pub margin: Money,
}

/// Given positions, opened before anything else happens.
///
/// Positions are refused unless every one is legal, an account holds at most one per instrument, they net (or a
/// balancing account takes the rest), every margin pool covers maintenance at the initial marks, and an isolated
/// margin covers initial margin at entry, which the venue asks for when the position is opened. Of an account under
/// portfolio margin, whose positions are netted at the venue, money must cover initial margin once all of them stand.
#[derive(Clone, Debug)]
pub struct Explicit {
    opening: Opening,
    set_up: SetUp,
}

impl Explicit {
    /// Checks the positions.
    ///
    /// # Errors
    /// Says which position is wrong, what was found and what was expected.
    pub fn new(config: ExplicitConfig) -> Result<Self, String> {
        let terms = Terms::new(&config.instruments)?;
        let mut holdings = config.holdings;
        let listed = |id| config.instruments.iter().any(|(instrument, ..)| *instrument == id);
        if let Some(holding) = holdings.iter().find(|holding| !listed(holding.instrument)) {
            let (account, found) = (holding.account.0, holding.instrument.0);
            return Err(format!("position of account {account}: found instrument {found}, expected a listed one"));
        }
        if let Some(balancing) = config.balancing {
            balance(&terms, &mut holdings, balancing)?;
        }
        let opening = Opening::new(terms, holdings, config.pivot, config.portfolio)?;
        Ok(Self { opening, set_up: SetUp::default() })
    }

    /// The positions, the balancing ones included, by account and instrument.
    #[must_use]
    pub fn holdings(&self) -> &[Holding] {
        self.opening.holdings()
    }
}

/// Adds what the balancing account takes, at the mark.
fn balance(terms: &Terms, holdings: &mut Vec<Holding>, balancing: Balancing) -> Result<(), String> {
    let Balancing { account, mut margin } = balancing;
    if holdings.iter().any(|holding| holding.account == account) {
        return Err(format!("balancing.account: found {}, which holds a position, expected another", account.0));
    }
    for (instrument, net) in nets(holdings) {
        let size = i64::try_from(-net).map(Lots).map_err(|_| format!("positions: found a sum of {net} lots"))?;
        if size.is_zero() {
            continue;
        }
        let terms = terms.instrument(instrument);
        let value = terms.value_at(size, terms.mark()).abs();
        holdings.push(Holding { account, instrument, size, value, margin, mode: MarginMode::Cross });
        // Its deposit stands behind all of them together.
        margin = Money::ZERO;
    }
    Ok(())
}

impl Actor for Explicit {
    fn start(&mut self, context: &mut Context<'_>) {
        self.opening.submit(&|_| None, &mut self.set_up, context);
    }

    fn notice(&mut self, context: &mut Context<'_>, notice: &Notice) {
        self.set_up.check(context, notice);
    }

    fn counters(&self) -> Vec<(&'static str, u64)> {
        vec![("positions", self.opening.holdings().len() as u64)]
    }

    fn save(&self) -> Option<Box<dyn Actor>> {
        Some(Box::new(self.clone()))
    }
}
