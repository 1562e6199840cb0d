//! What an engine holds: accounts, instruments, positions and their money, each found by its number.

use crate::engine::{Account, Margin};
use crate::error::MarginError;
use crate::instrument::Instrument;
use crate::ladder::Ladder;
use crate::ledger::{Ledger, Place};
use crate::pool::MarginMode;
use crate::position::Position;
use downdraft_types::{AccountId, CurrencyId, InstrumentId, MarkPrice, Money, Qty, Side};

impl Margin {
    /// Opens an account.
    ///
    /// # Errors
    /// [`MarginError::CapacityReached`] or [`MarginError::AccountExists`].
    pub fn open_account(&mut self, id: AccountId) -> Result<(), MarginError> {
        let account = self.accounts.get_mut(id.index()).ok_or(MarginError::CapacityReached)?;
        if account.open {
            return Err(MarginError::AccountExists);
        }
        account.open = true;
        Ok(())
    }

    pub(crate) fn account(&self, id: AccountId) -> Option<&Account> {
        self.accounts.get(id.index())
    }

    pub(crate) fn account_mut(&mut self, id: AccountId) -> &mut Account {
        &mut self.accounts[id.index()]
    }

    /// Whether the account is open.
    #[must_use]
    pub fn is_open(&self, id: AccountId) -> bool {
        self.accounts.get(id.index()).is_some_and(|a| a.open)
    }

    /// Whether the currency exists.
    #[must_use]
    pub fn has_currency(&self, id: CurrencyId) -> bool {
        id.0 < self.capacity.currencies
    }

    /// A listed instrument.
    #[must_use]
    pub fn get_instrument(&self, id: InstrumentId) -> Option<&Instrument> {
        self.instruments.get(id.index()).and_then(Option::as_ref)
    }

    /// A listed instrument.
    ///
    /// # Panics
    /// Where it is not listed: callers have checked.
    #[must_use]
    pub fn instrument(&self, id: InstrumentId) -> &Instrument {
        self.get_instrument(id).expect("a listed instrument")
    }

    pub(crate) fn instrument_mut(&mut self, id: InstrumentId) -> &mut Instrument {
        self.instruments[id.index()].as_mut().expect("a listed instrument")
    }

    /// The ladder of a listed instrument.
    ///
    /// # Panics
    /// Where it is not listed.
    #[must_use]
    pub fn ladder(&self, id: InstrumentId) -> &Ladder {
        self.ladders[id.index()].as_ref().expect("a listed instrument")
    }

    /// What waits on the ladder: triggers of positions on `side`, nearest first, each with the lots of its position.
    /// Of a pool of several positions a trigger is the nearest mark at which the pool is looked at again.
    ///
    /// # Panics
    /// Where the instrument is not listed.
    pub fn pending(&self, id: InstrumentId, side: Side) -> impl Iterator<Item = (MarkPrice, Qty)> + '_ {
        let held = |slot: u32| self.positions[slot as usize].size;
        let waiting = self.ladder(id).entries(side).map(move |(trigger, _, slot)| (trigger, held(slot)));
        waiting.filter(move |(_, size)| size.side() == Some(side)).map(|(trigger, size)| (trigger, size.quantity()))
    }

    /// Open interest: the lots of all long positions in an instrument, the fund's included. Those of the short ones are
    /// as many (invariant 2).
    #[must_use]
    pub fn open_interest(&self, id: InstrumentId) -> Qty {
        self.get_instrument(id).map_or(Qty::ZERO, Instrument::open_interest)
    }

    /// What an account would have if its positions were closed at the present marks: cash, isolated margins and
    /// unrealised profit in one currency.
    #[must_use]
    pub fn equity(&self, account: AccountId, currency: CurrencyId) -> Money {
        let settled = |p: &&Position| self.instrument(p.instrument).spec.settlement == currency;
        let positions = self.positions_of(account).filter(settled);
        positions.fold(self.cash(account, currency), |sum, position| {
            let isolated = match position.mode {
                MarginMode::Isolated => self.balance(self.pool_of(position)),
                MarginMode::Cross => Money::ZERO,
            };
            sum + isolated + position.unrealised(self.instrument(position.instrument))
        })
    }

    /// The ledger.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The balance of the insurance fund that is account 0; see [`Margin::fund_of`] for others.
    #[must_use]
    pub fn fund(&self, currency: CurrencyId) -> Money {
        self.ledger.balance(currency, Place::Cash(AccountId::FUND))
    }

    /// An account's cash.
    #[must_use]
    pub fn cash(&self, account: AccountId, currency: CurrencyId) -> Money {
        self.ledger.balance(currency, Place::Cash(account))
    }

    /// Every account number that is open, in order, the fund's included.
    pub fn accounts(&self) -> impl Iterator<Item = AccountId> + '_ {
        let ids = (0..).map(AccountId);
        ids.zip(&self.accounts).filter(|(_, a)| a.open).map(|(id, _)| id)
    }

    /// All positions, flat ones included, by slot.
    #[must_use]
    pub fn positions(&self) -> &[Position] {
        &self.positions
    }

    /// An account's positions.
    pub fn positions_of(&self, account: AccountId) -> impl Iterator<Item = &Position> + Clone + '_ {
        self.slots_of(account).iter().map(|slot| &self.positions[*slot as usize])
    }

    pub(crate) fn slots_of(&self, account: AccountId) -> &[u32] {
        self.accounts.get(account.index()).map_or(&[], |a| a.slots.as_slice())
    }

    /// An account's position in an instrument, if it ever had one.
    #[must_use]
    pub fn position(&self, account: AccountId, instrument: InstrumentId) -> Option<&Position> {
        self.slot_of(account, instrument).map(|slot| &self.positions[slot as usize])
    }

    pub(crate) fn slot_of(&self, account: AccountId, instrument: InstrumentId) -> Option<u32> {
        let of = |slot: &u32| self.positions[*slot as usize].instrument == instrument;
        self.slots_of(account).iter().copied().find(of)
    }

    /// Whether [`Margin::slot_or_open`] would succeed.
    pub(crate) fn can_hold(&self, account: AccountId, instrument: InstrumentId) -> Result<(), MarginError> {
        let slots = self.slots_of(account);
        let room = slots.len() < self.capacity.positions_per_account as usize
            && self.positions.len() < self.capacity.positions as usize;
        if room || self.slot_of(account, instrument).is_some() { Ok(()) } else { Err(MarginError::CapacityReached) }
    }

    /// Whether both accounts can hold a position in an instrument at the same time.
    ///
    /// # Errors
    /// [`MarginError::CapacityReached`].
    pub fn can_hold_both(&self, accounts: [AccountId; 2], instrument: InstrumentId) -> Result<(), MarginError> {
        let [a, b] = accounts.map(|account| self.can_hold(account, instrument));
        a.and(b)?;
        let new = accounts.into_iter().filter(|account| self.slot_of(*account, instrument).is_none()).count();
        let room = self.capacity.positions as usize - self.positions.len();
        if new <= room { Ok(()) } else { Err(MarginError::CapacityReached) }
    }

    pub(crate) fn slot_or_open(&mut self, account: AccountId, instrument: InstrumentId) -> u32 {
        if let Some(slot) = self.slot_of(account, instrument) {
            return slot;
        }
        let slot = u32::try_from(self.positions.len()).expect("positions fit their slots");
        assert!(slot < self.capacity.positions, "callers check the capacity");
        self.positions.push(Position::new(account, instrument));
        self.accounts[account.index()].slots.push(slot);
        let positions = &self.positions;
        let holders = &mut self.holders[instrument.index()];
        let at = holders.partition_point(|s| positions[*s as usize].account < account);
        holders.insert(at, slot);
        slot
    }
}
