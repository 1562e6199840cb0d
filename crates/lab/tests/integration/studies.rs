//! Studies: many seeds, one answer.

use core::ops::ControlFlow;
use downdraft_lab::compare::trace;
use downdraft_lab::fork::{Subject, Variant};
use downdraft_lab::library::Text;
use downdraft_lab::scenario::Actor;
use downdraft_lab::study::{
    Answers, CellRuns, Study, Vary, page, write_figures, write_foresight, write_runs, write_tiers,
};
use downdraft_lab::{Analysis, Course, Plan, Prepared, ScenarioError, Tee, run};
use downdraft_sim::world::Observer;
use downdraft_types::{AccountId, CurrencyId, EventId, InstrumentId, Money, Side, Time};
use downdraft_venue::{Command, Event, Stamp, Venue};
use std::collections::BTreeMap;

fn study(seeds: u64, vary: &[&str]) -> Study {
    Study {
        text: Text::open("flash-crash").unwrap(),
        sets: ["duration=7s", "actors.crowd.count=200"].map(str::to_owned).to_vec(),
        vary: vary.iter().map(|vary| Vary::parse(vary).unwrap()).collect(),
        first_seed: Some(11),
        seeds,
        exceeds: vec![0, 3],
    }
}

fn on(threads: usize, study: &Study) -> Vec<CellRuns> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| study.run(study.cells().unwrap(), || {})).unwrap()
}

/// All that a study writes.
fn bytes(study: &Study, cells: &[CellRuns]) -> Vec<u8> {
    let answers = Answers::new(study, cells);
    let mut out = serde_json::to_vec_pretty(&answers).unwrap();
    write_figures(&mut out, &answers).unwrap();
    write_tiers(&mut out, &answers).unwrap();
    write_runs(&mut out, study, cells).unwrap();
    write_foresight(&mut out, study, cells).unwrap();
    out.extend(page(study, &answers, cells).into_bytes());
    out
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let study = study(4, &["fund.USDT=0,400000"]);
    let one = bytes(&study, &on(1, &study));
    assert!(one == bytes(&study, &on(3, &study)));
    assert!(one.len() > 2_000);
}

#[test]
fn figures_are_those_of_the_single_runs() {
    let study = study(3, &[]);
    let cells = on(2, &study);
    let answers = Answers::new(&study, &cells);
    let mut bad_debts = Vec::new();
    let mut exceed = 0;
    for (n, figures) in (0..).zip(&cells[0].runs) {
        let prepared = Prepared::new(cells[0].cell.scenario.clone(), Some(11 + n));
        let outcome = trace(&Subject::Executed(Box::new(Variant::new("run", prepared)))).unwrap().outcome;
        assert_eq!((figures.seed, figures.state_hash), (11 + n, outcome.state_hash));
        assert_eq!(figures.largest, outcome.cascades.largest());
        assert_eq!(figures.waits.len(), outcome.waits.len());
        let positions: u64 = figures.tiers.values().map(|tier| tier.positions).sum();
        assert_eq!(positions + outcome.mixed, outcome.cascades.episodes);
        let of = |name: &str| figures.figures.iter().find(|figure| figure.name == name).unwrap().value;
        assert_eq!(of("bad_debt"), outcome.purses[0].deficits);
        assert!(of("cover_1") <= of("cover_2") && of("cover_2") <= of("cover_10") && of("cover_10") <= of("bad_debt"));
        assert!(of("fund_need") >= of("fund_paid").min(of("fund_need")));
        bad_debts.push(of("bad_debt"));
        exceed += u64::from(figures.largest > 3);
    }
    bad_debts.sort_unstable();
    let answer = answers.cells[0].figures.iter().find(|figure| figure.figure == "bad_debt").unwrap();
    let money = |amount| cells[0].names.units.money(downdraft_types::CurrencyId(0), downdraft_types::Money(amount));
    assert_eq!((answer.p50, answer.max, answer.es95), (money(bad_debts[1]), money(bad_debts[2]), money(bad_debts[2])));
    assert_eq!(answers.cells[0].cascade_exceeds[1].runs, exceed);
}

/// What each account gave up in deleveragings and no deficit asked for.
#[derive(Default)]
struct Remainders(BTreeMap<AccountId, i128>);

impl Observer for Remainders {
    fn command(&mut self, _: &Stamp, _: &Command) {}

    fn event(&mut self, _: EventId, _: Option<u32>, event: &Event) {
        if let Event::Deleveraged { counterparty, remainder, .. } = *event {
            *self.0.entry(counterparty).or_default() += remainder.0;
        }
    }

    fn done(&mut self, _: &Venue) {}
}

/// Who received the overshoot is what the summary of each run says; who bore it, the sum over its deleveragings.
#[test]
fn overshoot_is_broken_down_by_who_received_and_who_bore_it() {
    let policy = [
        "depth=0.1",
        "liquidation.mode=bankruptcy-limit",
        "liquidation.rest=adl",
        "liquidation.adl.price=entry",
        "fund.USDT=0",
    ];
    for residual in ["trader", "fund", "vault"] {
        let mut study = study(3, &[]);
        study.sets.extend(policy.map(str::to_owned));
        study.sets.push(format!("liquidation.residual={residual}"));
        let cells = on(2, &study);
        let (cell, answers) = (&cells[0], Answers::new(&study, &cells));
        let money = |amount| cell.names.units.money(CurrencyId(0), Money(amount));
        let mut borne: BTreeMap<String, Vec<(i128, u64)>> = BTreeMap::new();
        for figures in &cell.runs {
            let prepared = Prepared::new(cell.cell.scenario.clone(), Some(figures.seed));
            let mut told = Tee(Analysis::new(&prepared, ()), Remainders::default());
            let finished = run(&prepared, &mut told, |_, _| ControlFlow::Continue(())).unwrap();
            let Tee(analysis, Remainders(by_account)) = told;
            let (summary, ()) = analysis.finish(&prepared, &finished);
            let reported = summary.adl.overshoot.only().unwrap();
            let of = |name: &str| money(figures.figures.iter().find(|figure| figure.name == name).unwrap().value);
            assert_eq!(of("adl_overshoot"), reported.taken, "{residual}");
            assert_eq!(of("adl_overshoot_to_fund"), reported.fund, "{residual}");
            assert_eq!(of("adl_overshoot_to_vault"), reported.vault, "{residual}");
            assert_eq!(of("adl_overshoot_to_liquidated"), reported.trader, "{residual}");
            let received = match residual {
                "fund" => reported.fund,
                "vault" => reported.vault,
                _ => reported.trader,
            };
            assert!(received.to_f64() > 0.0 && received == reported.taken, "{residual}: {reported:?}");
            let mut classes: BTreeMap<String, (i128, u64)> = BTreeMap::new();
            for (account, amount) in by_account.into_iter().filter(|(_, amount)| *amount != 0) {
                let held = |actor: &&Actor| (0..actor.accounts.1).contains(&(account.0 - actor.accounts.0.0));
                let actor = cell.cell.scenario.actors.iter().find(held).unwrap();
                let class = classes.entry(actor.name.clone()).or_default();
                *class = (class.0 + amount, class.1 + 1);
            }
            classes.into_iter().for_each(|(class, sums)| borne.entry(class).or_default().push(sums));
        }
        let bearers = &answers.cells[0].overshoot_bearers;
        // The counterparties of a population are a class of their own.
        let mut told: BTreeMap<&str, f64> = BTreeMap::new();
        for bearer in bearers {
            *told.entry(bearer.class.split(' ').next().unwrap()).or_default() += bearer.mean.to_f64();
        }
        let naive = borne.iter().map(|(class, runs)| (class.as_str(), runs.iter().map(|(sum, _)| sum).sum::<i128>()));
        for ((class, told), (expected, sum)) in told.iter().zip(naive.clone()) {
            // Each mean is rounded up.
            assert_eq!(*class, expected);
            assert!((told - money(sum).to_f64() / 3.0).abs() < 1e-5, "{residual} {class}: {told}");
        }
        assert_eq!(told.len(), naive.count());
        let most: u64 = borne.values().flatten().map(|(_, accounts)| *accounts).max().unwrap();
        assert!(bearers.iter().any(|bearer| bearer.runs == 3 && bearer.accounts <= most && bearer.accounts > 1));
        let shares: f64 = bearers.iter().map(|bearer| bearer.share.to_f64()).sum();
        assert!((shares - 1.0).abs() < 1e-5, "{shares}");
        let page = page(&study, &answers, &cells);
        for bearer in bearers {
            let cell = format!("data-bearer=\"{}\" data-of=\"USDT\" data-at=\"max\">", bearer.class);
            assert!(page.contains(&cell), "{cell}");
        }
    }
}

/// Where losses fall on a fund of the instrument's own, that is what a second run is given plenty of.
#[test]
fn a_fund_of_the_instrument_s_own_is_ample_too() {
    let need = |amount: &str| {
        let mut study = study(2, &[]);
        study.sets.extend(["depth=0.1", "instruments.0.fund=own", "fund.USDT=0"].map(str::to_owned));
        study.sets.push(format!("funds.own.USDT={amount}"));
        let cells = on(2, &study);
        let answers = Answers::new(&study, &cells);
        answers.cells[0].fund[0].suffices_in_all
    };
    let with_plenty = need("100000000");
    assert!(with_plenty.to_f64() > 1.0);
    assert_eq!(need("0"), with_plenty);
}

/// The expected branching number as `docs/metrics.md` defines it, account by account and lot by lot.
fn naive_branching(venue: &Venue) -> Option<f64> {
    let (margin, instrument) = (venue.margin(), InstrumentId(0));
    let terms = margin.instrument(instrument);
    let (mark, scale) = (terms.mark().0, i64::from(terms.spec().mark_scale));
    let mut ladder: Vec<(i64, u64)> = Vec::new();
    for account in margin.accounts() {
        let Some(position) = margin.position(account, instrument) else { continue };
        if margin.is_liquidating(margin.pool_of(position)) {
            continue;
        }
        let price = margin.liquidation_price(account, instrument);
        if let Some(price) = price.filter(|_| position.size().0 > 0) {
            ladder.push((mark - price.0, position.size().quantity().0));
        }
    }
    ladder.retain(|(distance, _)| *distance <= mark / 20);
    ladder.sort_unstable();
    let ([first, ..], [.., last]) = (ladder.as_slice(), ladder.as_slice()) else { return None };
    let forced: u64 = ladder.iter().map(|(_, lots)| lots).sum();
    let (mut left, mut reached) = (forced, first.0);
    for level in venue.market(instrument).unwrap().book().depth(Side::Buy) {
        let distance = mark - level.price.0 * scale;
        if distance > first.0 && left > 0 {
            (left, reached) = (left.saturating_sub(level.qty.0), distance);
        }
    }
    let nearest: u64 = ladder.iter().take(1).map(|(_, lots)| lots).sum();
    Some((forced - nearest) as f64 / (last.0 - first.0) as f64 * ((reached - first.0) as f64 / (forced - left) as f64))
}

/// Looks at the venue when the first liquidation's command is done.
#[derive(Default)]
struct First(bool, Option<Time>, Option<f64>, Time);

impl Observer for First {
    fn command(&mut self, stamp: &Stamp, _: &Command) {
        self.3 = stamp.time;
    }
    fn event(&mut self, _: EventId, _: Option<u32>, event: &Event) {
        self.0 |= matches!(event, Event::LiquidationTriggered { .. });
    }
    fn done(&mut self, venue: &Venue) {
        if self.0 && self.1.is_none() {
            (self.1, self.2) = (Some(self.3), naive_branching(venue));
        }
    }
}

#[test]
fn what_was_to_be_expected_is_read_from_ladder_and_book() {
    let study = study(5, &[]);
    let cells = on(2, &study);
    let shock = Time(5_000_000_000);
    for figures in &cells[0].runs {
        let prepared = Prepared::new(cells[0].cell.scenario.clone(), Some(figures.seed));
        let (mut course, mut first) = (Course::new(prepared.world().unwrap(), Plan::default()), First::default());
        course.run(Some(shock), &mut first, |_, _| ControlFlow::Continue(())).unwrap();
        let before = naive_branching(course.world().venue());
        course.run(None, &mut first, |_, _| ControlFlow::Continue(())).unwrap();
        let expected = figures.expected[0].unwrap();
        assert_eq!((expected.time, expected.direction), (shock, Side::Sell));
        assert!((expected.branching.unwrap() - before.unwrap()).abs() < 1e-12, "{expected:?} {before:?}");
        let (descended, all) = figures.descent;
        let Some(at_first) = figures.expected[1] else {
            assert_eq!((all, first.1, figures.mean_cascade()), (0, None, None));
            continue;
        };
        assert_eq!(Some(at_first.time), first.1);
        assert!((at_first.branching.unwrap() - first.2.unwrap()).abs() < 1e-12, "{at_first:?} {:?}", first.2);
        assert_eq!(figures.mean_cascade(), Some(all as f64 / (all - descended) as f64));
    }
    let answers = Answers::new(&study, &cells);
    let found = &answers.cells[0].foresight;
    assert_eq!(found.iter().map(|f| (f.at, f.runs + f.left_out)).collect::<Vec<_>>(), {
        [("before_shock", 5); 2].into_iter().chain([("first_liquidation", 5); 2]).collect::<Vec<_>>()
    });
    // Five runs are five groups, in order of what was expected.
    let groups = &found[0].groups;
    let came = |run: &downdraft_lab::study::RunFigures| Some((run.expected[0]?.branching?, run.mean_cascade()?));
    let mut sorted: Vec<_> = cells[0].runs.iter().filter_map(came).collect();
    assert!(sorted.len() >= 2, "nobody is liquidated");
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let of_groups: Vec<_> = groups.iter().map(|group| (group.expected_mean, group.mean_cascade)).collect();
    assert_eq!(of_groups, sorted);
    let mut table = Vec::new();
    write_foresight(&mut table, &study, &cells).unwrap();
    assert_eq!(String::from_utf8(table).unwrap().lines().count(), 1 + 5 + sorted.len());
}

#[test]
fn a_fund_that_suffices_is_the_same_whatever_the_fund() {
    // What is needed does not depend on what there is.
    let mut study = study(2, &["fund.USDT=0,100000,100000000"]);
    (study.sets, study.first_seed) = (vec!["duration=15s".to_owned()], Some(1));
    let answers = Answers::new(&study, &on(2, &study));
    let needs: Vec<_> = answers.cells.iter().map(|cell| cell.fund[0].suffices_in_99).collect();
    assert!(needs[0].to_f64() > 0.0);
    assert_eq!((needs[0], needs[1]), (needs[1], needs[2]));
}

#[test]
fn a_value_that_makes_no_sense_is_refused_before_any_run() {
    let study = study(1, &["fund.USDT=1,-1"]);
    assert!(matches!(study.cells(), Err(ScenarioError::Field(_))));
}
