//! What every account holds, side by side: kept up to date by looking again only at accounts that events named.
//!
//! A ladder is in order of price, so whoever asks the margin engine what each of its accounts holds jumps all over its
//! memory, some hundred bytes a position; here it is sixteen bytes.

use downdraft_margin::{Margin, MarginMode, Pool, PoolState, Position};
use downdraft_types::{AccountId, CurrencyId, InstrumentId, Money, Qty};
use downdraft_venue::Event;

/// Holdings of all accounts. [`note`](Self::note) every event, then [`refresh`](Self::refresh) before looking.
#[derive(Clone, Debug, Default)]
pub(crate) struct Census {
    /// Accounts named since the last refresh, each once, and by account whether it is among them.
    stale: Vec<AccountId>,
    named: Vec<bool>,
    /// By account: the slot of its newest position plus 1; 0 of none.
    first: Vec<u32>,
    /// By slot of the position.
    seats: Vec<Seat>,
    stakes: Vec<Stake>,
}

/// What is looked up of a position.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Seat {
    /// Signed lots.
    size: i64,
    /// The slot of its account's next older position plus 1; 0 of none.
    next: u32,
    instrument: InstrumentId,
    /// Whether its pool holds other positions too.
    shared: bool,
    /// Whether its pool is being liquidated.
    liquidating: bool,
}

/// What is summed up of a position.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Stake {
    account: AccountId,
    cost: Money,
    /// The money of its pool; of a pool with several positions, of one of them.
    money: Money,
}

/// A position that is not flat.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Holding {
    pub account: AccountId,
    pub instrument: InstrumentId,
    /// Signed lots.
    pub size: i64,
    pub cost: Money,
    /// The money of its pool; of a pool with several positions, with one of them.
    pub money: Money,
    pub liquidating: bool,
}

impl Census {
    /// Everything that an engine holds now.
    pub(crate) fn of(margin: &Margin) -> Self {
        let mut census = Self::default();
        census.refresh(margin);
        census
    }

    /// Takes note of whom an event names.
    pub(crate) fn note(&mut self, event: &Event) {
        // Resting orders change neither positions nor money.
        if matches!(event, Event::OrderAccepted { .. } | Event::OrderRested { .. } | Event::OrderCancelled { .. }) {
            return;
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
        let new = (known..self.seats.len()).map(|slot| self.stakes[slot].account);
        // Events name the fund's counterparty, not the fund.
        let mut stale: Vec<AccountId> = new.chain([AccountId::FUND]).collect();
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
        self.seats.push(Seat { size: 0, next, instrument, shared: false, liquidating: false });
        self.stakes.push(Stake { account, cost: Money::ZERO, money: Money::ZERO });
    }

    fn look(&mut self, account: AccountId, margin: &Margin) {
        // What of a pool's money stands behind a position: of a pool of all currencies that of the position's own.
        let mut counted: Vec<(Pool, CurrencyId)> = Vec::new();
        let mut next = self.first.get(account.index()).copied().unwrap_or(0);
        while let Some(slot) = next.checked_sub(1) {
            let slot = slot as usize;
            let position = &margin.positions()[slot];
            let pool = margin.pool_of(position);
            let (seat, stake) = (&mut self.seats[slot], &mut self.stakes[slot]);
            next = seat.next;
            seat.size = position.size().0;
            let several = || matches!(pool, Pool::Unified { .. }) || margin.pool_positions(pool).count() > 1;
            seat.shared = position.mode() == MarginMode::Cross && several();
            seat.liquidating = margin.state_of(pool) == PoolState::Liquidating;
            stake.cost = position.cost();
            stake.money = Money::ZERO;
            let currency = margin.instrument(position.instrument()).spec().settlement;
            if seat.size != 0 && !counted.contains(&(pool, currency)) {
                counted.push((pool, currency));
                stake.money = margin.balance_in(pool, currency);
            }
        }
    }

    /// Lots of an account's position, and whether its pool holds others; `None` of a flat one.
    pub(crate) fn lots(&self, account: AccountId, instrument: InstrumentId) -> Option<(Qty, bool)> {
        let mut next = self.first.get(account.index()).copied().unwrap_or(0);
        while let Some(slot) = next.checked_sub(1) {
            let seat = &self.seats[slot as usize];
            if seat.instrument == instrument {
                return (seat.size != 0).then_some((Qty(seat.size.unsigned_abs()), seat.shared));
            }
            next = seat.next;
        }
        None
    }

    /// Lots of all longs in an instrument, the fund's included.
    pub(crate) fn open_interest(&self, instrument: InstrumentId) -> Qty {
        let longs = self.seats.iter().filter(|seat| seat.instrument == instrument && seat.size > 0);
        Qty(longs.map(|seat| seat.size.unsigned_abs()).sum())
    }

    /// All positions that are not flat, in the order in which they were first opened.
    pub(crate) fn holdings(&self) -> impl Iterator<Item = Holding> + '_ {
        let held = self.seats.iter().zip(&self.stakes).filter(|(seat, _)| seat.size != 0);
        held.map(|(seat, stake)| Holding {
            account: stake.account,
            instrument: seat.instrument,
            size: seat.size,
            cost: stake.cost,
            money: stake.money,
            liquidating: seat.liquidating,
        })
    }
}

impl PartialEq for Census {
    /// Whether both say the same of every position.
    fn eq(&self, other: &Self) -> bool {
        (&self.seats, &self.stakes) == (&other.seats, &other.stakes)
    }
}
