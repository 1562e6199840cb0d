//! The engine against its auditor: any trades, in cross and isolated margin, with fees, funding and expiry.

use downdraft_margin::audit::{Auditor, Party, Record};
use downdraft_margin::{
    DeliveryFee, InstrumentKind, InstrumentSpec, Leg, MaintenanceBasis, Margin, MarginCapacity, MarginMode, Payoff,
    TierSpec,
};
use downdraft_types::{AccountId, CurrencyId, InstrumentId, MarkPrice, Money, Ppm, Price, Qty, Side, Time};
use proptest::prelude::*;

const USD: CurrencyId = CurrencyId(0);
const LISTED: InstrumentId = InstrumentId(0);
const ACCOUNTS: u32 = 6;

fn spec() -> InstrumentSpec {
    InstrumentSpec {
        kind: InstrumentKind::Dated { expiry: Time(1) },
        settlement: USD,
        mark_scale: 10,
        payoff: Payoff::Linear,
        point_value: 3,
        max_price: Price(1_000),
        max_order: Qty(1_000),
        max_position: Qty(100_000),
        tiers: vec![TierSpec { floor: Money(0), maintenance: Ppm(10_000), initial: Ppm(50_000) }],
        maintenance_basis: MaintenanceBasis::Mark,
        close_fee: Ppm(0),
        maker_fee: Ppm(-100),
        taker_fee: Ppm(500),
    }
}

/// An engine and its auditor, told the same.
struct Pair {
    engine: Margin,
    auditor: Auditor,
}

impl Pair {
    fn tell(&mut self, record: Record) {
        self.auditor.apply(&record).unwrap();
    }

    /// Accounts 1 and 2 isolated, the others cross.
    fn open() -> Self {
        let capacity = MarginCapacity {
            accounts: ACCOUNTS,
            positions: 16,
            positions_per_account: 1,
            instruments: 1,
            currencies: 1,
        };
        let mut pair = Self { engine: Margin::with_capacity(capacity), auditor: Auditor::new(ACCOUNTS) };
        pair.engine.list(LISTED, &spec()).unwrap();
        pair.tell(Record::Listed {
            instrument: LISTED,
            currency: USD,
            payoff: Payoff::Linear,
            mark_scale: 10,
            point_value: 3,
            exchanges: None,
        });
        for account in (1..ACCOUNTS).map(AccountId) {
            pair.engine.open_account(account).unwrap();
            pair.engine.deposit(account, USD, Money(1_000_000)).unwrap();
            pair.tell(Record::Deposit { account, currency: USD, amount: Money(1_000_000) });
            if account.0 <= 2 {
                pair.engine.configure(account, LISTED, MarginMode::Isolated, None).unwrap();
                pair.tell(Record::Configured { account, instrument: LISTED, isolated: true });
            }
        }
        pair
    }

    /// A trade of `value`; as odd values have no price, it is told as a block trade.
    fn trade(&mut self, buyer: u32, seller: u32, qty: u64, cost: i128, fee: i128) {
        let mut moved = Vec::new();
        let mut side = |account, side, fee| {
            let (account, qty, fee) = (AccountId(account), Qty(qty), Money(fee));
            let settled = self.engine.settle(&Leg { account, instrument: LISTED, side, qty, value: Money(cost), fee });
            moved.push((account, settled.margin_moved));
            Party { account, fee, realised: settled.change.realised }
        };
        let (buyer, seller) = (side(buyer, Side::Buy, fee), side(seller, Side::Sell, -fee / 2));
        self.tell(Record::BlockTrade { instrument: LISTED, qty: Qty(qty), cost: Money(cost), buyer, seller });
        for (account, amount) in moved.into_iter().filter(|m| !m.1.is_zero()) {
            self.tell(Record::MarginMoved { account, instrument: LISTED, amount });
        }
    }

    fn fund(&mut self, rate: Ppm) {
        let mut paid = Vec::new();
        let amount = self.engine.pay_funding(LISTED, rate, |account, amount| paid.push((account, amount)));
        for (account, amount) in paid {
            self.tell(Record::Funding { instrument: LISTED, account, amount });
        }
        self.tell(Record::FundingResidue { instrument: LISTED, rate, amount });
    }

    fn expire(&mut self, mark: MarkPrice) {
        let mut records = Vec::new();
        let fee = DeliveryFee { rate: Ppm(2_500), cap: None };
        let residue = self.engine.settle_all(LISTED, fee, |delivered| {
            let (account, realised, amount) = (delivered.account, delivered.realised, delivered.margin_moved);
            records.push(Record::Settled { instrument: LISTED, account, mark, realised, fee: delivered.fee });
            records.push(Record::MarginMoved { account, instrument: LISTED, amount });
        });
        // A cross position moves no margin.
        let nothing = |r: &Record| matches!(r, Record::MarginMoved { amount: Money::ZERO, .. });
        records.into_iter().filter(|record| !nothing(record)).for_each(|record| self.tell(record));
        self.tell(Record::Expired { instrument: LISTED, mark, residue });
    }

    fn agree(&self) {
        self.auditor.check().unwrap();
        self.auditor.compare(&self.engine).unwrap();
    }
}

proptest! {
    #[test]
    fn engine_and_auditor_agree(
        trades in proptest::collection::vec((1..ACCOUNTS, 1..ACCOUNTS, 1_u64..40, 1_i128..100_000, 0_i128..50), 1..60),
        mark in 1_i64..9_000,
        rate in -5_000_i64..5_000,
    ) {
        let mut pair = Pair::open();
        let mark = MarkPrice(mark);
        pair.engine.set_mark(LISTED, mark);
        pair.tell(Record::Mark { instrument: LISTED, mark });
        for (at, (buyer, seller, qty, cost, fee)) in trades.into_iter().enumerate() {
            if buyer != seller {
                pair.trade(buyer, seller, qty, cost, fee);
            }
            if at % 10 == 9 {
                pair.fund(Ppm(rate));
            }
            pair.agree();
        }
        pair.expire(mark);
        pair.agree();
    }
}
