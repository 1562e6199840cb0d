//! Residual margin, backstop, unwinding, deleveraging prices and the order of deficits, each worked by hand, and each
//! run audited from its events.

use downdraft_testkit::runner::Logged;
use downdraft_testkit::world::{Builder, World, margin, world};
use downdraft_types::{AccountId, Money, Ppm, Span, Time};
use downdraft_venue::audit::VenueAuditor;
use downdraft_venue::{
    Absorption, AdlPrice, AdlRanking, Backstop, DeficitOrder, Event, LiquidationMode, LiquidationPolicy, Residual,
    Socialising, Takeover,
};

const TO_ADL: LiquidationMode = LiquidationMode::BankruptcyLimit { rest: Takeover::Adl };

/// The auditor, shown everything that happened, agrees with the venue's books.
fn audited(world: &World) {
    let history = world.runner.history.as_ref().expect("a recorded world");
    let mut auditor = VenueAuditor::new(32);
    for step in history {
        auditor.command(&step.command);
        step.events.iter().for_each(|(_, _, event)| auditor.observe(event));
        assert_eq!(auditor.verdict(), Ok(()), "{:?}", step.command);
    }
    assert_eq!(auditor.auditor().compare(world.runner.venue.margin()), Ok(()));
}

fn start(builder: Builder, policy: impl FnOnce(&mut LiquidationPolicy)) -> World {
    builder.recorded().liquidation(policy).start()
}

/// Ten lots, bankrupt at 89, sold at 98: 90 more than the bankruptcy price brings.
fn residual(residual: Residual) -> [i128; 3] {
    let builder =
        world().maintenance(100_000).bids("11@98").long("A", 10, 100, margin(110)).vault(margin(1_000)).fund(500);
    let mut world = start(builder, |policy| policy.residual = residual);
    world.sell(1);
    assert_eq!(world.liquidated(), ["A"]);
    audited(&world);
    [world.cash("A"), world.fund() - 500, world.cash("vault") - 1_000]
}

#[test]
fn residual_margin_goes_where_the_policy_says() {
    assert_eq!(residual(Residual::Trader), [90, 0, 0]);
    assert_eq!(residual(Residual::Fund), [0, 90, 0]);
    // 1% of 980, rounded up.
    assert_eq!(residual(Residual::FundCapped(Ppm(10_000))), [80, 10, 0]);
    assert_eq!(residual(Residual::FundCapped(Ppm(200_000))), [0, 90, 0]);
    assert_eq!(residual(Residual::Vault), [0, 0, 90]);
}

/// With 110 for ten lots at 100, equity passes two thirds of maintenance between 96 (70 of 64) and 95 (60 of 63.3).
fn backstopped(bids: &str, vault: i128) -> World {
    let builder = world().maintenance(100_000).bids(bids).long("A", 10, 100, margin(110)).vault(margin(vault));
    let mut absorption = Absorption::by_vault(Ppm(500_000), Span(10));
    absorption.unwind.book_part = Some(Ppm(250_000));
    let mut world = start(builder, |policy| policy.backstop = Some(Backstop { below: Ppm(666_667), absorption }));
    world.sell(1);
    assert_eq!(world.liquidated(), ["A"]);
    audited(&world);
    world
}

#[test]
fn a_pool_above_two_thirds_of_maintenance_is_sold() {
    let world = backstopped("1@96, 20@95", 1_000);
    assert_eq!((world.size("A"), world.cash("A")), (0, 60), "sold at 95, not taken over");
    assert_eq!((world.size("vault"), world.cash("vault")), (0, 1_000));
}

#[test]
fn a_vault_takes_position_and_margin_over_and_unwinds_by_its_schedule() {
    let mut world = backstopped("1@95, 20@94", 1_000);
    // At 890, which is the cost of 1000 less the margin of 110.
    assert_eq!((world.size("A"), world.cash("A")), (0, 0));
    let vault = world.account("vault");
    let position = |world: &World| {
        let held = world.runner.venue.margin().position(vault, downdraft_testkit::world::PERP);
        held.map(|p| (p.size().0, p.cost().0)).unwrap()
    };
    assert_eq!((position(&world), world.mark()), ((10, 890), 95));
    let first = world.runner.events().len();
    world.runner.run_until(Time(100));
    // Half of what is left, and at most a quarter of 20, 15, 12, 11 lots bid.
    let orders: Vec<_> = world.runner.events()[first..]
        .iter()
        .filter_map(|(id, parent, event)| match event {
            Event::LiquidationOrdered { pool, qty, .. } => Some((*id, *parent, pool.account(), qty.0)),
            _ => None,
        })
        .collect();
    assert_eq!(orders.iter().map(|o| (o.2, o.3)).collect::<Vec<_>>(), [(vault, 5), (vault, 3), (vault, 1), (vault, 1)]);
    assert_eq!((position(&world), world.cash("vault")), ((0, 0), 1_000 + 940 - 890));
    assert_eq!(world.runner.pending(), 0, "nothing is left to sell");
    // Each order's command was asked for by the takeover, or by the end of the order before.
    let steps: Vec<_> = world.runner.history.as_ref().unwrap().iter().filter(|s| s.stamp.cause.is_some()).collect();
    let unwinding = steps.iter().filter(|s| s.events.iter().any(|(id, ..)| orders.iter().any(|o| o.0.seq == id.seq)));
    assert_eq!(unwinding.map(|s| s.stamp.time.0).collect::<Vec<_>>(), [10, 20, 30, 40]);
    audited(&world);
}

/// The vault would hold 70 against a maintenance of 95.
#[test]
fn a_vault_that_is_too_poor_takes_nothing() {
    let world = backstopped("1@95, 20@94", 10);
    assert_eq!((world.size("A"), world.size("vault"), world.cash("vault")), (0, 0, 10));
    assert_eq!(world.cash("A"), 50, "sold at 94");
}

/// With bids below its own bankruptcy price, the vault sells nothing: 890 − 40 of its money, at 85.
#[test]
fn a_vault_sells_nothing_below_its_own_bankruptcy() {
    let mut world = backstopped("1@95, 4@84", 40);
    assert_eq!(world.size("vault"), 10, "40 + 60 covers the maintenance of 95");
    world.runner.run_until(Time(15));
    assert_eq!((world.size("vault"), world.cash("vault")), (10, 40));
    audited(&world);
}

/// Vega's network: everything that falls goes to the fund, with its margin or without, and is worked off.
#[test]
fn a_fund_as_network_party_takes_what_is_beyond_bankruptcy_too() {
    let builder = world().maintenance(100_000).bids("1@80, 20@70").long("A", 10, 100, margin(110)).fund(1_000);
    let absorption = Absorption::by_fund(Ppm::ONE, Span(10));
    let mut world = start(builder, |policy| policy.backstop = Some(Backstop { below: Ppm::ONE, absorption }));
    world.sell(1);
    // Taken at 89 with a mark of 80, sold at 70.
    assert_eq!((world.size("A"), world.cash("A"), world.fund_size(), world.fund()), (0, 0, 10, 1_000));
    world.runner.run_until(Time(10));
    assert_eq!((world.fund_size(), world.fund()), (0, 1_000 - 190));
    assert_eq!(world.bad_debt(), 0, "the loss is the fund's own");
    audited(&world);
}

/// A long of 10 with 50, at 90: 50 are missing. Its counterparty entered at 100.
fn priced(price: AdlPrice, residual: Residual) -> World {
    let builder = world().long("A", 10, 100, margin(50)).vault(margin(1_000)).fund(1_000);
    let mut world = start(builder, |policy| {
        (policy.mode, policy.residual, policy.adl.price) = (TO_ADL, residual, price);
    });
    world.set_mark(90);
    assert_eq!((world.liquidated(), world.size("A")), (vec!["A"], 0));
    audited(&world);
    world
}

#[test]
fn the_price_of_deleveraging_decides_who_bears_the_deficit() {
    let money = |price, residual| {
        let world = priced(price, residual);
        let received = [world.cash("A"), world.fund() - 1_000, world.cash("vault") - 1_000];
        (world.conceded(), world.overshoot(), received)
    };
    assert_eq!(money(AdlPrice::Bankruptcy, Residual::Fund), (50, 0, [0, 0, 0]));
    // Nothing is conceded at the mark: the fund pays.
    assert_eq!(money(AdlPrice::Mark, Residual::Fund), (0, 0, [0, -50, 0]));
    // At 100, where the mark was before: twice the deficit.
    for price in [AdlPrice::PreviousMark, AdlPrice::Entry] {
        assert_eq!(money(price, Residual::Trader), (100, 50, [50, 0, 0]));
        assert_eq!(money(price, Residual::Fund), (100, 50, [0, 50, 0]));
        assert_eq!(money(price, Residual::Vault), (100, 50, [0, 0, 50]));
        // 1% of 1000.
        assert_eq!(money(price, Residual::FundCapped(Ppm(10_000))), (100, 50, [40, 10, 0]));
    }
    // No index was reported: the mark.
    assert_eq!(money(AdlPrice::PreviousIndex, Residual::Trader), (0, 0, [0, -50, 0]));
}

/// Where the market came back, the previous mark is worse for the pool than the present one: it is asked for no more
/// than it has.
#[test]
fn no_price_makes_a_deficit() {
    let builder = world().maintenance(100_000).long("A", 10, 100, margin(150)).fund(1_000);
    let mut world = start(builder, |policy| {
        (policy.mode, policy.adl.price, policy.latency) = (TO_ADL, AdlPrice::PreviousMark, Span(10));
    });
    world.set_mark(80);
    world.set_mark(92);
    // At 92 equity is 70 of a maintenance of 92; at 80 it would be −50.
    world.runner.run_until(Time(10));
    assert_eq!((world.size("A"), world.cash("A"), world.fund(), world.bad_debt()), (0, 0, 1_000, 0));
    assert_eq!(world.conceded(), -70, "its counterparties gain what it had");
    audited(&world);
}

const RANKINGS: [AdlRanking; 5] = [
    AdlRanking::ProfitTimesLeverage,
    AdlRanking::AccountValue,
    AdlRanking::ProRata,
    AdlRanking::ProRataEquity,
    AdlRanking::RandomStart { seed: 4 },
];

/// Six lots of A are closed against two of three shorts, who entered at 110 and 104.
fn ranked(ranking: AdlRanking, price: AdlPrice) -> (i128, i128) {
    let builder =
        world().long("A", 6, 100, margin(30)).short("B", 4, 110, margin(200)).short("C", 3, 104, margin(40)).fund(500);
    let mut world = start(builder, |policy| {
        policy.mode = TO_ADL;
        (policy.adl.ranking, policy.adl.price) = (ranking, price);
    });
    world.set_mark(90);
    assert_eq!(world.size("A"), 0);
    audited(&world);
    (world.conceded(), world.overshoot())
}

/// At the bankruptcy price concessions are the deficit, 30, under every ranking; whole profits are worth more, and how
/// much more depends on whose they are: 4 × 20 + 2 × 14, or 3 × 20 + 3 × 14.
#[test]
fn at_the_bankruptcy_price_concessions_equal_the_deficit_under_every_ranking() {
    for ranking in RANKINGS {
        assert_eq!(ranked(ranking, AdlPrice::Bankruptcy), (30, 0), "{ranking:?}");
        let (conceded, overshoot) = ranked(ranking, AdlPrice::Entry);
        assert!(conceded == 108 || conceded == 102, "{ranking:?}: {conceded}");
        assert_eq!(overshoot, conceded - 30, "{ranking:?}");
        assert_eq!(ranked(ranking, AdlPrice::Mark), (0, 0), "{ranking:?}");
    }
    let queue = ranked(AdlRanking::ProfitTimesLeverage, AdlPrice::Entry).0;
    assert!(RANKINGS.iter().any(|ranking| ranked(*ranking, AdlPrice::Entry).0 != queue), "the ranking matters");
}

/// Ten lots bankrupt at 95, with bids at 90 and a rich fund: it pays 50, or nobody sells and counterparties give up the
/// 10 that are missing at the mark of 94.
#[test]
fn fund_or_counterparties_come_first() {
    let run = |order| {
        let builder = world().bids("1@94, 10@90").long("A", 10, 100, margin(50)).fund(1_000);
        let mut world = start(builder, |policy| policy.deficit_order = order);
        world.sell(1);
        audited(&world);
        (world.fund() - 1_000, world.conceded(), world.deleveraged().len())
    };
    assert_eq!(run(DeficitOrder::FundFirst), (-50, 0, 0));
    assert_eq!(run(DeficitOrder::AdlFirst), (0, 10, 1));
}

/// Counterparties that are not in profit are not asked: the fund pays for what finds nobody.
#[test]
fn the_fund_pays_for_what_finds_nobody() {
    let builder = world().bids("1@94, 10@90").long("A", 10, 100, margin(50)).fund(1_000);
    let mut world = start(builder, |policy| {
        policy.deficit_order = DeficitOrder::AdlFirst;
        policy.adl.profitable_only = true;
    });
    // The winners' short was opened at 100; they buy it back at 90 and sell again, off the book, at 80.
    let block = |buyer, seller, cost| downdraft_venue::Command::BlockTrade {
        instrument: downdraft_testkit::world::PERP,
        buyer: AccountId(buyer),
        seller: AccountId(seller),
        qty: downdraft_types::Qty(10),
        cost: Money(cost),
    };
    world.must(block(3, 1, 900));
    world.must(block(1, 3, 800));
    world.sell(1);
    assert_eq!((world.size("A"), world.conceded(), world.fund() - 1_000), (0, 0, -10));
    audited(&world);
}

/// A deficit of 50 after deleveraging at the mark, with no fund. Left are a long of 5 and the winners' short of 5, which
/// was opened at 100.
fn borne(socialising: Socialising) -> (i128, Vec<(AccountId, i128)>, i128) {
    let builder = world().long("A", 10, 100, margin(50)).long("B", 5, 100, margin(500));
    let mut world = start(builder, |policy| {
        (policy.mode, policy.adl.price, policy.socialising) = (TO_ADL, AdlPrice::Mark, socialising);
    });
    world.set_mark(90);
    audited(&world);
    let paid = |(_, _, event): &Logged| match event {
        Event::Socialised { payer, amount, .. } => Some((payer.account(), amount.0)),
        _ => None,
    };
    let payers = world.runner.events().iter().filter_map(paid).collect();
    (world.socialised(), payers, world.uncovered())
}

#[test]
fn a_deficit_is_cut_from_winners_or_paid_by_all_holders_or_stays() {
    let winners = AccountId(3);
    assert_eq!(borne(Socialising::Winners), (50, vec![(winners, 50)], 0));
    let (sum, payers, uncovered) = borne(Socialising::Holders);
    assert_eq!((sum, uncovered), (50, 0));
    assert_eq!(payers, [(winners, 25), (AccountId(5), 25)], "by size, long and short alike");
    assert_eq!(borne(Socialising::Nobody), (0, vec![], 50));
}
