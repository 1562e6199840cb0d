use super::*;
use alloc::string::ToString;
use alloc::vec;
use downdraft_types::Price;

const USD: CurrencyId = CurrencyId(0);
const PERP: InstrumentId = InstrumentId(0);
const DATED: InstrumentId = InstrumentId(1);

fn party(account: u32, fee: i128, realised: i128) -> Party {
    Party { account: AccountId(account), fee: Money(fee), realised: Money(realised) }
}

fn cross(account: u32) -> Pool {
    Pool::Cross { account: AccountId(account), currency: USD }
}

fn deposit(account: u32, amount: i128) -> Record {
    Record::Deposit { account: AccountId(account), currency: USD, amount: Money(amount) }
}

fn moved(amount: i128) -> Record {
    Record::MarginMoved { account: AccountId(1), instrument: DATED, amount: Money(amount) }
}

fn fill(instrument: InstrumentId, price: i64, qty: u64, buyer: Party, seller: Party) -> Record {
    Record::Fill { instrument, price: Price(price), qty: Qty(qty), buyer, seller }
}

fn mark(instrument: InstrumentId, mark: i64) -> Record {
    Record::Mark { instrument, mark: MarkPrice(mark) }
}

fn funding(account: u32, amount: i128) -> Record {
    Record::Funding { instrument: PERP, account: AccountId(account), amount: Money(amount) }
}

fn fund(account: u32, amount: i128) -> Record {
    Record::FundSettled { fund: AccountId::FUND, pool: cross(account), currency: USD, amount: Money(amount) }
}

fn deficit(account: u32, amount: i128) -> Record {
    Record::Deficit { pool: cross(account), currency: USD, amount: Money(amount) }
}

fn settled(account: u32, realised: i128) -> Record {
    let (account, mark, realised) = (AccountId(account), MarkPrice(30), Money(realised));
    Record::Settled { instrument: DATED, account, mark, realised, fee: Money::ZERO }
}

fn listed(instrument: InstrumentId, mark_scale: u32) -> Record {
    Record::Listed { instrument, currency: USD, payoff: Payoff::Linear, mark_scale, point_value: 1, exchanges: None }
}

/// Every kind of record, worked by hand. The perpetual's lot is worth 10 per tick, the dated contract's 1.
fn session() -> Vec<Record> {
    let mut records = opening();
    records.extend(trading());
    records.extend(waterfall());
    records.extend(expiry());
    records
}

fn opening() -> Vec<Record> {
    vec![
        listed(PERP, 10),
        listed(DATED, 1),
        deposit(0, 100),
        deposit(1, 1_000),
        deposit(2, 2_000),
        deposit(3, 3_000),
        deposit(4, 100),
        Record::Configured { account: AccountId(1), instrument: DATED, isolated: true },
        moved(310),
        moved(-10),
    ]
}

fn trading() -> Vec<Record> {
    let (buyer, seller) = (party(3, 0, 0), party(2, 0, 0));
    vec![
        fill(PERP, 100, 2, party(1, 5, 0), party(2, -2, 0)),
        Record::BlockTrade { instrument: PERP, qty: Qty(3), cost: Money(3_010), buyer, seller },
        mark(PERP, 900),
        // 2 closes one of five lots that cost −5010, and releases −1002 of it.
        fill(PERP, 95, 1, party(2, 0, 52), party(1, 0, -50)),
        // 0.1001% of 900, −3600 and 2700.
        funding(1, 1),
        funding(2, -3),
        funding(3, 3),
        Record::FundingResidue { instrument: PERP, rate: Ppm(1_001), amount: Money(1) },
        fill(DATED, 50, 10, party(1, 0, 0), party(3, 0, 0)),
    ]
}

fn deleveraged(instrument: InstrumentId, (account, counterparty): (u32, u32), qty: u64, amounts: [i128; 5]) -> Record {
    let [value, conceded, remainder, realised, counterparty_realised] = amounts.map(Money);
    let (account, counterparty, qty) = (AccountId(account), AccountId(counterparty), Qty(qty));
    let side = Side::Buy;
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
    }
}

fn waterfall() -> Vec<Record> {
    vec![
        mark(DATED, 25),
        Record::Takeover {
            instrument: DATED,
            taker: AccountId::FUND,
            account: AccountId(1),
            side: Side::Buy,
            qty: Qty(10),
            cost: Money(200),
            realised: Money(-300),
            taker_realised: Money(0),
        },
        deleveraged(DATED, (0, 3), 4, [90, -10, 0, 10, 110]),
        mark(PERP, 800),
        // Ten more than the deficit asked for.
        deficit(1, 40),
        deleveraged(PERP, (1, 2), 1, [850, 50, 10, -150, 152]),
        fill(PERP, 80, 1, party(4, 0, 0), party(2, 0, 0)),
        // 2 held −4 lots at −3806: a quarter is −951.5, of which −951 is released.
        fill(PERP, 60, 1, party(2, 0, 351), party(4, 0, -200)),
        deficit(4, 20),
        fund(4, -20),
        deficit(4, 80),
        fund(4, -30),
        Record::Socialised { pool: cross(4), payer: cross(2), currency: USD, amount: Money(40) },
        Record::Uncovered { pool: cross(4), currency: USD, amount: Money(10) },
        fund(3, 7),
        Record::VaultReceived { vault: AccountId(3), pool: cross(2), currency: USD, amount: Money(5) },
    ]
}

fn expiry() -> Vec<Record> {
    vec![
        mark(DATED, 30),
        settled(0, 60),
        settled(3, 120),
        Record::Expired { instrument: DATED, mark: MarkPrice(30), residue: Money(0) },
        Record::Withdrawal { account: AccountId(3), currency: USD, amount: Money(500) },
    ]
}

/// The books after the session, worked by hand.
struct ByHand;

impl Books for ByHand {
    fn amount(&self, wallet: Wallet) -> i128 {
        match wallet {
            Wallet::Cash(account, USD) => *[127, 494, 2_515, 2_725, -10].get(account.index()).unwrap_or(&0),
            Wallet::Size(account, PERP) => *[0, 0, -3, 3].get(account.index()).unwrap_or(&0),
            Wallet::OpenCost(account, PERP) => *[0, 0, -2_855, 3_010].get(account.index()).unwrap_or(&0),
            Wallet::Clearing(PERP) => -155,
            Wallet::Fees(USD) => 3,
            Wallet::Residue(USD) => 1,
            Wallet::Outside(USD) => -5_700,
            _ => 0,
        }
    }
}

/// All that an audit does: every record, then the checks, then the books.
fn audit(records: &[Record]) -> Result<Auditor, AuditError> {
    let mut auditor = Auditor::new(10);
    records.iter().try_for_each(|record| auditor.apply(record))?;
    auditor.check()?;
    auditor.compare(&ByHand)?;
    Ok(auditor)
}

#[test]
fn a_session_worked_by_hand() {
    let auditor = audit(&session()).expect("the session is right");
    assert_eq!(auditor.records(), 40);
    assert_eq!(auditor.conservation(USD), Money::ZERO);
    assert_eq!(auditor.fund(USD), Money(127));
    let waterfall = auditor.waterfall(USD);
    let expected = Waterfall {
        deficits: Money(140),
        fund_drawn: Money(50),
        fund_received: Money(7),
        conceded: Money(50),
        remainder: Money(10),
        gained: Money(10),
        vault_received: Money(5),
        socialised: Money(40),
        uncovered: Money(10),
    };
    assert_eq!(waterfall, expected);
    assert_eq!(waterfall.bad_debt(), Money(140));
}

#[test]
fn money_is_conserved_after_every_record_but_within_funding_and_expiry() {
    let mut auditor = Auditor::new(10);
    for record in session() {
        auditor.apply(&record).expect("the session is right");
        let within = matches!(record, Record::Funding { .. } | Record::Settled { account: AccountId::FUND, .. });
        assert_eq!(auditor.conservation(USD) == Money::ZERO, !within, "{record:?}");
    }
}

/// One unit of whatever a field counts; of a mark a thousand, as less may be lost in the rounding of funding.
enum Field<'a> {
    Money(&'a mut Money),
    Qty(&'a mut Qty),
    Price(&'a mut Price),
    Mark(&'a mut MarkPrice),
}

impl Field<'_> {
    fn alter(&mut self, by: i8) {
        match self {
            Self::Money(n) => n.0 += i128::from(by),
            Self::Qty(n) => n.0 = n.0.wrapping_add_signed(i64::from(by)),
            Self::Price(n) => n.0 += i64::from(by),
            Self::Mark(n) => n.0 += 1_000 * i64::from(by),
        }
    }
}

/// Every field that counts something. The funding rate is left out: what it stands for, the payments, is here.
fn fields(record: &mut Record) -> Vec<Field<'_>> {
    match record {
        Record::Listed { .. }
        | Record::Configured { .. }
        | Record::UnifiedSet { .. }
        | Record::FundAppointed { .. } => vec![],
        Record::Deposit { amount, .. }
        | Record::Withdrawal { amount, .. }
        | Record::MarginMoved { amount, .. }
        | Record::Deficit { amount, .. }
        | Record::FundSettled { amount, .. }
        | Record::VaultReceived { amount, .. }
        | Record::Socialised { amount, .. }
        | Record::Uncovered { amount, .. }
        | Record::Funding { amount, .. }
        | Record::Interest { amount, .. }
        | Record::Seized { amount, .. }
        | Record::FundingResidue { amount, .. } => vec![Field::Money(amount)],
        Record::Mark { mark, .. } => vec![Field::Mark(mark)],
        Record::Expired { mark, residue, .. } => vec![Field::Mark(mark), Field::Money(residue)],
        Record::Settled { mark, realised, fee, .. } => {
            vec![Field::Mark(mark), Field::Money(realised), Field::Money(fee)]
        }
        Record::Fill { price, qty, buyer, seller, .. } => {
            let amounts = [&mut buyer.fee, &mut buyer.realised, &mut seller.fee, &mut seller.realised];
            [Field::Price(price), Field::Qty(qty)].into_iter().chain(amounts.map(Field::Money)).collect()
        }
        Record::BlockTrade { qty, cost, buyer, seller, .. } => {
            let amounts = [cost, &mut buyer.fee, &mut buyer.realised, &mut seller.fee, &mut seller.realised];
            core::iter::once(Field::Qty(qty)).chain(amounts.map(Field::Money)).collect()
        }
        Record::Takeover { qty, cost, realised, taker_realised, .. } => {
            vec![Field::Qty(qty), Field::Money(cost), Field::Money(realised), Field::Money(taker_realised)]
        }
        Record::Deleveraged { qty, value, conceded, remainder, realised, counterparty_realised, .. } => {
            let amounts = [value, conceded, remainder, realised, counterparty_realised];
            core::iter::once(Field::Qty(qty)).chain(amounts.map(Field::Money)).collect()
        }
    }
}

#[test]
fn any_amount_off_by_one_is_noticed() {
    let (records, mut altered) = (session(), 0);
    for at in 0..records.len() {
        for (field, by) in (0..fields(&mut records[at].clone()).len()).flat_map(|f| [(f, 1), (f, -1)]) {
            let mut records = records.clone();
            fields(&mut records[at])[field].alter(by);
            assert!(audit(&records).is_err(), "unnoticed: {:?}", records[at]);
            altered += 1;
        }
    }
    assert!(altered > 100, "only {altered} alterations");
}

#[test]
fn a_record_lost_or_told_twice_is_noticed() {
    let records = session();
    for (at, record) in records.iter().enumerate() {
        let moves_nothing = matches!(record, Record::Expired { .. });
        let mut lost = records.clone();
        lost.remove(at);
        assert!(moves_nothing || audit(&lost).is_err(), "not missed: {record:?}");
        let idempotent = moves_nothing || matches!(record, Record::Configured { .. } | Record::Mark { .. });
        let mut twice = records.clone();
        twice.insert(at, *record);
        assert!(idempotent || audit(&twice).is_err(), "not noticed twice: {record:?}");
    }
}

/// The message of the first error in the session so far and `record`.
fn message(records: &[Record], record: Record) -> alloc::string::String {
    let mut auditor = Auditor::new(10);
    records.iter().try_for_each(|r| auditor.apply(r)).expect("the session is right");
    auditor.apply(&record).expect_err("the record is wrong").to_string()
}

#[test]
fn errors_name_the_record_what_was_found_and_what_was_expected() {
    let opened = [opening(), trading()].concat();
    let wrong = fill(PERP, 95, 1, party(2, 0, 52), party(1, 0, -51));
    assert_eq!(message(&opened[..13], wrong), "record 13 (fill): realised profit of a1: found -51, expected -50");
    assert_eq!(
        message(&opened, Record::Deficit { pool: cross(4), currency: CurrencyId(1), amount: Money(1) }),
        "record 19 (deficit): currency: found c1, expected c0"
    );
    assert_eq!(
        message(&opened, Record::Uncovered { pool: cross(1), currency: USD, amount: Money(1) }),
        "record 19 (uncovered deficit): deficit of a1/c0: found open positions, expected none"
    );
    assert_eq!(message(&opened, fund(1, -101)), "record 19 (fund settlement): fund: found -1, expected at least 0");
    assert_eq!(
        message(&[opened.as_slice(), &[deficit(1, 2)]].concat(), fund(1, -3)),
        "record 20 (fund settlement): part of the deficit of a1/c0: found 3, expected at most 2"
    );
}

#[test]
fn input_from_outside_never_panics() {
    let opened = opening();
    let huge = Record::BlockTrade {
        instrument: PERP,
        qty: Qty(u64::MAX),
        cost: Money(i128::MIN),
        buyer: party(1, i128::MIN, i128::MAX),
        seller: party(2, 0, 0),
    };
    let overflow = "found one past 128 bits or a size past 63";
    assert!(message(&opened, huge).ends_with(overflow));
    assert!(message(&opened, fill(PERP, i64::MIN, u64::MAX, party(1, 0, 0), party(2, 0, 0))).ends_with(overflow));
    assert!(message(&opened, moved(i128::MIN)).ends_with(overflow));
    assert!(message(&opened, fund(1, i128::MIN)).ends_with(overflow));
    assert!(message(&opened, deposit(10, 1)).contains("a10"));
    assert!(message(&opened, deposit(1, 0)).contains("expected more than zero"));
    let marked = [opening(), vec![mark(PERP, 800)]].concat();
    let with_itself = message(&marked, deleveraged(PERP, (1, 1), 1, [800, 0, 0, 0, 0]));
    assert!(with_itself.contains("two accounts"), "{with_itself}");
    assert!(message(&opened, mark(InstrumentId(9), 1)).contains("i9"));
}

/// An account may trade with itself where its orders do: whichever side is settled first, the position stays.
#[test]
fn a_trade_with_oneself_changes_only_fees() {
    let mut auditor = Auditor::new(10);
    opening().iter().try_for_each(|record| auditor.apply(record)).expect("a right session");
    let before = auditor.cash(AccountId(1), USD);
    auditor.apply(&fill(PERP, 1, 1, party(1, 3, 0), party(1, -1, 0))).expect("a right record");
    assert_eq!(auditor.cash(AccountId(1), USD), before - Money(2));
}

#[test]
fn what_may_only_close_may_not_open() {
    let opened = [opening(), trading()].concat();
    let records = [opened, vec![mark(PERP, 800)]].concat();
    // 1 is long one lot: the second of two would open a short.
    let wrong = deleveraged(PERP, (1, 2), 2, [1_600, 0, 0, -200, 404]);
    assert!(message(&records, wrong).ends_with("a1's position: found -2 on 1, expected to shrink it"));
}

#[test]
fn the_fund_pays_funding_with_what_it_has() {
    let residue = |amount| Record::FundingResidue { instrument: PERP, rate: Ppm(1_000_000), amount: Money(amount) };
    let open = fill(PERP, 1, 1, party(0, 0, 0), party(1, 0, 0));
    let records = |held, paid| {
        vec![
            listed(PERP, 10),
            deposit(0, held),
            open,
            mark(PERP, 9),
            funding(0, paid),
            funding(1, -9),
            residue(paid - 9),
        ]
    };
    let audited = |held, paid| {
        let mut auditor = Auditor::new(2);
        records(held, paid).iter().try_for_each(|record| auditor.apply(record)).and_then(|()| auditor.check())
    };
    assert_eq!(audited(4, 4), Ok(()));
    assert_eq!(audited(20, 9), Ok(()));
    assert!(audited(20, 4).is_err());
}

/// A fund is an account that was appointed, or account 0, and each has its own balance.
#[test]
fn a_fund_was_appointed() {
    let mut auditor = Auditor::new(10);
    session().iter().for_each(|record| auditor.apply(record).expect("the session is right"));
    let settled = Record::FundSettled { fund: AccountId(5), pool: cross(3), currency: USD, amount: Money(4) };
    let message = auditor.clone().apply(&settled).unwrap_err().to_string();
    assert_eq!(message, "record 40 (fund settlement): fund: found a5, expected one that was appointed");
    auditor.apply(&Record::FundAppointed { instrument: PERP, fund: AccountId(5) }).unwrap();
    auditor.apply(&settled).unwrap();
    assert_eq!((auditor.cash(AccountId(5), USD), auditor.fund(USD)), (Money(4), Money(127 + 4)));
    let overdrawn = Record::FundSettled { fund: AccountId(5), pool: cross(3), currency: USD, amount: Money(-5) };
    assert!(auditor.apply(&overdrawn).is_err(), "one fund's money is not another's");
}
