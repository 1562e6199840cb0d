//! A venue's journal: leveraged accounts in a falling market, every request answered, replayed bit for bit.

use crate::arbitrary::Draw;
use crate::toy::{MACHINE, Recorder};
use downdraft_journal::{End, Header, MachineEntry, Reader, Record, Verdict, replay};
use downdraft_margin::{InstrumentKind, InstrumentSpec, MaintenanceBasis, MarginMode, TierSpec};
use downdraft_types::{AccountId, CurrencyId, InstrumentId, MarkPrice, Money, Ppm, Price, Qty, Side, Span};
use downdraft_venue::{
    BookSize, Capacity, Command, FundingPolicy, FundingRule, LiquidationPolicy, MarkPolicy, MarkRule, OrderRequest,
    PremiumRule, SelfTradePrevention, TimeInForce, Venue,
};
use std::collections::BTreeMap;

const INSTRUMENT: InstrumentId = InstrumentId(0);
const CURRENCY: CurrencyId = CurrencyId(0);
const ACCOUNTS: u32 = 40;
const CAPACITY: Capacity = Capacity {
    accounts: ACCOUNTS + 1,
    positions: 200,
    positions_per_account: 4,
    instruments: 1,
    currencies: 1,
    client_orders: 16,
};

fn genesis() -> Vec<Command> {
    let tiers = vec![TierSpec { floor: Money(0), maintenance: Ppm(20_000), initial: Ppm(40_000) }];
    let spec = InstrumentSpec {
        kind: InstrumentKind::Perpetual,
        settlement: CURRENCY,
        mark_scale: 10,
        payoff: downdraft_margin::Payoff::Linear,
        point_value: 1,
        max_price: Price(1_000_000),
        max_order: Qty(10_000),
        max_position: Qty(100_000),
        tiers,
        maintenance_basis: MaintenanceBasis::Mark,
        close_fee: Ppm(0),
        maker_fee: Ppm(-50),
        taker_fee: Ppm(300),
    };
    let book = BookSize { orders: 2_000, levels: 500 };
    let rule = MarkRule::EmaMid { interval: Span(7_000), weight: Ppm(400_000) };
    let mut commands = vec![
        Command::ListInstrument { instrument: INSTRUMENT, spec: Box::new(spec), book },
        Command::SetMark { instrument: INSTRUMENT, mark: MarkPrice(10_000) },
        Command::SetMarkPolicy { instrument: INSTRUMENT, policy: MarkPolicy { rule, frozen: false } },
        Command::SetLiquidationPolicy {
            policy: Box::new(LiquidationPolicy { latency: Span(500), ..Default::default() }),
        },
        Command::SetFunding {
            instrument: INSTRUMENT,
            policy: Some(FundingPolicy {
                interval: Span(1_000_000),
                sample: Span(100_000),
                period: Span(1_000_000),
                rule: FundingRule::Damped { damper: Ppm(500) },
                interest: Ppm(100),
                cap: Ppm(7_500),
                premium: PremiumRule::default(),
                lagged: false,
            }),
        },
        Command::Deposit { account: AccountId::FUND, currency: CURRENCY, amount: Money(50_000) },
    ];
    for account in (1..=ACCOUNTS).map(AccountId) {
        commands.push(Command::OpenAccount { account });
        let mode = if account.0.is_multiple_of(3) { MarginMode::Isolated } else { MarginMode::Cross };
        commands.push(Command::Configure { account, instrument: INSTRUMENT, mode, initial: None });
        commands.push(Command::Deposit { account, currency: CURRENCY, amount: Money(200_000) });
    }
    commands
}

/// Orders around a price that wanders, down more often than up.
fn orders(seed: u64, count: usize) -> Vec<(u64, Command)> {
    let mut draw = Draw::new(seed);
    let mut middle = 1_000_i64;
    let order = |_| {
        middle = (middle + draw.below(5) as i64 - if draw.below(8) == 0 { 3 } else { 2 }).max(100);
        let side = Side::BOTH[draw.below(2) as usize];
        let offset = draw.below(12) as i64 - 3;
        let price = Price(if side == Side::Buy { middle - offset } else { middle + offset });
        let request = OrderRequest {
            account: AccountId(1 + draw.below(u64::from(ACCOUNTS)) as u32),
            client: None,
            instrument: INSTRUMENT,
            side,
            qty: Qty(1 + draw.below(40)),
            limit: Some(price),
            tif: if draw.below(3) == 0 { TimeInForce::Ioc } else { TimeInForce::Gtc },
            post_only: false,
            reduce_only: false,
            stp: SelfTradePrevention::CancelOldest,
        };
        (draw.below(2_000), Command::PlaceOrder(request))
    };
    (0..count).map(order).collect()
}

fn header() -> Header {
    let machines = vec![MachineEntry::new::<Venue>(MACHINE, &CAPACITY)];
    Header { software: "downdraft test".into(), scenario: String::new(), seed: 1, machines }
}

#[test]
fn a_cascade_replays_bit_for_bit() {
    let mut recorder = Recorder::<Venue>::new(&header(), CAPACITY);
    genesis().iter().for_each(|command| recorder.outside(0, command));
    orders(11, 12_000).iter().for_each(|(wait, command)| recorder.outside(*wait, command));
    let hash = recorder.machine.state_hash();
    let bytes = recorder.finish();

    let replayed = replay::<Venue, _>(Reader::open(&bytes[..]).unwrap(), |_, _| {}).unwrap();
    assert_eq!((&replayed.verdict, &replayed.states), (&Verdict::Equal, &vec![(MACHINE, hash)]), "{replayed}");

    // It was worth replaying.
    let mut kinds = BTreeMap::<String, usize>::new();
    let mut reader = Reader::open(&bytes[..]).unwrap();
    while let Some(record) = reader.record().unwrap() {
        let text = match record {
            Record::Command(applied) => format!("{:?}", applied.command),
            Record::Event(emitted) => format!("{:?}", emitted.event),
        };
        let internal = text.split_once("Internal(").map(|(_, rest)| rest).unwrap_or(&text);
        *kinds.entry(internal.split([' ', '(']).next().unwrap().to_owned()).or_default() += 1;
    }
    assert!(matches!(reader.end(), Some(End::Complete(_))));
    for kind in ["Trade", "Liquidate", "LiquidationOrdered", "LiquidationEnded", "SampleMark", "PayFunding"] {
        assert!(kinds.get(kind).is_some_and(|count| *count > 5), "{kind}: {kinds:?}");
    }
}

/// A journal whose header gives the venue less room than it had.
#[test]
fn another_genesis_diverges() {
    let smaller = Capacity { accounts: 5, ..CAPACITY };
    let header = Header { machines: vec![MachineEntry::new::<Venue>(MACHINE, &smaller)], ..header() };
    let mut recorder = Recorder::<Venue>::new(&header, CAPACITY);
    genesis().iter().for_each(|command| recorder.outside(0, command));
    let replayed = replay::<Venue, _>(Reader::open(&recorder.finish()[..]).unwrap(), |_, _| {}).unwrap();
    assert_eq!(replayed.exit_code(), 1);
    let message = replayed.to_string();
    assert!(message.contains("AccountOpened { account: AccountId(5) }"), "{message}");
    assert!(message.contains("CapacityReached"), "{message}");
}
