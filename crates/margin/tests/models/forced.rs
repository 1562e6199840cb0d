//! Partial liquidation, socialised loss, deleveraging, liquidation through levels, bands and laws.

use downdraft_margin::model::adl::{gain_times_account_leverage, pro_rata, profit_times_leverage, queue};
use downdraft_margin::model::bands::{LuldTier, dcb_band, dcb_variant, luld_distance, market_wide_levels};
use downdraft_margin::model::laws::{cluster_size, square_root_impact, stop_ladder};
use downdraft_margin::model::partial::{Swap, size_to_cover, socialised_per_unit, vertex_fund_part, vertex_price};
use downdraft_margin::model::walk::{Account, End, Level, Rate, bankruptcy_quote, liquidate};
use downdraft_types::{Ppm, Price};
use proptest::prelude::*;

/// By hand: 33 short at a mark of 20 with 5%, 0.5% to the liquidator and 1% to the fund: 1 a unit is freed, 0.1 and 0.2
/// paid, in thousandths.
#[test]
fn sizes_to_cover_by_hand() {
    let size = |fee, fund| size_to_cover(33_000, 20_000, 0, Ppm(50_000), Ppm(fee), Ppm(fund)).unwrap();
    assert_eq!(size(0, 0), Some(33));
    assert_eq!(size(5_000, 0), Some(36));
    assert_eq!(size(5_000, 10_000), Some(47));
    assert_eq!(size(50_000, 0), None);
    assert_eq!(size(40_000, 20_000), None);
    let wrong = size_to_cover(1, 0, 0, Ppm(1), Ppm(0), Ppm(0)).unwrap_err();
    assert_eq!((wrong.field, wrong.found), ("mark", 0.0));
}

/// By hand: 15 a unit as a debt at 150% of 10, 8 as an asset at 80%: 7 a unit is gained.
#[test]
fn debts_to_cover_by_hand() {
    let swap = Swap {
        asset_weight: Ppm(800_000),
        asset_multiplier: Ppm::ONE,
        debt_weight: Ppm(1_500_000),
        debt_multiplier: Ppm::ONE,
        fund_fee: Ppm(0),
    };
    assert_eq!(swap.debt_to_cover(70_000, 10_000, 0).unwrap(), Some(10));
    assert_eq!(swap.debt_to_cover(69_999, 10_000, 0).unwrap(), Some(9));
    let free = Swap { asset_weight: Ppm(1_500_000), ..swap };
    assert_eq!(free.debt_to_cover(70_000, 10_000, 0).unwrap(), None);
    // 10 of the debt at 10 for an asset at 4 with a tenth on top: 27.5, rounded down.
    let bonus = Swap { asset_multiplier: Ppm(1_100_000), ..swap };
    assert_eq!(bonus.asset_for(10, 10, 0, 4, 0).unwrap(), 27);
    assert_eq!(bonus.asset_for(10, 10, 0, 4, 2).unwrap(), 2_750);
    assert_eq!(Swap { debt_multiplier: Ppm(0), ..swap }.debt_to_cover(1, 1, 0).unwrap_err().field, "debt_multiplier");
    assert_eq!(swap.asset_for(1 << 60, 1 << 50, 0, 1, 12).unwrap_err().field, "asset");
}

#[test]
fn losses_are_covered_whoever_pays() {
    // 10 over 3 units: 4 each, 2 too much rather than one too little.
    assert_eq!(socialised_per_unit(10, 1, 2, 1).unwrap(), 4);
    assert_eq!(socialised_per_unit(10, 1_000, 2, 1).unwrap(), 3_334);
    assert_eq!(socialised_per_unit(10, 1, 0, 0).unwrap_err().field, "long + short");
    assert_eq!(vertex_price(1_000, Ppm(900_000)).unwrap(), 980);
    assert_eq!(vertex_fund_part(1_000, Ppm(905_000)).unwrap(), 10);
}

#[test]
fn ranks_by_hand() {
    // Hyperliquid's form: up a tenth on five times its value, against down half on a tenth of it.
    assert!((gain_times_account_leverage(110.0, 100.0, 5.0, 110.0).unwrap() - 5.5).abs() < 1e-12);
    assert!((gain_times_account_leverage(50.0, 100.0, -1.0, 500.0).unwrap() - 0.2).abs() < 1e-12);
    // A short's values are negative: −90 against an entry of −100 is 10% up.
    assert!((profit_times_leverage(-90.0, -110.0, -100.0).unwrap() - 0.1 * 4.5).abs() < 1e-12);
    assert_eq!(profit_times_leverage(1.0, 2.0, 1.0).unwrap_err().field, "mark - bankrupt");
}

#[test]
fn shares_by_hand() {
    let mut given = [0; 3];
    // 10 × 1/3 each is 3 and a third: one unit is left, for the first of equals.
    pro_rata(&[7, 7, 7], 10, &mut given).unwrap();
    assert_eq!(given, [4, 3, 3]);
    pro_rata(&[0, 0, 0], 0, &mut given).unwrap();
    assert_eq!(given, [0; 3]);
    assert_eq!(queue(&[7, 7, 7], 10, &mut given).unwrap(), 4);
    assert_eq!(given, [7, 7, 0]);
    assert_eq!(pro_rata(&[1, 1], 3, &mut given[..2]).unwrap_err().field, "deficit");
    assert_eq!(queue(&[1], 1, &mut given).unwrap_err().field, "given");
    assert_eq!(queue(&[1, -1, 1], 1, &mut given).unwrap_err().index, Some(1));
}

const fn rate(numerator: i128) -> Rate {
    Rate { numerator, denominator: 1 }
}

fn levels(prices: &[(i128, i128)]) -> Vec<Level> {
    prices.iter().map(|&(price, size)| Level { price: rate(price), size }).collect()
}

/// By hand: 10 long with a quote balance of −950, bankrupt at 95, the mark at 96. Sold at 97 it gains 2 each for the
/// fund, of which the fee lets it keep 1% (rounded up); at 94 the fund pays 1 each.
#[test]
fn a_walk_by_hand() {
    let account = Account { quote: -950, size: 10 };
    let mark = rate(96);
    assert_eq!(bankruptcy_quote(account, mark, -10), 950);
    let walk = |prices: &[(i128, i128)], limit, fund| {
        liquidate(account, mark, &levels(prices), rate(limit), fund, Ppm(10_000)).unwrap()
    };
    let walked = walk(&[(97, 4), (95, 6)], 90, 0);
    // 4 × 97 = 388, of which 4 go to the fund (1% is 3.88); 6 are left on −566, worth 10 at the mark: bankrupt at
    // 94 1/3, value rounded up to 566. Sold at 95: 570, of which 4.
    assert_eq!((walked.fund, walked.filled, walked.end), (8, 10, End::Closed));
    assert_eq!(walked.account, Account { quote: 0, size: 0 });
    let walked = walk(&[(94, 10)], 90, 9);
    assert_eq!((walked.fund, walked.filled, walked.end), (0, 0, End::RequiresDeleveraging));
    assert_eq!(walk(&[(94, 10)], 90, 10).fund, -10);
    let walked = walk(&[(94, 3)], 90, 10);
    assert_eq!((walked.filled, walked.end), (3, End::NoLiquidity));
    assert_eq!(walk(&[(94, 10)], 95, 10).end, End::NoLiquidity);
    let refused = liquidate(account, mark, &levels(&[(94, 1), (95, 1)]), rate(90), 0, Ppm(0)).unwrap_err();
    assert_eq!((refused.field, refused.index), ("levels.price", Some(1)));
    let flat = Account { quote: 1, size: 0 };
    assert_eq!(liquidate(flat, mark, &[], rate(90), 0, Ppm(0)).unwrap_err().field, "account.size");
}

#[test]
fn bands_by_hand() {
    let distance =
        |dollars: i64, tier, doubled| luld_distance(Price(dollars), Price(dollars), tier, doubled).unwrap().0;
    assert_eq!(distance(1_000_000, LuldTier::One, false), 50_000);
    assert_eq!(distance(1_000_000, LuldTier::Two, true), 200_000);
    assert_eq!(distance(30_000, LuldTier::One, false), 6_000);
    assert_eq!(distance(7_500, LuldTier::Two, false), 1_500);
    assert_eq!(distance(7_400, LuldTier::Two, false), 1_500);
    assert_eq!(luld_distance(Price(0), Price(1), LuldTier::One, false).unwrap_err().field, "reference");
    let variant = dcb_variant(Price(20_013), Ppm(35_000)).unwrap();
    assert_eq!(variant, Price(700));
    assert_eq!(dcb_band(variant, Price(20_100), Price(19_900)), (Price(19_400), Price(20_600)));
    assert_eq!(market_wide_levels(Price(4_001)).unwrap(), [Price(3_720), Price(3_480), Price(3_200)]);
}

#[test]
fn laws_by_hand() {
    assert_eq!(cluster_size(0.5).unwrap(), 2.0);
    assert_eq!(cluster_size(1.0).unwrap_err().expected, "less than 1");
    assert!((square_root_impact(0.5, 0.02, 0.25).unwrap() - 0.005).abs() < 1e-15);
    // Two stops are reached, the third is a half away.
    assert_eq!(stop_ladder(100.0, 1.0, &[99.0, 98.0, 96.5], 1.0, 1.0).unwrap(), (2, 97.0));
    assert_eq!(stop_ladder(100.0, 0.5, &[99.0], 1.0, 1.0).unwrap(), (0, 99.5));
    assert_eq!(stop_ladder(100.0, 1.0, &[98.0, 99.0], 1.0, 1.0).unwrap_err().index, Some(1));
}

proptest! {
    /// Closing the size frees the shortage, but for less than a unit's worth.
    #[test]
    fn sizes_cover(shortage in 0..1_000_000_000_i128, mark in 1_000..1_000_000_i128, margin in 20_000..500_000_i64, fee in 0..15_000_i64, fund in 0..4_000_i64) {
        let size = size_to_cover(shortage, mark, 0, Ppm(margin), Ppm(fee), Ppm(fund)).unwrap().unwrap();
        let freed = mark * i128::from(margin - fee) / 1_000_000 - mark * i128::from(fund) / 1_000_000;
        prop_assert!(size * freed <= shortage && (size + 1) * freed > shortage);
    }

    /// To the unit, none beyond what it has, and no share off by a whole unit from the exact one.
    #[test]
    fn shares_are_exact(amounts in prop::collection::vec(0..1_000_000_i128, 1..12), part in 0..=1_000_i128) {
        let whole: i128 = amounts.iter().sum();
        let deficit = whole * part / 1_000;
        let mut given = vec![0; amounts.len()];
        pro_rata(&amounts, deficit, &mut given).unwrap();
        prop_assert_eq!(given.iter().sum::<i128>(), deficit);
        for (give, amount) in given.iter().zip(&amounts) {
            prop_assert!(*give >= 0 && give <= amount);
            prop_assert!((give * whole - amount * deficit).abs() < whole.max(1));
        }
        let over = queue(&amounts, deficit, &mut given).unwrap();
        prop_assert_eq!(given.iter().sum::<i128>(), deficit + over);
        prop_assert!(over >= 0);
    }

    /// What the account loses and the fund gains is what the levels pay; the fund never pays more than it has.
    #[test]
    fn walks_conserve(
        size in 1..50_i128, short in any::<bool>(), margin in -200..200_i128, fund in 0..300_i128, fee in 0..50_000_i64,
        steps in prop::collection::vec((0..3_i128, 1..20_i128), 0..6),
    ) {
        let sign = if short { -1 } else { 1 };
        let account = Account { quote: -sign * size * 100 + margin, size: sign * size };
        let mut price = 100;
        let levels: Vec<Level> = steps.into_iter().map(|(step, size)| {
            price -= sign * step;
            Level { price: rate(price), size }
        }).collect();
        let limit = rate(if short { 110 } else { 90 });
        let walked = liquidate(account, rate(100), &levels, limit, fund, Ppm(fee)).unwrap();
        let mut left = walked.filled;
        let paid: i128 = levels.iter().map(|level| {
            let taken = level.size.min(left);
            left -= taken;
            taken * level.price.numerator
        }).sum();
        prop_assert_eq!(left, 0);
        prop_assert_eq!(walked.account.quote + walked.fund, account.quote + sign * paid);
        prop_assert_eq!(walked.account.size, account.size - sign * walked.filled);
        prop_assert!(fund + walked.fund >= 0);
        // A bankrupt account that is closed ends with nothing, but for the unit that was rounded.
        if walked.end == End::Closed && margin <= 0 {
            prop_assert!(walked.account.quote.abs() <= levels.len() as i128);
        }
    }
}
