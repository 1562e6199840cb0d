//! dYdX v4. A lot is a base quantum and a unit of money a quote quantum, so that a mark is quote quantums per base
//! quantum: 500 for BTC at $50,000, 3 for ETH at $3,000.
//!
//! Its subaccount has a quote balance that includes what positions cost: cash minus open cost here.

use super::case::{Case, Outcome, int, same};
use crate::world::{A, B, FIRST, HOUSE, SECOND, cash, deposit, engine, perpetual, trade};
use downdraft_margin::oi_margin::OpenInterestScale;
use downdraft_margin::{AdlPolicy, AdlRanking, Eligibility, Leg, Margin, Settled, fee};
use downdraft_types::{AccountId, InstrumentId, Lots, MarkPrice, Money, Ppm, Qty, Side};

pub fn check(id: &str) -> Option<fn(&Case) -> Outcome> {
    let kind = id.strip_prefix("dydx.")?.split('.').next()?;
    Some(match kind {
        "bankruptcy" => bankruptcy,
        "fillable" => fillable,
        "if_delta" => fund_delta,
        "oimf" => open_interest,
        "oimf_rate" => open_interest_rate,
        "adl" => deleveraging,
        _ => return None,
    })
}

const MARKS: [(InstrumentId, &str, i64); 2] = [(FIRST, "BTC", 500), (SECOND, "ETH", 3)];

/// Initial margin 20%, maintenance half of it.
fn subaccounts() -> Margin {
    let mut margin = engine(&[perpetual(100_000, 200_000), perpetual(100_000, 200_000)]);
    for (instrument, _, mark) in MARKS {
        margin.set_mark(instrument, MarkPrice(mark));
    }
    margin
}

/// Gives an account positions and a quote balance. A first position bought above the mark makes up for cash that
/// would be below zero.
fn open(margin: &mut Margin, account: AccountId, quote: i128, positions: &[(InstrumentId, i64)]) {
    open_by(trade, margin, account, quote, positions);
}

type Trade = fn(&mut Margin, AccountId, InstrumentId, i64, i128) -> Settled;

fn open_by(trade: Trade, margin: &mut Margin, account: AccountId, quote: i128, positions: &[(InstrumentId, i64)]) {
    let cost =
        |&(id, size): &(InstrumentId, i64)| margin.instrument(id).value_at(Lots(size), margin.instrument(id).mark()).0;
    let costs: Vec<i128> = positions.iter().map(cost).collect();
    let needed = quote + costs.iter().sum::<i128>();
    deposit(margin, account, needed.max(0));
    let mut missing = (-needed).max(0);
    for (&(instrument, size), cost) in positions.iter().zip(costs) {
        trade(margin, account, instrument, size, (cost + missing) * i128::from(size.signum()));
        missing = 0;
    }
    assert_eq!(quote_of(margin, account), quote);
}

fn quote_of(margin: &Margin, account: AccountId) -> i128 {
    cash(margin, account) - margin.positions_of(account).map(|p| p.cost().0).sum::<i128>()
}

fn subaccount(case: &Case) -> (Margin, InstrumentId, i64) {
    let mut margin = subaccounts();
    let held = case.input("positions_base_quantums");
    let of = |name: &str| held[name].as_i64();
    let positions: Vec<_> = MARKS.iter().filter_map(|(id, name, _)| Some((*id, of(name)?))).collect();
    open(&mut margin, A, case.int("quote_quantums"), &positions);
    let market = case.input("market").as_str().expect("a market");
    let (instrument, ..) = MARKS.iter().find(|(_, name, _)| *name == market).expect("BTC or ETH");
    (margin, *instrument, of(market).expect("a position in the market"))
}

/// The source's sign is that of the quote balance's change: a sale brings money in.
fn bankruptcy(case: &Case) -> Outcome {
    let (margin, instrument, _) = subaccount(case);
    let delta = case.small("delta_base_quantums");
    let value = margin.bankruptcy_value(A, instrument, Lots(delta).quantity());
    case.exact(-i128::from(delta.signum()) * value.0)
}

/// The expected price is a fraction: times the position's size it is a whole number of quote quantums.
fn fillable(case: &Case) -> Outcome {
    let (margin, instrument, size) = subaccount(case);
    let rate = |name| Ppm(case.small(name));
    let (adjustment, spread) = (rate("bankruptcy_adjustment_ppm"), rate("spread_to_mmr_ppm"));
    let value = margin.fillable_value(A, instrument, Lots(size).quantity(), adjustment, spread);
    let text = case.expected().as_str().expect("a fraction");
    let (numerator, denominator) = text.split_once('/').unwrap_or((text, "1"));
    let number = |text: &str| text.parse::<i128>().expect("a whole number");
    same(value.0 * number(denominator), number(numerator) * i128::from(size.abs()))
}

/// What the fund gains from a fill, at most the largest liquidation fee.
fn fund_delta(case: &Case) -> Outcome {
    let mut margin = subaccounts();
    let size = case.small("position_base_quantums");
    open(&mut margin, A, case.int("quote_quantums"), &[(FIRST, size)]);
    assert_eq!(case.input("is_buy").as_bool(), Some(size < 0));
    let qty = Qty(u64::try_from(case.int("fill_base_quantums")).expect("a quantity"));
    assert_eq!(case.int("quantum_conversion_exponent"), -8);
    let proceeds = Money(i128::from(qty.0) * case.int("subticks") / 100_000_000);
    let gain = margin.over_bankruptcy(A, FIRST, qty, proceeds);
    let largest = fee(proceeds, Ppm(case.small("max_liquidation_fee_ppm")));
    case.exact(gain.min(largest).0)
}

fn scale(case: &Case) -> OpenInterestScale {
    OpenInterestScale { lower: Money(case.int("lower")), upper: Money(case.int("upper")) }
}

fn open_interest_rate(case: &Case) -> Outcome {
    let rate = scale(case).initial_rate(Ppm(case.small("imf_ppm")), Money(case.int("oi_quote_quantums")));
    case.exact(rate.0.into())
}

/// The source shows 387,653 for this one, rounded down; a rate that margin is computed from is rounded up.
#[test]
fn a_rate_that_is_not_whole_is_rounded_up() {
    let scale = OpenInterestScale { lower: Money(1_000_000), upper: Money(2_000_000) };
    assert_eq!(scale.initial_rate(Ppm(200_000), Money(1_234_567)), Ppm(387_654));
}

fn open_interest(case: &Case) -> Outcome {
    let scale = scale(case);
    let base = Ppm(case.small("imf_ppm"));
    case.exact(scale.initial_margin(Money(case.int("notional")), base, Money(case.int("oi_quote_quantums"))).0)
}

/// The liquidated position is closed at its bankruptcy price against those the plan names, in its order. Where nobody's
/// own bankruptcy price lets him, the plan names nobody.
fn deleveraging(case: &Case) -> Outcome {
    let mut margin = subaccounts();
    assert_eq!(case.int("oracle_usd"), 50_000);
    let size = case.small("liquidated_pos");
    let mut positions = vec![(FIRST, size)];
    if case.has("liquidated_eth") {
        positions.push((SECOND, case.small("liquidated_eth")));
    }
    open(&mut margin, A, case.int("liquidated_quote"), &positions);
    let offsetting = case.input("offsetting").as_array().expect("a list");
    let accounts = (B.0..).map(AccountId).take(offsetting.len());
    for (account, entry) in accounts.clone().zip(offsetting) {
        let position = (FIRST, entry[1].as_i64().expect("a size"));
        open_by(unseen, &mut margin, account, int(&entry[0]), &[position]);
    }
    let side = Lots(size).side().expect("a position");
    let asked = Lots(case.small("delta")).quantity();
    let found = deleverage(&mut margin, side, asked);
    let size_of = |account| margin.position(account, FIRST).map_or(0, |position| position.size().0.into());
    let state = |account| [quote_of(&margin, account), size_of(account)];
    let wanted = |entry: &serde_json::Value| [int(&entry[0]), int(&entry[1])];
    let expected = case.expected();
    same(state(A), wanted(&expected["liquidated"]))?;
    for (account, entry) in accounts.zip(expected["offsetting"].as_array().expect("a list")) {
        same(state(account), wanted(entry))?;
    }
    same(i128::from((asked - found).0), int(&expected["remaining"]))
}

/// A trade with the house after which nobody looks whether a pool is below maintenance. The source has no state of being
/// liquidated: who may be a counterparty is a matter of bankruptcy prices alone. Here those under liquidation may not.
fn unseen(margin: &mut Margin, account: AccountId, instrument: InstrumentId, size: i64, value: i128) -> Settled {
    let side = Lots(size).side().expect("a size");
    let (qty, value) = (Lots(size).quantity(), Money(value));
    let leg = |account, side| Leg { account, instrument, side, qty, value, fee: Money::ZERO };
    margin.settle(&leg(HOUSE, side.opposite()));
    margin.settle(&leg(account, side))
}

/// Each fill at the bankruptcy price of the moment; how many lots found a counterparty.
fn deleverage(margin: &mut Margin, side: Side, asked: Qty) -> Qty {
    let value = margin.bankruptcy_value(A, FIRST, asked);
    let policy = AdlPolicy { ranking: AdlRanking::ProfitTimesLeverage, profitable_only: false, ..AdlPolicy::default() };
    let found = margin.plan_deleveraging(A, FIRST, side, asked, Eligibility::Policy(policy, value));
    let planned: Vec<_> = (0..).map_while(|i| margin.planned(i)).filter(|(.., lots)| *lots > 0).collect();
    for (counterparty, _, lots) in planned {
        let qty = Qty(u64::try_from(lots).expect("lots"));
        let value = margin.bankruptcy_value(A, FIRST, qty);
        let leg = |account, side: Side| Leg { account, instrument: FIRST, side, qty, value, fee: Money::ZERO };
        margin.settle(&leg(A, side.opposite()));
        margin.settle(&leg(counterparty, side));
    }
    found
}
