//! What every account holds, side by side and summed up: kept up to date by looking again only at accounts that events
//! named.
//!
//! A ladder is in order of price, so whoever asks the margin engine what each of its accounts holds jumps all over its
//! memory, some hundred bytes a position; here it is thirty-two.

use downdraft_margin::{Margin, MarginMode, Payoff, Pool, PoolState, Position};
use downdraft_types::{AccountId, CurrencyId, InstrumentId, Lots, Money, Side};
use downdraft_venue::Event;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// Holdings of all accounts. [`note`](Self::note) every event, then [`refresh`](Self::refresh) before looking.
#[derive(Clone, Debug, Default)]
pub(crate) struct Census {
    /// Accounts named since the last refresh, each once, and by account whether it is among them.
    stale: Vec<AccountId>,
    named: Vec<bool>,
    /// Terms have changed since then: what any pool's health depends on may be another.
    changed: bool,
    /// By account: the slot of its newest position plus 1; 0 of none.
    first: Vec<u32>,
    /// By slot of the position.
    seats: Vec<Seat>,
    owners: Vec<AccountId>,
    /// By instrument.
    sums: Vec<Sums>,
    /// Of an inverse contract, how many of clients' positions have a size, in signed lots: those of one size have one
    /// value, which is rounded.
    sizes: Vec<BTreeMap<i64, u64>>,
    /// The funds but for account 0, as they were appointed.
    appointed: Vec<AccountId>,
}

/// All positions in an instrument.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Sums {
    /// Lots of all longs, funds' included: as many as of all shorts.
    pub open_interest: i128,
    /// Lots of clients' longs and shorts, and what of them is of pools under liquidation.
    pub lots: [i128; 2],
    pub under_way: [i128; 2],
    /// Money of clients' pools, of several positions in one counted with one of them, less what their positions cost.
    pub margin: i128,
}

impl Sums {
    /// Counts a position in, or out with a `sign` of −1. A flat one is nothing.
    fn count(&mut self, seat: &Seat, client: bool, sign: i128) {
        let lots = sign * i128::from(seat.size.unsigned_abs());
        if seat.size > 0 {
            self.open_interest += lots;
        }
        if seat.size == 0 || !client {
            return;
        }
        let side = usize::from(seat.size < 0);
        self.lots[side] += lots;
        if seat.liquidating {
            self.under_way[side] += lots;
        }
        self.margin += sign * seat.margin.0;
    }
}

/// An open position.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Holding {
    pub lots: u64,
    /// Where its pool holds nothing else and has no box: the pool's money less what the position cost. With what closing
    /// all of it fetches, that is what [`Margin::over_bankruptcy`] says, whatever the mark.
    pub alone: Option<Money>,
}

/// What is looked up of a position.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Seat {
    /// The money of its pool, of a pool with several positions with one of them, less what the position cost.
    margin: Money,
    /// Signed lots.
    size: i64,
    /// The slot of its account's next older position plus 1; 0 of none.
    next: u32,
    instrument: InstrumentId,
    /// Whether its pool holds other positions too, or its health depends on more than a mark.
    shared: bool,
    /// Whether its pool is being liquidated.
    liquidating: bool,
}

impl Census {
    /// Everything that an engine holds now.
    pub(crate) fn of(margin: &Margin) -> Self {
        let others = margin.accounts().filter(|account| *account != AccountId::FUND && margin.is_fund(*account));
        let mut census = Self { appointed: others.collect(), ..Self::default() };
        census.refresh(margin);
        census
    }

    /// Takes note of whom an event names.
    pub(crate) fn note(&mut self, event: &Event) {
        // Resting orders change neither positions nor money.
        if matches!(event, Event::OrderAccepted { .. } | Event::OrderRested { .. } | Event::OrderCancelled { .. }) {
            return;
        }
        self.changed |= matches!(event, Event::ParameterSet { .. });
        if let Event::FundAppointed { fund, .. } = *event
            && !self.funds().any(|known| known == fund)
        {
            self.appointed.push(fund);
            self.appointed.sort_unstable();
        }
        for account in event.accounts().into_iter().flatten() {
            let index = account.index();
            if self.named.len() <= index {
                self.named.resize(index + 1, false);
            }
            if !core::mem::replace(&mut self.named[index], true) {
                self.stale.push(account);
            }
        }
    }

    /// Looks again at the accounts named, and for the first time at positions that are new.
    pub(crate) fn refresh(&mut self, margin: &Margin) {
        let known = self.seats.len();
        for position in &margin.positions()[known..] {
            self.add(position);
        }
        let new = (known..self.seats.len()).map(|slot| self.owners[slot]);
        // Events name a fund's counterparty, not the fund.
        let mut stale: Vec<AccountId> = new.chain(self.funds()).collect();
        if core::mem::take(&mut self.changed) {
            stale.clone_from(&self.owners);
            stale.sort_unstable();
            stale.dedup();
        }
        stale.append(&mut self.stale);
        for account in stale {
            if let Some(named) = self.named.get_mut(account.index()) {
                *named = false;
            }
            self.look(account, margin);
        }
    }

    fn add(&mut self, position: &Position) {
        let (account, instrument) = (position.account(), position.instrument());
        if self.first.len() <= account.index() {
            self.first.resize(account.index() + 1, 0);
        }
        let next = core::mem::replace(&mut self.first[account.index()], self.seats.len() as u32 + 1);
        if self.sums.len() <= instrument.index() {
            self.sums.resize(instrument.index() + 1, Sums::default());
            self.sizes.resize(instrument.index() + 1, BTreeMap::new());
        }
        self.seats.push(Seat { margin: Money::ZERO, size: 0, next, instrument, shared: false, liquidating: false });
        self.owners.push(account);
    }

    fn look(&mut self, account: AccountId, margin: &Margin) {
        // What of a pool's money stands behind a position: of a pool of all currencies that of the position's own.
        let mut counted: Vec<(Pool, CurrencyId)> = Vec::new();
        let client = !self.funds().any(|fund| fund == account);
        let mut next = self.first.get(account.index()).copied().unwrap_or(0);
        while let Some(slot) = next.checked_sub(1) {
            let slot = slot as usize;
            let position = &margin.positions()[slot];
            let pool = margin.pool_of(position);
            let seat = &mut self.seats[slot];
            let sums = &mut self.sums[seat.instrument.index()];
            sums.count(seat, client, -1);
            next = seat.next;
            let before = core::mem::replace(&mut seat.size, position.size().0);
            let terms = margin.instrument(position.instrument());
            if client && before != seat.size && terms.spec().payoff == Payoff::Inverse {
                resize(&mut self.sizes[seat.instrument.index()], before, seat.size);
            }
            let several = || margin.has_box(pool) || margin.pool_positions(pool).count() > 1;
            seat.shared = position.mode() == MarginMode::Cross && several();
            seat.liquidating = margin.state_of(pool) == PoolState::Liquidating;
            seat.margin = -position.cost();
            let currency = terms.spec().settlement;
            if seat.size != 0 && !counted.contains(&(pool, currency)) {
                counted.push((pool, currency));
                seat.margin += margin.balance_in(pool, currency);
            }
            sums.count(seat, client, 1);
        }
    }

    /// The insurance funds, account 0 first.
    pub(crate) fn funds(&self) -> impl Iterator<Item = AccountId> + '_ {
        core::iter::once(AccountId::FUND).chain(self.appointed.iter().copied())
    }

    /// The cash of all funds together.
    pub(crate) fn insured(&self, margin: &Margin, currency: CurrencyId) -> Money {
        self.funds().map(|fund| margin.cash(fund, currency)).sum()
    }

    /// The position in a slot; `None` of one on the other `side`, and of a flat one. A box ends on both sides of a mark, where
    /// its position loses on one of them.
    pub(crate) fn holding(&self, slot: u32, side: Side) -> Option<Holding> {
        let seat = self.seats.get(slot as usize).filter(|seat| Lots(seat.size).side() == Some(side))?;
        Some(Holding { lots: seat.size.unsigned_abs(), alone: (!seat.shared).then_some(seat.margin) })
    }

    /// All positions in an instrument.
    pub(crate) fn sums(&self, instrument: InstrumentId) -> Sums {
        self.sums.get(instrument.index()).copied().unwrap_or_default()
    }

    /// Of an inverse contract, the sizes of clients' positions in signed lots, each once, and how many have it.
    pub(crate) fn sizes(&self, instrument: InstrumentId) -> impl Iterator<Item = (Lots, u64)> + '_ {
        let sizes = self.sizes.get(instrument.index()).into_iter().flatten();
        sizes.map(|(size, count)| (Lots(*size), *count))
    }
}

/// A position goes from one size to another; a flat one is nothing.
fn resize(sizes: &mut BTreeMap<i64, u64>, before: i64, after: i64) {
    if before != 0
        && let Entry::Occupied(mut known) = sizes.entry(before)
    {
        *known.get_mut() -= 1;
        if *known.get() == 0 {
            known.remove();
        }
    }
    if after != 0 {
        *sizes.entry(after).or_default() += 1;
    }
}

impl PartialEq for Census {
    /// Whether both say the same of every position.
    fn eq(&self, other: &Self) -> bool {
        (&self.seats, &self.owners, &self.sums, &self.sizes, &self.appointed)
            == (&other.seats, &other.owners, &other.sums, &other.sizes, &other.appointed)
    }
}
