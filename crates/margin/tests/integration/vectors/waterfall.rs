//! Partial liquidation, the fund as holder of positions, and who gets what of a liquidation's fill: Drift, Vega, SAT.

use super::case::{Case, Outcome, int, same, scaled};
use crate::world::{A, B, CASH, FIRST, HOUSE, cash, cross, deposit, engine, holds, one, perpetual, trade};
use downdraft_margin::{Disposal, InstrumentSpec, Leg, Margin, Place, fee};
use downdraft_types::{AccountId, Lots, MarkPrice, Money, Ppm, Qty, Side};

pub fn check(id: &str) -> Option<fn(&Case) -> Outcome> {
    Some(match id {
        "sat.insurance.waterfall" => fund_gains_what_a_fill_brings,
        "vega.posr.disposal" => disposal,
        "vega.posr.network_pnl" => fund_position,
        "drift.fill.liquidate_perp_with_fill_long" => fees_of_a_forced_fill,
        _ if id.starts_with("drift.base_to_cover.") => base_to_cover,
        _ => return None,
    })
}

/// Prices in quarters. The first fill is above the bankruptcy price, the second as far below it.
fn fund_gains_what_a_fill_brings(case: &Case) -> Outcome {
    let quarters = |value| scaled(value, 2) / 25;
    let [entry, trigger, bankrupt] = ["entry", "LP", "BP"].map(|name| quarters(case.input(name)));
    let mut margin = engine(&[perpetual(0, 5_000)]);
    let fills = case.input("fills").as_array().expect("fills").iter().map(quarters);
    for ((account, fill), expected) in [A, B].into_iter().zip(fills).zip(case.expected().as_array().expect("a list")) {
        margin.set_mark(FIRST, MarkPrice(i64::try_from(entry).expect("a price")));
        holds(&mut margin, account, 1, i64::try_from(entry).expect("a price"), entry - bankrupt);
        margin.set_mark(FIRST, MarkPrice(i64::try_from(trigger).expect("a price")));
        let gain = margin.over_bankruptcy(account, FIRST, Qty(1), Money(fill));
        trade(&mut margin, account, FIRST, -1, fill);
        margin.pay_from_fund(AccountId::FUND, cross(account), CASH, -gain);
        same(cash(&margin, account), 0)?;
        same(margin.fund(CASH).0, quarters(expected))?;
    }
    Ok(())
}

fn disposal(case: &Case) -> Outcome {
    let qty = |name| Qty(u64::try_from(case.int(name)).expect("a quantity"));
    let (fraction, depth_part) = (Ppm(case.ppm("disposal_fraction")), Ppm(case.ppm("max_fraction")));
    let schedule = Disposal { fraction, whole_at: qty("full_disposal_size"), depth_part };
    let mut held = qty("position");
    for expected in case.expected().as_array().expect("a list") {
        let offered = schedule.next(held, qty("book_depth"));
        same(i128::from(offered.0), int(expected))?;
        held -= offered;
    }
    same(held, Qty::ZERO)
}

/// The fund takes positions over at the mark.
fn fund_position(case: &Case) -> Outcome {
    let mut margin = one(0, 1_000_000, 100);
    for event in case.input("events").as_array().expect("events") {
        margin.set_mark(FIRST, MarkPrice(event[1].as_i64().expect("a mark")));
        if let Some(size) = event[3].as_i64() {
            take_over(&mut margin, size);
        }
    }
    let position = margin.position(AccountId::FUND, FIRST).expect("the fund's position");
    let expected = case.expected();
    same(i128::from(position.size().0), int(&expected["pos"]))?;
    same(margin.fund(CASH).0, int(&expected["realised"]))?;
    same(position.unrealised(margin.instrument(FIRST)).0, int(&expected["unrealised"]))
}

fn take_over(margin: &mut Margin, size: i64) {
    let value = margin.instrument(FIRST).value_at(Lots(size.abs()), margin.instrument(FIRST).mark());
    let side = Lots(size).side().expect("a size");
    let leg =
        |account, side| Leg { account, instrument: FIRST, side, qty: Lots(size).quantity(), value, fee: Money::ZERO };
    margin.settle(&leg(AccountId::FUND, side));
    margin.settle(&leg(HOUSE, side.opposite()));
}

/// A lot is 10^−9 of the base, money 10^−9 of the quote currency: ten base at 100 are short by the given amount.
fn base_to_cover(case: &Case) -> Outcome {
    assert_eq!((case.int("oracle_e6"), case.int("quote_oracle_e6")), (100_000_000, 1_000_000));
    let ratio = case.small("margin_ratio_e4") * 100;
    let mut margin = one(ratio, ratio, 100);
    let (base, shortage) = (10_i64 * 1_000_000_000, case.int("margin_shortage_e6") * 1_000);
    let notional = i128::from(base) * 100;
    holds(&mut margin, A, base, 100, notional * i128::from(ratio) / 1_000_000 - shortage);
    // What closing costs goes to the liquidator and to the fund.
    let cost = Ppm(case.small("liquidation_fee_e6") + case.small("if_fee_e6"));
    case.exact(margin.lots_to_cover(A, FIRST, cost).0.into())
}

/// A lot is a hundredth of the base, money 10^−6: the taker pays 10 basis points and the fund's 1%, the maker gets
/// 2; what the source gives the filler is part of the fees that stay with the venue.
fn fees_of_a_forced_fill(case: &Case) -> Outcome {
    let lots = i64::try_from(case.int("fill_base_e9") / 10_000_000).expect("lots");
    let spec = perpetual(50_000, 1_000_000);
    let mut margin = engine(&[InstrumentSpec { point_value: 10_000, ..spec }]);
    let price = case.small("px");
    margin.set_mark(FIRST, MarkPrice(price));
    // Cash and cost, so that the source's quote balance is as given.
    let (bought, cost) = (100, -case.int("quote_before_e6"));
    deposit(&mut margin, A, 1_000);
    trade(&mut margin, A, FIRST, bought, cost + 1_000);
    let value = margin.instrument(FIRST).value_at(Lots(lots), MarkPrice(price));
    let leg = |account, side, rate: i64| Leg {
        account,
        instrument: FIRST,
        side,
        qty: Lots(lots).quantity(),
        value,
        fee: fee(value, Ppm(rate)),
    };
    margin.settle(&leg(A, Side::Sell, 1_000));
    margin.settle(&leg(B, Side::Buy, -200));
    margin.pay_from_fund(AccountId::FUND, cross(A), CASH, -fee(value, Ppm(case.ppm("if_fee"))));
    let quote = |account| cash(&margin, account) - margin.position(account, FIRST).expect("held").cost().0;
    let expected = case.expected();
    same(quote(A), int(&expected["user_quote_e6"]))?;
    same(quote(B), int(&expected["maker_quote_e6"]))?;
    same(margin.fund(CASH).0, int(&expected["if_fee_e6"]))?;
    let kept = margin.ledger().balance(CASH, Place::Fees);
    same((kept - Money(25_200)).0, int(&expected["filler_e6"]))
}
