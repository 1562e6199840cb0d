//! Insurance funds and vaults as holders of positions: what they may take over, and what a fund can afford to
//! realise. A fund is an account: number 0, or one appointed for an instrument or a group of them. Its cash never goes
//! below zero (invariant 7).

use crate::engine::Margin;
use crate::error::MarginError;
use crate::instrument::RATE_ONE;
use crate::pool::{MarginMode, Pool, PoolState};
use crate::position::Position;
use downdraft_types::arith::{mul_div_ceil, mul_div_floor};
use downdraft_types::{AccountId, CurrencyId, InstrumentId, Money, Ppm, Qty, Side};

/// How much of a position that was taken over is offered to the market at a time.
///
/// Source: Vega protocol specification 0012-POSR, *managing the network's position*.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Disposal {
    /// The part of what is left that is offered per step.
    pub fraction: Ppm,
    /// A position no larger than this is offered whole.
    pub whole_at: Qty,
    /// At most this part of the lots in the book on the other side.
    pub depth_part: Ppm,
}

impl Disposal {
    /// Lots to offer of `held`, with `depth` lots in the book. The fraction is rounded up, so that a position is
    /// worked off in the end; the limit by depth is rounded down.
    #[must_use]
    pub fn next(&self, held: Qty, depth: Qty) -> Qty {
        let part = |of: Qty, rate: Ppm| (i128::from(of.0), i128::from(rate.0.clamp(0, Ppm::ONE.0)));
        let (lots, rate) = part(held, self.fraction);
        let wanted = if held <= self.whole_at { lots } else { mul_div_ceil(lots, rate, RATE_ONE) };
        let (lots, rate) = part(depth, self.depth_part);
        let offered = wanted.min(mul_div_floor(lots, rate, RATE_ONE));
        Qty(u64::try_from(offered).expect("part of a quantity"))
    }
}

impl Margin {
    /// Whether an account is an insurance fund. A fund has no maintenance, is never liquidated, places no orders, and
    /// its cash never goes below zero.
    #[must_use]
    pub fn is_fund(&self, account: AccountId) -> bool {
        self.accounts.get(account.index()).is_some_and(|a| a.fund)
    }

    /// The fund that answers for deficits in an instrument: account 0, unless another was appointed.
    ///
    /// # Panics
    /// Where the instrument is not listed.
    #[must_use]
    pub fn fund_of(&self, instrument: InstrumentId) -> AccountId {
        self.instrument(instrument).fund
    }

    /// Makes an account the fund of an instrument, from now on and for good. Instruments that share one are a group.
    ///
    /// # Errors
    /// [`MarginError::UnknownAccount`]; [`MarginError::PositionOpen`] where the present fund holds a position in the
    /// instrument, or the new one is a client's account with positions, orders or isolated margins, or unified;
    /// [`MarginError::InLiquidation`] where it has a pool that is not sound.
    pub fn appoint_fund(&mut self, instrument: InstrumentId, fund: AccountId) -> Result<(), MarginError> {
        if !self.is_open(fund) {
            return Err(MarginError::UnknownAccount);
        }
        let present = self.position(self.fund_of(instrument), instrument);
        if present.is_some_and(|p| !p.size.is_zero()) {
            return Err(MarginError::PositionOpen);
        }
        if !self.is_fund(fund) {
            self.check_idle(fund)?;
        }
        self.accounts[fund.index()].fund = true;
        self.instrument_mut(instrument).fund = fund;
        Ok(())
    }

    /// Whether a client's account has nothing but sound cash. One that ever was isolated in an instrument is not idle.
    fn check_idle(&self, account: AccountId) -> Result<(), MarginError> {
        if self.is_unified(account) {
            return Err(MarginError::PositionOpen);
        }
        for position in self.positions_of(account) {
            if !position.is_idle() || position.mode == MarginMode::Isolated {
                return Err(MarginError::PositionOpen);
            }
        }
        let unsound = |currency| {
            let pool = Pool::Cross { account, currency };
            self.state_of(pool) != PoolState::Sound || self.cash(account, currency).is_negative()
        };
        if self.ledger.currencies().any(unsound) { Err(MarginError::InLiquidation) } else { Ok(()) }
    }

    /// Whether a fund covers `loss`.
    #[must_use]
    pub fn fund_covers(&self, fund: AccountId, currency: CurrencyId, loss: Money) -> bool {
        loss <= self.cash(fund, currency)
    }

    /// Whether an instrument's fund may take `qty` lots over at `cost`: it stays solvent at the mark, and pays for
    /// what it realises if it held the opposite.
    #[must_use]
    pub fn fund_can_take(&self, instrument: InstrumentId, side: Side, qty: Qty, cost: Money) -> bool {
        let terms = self.instrument(instrument);
        let (fund, currency) = (terms.fund, terms.spec.settlement);
        let at_mark = terms.closing_value(side, qty);
        let gain = if side == Side::Buy { at_mark - cost } else { cost - at_mark };
        let equity = self.health(Pool::Cross { account: fund, currency }).equity;
        let realised = match self.position(fund, instrument) {
            Some(position) => position.clone().trade(side, qty, cost).realised,
            None => Money::ZERO,
        };
        let room = self.can_hold(fund, instrument).is_ok();
        room && !(equity + gain).is_negative() && !(self.cash(fund, currency) + realised).is_negative()
    }

    /// Whether a vault, a client's account, may take `qty` lots over at `cost`: it holds the instrument as a cross
    /// position, if at all, is sound, has room, stays within the largest position, and is at or above maintenance
    /// afterwards.
    #[must_use]
    pub fn vault_can_take(
        &self,
        vault: AccountId,
        instrument: InstrumentId,
        side: Side,
        qty: Qty,
        cost: Money,
    ) -> bool {
        let terms = self.instrument(instrument);
        let pool = Pool::Cross { account: vault, currency: terms.spec.settlement };
        let fresh = Position::new(vault, instrument);
        let before = self.position(vault, instrument).unwrap_or(&fresh);
        let able = self.is_open(vault)
            && !self.is_fund(vault)
            && before.mode == MarginMode::Cross
            && self.state_of(pool) == PoolState::Sound
            && self.can_hold(vault, instrument).is_ok();
        if !able {
            return false;
        }
        let mut after = before.clone();
        let realised = after.trade(side, qty, cost).realised;
        if after.size.quantity() > terms.spec.max_position {
            return false;
        }
        let mut health = self.health(pool);
        health.equity += realised + after.unrealised(terms) - before.unrealised(terms);
        health.maintenance_e6 += after.maintenance_e6(terms) - before.maintenance_e6(terms);
        health.is_healthy()
    }

    /// Whether an instrument's fund can pay what closing `qty` lots of its position for `value` realises.
    #[must_use]
    pub fn fund_can_realise(&self, instrument: InstrumentId, side: Side, qty: Qty, value: Money) -> bool {
        match side {
            Side::Sell => value >= self.fund_limit_value(instrument, qty),
            Side::Buy => value <= self.fund_limit_value(instrument, qty),
        }
    }

    /// The value of closing `qty` lots of the fund's position that uses up its whole balance: the least it can
    /// sell a long for, the most it can pay for a short.
    ///
    /// # Panics
    /// Where the fund has no position of that size.
    #[must_use]
    pub fn fund_limit_value(&self, instrument: InstrumentId, qty: Qty) -> Money {
        let terms = self.instrument(instrument);
        let position = self.position(terms.fund, instrument).expect("a position of the fund");
        let held = position.size.quantity();
        assert!(qty <= held && !held.is_zero(), "part of the fund's position");
        let released = Money(mul_div_ceil(position.cost.0, i128::from(qty.0), i128::from(held.0)));
        let balance = self.cash(terms.fund, terms.spec.settlement);
        if position.size.is_positive() { released - balance } else { balance - released }
    }
}
