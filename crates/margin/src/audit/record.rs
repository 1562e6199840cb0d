//! What the auditor is told.

use crate::{Payoff, Pool};
use downdraft_types::{AccountId, CurrencyId, InstrumentId, MarkPrice, Money, Ppm, Price, Qty, Side};

/// One side of a trade, as the venue claims it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Party {
    /// The account.
    pub account: AccountId,
    /// Fee paid; negative is a rebate.
    pub fee: Money,
    /// Profit or loss realised, fee excluded.
    pub realised: Money,
}

/// Something that moved money or positions. Amounts are in the smallest unit of their currency; a position is
/// settled in its instrument's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Record {
    /// An instrument was listed.
    Listed {
        /// Its number.
        instrument: InstrumentId,
        /// In which it is margined and settled.
        currency: CurrencyId,
        /// Mark increments per tick.
        mark_scale: u32,
        /// How value depends on price.
        payoff: Payoff,
        /// Money per mark increment per lot; of an inverse contract money × mark increments per lot.
        point_value: u64,
        /// Of a spot market: what is bought, and how much of it a lot is.
        exchanges: Option<(CurrencyId, u64)>,
    },
    /// A flat account became unified, or separate again.
    UnifiedSet {
        /// The account.
        account: AccountId,
        /// Unified, or separate.
        unified: bool,
    },
    /// A unified account paid interest on what it owes.
    Interest {
        /// The account.
        account: AccountId,
        /// The currency.
        currency: CurrencyId,
        /// How much, positive.
        amount: Money,
    },
    /// A fund took collateral of a flat unified account.
    Seized {
        /// The fund.
        fund: AccountId,
        /// The account.
        account: AccountId,
        /// The currency.
        currency: CurrencyId,
        /// How much, positive.
        amount: Money,
    },
    /// A flat position's margin mode was chosen; before that it is cross.
    Configured {
        /// The account.
        account: AccountId,
        /// The instrument.
        instrument: InstrumentId,
        /// Isolated, or cross.
        isolated: bool,
    },
    /// Money came in; to account 0, into the fund.
    Deposit {
        /// The account.
        account: AccountId,
        /// The currency.
        currency: CurrencyId,
        /// How much, positive.
        amount: Money,
    },
    /// Money went out.
    Withdrawal {
        /// The account.
        account: AccountId,
        /// The currency.
        currency: CurrencyId,
        /// How much, positive.
        amount: Money,
    },
    /// Cash became isolated margin (negative: the reverse).
    MarginMoved {
        /// The account.
        account: AccountId,
        /// The isolated position's instrument.
        instrument: InstrumentId,
        /// How much.
        amount: Money,
    },
    /// The mark moved.
    Mark {
        /// The instrument.
        instrument: InstrumentId,
        /// Its mark now.
        mark: MarkPrice,
    },
    /// A match in the book.
    Fill {
        /// The instrument.
        instrument: InstrumentId,
        /// At which price.
        price: Price,
        /// How many lots.
        qty: Qty,
        /// Who bought.
        buyer: Party,
        /// Who sold.
        seller: Party,
    },
    /// A trade off the book, by value instead of price.
    BlockTrade {
        /// The instrument.
        instrument: InstrumentId,
        /// How many lots.
        qty: Qty,
        /// Their value.
        cost: Money,
        /// Who bought.
        buyer: Party,
        /// Who sold.
        seller: Party,
    },
    /// An account became the fund of an instrument.
    FundAppointed {
        /// The instrument.
        instrument: InstrumentId,
        /// The account.
        fund: AccountId,
    },
    /// A fund or a vault took over a position.
    Takeover {
        /// The instrument.
        instrument: InstrumentId,
        /// Who took it.
        taker: AccountId,
        /// From whom.
        account: AccountId,
        /// The side of the position: `Buy` for a long.
        side: Side,
        /// How many lots.
        qty: Qty,
        /// At what value.
        cost: Money,
        /// What the account realised.
        realised: Money,
        /// What the taker realised.
        taker_realised: Money,
    },
    /// Two positions were closed against each other by the venue.
    Deleveraged {
        /// The instrument.
        instrument: InstrumentId,
        /// Who was being liquidated.
        account: AccountId,
        /// The side of that position: `Buy` for a long.
        side: Side,
        /// Against whom.
        counterparty: AccountId,
        /// How many lots.
        qty: Qty,
        /// At what value.
        value: Money,
        /// What the counterparty gave up against the mark; negative: gained.
        conceded: Money,
        /// The part of that which no deficit asked for: the pool received it.
        remainder: Money,
        /// What the account realised.
        realised: Money,
        /// What the counterparty realised.
        counterparty_realised: Money,
    },
    /// A pool's loss beyond its margin, before anyone bears it: of a flat pool, of a forced fill, or of a deleveraging.
    Deficit {
        /// The pool.
        pool: Pool,
        /// The currency.
        currency: CurrencyId,
        /// How much, positive.
        amount: Money,
    },
    /// A fund received from a pool (negative: paid to it).
    FundSettled {
        /// The fund's account.
        fund: AccountId,
        /// The pool.
        pool: Pool,
        /// The currency.
        currency: CurrencyId,
        /// How much.
        amount: Money,
    },
    /// A vault received margin left of a pool.
    VaultReceived {
        /// The vault's account.
        vault: AccountId,
        /// The pool.
        pool: Pool,
        /// The currency.
        currency: CurrencyId,
        /// How much, positive.
        amount: Money,
    },
    /// A winner paid part of a deficit.
    Socialised {
        /// Whose deficit.
        pool: Pool,
        /// Who paid.
        payer: Pool,
        /// The currency.
        currency: CurrencyId,
        /// How much, positive.
        amount: Money,
    },
    /// The rest of a deficit stays where it is.
    Uncovered {
        /// The pool.
        pool: Pool,
        /// The currency.
        currency: CurrencyId,
        /// How much, positive.
        amount: Money,
    },
    /// A position paid (negative: received) funding.
    Funding {
        /// The instrument.
        instrument: InstrumentId,
        /// The account.
        account: AccountId,
        /// How much.
        amount: Money,
    },
    /// All positions have paid funding.
    FundingResidue {
        /// The instrument.
        instrument: InstrumentId,
        /// The rate.
        rate: Ppm,
        /// What was paid and not received, to the residue account.
        amount: Money,
    },
    /// A position was settled in cash at expiry.
    Settled {
        /// The instrument.
        instrument: InstrumentId,
        /// The account.
        account: AccountId,
        /// At which mark.
        mark: MarkPrice,
        /// What it realised, the fee excluded.
        realised: Money,
        /// The delivery fee.
        fee: Money,
    },
    /// All positions of an instrument have been settled at expiry.
    Expired {
        /// The instrument.
        instrument: InstrumentId,
        /// At which mark.
        mark: MarkPrice,
        /// What the rounding of their values left, to the residue account.
        residue: Money,
    },
}

impl Record {
    /// What kind of record it is, in a word or two.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Listed { .. } => "listing",
            Self::UnifiedSet { .. } => "collateral mode",
            Self::Interest { .. } => "interest",
            Self::Seized { .. } => "collateral seized",
            Self::Configured { .. } => "margin mode",
            Self::Deposit { .. } => "deposit",
            Self::Withdrawal { .. } => "withdrawal",
            Self::MarginMoved { .. } => "margin moved",
            Self::Mark { .. } => "mark",
            Self::Fill { .. } => "fill",
            Self::BlockTrade { .. } => "block trade",
            Self::FundAppointed { .. } => "fund",
            Self::Takeover { .. } => "takeover",
            Self::Deleveraged { .. } => "deleveraging",
            Self::Deficit { .. } => "deficit",
            Self::FundSettled { .. } => "fund settlement",
            Self::VaultReceived { .. } => "vault's receipt",
            Self::Socialised { .. } => "socialised loss",
            Self::Uncovered { .. } => "uncovered deficit",
            Self::Funding { .. } => "funding",
            Self::FundingResidue { .. } => "funding residue",
            Self::Settled { .. } => "settlement",
            Self::Expired { .. } => "expiry",
        }
    }
}
