//! Names, in kebab case, of what a journal holds: for filters, tables and summaries.

use downdraft_venue::{CancelReason, CauseKind, Command, Event, Internal, LiquidationEnd, Rejection};

/// A function from values to names, and the list of all names.
macro_rules! names {
    ($(#[$doc:meta])* $name:ident($type:ty), $all:ident: $($pattern:pat => $text:literal,)*) => {
        $(#[$doc])*
        #[must_use]
        pub const fn $name(value: &$type) -> &'static str {
            match value {
                $($pattern => $text,)*
            }
        }

        #[doc = concat!("All names that [`", stringify!($name), "`] gives.")]
        pub const $all: &[&str] = &[$($text),*];
    };
}

names! {
    /// The kind of a command. A request of the venue's own is named by what it asks for.
    command_kind(Command), COMMAND_KINDS:
    Command::ListInstrument { .. } => "list-instrument",
    Command::SetTiers { .. } => "set-tiers",
    Command::SetMarkPolicy { .. } => "set-mark-policy",
    Command::SetMark { .. } => "set-mark",
    Command::SetLiquidationPolicy { .. } => "set-liquidation-policy",
    Command::SetProtections { .. } => "set-protections",
    Command::SetFunding { .. } => "set-funding",
    Command::OpenAccount { .. } => "open-account",
    Command::Configure { .. } => "configure",
    Command::Deposit { .. } => "deposit",
    Command::Withdraw { .. } => "withdraw",
    Command::MoveMargin { .. } => "move-margin",
    Command::BlockTrade { .. } => "block-trade",
    Command::PlaceOrder(_) => "place-order",
    Command::CancelOrder { .. } => "cancel-order",
    Command::ReplaceOrder { .. } => "replace-order",
    Command::ExecuteOrder { .. } => "execute-order",
    Command::ReduceOrder { .. } => "reduce-order",
    Command::SetFund { .. } => "set-fund",
    Command::SetSettlement { .. } => "set-settlement",
    Command::SetMarginForm { .. } => "set-margin-form",
    Command::SetDynamicMargin { .. } => "set-dynamic-margin",
    Command::ReportVolatility { .. } => "report-volatility",
    Command::ReportIndex { .. } => "report-index",
    Command::Halt { .. } => "halt",
    Command::Reopen { .. } => "reopen",
    Command::SetCollateral { .. } => "set-collateral",
    Command::SetUnified { .. } => "set-unified",
    Command::SetPortfolio { .. } => "set-portfolio",
    Command::SetPortfolioPolicy { .. } => "set-portfolio-policy",
    Command::SetNotionalLimit { .. } => "set-notional-limit",
    Command::Internal(Internal::Liquidate { .. }) => "liquidate",
    Command::Internal(Internal::Unwind { .. }) => "unwind",
    Command::Internal(Internal::SampleMark { .. }) => "sample-mark",
    Command::Internal(Internal::SamplePremium { .. }) => "sample-premium",
    Command::Internal(Internal::PayFunding { .. }) => "pay-funding",
    Command::Internal(Internal::Reopen { .. }) => "end-halt",
    Command::Internal(Internal::Expire { .. }) => "expire",
    Command::Internal(Internal::Convert { .. }) => "convert",
    Command::Internal(Internal::ChargeInterest) => "charge-interest",
    Command::Internal(Internal::SampleSettlement { .. }) => "sample-settlement",
    Command::Internal(Internal::StepMargin { .. }) => "step-margin",
}

names! {
    /// The kind of an event.
    event_kind(Event), EVENT_KINDS:
    Event::Rejected { .. } => "rejected",
    Event::InstrumentListed { .. } => "instrument-listed",
    Event::ParameterSet { .. } => "parameter-set",
    Event::AccountOpened { .. } => "account-opened",
    Event::Configured { .. } => "configured",
    Event::Deposited { .. } => "deposited",
    Event::Withdrawn { .. } => "withdrawn",
    Event::MarginMoved { .. } => "margin-moved",
    Event::OrderAccepted { .. } => "order-accepted",
    Event::OrderRested { .. } => "order-rested",
    Event::OrderReduced { .. } => "order-reduced",
    Event::OrderCancelled { .. } => "order-cancelled",
    Event::Trade { .. } => "trade",
    Event::BlockTraded { .. } => "block-traded",
    Event::IndexReported { .. } => "index-reported",
    Event::MarkMoved { .. } => "mark-moved",
    Event::LiquidationTriggered { .. } => "liquidation-triggered",
    Event::LiquidationPostponed { .. } => "liquidation-postponed",
    Event::LiquidationOrdered { .. } => "liquidation-ordered",
    Event::LiquidationOrderDone { .. } => "liquidation-order-done",
    Event::TakenOver { .. } => "taken-over",
    Event::FundSettled { .. } => "fund-settled",
    Event::FundAppointed { .. } => "fund-appointed",
    Event::VaultReceived { .. } => "vault-received",
    Event::Deleveraged { .. } => "deleveraged",
    Event::Deficit { .. } => "deficit",
    Event::Socialised { .. } => "socialised",
    Event::Uncovered { .. } => "uncovered",
    Event::LiquidationEnded { .. } => "liquidation-ended",
    Event::Ticked { .. } => "ticked",
    Event::FundingPaid { .. } => "funding-paid",
    Event::FundingSettled { .. } => "funding-settled",
    Event::Settled { .. } => "settled",
    Event::Expired { .. } => "expired",
    Event::Halted { .. } => "halted",
    Event::Reopened { .. } => "reopened",
    Event::UnifiedSet { .. } => "unified-set",
    Event::PortfolioSet { .. } => "portfolio-set",
    Event::ConversionRequested { .. } => "conversion-requested",
    Event::ConversionOrdered { .. } => "conversion-ordered",
    Event::ConversionPostponed { .. } => "conversion-postponed",
    Event::ConversionDone { .. } => "conversion-done",
    Event::ConversionEnded { .. } => "conversion-ended",
    Event::CollateralSeized { .. } => "collateral-seized",
    Event::InterestPaid { .. } => "interest-paid",
    Event::InterestCharged => "interest-charged",
    Event::VolatilityReported { .. } => "volatility-reported",
    Event::MarginRateSet { .. } => "margin-rate-set",
}

names! {
    /// What moved a mark, or put a pool below its line.
    cause(CauseKind), CAUSES:
    CauseKind::Trade => "trade",
    CauseKind::Quote => "quote",
    CauseKind::Clock => "clock",
    CauseKind::Oracle => "oracle",
    CauseKind::Funding => "funding",
    CauseKind::Parameter => "parameter",
    CauseKind::Thaw => "thaw",
    CauseKind::OwnAccount => "own-account",
    CauseKind::Waterfall => "waterfall",
    CauseKind::Interest => "interest",
    CauseKind::Volatility => "volatility",
}

names! {
    /// How a liquidation ended.
    end(LiquidationEnd), ENDS:
    LiquidationEnd::Recovered => "recovered",
    LiquidationEnd::Closed => "closed",
    LiquidationEnd::Bankrupt => "bankrupt",
}

names! {
    /// Why an order left the book, or never rested.
    cancel_reason(CancelReason), CANCEL_REASONS:
    CancelReason::Requested => "requested",
    CancelReason::Unfilled => "unfilled",
    CancelReason::SelfTrade => "self-trade",
    CancelReason::ReduceOnly => "reduce-only",
    CancelReason::Liquidation => "liquidation",
    CancelReason::Expired => "expired",
    CancelReason::Replaced => "replaced",
}

/// Why a command had no effect.
#[must_use]
pub fn rejection(reason: &Rejection) -> String {
    match reason {
        Rejection::Listing(error) => format!("listing-{}", kebab(&format!("{error:?}"))),
        other => kebab(&format!("{other:?}")),
    }
}

/// The name of an enum's variant in kebab case.
fn kebab(variant: &str) -> String {
    let name = variant.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    let mut text = String::with_capacity(name.len() + 4);
    for (place, letter) in name.chars().enumerate() {
        if letter.is_uppercase() && place > 0 {
            text.push('-');
        }
        text.extend(letter.to_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use downdraft_types::InstrumentId;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_distinct() {
        let all: BTreeSet<&str> = COMMAND_KINDS.iter().chain(EVENT_KINDS).copied().collect();
        assert_eq!(all.len(), COMMAND_KINDS.len() + EVENT_KINDS.len());
    }

    #[test]
    fn names_are_found() {
        let internal = Command::Internal(Internal::Expire { instrument: InstrumentId(0) });
        assert_eq!(command_kind(&internal), "expire");
        assert_eq!(event_kind(&Event::Ticked { instrument: InstrumentId(0) }), "ticked");
        assert_eq!(rejection(&Rejection::NoLiquidity), "no-liquidity");
        let listing = Rejection::Listing(downdraft_margin::ListingError::RateOutOfRange);
        assert_eq!(rejection(&listing), "listing-rate-out-of-range");
    }
}
