//! The auditor: rebuilds every wallet from records alone, to find out whether the engine's books are right.
//!
//! It shares no code with settlement. Positions, realised profit, clearing and the waterfall are worked out again
//! here, by arithmetic of its own, from what was traded, charged, deposited and taken over. What a record claims
//! and the auditor can know (profit realised, what a counterparty conceded, an uncovered deficit, funding) must agree; what
//! it cannot know (a fee, how much the fund was asked for) it books as claimed, and [`Auditor::compare`] finds it
//! in the balances. Every deficit reported must be borne to the unit, and nothing is borne that was not reported.
//!
//! ```text
//!   records ──► positions (size, open cost) ──► clearing = −Σ cost ─┐
//!          └──► cash, isolated margin, fund, fees, residue, outside ┴─► sum is 0, per currency
//! ```
//!
//! Buying adds the trade's value to the signed open cost, selling subtracts it; what a closing trade releases of
//! the cost, and so what it realises, is rounded against the holder. Profit and fees go to the position's pool:
//! the account's cash, or the isolated margin. Account 0 is the insurance fund, and its cash the fund's balance.

mod books;
mod check;
mod error;
mod exchange;
mod holding;
mod record;
#[cfg(test)]
mod tests;
mod waterfall;

use crate::{Payoff, Pool};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use downdraft_types::{AccountId, CurrencyId, InstrumentId, MarkPrice, Money, Ppm, Qty, Side};
use holding::{Holding, bounded};

pub use check::{Books, Wallet};
pub use error::{AuditError, Fault};
pub use record::{Party, Record};
pub use waterfall::Waterfall;

/// Rebuilds a venue's wallets from its records. A record takes constant time, funding and expiry O(positions).
#[derive(Clone, Debug)]
pub struct Auditor {
    /// Account numbers are below this.
    accounts: u32,
    /// Records applied.
    count: u64,
    /// By number.
    instruments: Vec<Option<Listing>>,
    /// By number.
    currencies: Vec<Currency>,
    /// What is left of the deficits reported and not yet borne.
    deficits: BTreeMap<Pool, i128>,
    /// Accounts whose currencies all answer for all their cross positions.
    unified: BTreeSet<AccountId>,
    /// Insurance funds, account 0 apart.
    funds: BTreeSet<AccountId>,
}

#[derive(Clone, Debug)]
struct Listing {
    currency: CurrencyId,
    payoff: Payoff,
    mark_scale: i128,
    point_value: i128,
    /// Of a spot market: what is bought, and how much of it a lot is.
    exchanges: Option<(CurrencyId, i128)>,
    mark: Option<i64>,
    /// What positions were worth that were settled since the last expiry.
    settled: i128,
    /// By account.
    holdings: Vec<Holding>,
    /// Funding paid since the last residue: account and amount.
    funding: Vec<(u32, i128)>,
}

#[derive(Clone, Debug, Default)]
struct Currency {
    /// By account.
    cash: Vec<Cash>,
    fees: i128,
    residue: i128,
    outside: i128,
    waterfall: Waterfall,
}

#[derive(Clone, Copy, Debug, Default)]
struct Cash {
    balance: i128,
    /// Open cross positions that it answers for.
    positions: u32,
}

/// One side of a trade: how its account's holding changes, and what it claims.
struct Leg {
    party: Party,
    change: i64,
    /// Whether it may only close.
    closing: bool,
}

impl Auditor {
    /// An auditor of a venue with account numbers below `accounts`. Memory follows the highest numbers used.
    #[must_use]
    pub const fn new(accounts: u32) -> Self {
        Self {
            accounts,
            count: 0,
            instruments: Vec::new(),
            currencies: Vec::new(),
            deficits: BTreeMap::new(),
            unified: BTreeSet::new(),
            funds: BTreeSet::new(),
        }
    }

    /// How many records have been applied.
    #[must_use]
    pub const fn records(&self) -> u64 {
        self.count
    }

    /// Applies a record.
    ///
    /// # Errors
    /// Where the record contradicts those before it. The auditor's balances mean nothing from then on.
    pub fn apply(&mut self, record: &Record) -> Result<(), AuditError> {
        self.book(record).map_err(|fault| AuditError { ordinal: self.count, record: Some(record.name()), fault })?;
        self.count += 1;
        Ok(())
    }

    fn book(&mut self, record: &Record) -> Result<(), Fault> {
        match *record {
            Record::Listed { instrument, currency, payoff, mark_scale, point_value, exchanges } => {
                self.list(instrument, (currency, payoff), mark_scale, point_value)?;
                if let Some((base, _)) = exchanges {
                    self.currency_mut(base);
                }
                self.listing_mut(instrument)?.exchanges = exchanges.map(|(base, lot)| (base, i128::from(lot)));
                Ok(())
            }
            Record::UnifiedSet { account, unified } => self.set_unified(account, unified),
            Record::Interest { account, currency, amount } => self.charge(account, currency, amount),
            Record::Seized { fund, account, currency, amount } => self.seize(fund, account, currency, amount),
            Record::Configured { account, instrument, isolated } => self.configure(account, instrument, isolated),
            Record::Deposit { account, currency, amount } => self.cross_border(account, currency, positive(amount)?),
            Record::Withdrawal { account, currency, amount } => {
                self.cross_border(account, currency, -positive(amount)?)
            }
            Record::MarginMoved { account, instrument, amount } => self.move_margin(account, instrument, amount),
            Record::Mark { instrument, mark } => {
                self.listing_mut(instrument)?.mark = Some(mark.0);
                Ok(())
            }
            Record::Fill { instrument, price, qty, buyer, seller } => {
                let listing = self.listing(instrument)?;
                let mark = i128::from(price.0) * listing.mark_scale;
                let value = value(listing, i128::from(qty.0), mark)?;
                self.trade(instrument, value, legs(qty, buyer, seller, [false; 2])?)
            }
            Record::BlockTrade { instrument, qty, cost, buyer, seller } => {
                self.trade(instrument, cost.0, legs(qty, buyer, seller, [false; 2])?)
            }
            Record::FundAppointed { instrument, fund } => {
                self.listing(instrument)?;
                self.check_account(fund)?;
                self.funds.insert(fund);
                Ok(())
            }
            Record::Takeover { instrument, taker, account, side, qty, cost, realised, taker_realised } => {
                let (from, to) = (free_party(account, realised), free_party(taker, taker_realised));
                self.trade(instrument, cost.0, closing_legs(side, qty, from, to, false)?)
            }
            Record::Deleveraged {
                instrument,
                account,
                side,
                qty,
                counterparty,
                value,
                conceded,
                remainder,
                realised,
                counterparty_realised,
            } => {
                self.concede(instrument, (account, side, qty, value), counterparty, (conceded, remainder))?;
                let (closed, other) = (free_party(account, realised), free_party(counterparty, counterparty_realised));
                self.trade(instrument, value.0, closing_legs(side, qty, closed, other, true)?)
            }
            Record::Deficit { pool, currency, amount } => self.deficit(pool, currency, amount),
            Record::FundSettled { fund, pool, currency, amount } => self.settle_fund(fund, pool, currency, amount),
            Record::VaultReceived { vault, pool, currency, amount } => self.pay_vault(vault, pool, currency, amount),
            Record::Socialised { pool, payer, currency, amount } => self.socialise(pool, payer, currency, amount),
            Record::Uncovered { pool, currency, amount } => self.uncovered(pool, currency, amount),
            Record::Funding { instrument, account, amount } => self.pay_funding(instrument, account, amount),
            Record::FundingResidue { instrument, rate, amount } => self.settle_funding(instrument, rate, amount),
            Record::Settled { instrument, account, mark, realised, fee } => {
                self.settle(instrument, account, mark, (realised, fee))
            }
            Record::Expired { instrument, mark, residue } => self.expire(instrument, mark, residue),
        }
    }

    fn list(
        &mut self,
        id: InstrumentId,
        (currency, payoff): (CurrencyId, Payoff),
        scale: u32,
        value: u64,
    ) -> Result<(), Fault> {
        if self.listing(id).is_ok() {
            return Err(Fault::ListedTwice(id));
        }
        if scale == 0 || value == 0 {
            return Err(Fault::NotPositive { found: 0 });
        }
        if self.instruments.len() <= id.index() {
            self.instruments.resize_with(id.index() + 1, || None);
        }
        self.currency_mut(currency);
        self.instruments[id.index()] = Some(Listing {
            currency,
            payoff,
            mark_scale: i128::from(scale),
            point_value: i128::from(value),
            exchanges: None,
            mark: None,
            settled: 0,
            holdings: Vec::new(),
            funding: Vec::new(),
        });
        Ok(())
    }

    fn configure(&mut self, account: AccountId, instrument: InstrumentId, isolated: bool) -> Result<(), Fault> {
        let holding = self.holding(instrument, account)?;
        if holding.isolated == isolated {
            return Ok(());
        }
        if holding.size != 0 || holding.margin != 0 {
            return Err(Fault::ModeInUse(account, instrument));
        }
        self.holding_mut(instrument, account)?.isolated = isolated;
        Ok(())
    }

    fn cross_border(&mut self, account: AccountId, currency: CurrencyId, inward: i128) -> Result<(), Fault> {
        self.check_account(account)?;
        let outside = &mut self.currency_mut(currency).outside;
        *outside = bounded(*outside - bounded(inward)?)?;
        self.pay(Pool::Cross { account, currency }, inward)
    }

    fn move_margin(&mut self, account: AccountId, instrument: InstrumentId, amount: Money) -> Result<(), Fault> {
        let currency = self.listing(instrument)?.currency;
        self.pay(Pool::Isolated { account, instrument }, amount.0)?;
        self.pay(Pool::Cross { account, currency }, -amount.0)
    }

    /// Both sides of a trade of `value`: checks what each claims to have realised, then books it.
    fn trade(&mut self, instrument: InstrumentId, value: i128, legs: [Leg; 2]) -> Result<(), Fault> {
        let currency = self.listing(instrument)?.currency;
        if self.listing(instrument)?.exchanges.is_some() {
            return self.exchange(instrument, value, &legs);
        }
        if legs[0].party.account == legs[1].party.account {
            return self.trade_with_itself(instrument, value, &legs);
        }
        let mut after = [Holding::default(); 2];
        for (leg, after) in legs.iter().zip(&mut after) {
            let account = leg.party.account;
            let before = self.holding(instrument, account)?;
            let (next, realised) = before.traded(leg.change, value)?;
            let (size, change) = (i128::from(before.size), i128::from(leg.change));
            if leg.closing && (size.signum() == change.signum() || size.abs() < change.abs()) {
                return Err(Fault::NotClosing { account, size, change });
            }
            agree("realised profit", Some(account), leg.party.realised, realised)?;
            *after = next;
        }
        for (leg, after) in legs.iter().zip(after) {
            self.replace(instrument, leg.party.account, after)?;
            let fee = bounded(leg.party.fee.0)?;
            self.pay(self.pool(instrument, leg.party.account)?, leg.party.realised.0 - fee)?;
            let fees = &mut self.currency_mut(currency).fees;
            *fees = bounded(*fees + fee)?;
        }
        Ok(())
    }

    /// A trade of an account with itself: its two sides are settled one after the other, and the record does not say
    /// which comes first. So the claims must agree in one of the two orders.
    fn trade_with_itself(&mut self, instrument: InstrumentId, value: i128, legs: &[Leg; 2]) -> Result<(), Fault> {
        let account = legs[0].party.account;
        if legs.iter().any(|leg| leg.closing) {
            return Err(Fault::SameAccount(account));
        }
        let currency = self.listing(instrument)?.currency;
        let before = self.holding(instrument, account)?;
        let settled = |first: &Leg, second: &Leg| {
            let (between, realised) = before.traded(first.change, value)?;
            agree("realised profit", Some(account), first.party.realised, realised)?;
            let (after, realised) = between.traded(second.change, value)?;
            agree("realised profit", Some(account), second.party.realised, realised)?;
            Ok(after)
        };
        let after = settled(&legs[0], &legs[1]).or_else(|_| settled(&legs[1], &legs[0]))?;
        self.replace(instrument, account, after)?;
        for leg in legs {
            let fee = bounded(leg.party.fee.0)?;
            self.pay(self.pool(instrument, account)?, leg.party.realised.0 - fee)?;
            let fees = &mut self.currency_mut(currency).fees;
            *fees = bounded(*fees + fee)?;
        }
        Ok(())
    }

    fn pay_funding(&mut self, instrument: InstrumentId, account: AccountId, amount: Money) -> Result<(), Fault> {
        let paid = bounded(amount.0)?;
        self.pay(self.pool(instrument, account)?, -paid)?;
        self.listing_mut(instrument)?.funding.push((account.0, paid));
        Ok(())
    }

    /// Each position has paid the rate on its value at mark, rounded one way or the other (the fund at most what it
    /// had), and what was paid and not received is the residue.
    fn settle_funding(&mut self, instrument: InstrumentId, rate: Ppm, amount: Money) -> Result<(), Fault> {
        let currency = self.listing(instrument)?.currency;
        let mut funding = core::mem::take(&mut self.listing_mut(instrument)?.funding);
        funding.sort_unstable();
        let listing = self.listing(instrument)?;
        let mut paid = funding.iter().copied().peekable();
        let mut residue = 0_i128;
        for (account, holding) in (0_u32..).zip(&listing.holdings) {
            let own = paid.next_if(|p| p.0 == account).map_or(0, |p| p.1);
            if holding.size == 0 && own == 0 {
                continue;
            }
            let mark = listing.mark.ok_or(Fault::Unsettled(instrument))?;
            // What is due is a fraction: parts of a million, and of the mark where the contract is inverse.
            let face = i128::from(holding.size) * listing.point_value;
            let (notional, per) = match listing.payoff {
                Payoff::Linear => (face.checked_mul(i128::from(mark)).ok_or(Fault::Overflow)?, 1),
                Payoff::Inverse => (face, i128::from(mark).max(1)),
            };
            let due = notional.checked_mul(i128::from(rate.0)).ok_or(Fault::Overflow)?;
            let unit = 1_000_000 * per;
            let scaled = own.checked_mul(unit).ok_or(Fault::Overflow)?;
            let over = scaled.checked_sub(due).ok_or(Fault::Overflow)?;
            let holder = AccountId(account);
            let fund_short =
                over < 0 && own >= 0 && self.is_fund(holder) && self.cash_of(holder, currency).balance == 0;
            if over.unsigned_abs() >= unit.unsigned_abs() && !fund_short {
                agree("funding", Some(AccountId(account)), Money(own), due.div_euclid(unit))?;
            }
            residue = bounded(residue + own)?;
        }
        if let Some((account, again)) = paid.next() {
            agree("second funding", Some(AccountId(account)), Money(again), 0)?;
        }
        agree("residue", None, amount, residue)?;
        funding.clear();
        self.listing_mut(instrument)?.funding = funding;
        let total = &mut self.currency_mut(currency).residue;
        *total = bounded(*total + residue)?;
        Ok(())
    }

    fn settle(
        &mut self,
        id: InstrumentId,
        account: AccountId,
        mark: MarkPrice,
        (claim, fee): (Money, Money),
    ) -> Result<(), Fault> {
        let holding = self.holding(id, account)?;
        self.check_mark(id, mark)?;
        let worth = self.value_at_mark(id, i128::from(holding.size))?;
        let realised = worth - holding.cost;
        agree("realised profit", Some(account), claim, realised)?;
        self.replace(id, account, Holding { size: 0, cost: 0, ..holding })?;
        let settled = &mut self.listing_mut(id)?.settled;
        *settled = bounded(*settled + worth)?;
        let fee = bounded(fee.0)?;
        let fees = &mut self.currency_mut(self.listing(id)?.currency).fees;
        *fees = bounded(*fees + fee)?;
        self.pay(self.pool(id, account)?, realised - fee)
    }

    /// All positions are flat, and what rounding their values left over is the residue.
    fn expire(&mut self, instrument: InstrumentId, mark: MarkPrice, residue: Money) -> Result<(), Fault> {
        // A contract that never traded may never have had a mark.
        if self.listing(instrument)?.mark.is_some() {
            self.check_mark(instrument, mark)?;
        }
        for (account, holding) in (0_u32..).zip(&self.listing(instrument)?.holdings) {
            agree("position after expiry", Some(AccountId(account)), Money(i128::from(holding.size)), 0)?;
        }
        let left = -core::mem::take(&mut self.listing_mut(instrument)?.settled);
        agree("residue", None, residue, left)?;
        let currency = self.listing(instrument)?.currency;
        let total = &mut self.currency_mut(currency).residue;
        *total = bounded(*total + left)?;
        Ok(())
    }

    /// Puts `next` in place of a holding, and keeps count of the open positions of its pool.
    fn replace(&mut self, instrument: InstrumentId, account: AccountId, next: Holding) -> Result<(), Fault> {
        let currency = self.listing(instrument)?.currency;
        let holding = self.holding_mut(instrument, account)?;
        let (was, is) = (holding.size != 0, next.size != 0);
        *holding = next;
        if was != is && !next.isolated {
            let positions = &mut self.cash_mut(account, currency).positions;
            *positions = if is { *positions + 1 } else { *positions - 1 };
        }
        Ok(())
    }

    /// Adds to a pool's balance.
    fn pay(&mut self, pool: Pool, amount: i128) -> Result<(), Fault> {
        let amount = bounded(amount)?;
        let balance = match pool {
            Pool::Cross { account, currency } => &mut self.cash_mut(account, currency).balance,
            Pool::Isolated { account, instrument } => {
                let holding = self.holding_mut(instrument, account)?;
                if !holding.isolated {
                    return Err(Fault::NotIsolated(account, instrument));
                }
                &mut holding.margin
            }
            Pool::Unified { .. } => return Err(Fault::WrongPool(pool)),
        };
        *balance = bounded(*balance + amount)?;
        Ok(())
    }

    /// The pool that answers for an account's position.
    fn pool(&self, instrument: InstrumentId, account: AccountId) -> Result<Pool, Fault> {
        let currency = self.listing(instrument)?.currency;
        Ok(if self.holding(instrument, account)?.isolated {
            Pool::Isolated { account, instrument }
        } else {
            Pool::Cross { account, currency }
        })
    }

    fn balance(&self, pool: Pool) -> Result<i128, Fault> {
        Ok(match pool {
            Pool::Cross { account, currency } => self.cash_of(account, currency).balance,
            Pool::Isolated { account, instrument } => self.holding(instrument, account)?.margin,
            Pool::Unified { .. } => return Err(Fault::WrongPool(pool)),
        })
    }

    fn is_flat(&self, pool: Pool) -> Result<bool, Fault> {
        Ok(match pool {
            Pool::Cross { account, currency } => self.cash_of(account, currency).positions == 0,
            Pool::Isolated { account, instrument } => self.holding(instrument, account)?.size == 0,
            Pool::Unified { account } => {
                let positions = |currency: &Currency| currency.cash.get(account.index()).map_or(0, |c| c.positions);
                self.currencies.iter().all(|currency| positions(currency) == 0)
            }
        })
    }

    fn check_pool(&self, pool: Pool, currency: CurrencyId) -> Result<(), Fault> {
        self.check_account(pool.account())?;
        let unified = self.unified.contains(&pool.account());
        let expected = match pool {
            Pool::Cross { .. } if unified => return Err(Fault::WrongPool(pool)),
            Pool::Unified { .. } if !unified => return Err(Fault::WrongPool(pool)),
            Pool::Unified { .. } => currency,
            Pool::Cross { currency, .. } => currency,
            Pool::Isolated { account, instrument } => {
                if !self.holding(instrument, account)?.isolated {
                    return Err(Fault::NotIsolated(account, instrument));
                }
                self.listing(instrument)?.currency
            }
        };
        if currency == expected { Ok(()) } else { Err(Fault::Currency { found: currency, expected }) }
    }

    fn check_mark(&self, instrument: InstrumentId, mark: MarkPrice) -> Result<(), Fault> {
        let expected = self.listing(instrument)?.mark.ok_or(Fault::Unsettled(instrument))?;
        agree("mark", None, Money(i128::from(mark.0)), i128::from(expected))
    }

    fn value_at_mark(&self, instrument: InstrumentId, size: i128) -> Result<i128, Fault> {
        let listing = self.listing(instrument)?;
        value(listing, size, i128::from(listing.mark.ok_or(Fault::Unsettled(instrument))?))
    }

    /// Whether an account is an insurance fund.
    #[must_use]
    pub fn is_fund(&self, account: AccountId) -> bool {
        account == AccountId::FUND || self.funds.contains(&account)
    }

    const fn check_account(&self, account: AccountId) -> Result<(), Fault> {
        if account.0 < self.accounts { Ok(()) } else { Err(Fault::UnknownAccount(account)) }
    }

    fn listing(&self, id: InstrumentId) -> Result<&Listing, Fault> {
        self.instruments.get(id.index()).and_then(Option::as_ref).ok_or(Fault::UnknownInstrument(id))
    }

    fn listing_mut(&mut self, id: InstrumentId) -> Result<&mut Listing, Fault> {
        self.instruments.get_mut(id.index()).and_then(Option::as_mut).ok_or(Fault::UnknownInstrument(id))
    }

    fn holding(&self, instrument: InstrumentId, account: AccountId) -> Result<Holding, Fault> {
        self.check_account(account)?;
        Ok(self.listing(instrument)?.holdings.get(account.index()).copied().unwrap_or_default())
    }

    fn holding_mut(&mut self, instrument: InstrumentId, account: AccountId) -> Result<&mut Holding, Fault> {
        self.check_account(account)?;
        Ok(grown(&mut self.listing_mut(instrument)?.holdings, account.index()))
    }

    fn currency_mut(&mut self, currency: CurrencyId) -> &mut Currency {
        grown(&mut self.currencies, currency.index())
    }

    fn cash_of(&self, account: AccountId, currency: CurrencyId) -> Cash {
        let cash = self.currencies.get(currency.index()).and_then(|c| c.cash.get(account.index()));
        cash.copied().unwrap_or_default()
    }

    fn cash_mut(&mut self, account: AccountId, currency: CurrencyId) -> &mut Cash {
        grown(&mut self.currency_mut(currency).cash, account.index())
    }
}

/// Linear: size × mark × point value. Inverse: −size × point value ÷ mark, rounded down; no mark is below 1.
fn value(listing: &Listing, size: i128, mark: i128) -> Result<i128, Fault> {
    let face = listing.point_value.checked_mul(size).ok_or(Fault::Overflow)?;
    bounded(match listing.payoff {
        Payoff::Linear => face.checked_mul(mark).ok_or(Fault::Overflow)?,
        Payoff::Inverse => (-face).div_euclid(mark.max(1)),
    })
}

fn legs(qty: Qty, buyer: Party, seller: Party, closing: [bool; 2]) -> Result<[Leg; 2], Fault> {
    let lots = i64::try_from(qty.0).map_err(|_| Fault::Overflow)?;
    if lots == 0 {
        return Err(Fault::NotPositive { found: 0 });
    }
    let buy = Leg { party: buyer, change: lots, closing: closing[0] };
    Ok([buy, Leg { party: seller, change: -lots, closing: closing[1] }])
}

/// `closed` gives up a position of `side` to `other`, which may have to be closing too.
fn closing_legs(side: Side, qty: Qty, closed: Party, other: Party, other_closes: bool) -> Result<[Leg; 2], Fault> {
    match side {
        Side::Buy => legs(qty, other, closed, [other_closes, true]),
        Side::Sell => legs(qty, closed, other, [true, other_closes]),
    }
}

const fn free_party(account: AccountId, realised: Money) -> Party {
    Party { account, fee: Money::ZERO, realised }
}

fn positive(amount: Money) -> Result<i128, Fault> {
    if amount.0 > 0 { bounded(amount.0) } else { Err(Fault::NotPositive { found: amount.0 }) }
}

fn agree(what: &'static str, account: Option<AccountId>, found: Money, expected: i128) -> Result<(), Fault> {
    if found.0 == expected { Ok(()) } else { Err(Fault::Amount { what, account, found: found.0, expected }) }
}

/// The element at `index`, after growing to hold it.
fn grown<T: Default>(items: &mut Vec<T>, index: usize) -> &mut T {
    if items.len() <= index {
        items.resize_with(index + 1, T::default);
    }
    &mut items[index]
}
