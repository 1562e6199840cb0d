//! The audit of a venue: its events, translated into the auditor's records. It reads events alone, so it audits a
//! live run and a journal alike.

use crate::command::Command;
use crate::event::{Event, Request, Sink, TradeSide};
use downdraft_margin::audit::{AuditError, Auditor, Fault, Party, Record};
use downdraft_margin::{InstrumentKind, InstrumentSpec, MarginMode};
use downdraft_types::{EventId, InstrumentId, MarkPrice, Side};

/// Audits a venue. Each command is shown to it before its events; as a [`Sink`] it takes the events.
///
/// It stops at the first fault, which [`VenueAuditor::verdict`] gives.
#[derive(Clone, Debug)]
pub struct VenueAuditor {
    auditor: Auditor,
    /// The instrument that the present command would list.
    listing: Option<Record>,
    fault: Option<AuditError>,
}

impl VenueAuditor {
    /// An auditor of a venue with account numbers below `accounts`.
    #[must_use]
    pub const fn new(accounts: u32) -> Self {
        Self { auditor: Auditor::new(accounts), listing: None, fault: None }
    }

    /// The auditor itself, to ask for balances, conservation and the waterfall, or to compare it with books.
    #[must_use]
    pub const fn auditor(&self) -> &Auditor {
        &self.auditor
    }

    /// Takes a command, before its events: a listing's event does not repeat its terms.
    pub fn command(&mut self, command: &Command) {
        self.listing = match command {
            Command::ListInstrument { instrument, spec, .. } => Some(listed(*instrument, spec)),
            _ => None,
        };
    }

    /// Takes an event.
    pub fn observe(&mut self, event: &Event) {
        if self.fault.is_some() {
            return;
        }
        let record = match *event {
            Event::InstrumentListed { instrument } => match self.listing.take() {
                Some(record) => Some(record),
                None => return self.fault = Some(self.unlisted(instrument)),
            },
            // Without a mark any will do: the auditor refuses to settle.
            Event::Settled { instrument, account, realised, fee } => {
                let mark = self.auditor.mark(instrument).unwrap_or(MarkPrice::ZERO);
                Some(Record::Settled { instrument, account, mark, realised, fee })
            }
            _ => record(event),
        };
        if let Some(record) = record {
            self.fault = self.auditor.apply(&record).err();
        }
    }

    /// Whether all is well so far, to be asked between commands. O(accounts + positions).
    ///
    /// # Errors
    /// The first fault found in a record, else what [`Auditor::check`] finds.
    pub fn verdict(&self) -> Result<(), AuditError> {
        self.fault.map_or_else(|| self.auditor.check(), Err)
    }

    /// The first fault found in a record. Constant time.
    #[must_use]
    pub const fn fault(&self) -> Option<&AuditError> {
        self.fault.as_ref()
    }

    const fn unlisted(&self, instrument: InstrumentId) -> AuditError {
        let fault = Fault::UnknownInstrument(instrument);
        AuditError { ordinal: self.auditor.records(), record: Some("listing"), fault }
    }
}

impl Sink for VenueAuditor {
    fn event(&mut self, _: EventId, _: Option<u32>, event: &Event) {
        self.observe(event);
    }

    fn request(&mut self, _: &Request) {}
}

/// The record of a listing.
#[must_use]
pub const fn listed(instrument: InstrumentId, spec: &InstrumentSpec) -> Record {
    let exchanges = match spec.kind {
        InstrumentKind::Spot { base, lot } => Some((base, lot)),
        _ => None,
    };
    Record::Listed {
        instrument,
        currency: spec.settlement,
        payoff: spec.payoff,
        mark_scale: spec.mark_scale,
        point_value: spec.point_value,
        exchanges,
    }
}

/// The record of an event that moves money or positions and says all about it. A listing needs its command, and a
/// settlement the mark: [`VenueAuditor`] adds those.
#[must_use]
pub fn record(event: &Event) -> Option<Record> {
    Some(match *event {
        Event::Configured { account, instrument, mode } => {
            Record::Configured { account, instrument, isolated: mode == MarginMode::Isolated }
        }
        Event::Deposited { account, currency, amount } => Record::Deposit { account, currency, amount },
        Event::Withdrawn { account, currency, amount } => Record::Withdrawal { account, currency, amount },
        Event::MarginMoved { account, instrument, amount } => Record::MarginMoved { account, instrument, amount },
        Event::MarkMoved { instrument, mark, .. } => Record::Mark { instrument, mark },
        Event::Trade { instrument, price, qty, taker_side, maker, taker, .. } => {
            let (buyer, seller) = match taker_side {
                Side::Buy => (taker, maker),
                Side::Sell => (maker, taker),
            };
            Record::Fill { instrument, price, qty, buyer: party(buyer), seller: party(seller) }
        }
        Event::BlockTraded { instrument, qty, cost, buyer, seller } => {
            Record::BlockTrade { instrument, qty, cost, buyer: party(buyer), seller: party(seller) }
        }
        Event::FundAppointed { instrument, fund } => Record::FundAppointed { instrument, fund },
        Event::TakenOver { taker, account, instrument, side, qty, cost, realised, taker_realised } => {
            Record::Takeover { instrument, taker, account, side, qty, cost, realised, taker_realised }
        }
        Event::Deleveraged {
            instrument,
            account,
            side,
            counterparty,
            qty,
            value,
            conceded,
            remainder,
            realised,
            counterparty_realised,
        } => Record::Deleveraged {
            instrument,
            account,
            side,
            counterparty,
            qty,
            value,
            conceded,
            remainder,
            realised,
            counterparty_realised,
        },
        Event::Deficit { pool, currency, amount } => Record::Deficit { pool, currency, amount },
        Event::FundSettled { fund, pool, currency, amount } => Record::FundSettled { fund, pool, currency, amount },
        Event::VaultReceived { vault, pool, currency, amount } => {
            Record::VaultReceived { vault, pool, currency, amount }
        }
        Event::Socialised { pool, payer, currency, amount } => Record::Socialised { pool, payer, currency, amount },
        Event::Uncovered { pool, currency, amount } => Record::Uncovered { pool, currency, amount },
        Event::FundingPaid { instrument, account, amount } => Record::Funding { instrument, account, amount },
        Event::FundingSettled { instrument, rate, residue } => {
            Record::FundingResidue { instrument, rate, amount: residue }
        }
        Event::Expired { instrument, mark, residue } => Record::Expired { instrument, mark, residue },
        Event::UnifiedSet { account, unified } => Record::UnifiedSet { account, unified },
        Event::InterestPaid { account, currency, amount } => Record::Interest { account, currency, amount },
        Event::CollateralSeized { fund, account, currency, amount } => {
            Record::Seized { fund, account, currency, amount }
        }
        _ => return None,
    })
}

const fn party(side: TradeSide) -> Party {
    Party { account: side.account, fee: side.fee, realised: side.realised }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::BookSize;
    use crate::event::CauseKind;
    use downdraft_margin::MaintenanceBasis;
    use downdraft_margin::audit::{Books, Wallet};
    use downdraft_types::{AccountId, CurrencyId, Money, OrderId, Ppm, Price, Qty, Time};

    const DATED: InstrumentId = InstrumentId(0);
    const USD: CurrencyId = CurrencyId(0);

    fn listing() -> Command {
        let spec = InstrumentSpec {
            kind: InstrumentKind::Dated { expiry: Time(9) },
            settlement: USD,
            mark_scale: 10,
            payoff: downdraft_margin::Payoff::Linear,
            point_value: 1,
            max_price: Price(1_000),
            max_order: Qty(100),
            max_position: Qty(100),
            tiers: vec![],
            maintenance_basis: MaintenanceBasis::Mark,
            close_fee: Ppm(0),
            maker_fee: Ppm(0),
            taker_fee: Ppm(0),
        };
        Command::ListInstrument { instrument: DATED, spec: Box::new(spec), book: BookSize { orders: 1, levels: 1 } }
    }

    fn trade(taker_side: Side, price: i64, realised: [i128; 2]) -> Event {
        let side = |account, fee, realised| TradeSide { account: AccountId(account), fee: Money(fee), realised };
        Event::Trade {
            instrument: DATED,
            price: Price(price),
            qty: Qty(2),
            taker_side,
            maker_order: OrderId::new(0, 0),
            maker_left: Qty(0),
            maker: side(1, -1, Money(realised[0])),
            taker: side(2, 3, Money(realised[1])),
            forced: false,
        }
    }

    fn events() -> Vec<Event> {
        let deposited = |account| Event::Deposited { account: AccountId(account), currency: USD, amount: Money(5_000) };
        let settled = |account, realised| Event::Settled {
            instrument: DATED,
            account: AccountId(account),
            realised: Money(realised),
            fee: Money(1),
        };
        vec![
            Event::InstrumentListed { instrument: DATED },
            deposited(1),
            deposited(2),
            // 2 sells to 1 at 100, buys back at 90, and sells again at 80.
            trade(Side::Sell, 100, [0, 0]),
            trade(Side::Buy, 90, [-200, 200]),
            trade(Side::Sell, 80, [0, 0]),
            Event::MarkMoved { instrument: DATED, mark: MarkPrice(700), kind: CauseKind::Trade },
            settled(1, -200),
            settled(2, 200),
            Event::Expired { instrument: DATED, mark: MarkPrice(700), residue: Money::ZERO },
        ]
    }

    fn audited(events: &[Event]) -> VenueAuditor {
        let mut auditor = VenueAuditor::new(3);
        auditor.command(&listing());
        events.iter().for_each(|event| auditor.observe(event));
        auditor
    }

    struct ByHand;

    impl Books for ByHand {
        fn amount(&self, wallet: Wallet) -> i128 {
            match wallet {
                Wallet::Cash(AccountId(1), USD) => 5_000 - 400 + 3 - 1,
                Wallet::Cash(AccountId(2), USD) => 5_000 + 400 - 9 - 1,
                Wallet::Fees(USD) => 6 + 2,
                Wallet::Outside(USD) => -10_000,
                _ => 0,
            }
        }
    }

    #[test]
    fn wallets_are_rebuilt_from_events() {
        let auditor = audited(&events());
        assert_eq!(auditor.verdict(), Ok(()));
        assert_eq!(auditor.auditor().compare(&ByHand), Ok(()));
        assert_eq!(auditor.auditor().conservation(USD), Money::ZERO);
    }

    #[test]
    fn the_first_fault_stays() {
        let mut events = events();
        events[4] = trade(Side::Buy, 90, [-200, 201]);
        let auditor = audited(&events);
        let message = auditor.verdict().map_err(|error| error.to_string());
        assert_eq!(message, Err("record 4 (fill): realised profit of a2: found 201, expected 200".into()));
        assert_eq!(auditor.verdict().err().as_ref(), auditor.fault());
    }

    #[test]
    fn every_lost_event_is_noticed() {
        for lost in 0..events().len() - 1 {
            let mut events = events();
            events.remove(lost);
            let auditor = audited(&events);
            assert!(auditor.verdict().and_then(|()| auditor.auditor().compare(&ByHand)).is_err(), "lost: {lost}");
        }
    }

    #[test]
    fn a_listing_needs_its_command() {
        let mut auditor = VenueAuditor::new(3);
        auditor.command(&listing());
        auditor.command(&Command::OpenAccount { account: AccountId(1) });
        auditor.observe(&Event::InstrumentListed { instrument: DATED });
        let message = auditor.verdict().map_err(|error| error.to_string());
        assert_eq!(message, Err("record 0 (listing): instrument: found i0, expected one that is listed".into()));
    }
}
