//! What a run came to, in the engine's units: what forks are compared by and studies count.

use downdraft_margin::Valuation;
use downdraft_types::{AccountId, CurrencyId, InstrumentId, MarkPrice, Qty, Side, Time};
use downdraft_venue::Origin;

/// Equal steps of time at whose ends a price path is kept.
pub const PATH_POINTS: usize = 1_024;

/// What a run came to. Money is in smallest units, quantities in lots, prices in mark increments, times in
/// nanoseconds.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Outcome {
    /// The venue's state at the end.
    pub state_hash: u64,
    /// Commands applied.
    pub commands: u64,
    /// Events.
    pub events: u64,
    /// Orders accepted.
    pub orders: u64,
    /// Trades in the book.
    pub fills: u64,
    /// By instrument number; `None` of one that was never listed.
    pub markets: Vec<Option<MarketOutcome>>,
    /// By currency number.
    pub purses: Vec<PurseOutcome>,
    /// By account number; `None` of one that was never opened. The fund's is the first.
    pub accounts: Vec<Option<AccountOutcome>>,
    /// Liquidations as cascades.
    pub cascades: Cascades,
    /// Positions closed, in order of trigger.
    pub closings: Vec<Closing>,
    /// Liquidations of pools with several positions, which are not among the closings.
    pub mixed: u64,
    /// From each trigger to its first fill, in order of fill.
    pub waits: Vec<u64>,
    /// Trading halts.
    pub halts: u64,
}

/// An instrument's market.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MarketOutcome {
    /// The currency in which it settles.
    pub settlement: CurrencyId,
    /// Mark increments per tick.
    pub mark_scale: u32,
    /// Its tiers' floors.
    pub tiers: Vec<i128>,
    /// Price of trades: the first mark until there is one.
    pub price: Option<Extremes>,
    /// The mark.
    pub mark: Option<Extremes>,
    /// The price at the end of each of [`PATH_POINTS`] equal steps of time.
    pub path: Vec<Option<MarkPrice>>,
    /// Closed in the book by liquidation orders.
    pub liquidated: u64,
    /// Of that, at prices beyond the bankruptcy price.
    pub beyond: u64,
    /// Closed by auto-deleveraging.
    pub deleveraged: u64,
    /// Taken over by a fund or the vault.
    pub taken_over: u64,
    /// Fills of liquidation orders.
    pub forced_fills: u64,
}

/// First, lowest, highest and last of a price.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Extremes {
    /// First.
    pub start: MarkPrice,
    /// Lowest.
    pub low: MarkPrice,
    /// When it was there first.
    pub low_at: Time,
    /// Highest.
    pub high: MarkPrice,
    /// Last.
    pub end: MarkPrice,
}

impl Extremes {
    /// Takes the next price.
    pub(crate) fn extend(range: &mut Option<Self>, price: MarkPrice, now: Time) {
        let range = range.get_or_insert(Self { start: price, low: price, low_at: now, high: price, end: price });
        if price < range.low {
            (range.low, range.low_at) = (price, now);
        }
        range.high = range.high.max(price);
        range.end = price;
    }

    /// How far it fell below its start.
    #[must_use]
    pub fn fall(&self) -> i128 {
        i128::from(self.start.0) - i128::from(self.low.0)
    }
}

/// A currency.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PurseOutcome {
    /// What came into the fund from outside, net.
    pub fund_deposited: i128,
    /// What it received from liquidations.
    pub fund_received: i128,
    /// What it paid.
    pub fund_paid: i128,
    /// What else it made: trades, takeovers, funding.
    pub fund_traded: i128,
    /// The most by which it ever was below what was paid in: the least deposit with which the same run would never
    /// have found it short.
    pub fund_need: i128,
    /// Liquidation orders that stopped because it could not bear the next match.
    pub fund_refused: u64,
    /// What it had at the end.
    pub fund_end: i128,
    /// Deficits before fund, winners or anyone bears them: bad debt.
    pub deficits: i128,
    /// What deleveraged winners gave up against the mark, gains apart.
    pub conceded: i128,
    /// Of that, what no deficit at the mark asked for.
    pub overshoot: i128,
    /// Of that, what funds received.
    pub overshoot_to_fund: i128,
    /// Of that, what the vault received; the rest stayed with those who were liquidated.
    pub overshoot_to_vault: i128,
    /// Deficits that winners paid.
    pub socialised: i128,
    /// Deficits that nobody paid.
    pub uncovered: i128,
    /// Fees of all trades, rebates deducted.
    pub fees: i128,
    /// What rounding of funding left.
    pub residue: i128,
}

/// An account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccountOutcome {
    /// Who opened it.
    pub opened_by: Origin,
    /// By currency: equity at the end, less what was paid in and not taken out.
    pub gains: Vec<i128>,
    /// By currency: deficits it left.
    pub deficits: Vec<i128>,
    /// How often it was liquidated.
    pub liquidations: u32,
    /// Lots of it that were closed by auto-deleveraging of someone else.
    pub deleveraged: u64,
    /// By currency: what it conceded then that no deficit at the mark asked for.
    pub overshoot: Vec<i128>,
}

/// Liquidations as cascades, by direct descent: a liquidation's parent is the one whose order triggered it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Cascades {
    /// Liquidations.
    pub episodes: u64,
    /// Those without a parent.
    pub roots: u64,
    /// The longest line of descent.
    pub depth: u32,
    /// Liquidations of each root, itself included, in order of the roots.
    pub sizes: Vec<u32>,
}

impl Cascades {
    /// Liquidations of the largest cascade.
    #[must_use]
    pub fn largest(&self) -> u32 {
        self.sizes.iter().copied().max().unwrap_or(0)
    }
}

/// A position under liquidation, alone in its pool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Closing {
    /// Whose.
    pub account: AccountId,
    /// In what.
    pub instrument: InstrumentId,
    /// When it was triggered.
    pub triggered: Time,
    /// Its maintenance tier at the trigger.
    pub tier: usize,
    /// 1 of a long position, -1 of a short one.
    pub sign: i128,
    /// Its size at the trigger.
    pub lots: u64,
    /// How it is valued, and the mark of the trigger.
    pub at: (Valuation, MarkPrice),
    /// What all of it was worth.
    pub value: i128,
    /// The pool's equity at the trigger.
    pub equity: i128,
    /// Its maintenance margin.
    pub maintenance: i128,
    /// Closed in the book.
    pub filled: u64,
    /// Of that, beyond the bankruptcy price.
    pub beyond: u64,
    /// Closed by auto-deleveraging.
    pub deleveraged: u64,
    /// Taken over by a fund or the vault.
    pub taken_over: u64,
    /// How much less than at the mark of the trigger all that was closed fetched.
    pub cost: i128,
}

impl Closing {
    /// Closed in all.
    #[must_use]
    pub const fn closed(&self) -> u64 {
        self.filled + self.deleveraged + self.taken_over
    }

    /// Books `lots` closed for `value`.
    pub(crate) fn close(&mut self, lots: u64, value: i128) {
        self.cost += self.sign * (self.worth(lots) - value);
    }

    /// The value of a trade that closes `lots` at the mark of the trigger.
    pub(crate) fn worth(&self, lots: u64) -> i128 {
        let held = if self.sign > 0 { Side::Buy } else { Side::Sell };
        let (valuation, mark) = self.at;
        valuation.closing_value(held, Qty(lots), mark).0
    }
}

impl Outcome {
    /// The accounts opened, the fund's among them, by number.
    pub fn opened(&self) -> impl Iterator<Item = (AccountId, &AccountOutcome)> {
        let numbered = (0_u32..).map(AccountId).zip(&self.accounts);
        numbered.filter_map(|(account, outcome)| outcome.as_ref().map(|outcome| (account, outcome)))
    }

    /// The instruments listed, by number.
    pub fn listed(&self) -> impl Iterator<Item = (InstrumentId, &MarketOutcome)> {
        let numbered = (0_u16..).map(InstrumentId).zip(&self.markets);
        numbered.filter_map(|(instrument, market)| market.as_ref().map(|market| (instrument, market)))
    }

    /// How many accounts were liquidated.
    #[must_use]
    pub fn liquidated_accounts(&self) -> u64 {
        self.opened().filter(|(_, account)| account.liquidations > 0).count() as u64
    }

    /// How many accounts were deleveraged.
    #[must_use]
    pub fn deleveraged_accounts(&self) -> u64 {
        self.opened().filter(|(_, account)| account.deleveraged > 0).count() as u64
    }
}
