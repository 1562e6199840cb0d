//! Forks: the same world with one thing changed, and nothing else.

use crate::outcome::scenario;
use core::ops::ControlFlow;
use downdraft_lab::compare::{Names, Report, compare, trace, write_accounts};
use downdraft_lab::contribution::{Game, Measure, largest};
use downdraft_lab::fork::{Counterfactual, MarkSeries, Opening, Origin, OriginError, Playback, Subject, Variant};
use downdraft_lab::library::Text;
use downdraft_lab::outcome::Outcome;
use downdraft_lab::{Analysis, Change, Plan, Prepared, Recorder, run};
use downdraft_sim::world::Observer;
use downdraft_types::{AccountId, EventId, InstrumentId, Time};
use downdraft_venue::{Command, Event, Stamp, Venue};
use std::path::PathBuf;

const SHORT: [&str; 2] = ["duration=7s", "actors.crowd.count=300"];
const SECOND: u64 = 1_000_000_000;

fn strings(sets: &[&str]) -> Vec<String> {
    sets.iter().map(|set| (*set).to_owned()).collect()
}

fn origin(source: &str, with: &[&str]) -> Origin {
    let opening = Opening { source: source.to_owned(), with: strings(with), ..Opening::default() };
    Origin::open(&opening).unwrap()
}

fn outcome(subject: &Subject) -> Outcome {
    trace(subject).unwrap().outcome
}

/// Everything that happens, as text.
#[derive(Default)]
struct Diary(Vec<(Time, String)>);

impl Observer for Diary {
    fn command(&mut self, stamp: &Stamp, command: &Command) {
        self.0.push((stamp.time, format!("{stamp:?} {command:?}")));
    }

    fn event(&mut self, id: EventId, parent: Option<u32>, event: &Event) {
        let time = self.0.last().map_or(Time::ZERO, |(time, _)| *time);
        self.0.push((time, format!("{id} {parent:?} {event:?}")));
    }

    fn done(&mut self, _: &Venue) {}
}

fn diary(subject: &Subject) -> Vec<(Time, String)> {
    let mut diary = Diary::default();
    subject.drive(&mut diary, |_| false).unwrap();
    diary.0
}

/// A journal of a run, which is gone when the test ends.
struct Journal(PathBuf);

impl Journal {
    fn of(name: &str, prepared: &Prepared) -> Self {
        let path = std::env::temp_dir().join(format!("downdraft-forks-{}-{name}.ddj", std::process::id()));
        let file = std::fs::File::create(&path).unwrap();
        let mut recorder = Recorder::new(file, prepared).unwrap();
        let finished = run(prepared, &mut recorder, |_, _| ControlFlow::Continue(())).unwrap();
        recorder.finish(&finished).unwrap();
        Self(path)
    }

    fn source(&self) -> String {
        self.0.display().to_string()
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn a_fork_that_changes_nothing_is_its_base() {
    let origin = origin("flash-crash", &SHORT);
    let same = origin.fork("same", &[], None, &[]).unwrap();
    let said = origin.fork("said", &strings(&["liquidation.mode=market"]), Some(Time(6 * SECOND)), &[]).unwrap();
    let comparison = compare(&origin.base, &[same, said]).unwrap();
    for compared in &comparison.runs {
        assert_eq!(compared.divergence, None, "{}", compared.run.label);
        assert_eq!(compared.run.outcome, comparison.base.outcome);
    }
    let plain = run(&Prepared::new(scenario("flash-crash", &SHORT), None), &mut (), |_, ()| ControlFlow::Continue(()));
    assert_eq!(comparison.base.outcome.state_hash, plain.unwrap().state_hash);
    let report = Report::new(&comparison, origin.names.as_ref().unwrap());
    assert!(report.differences[0].divergence.is_none() && report.differences[0].gained.is_empty());
}

#[test]
fn a_fork_at_a_moment_is_its_base_before_it() {
    let origin = origin("flash-crash", &SHORT);
    let at = Time(5_600_000_000);
    let sets = strings(&["liquidation.mode=suppressed", "fund.USDT=900000"]);
    let fork = origin.fork("fork", &sets, Some(at), &[]).unwrap();
    let (base, fork) = (diary(&origin.base), diary(&fork));
    let before = base.iter().take_while(|(time, _)| *time < at).count();
    assert!(before > 1_000 && fork.iter().take_while(|(time, _)| *time < at).count() == before);
    assert_eq!(base[..before], fork[..before]);
    let changes: Vec<&str> = fork[before..before + 4].iter().map(|(_, text)| text.as_str()).collect();
    assert!(changes[0].contains("SetLiquidationPolicy") && changes[0].contains("Suppressed"), "{changes:?}");
    assert!(changes[2].contains("Deposit") && changes[2].contains("Money(500000000000)"), "{changes:?}");
    let liquidated = |diary: &[(Time, String)], from: Time| {
        diary.iter().filter(|(time, text)| *time >= from && text.contains("LiquidationTriggered")).count()
    };
    assert!(liquidated(&base, at) > 0 && liquidated(&fork, at) == 0);
}

#[test]
fn what_cannot_change_mid_run_is_refused() {
    let origin = origin("flash-crash", &SHORT);
    let fork = |set: &str| origin.fork("fork", &strings(&[set]), Some(Time(SECOND)), &[]);
    for set in ["actors.seller.size=10", "instruments.0.tick_size=1", "duration=3s", "seed=4"] {
        let Err(OriginError::Fixed(fixed)) = fork(set) else { panic!("{set}") };
        let message = fixed.to_string();
        assert!(message.contains(set) && message.contains("instruments.NAME.tiers"), "{message}");
    }
    for set in [
        "instruments.0.tiers.0.maintenance=0.6%",
        "instruments.BTC-PERP.mark={ rule = \"mid\" }",
        "liquidation.latency=1ms",
    ] {
        fork(set).unwrap();
    }
    let late = origin.fork("fork", &[], Some(Time(7 * SECOND)), &[]);
    assert!(late.err().unwrap().to_string().starts_with("--at: found "));
}

#[test]
fn recorded_flow_with_nothing_changed_is_its_recording() {
    for name in ["flash-crash", "adl-exhausted", "halted", "exogenous-mark", "frozen-mark", "my-venue"] {
        let sets: &[&str] = if name == "my-venue" { &["duration=6s"] } else { &SHORT };
        let prepared = Prepared::new(scenario(name, sets), None);
        let journal = Journal::of(name, &prepared);
        let opening = Opening { source: journal.source(), recorded_flow: true, ..Opening::default() };
        let origin = Origin::open(&opening).unwrap();
        assert!(matches!(origin.base, Subject::Played { .. }) && !origin.notes.is_empty());
        let verbatim = Subject::Played {
            label: "verbatim".to_owned(),
            playback: Playback::verbatim(&journal.0, prepared.end()),
            seed: prepared.seed,
        };
        let executed = Subject::Executed(Box::new(Variant::new("executed", prepared)));
        assert_eq!(diary(&origin.base), diary(&executed), "{name}");
        let comparison = compare(&executed, &[origin.base.clone(), verbatim]).unwrap();
        for compared in &comparison.runs {
            assert_eq!(compared.divergence, None, "{name}");
            assert_eq!(compared.run.outcome, comparison.base.outcome, "{name}");
        }
    }
}

#[test]
fn a_run_is_forked_from_its_scenario_and_its_seed() {
    let prepared = Prepared::new(scenario("flash-crash", &SHORT), Some(9));
    let journal = Journal::of("seed", &prepared);
    let origin = Origin::open(&Opening { source: journal.source(), ..Opening::default() }).unwrap();
    assert!(matches!(origin.base, Subject::Executed(_)) && origin.notes.is_empty());
    assert_eq!(
        outcome(&origin.base).state_hash,
        run(&prepared, &mut (), |_, ()| ControlFlow::Continue(())).unwrap().state_hash
    );
    let fork = origin.fork("fork", &strings(&["fund.USDT=0"]), None, &[]).unwrap();
    let Subject::Executed(variant) = fork else { panic!("executed") };
    assert_eq!(variant.prepared.seed, 9);
}

#[test]
fn a_bare_journal_is_recorded_flow_and_says_so() {
    let mut prepared = Prepared::new(scenario("flash-crash", &SHORT), None);
    prepared.scenario.text = String::new();
    let journal = Journal::of("bare", &prepared);
    let origin = Origin::open(&Opening { source: journal.source(), ..Opening::default() }).unwrap();
    assert!(origin.notes[0].contains("it holds no scenario"), "{:?}", origin.notes);
    let set = origin.fork("fork", &strings(&["fund.USDT=0"]), None, &[]).err().unwrap();
    assert!(set.to_string().contains("cannot be read"), "{set}");
    let suppressed = origin.counterfactual(Counterfactual::Suppressed, None, None).unwrap().unwrap();
    let comparison = compare(&origin.base, &[suppressed]).unwrap();
    let run = &comparison.runs[0].run;
    assert!(run.notes[0].contains("recorded flow"), "{:?}", run.notes);
    assert!(comparison.base.outcome.cascades.episodes > 0 && run.outcome.cascades.episodes == 0);
    assert!(origin.counterfactual(Counterfactual::SteadyMakers, None, None).is_err());
}

#[test]
fn gains_sum_to_zero_and_the_fund_is_accounted_for() {
    let scenarios = ["flash-crash", "adl-exhausted", "fund-exhausted", "frozen-mark", "my-venue"];
    for name in scenarios {
        let outcome = outcome(&origin(name, &[]).base);
        for (currency, purse) in outcome.purses.iter().enumerate() {
            let gains: i128 = outcome.opened().map(|(_, account)| account.gains[currency]).sum();
            assert_eq!(gains + purse.fees + purse.residue, 0, "{name}");
            let made = purse.fund_deposited + purse.fund_received - purse.fund_paid + purse.fund_traded;
            assert_eq!(made, purse.fund_end, "{name}");
        }
    }
}

#[test]
fn the_outcome_is_that_of_the_summary() {
    let with_fund =
        "liquidation={ mode = \"bankruptcy-limit\", rest = { fund = { fraction = \"25%\", interval = \"1s\" } } }";
    for (name, sets) in [
        ("flash-crash", vec![]),
        ("adl-exhausted", vec![]),
        ("thin-book", vec!["liquidation.mode=partial"]),
        ("thin-book", vec![with_fund]),
        ("my-venue", vec![]),
    ] {
        let prepared = Prepared::new(scenario(name, &sets), None);
        let mut analysis = Analysis::new(&prepared, ());
        let finished = run(&prepared, &mut analysis, |_, _| ControlFlow::Continue(())).unwrap();
        let (summary, ()) = analysis.finish(&prepared, &finished);
        let outcome = outcome(&Subject::Executed(Box::new(Variant::new("run", prepared.clone()))));
        let names = Names::of_scenario(&prepared.scenario);
        let units = &names.units;
        let cascades = &outcome.cascades;
        assert_eq!(format!("{:016x}", outcome.state_hash), summary.state_hash);
        assert_eq!(
            (cascades.episodes, cascades.roots),
            (summary.liquidations.episodes, summary.cascade.roots),
            "{name}"
        );
        assert_eq!(
            (u64::from(cascades.largest()), cascades.depth),
            (summary.cascade.largest, summary.cascade.max_depth)
        );
        assert_eq!(outcome.liquidated_accounts(), summary.liquidations.accounts);
        assert_eq!(outcome.deleveraged_accounts(), summary.adl.accounts);
        for (id, market) in outcome.listed() {
            let price = &summary.price.0[id.index()].1;
            assert_eq!(Some(units.mark(id, market.price.unwrap().low)), price.low);
            assert_eq!(Some(units.mark(id, market.price.unwrap().end)), price.end);
            let quantity = |lots| units.quantity(id, downdraft_types::Qty(lots));
            assert_eq!(quantity(market.liquidated), summary.liquidations.quantity.0[id.index()].1);
            assert_eq!(quantity(market.deleveraged), summary.adl.quantity.0[id.index()].1);
            assert_eq!(quantity(market.taken_over), summary.takeovers.quantity.0[id.index()].1);
            let closed: u64 = outcome.closings.iter().filter(|c| c.instrument == id).map(|c| c.filled).sum();
            assert!(outcome.mixed > 0 || closed == market.liquidated, "{name}: {closed}");
            assert_eq!(market.path.last().copied().flatten(), market.price.map(|price| price.end));
        }
        let purse = outcome.purses[0];
        let money = |amount| units.money(downdraft_types::CurrencyId(0), downdraft_types::Money(amount));
        assert_eq!(money(purse.deficits), summary.bad_debt.0[0].1);
        assert_eq!(money(purse.socialised), summary.socialised_loss.0[0].1);
        assert_eq!(money(purse.fund_end), summary.insurance_fund.0[0].1.end);
    }
}

fn marks(origin: &Origin) -> MarkSeries {
    let mut marks = MarkSeries::default();
    let suppressed = origin.counterfactual(Counterfactual::Suppressed, None, None).unwrap().unwrap();
    suppressed.drive(&mut marks, |_| false).unwrap();
    marks
}

#[test]
fn without_the_loop_no_liquidation_has_a_liquidation_parent() {
    let origin = origin("flash-crash", &[]);
    let marks = marks(&origin);
    let forks = [Counterfactual::Suppressed, Counterfactual::ExogenousMark];
    let forks = forks.map(|fork| origin.counterfactual(fork, None, Some(&marks)).unwrap().unwrap());
    let comparison = compare(&origin.base, &forks).unwrap();
    let [base, suppressed, exogenous] =
        [&comparison.base.outcome, &comparison.runs[0].run.outcome, &comparison.runs[1].run.outcome];
    assert!(base.cascades.episodes > base.cascades.roots);
    assert_eq!(suppressed.cascades.episodes, 0);
    assert!(exogenous.cascades.episodes > 0);
    assert_eq!(exogenous.cascades.episodes, exogenous.cascades.roots);
    let mark = |outcome: &Outcome| outcome.markets[0].as_ref().unwrap().mark.unwrap();
    assert_eq!((mark(exogenous).low, mark(exogenous).end), (mark(suppressed).low, mark(suppressed).end));
    let fall = |outcome: &Outcome| Measure::PriceFall(InstrumentId(0)).of(outcome);
    assert!(fall(base) > fall(suppressed));
}

#[test]
fn every_counterfactual_differs_in_its_setting_alone() {
    let origin = origin("flash-crash", &SHORT);
    let Subject::Executed(base) = &origin.base else { panic!("executed") };
    let marks = marks(&origin);
    for counterfactual in Counterfactual::BUILT_IN {
        let fork = counterfactual.fork(base, Some(&marks));
        assert_eq!(fork.is_none(), counterfactual == Counterfactual::Market, "{counterfactual:?}");
        let Some(fork) = fork else { continue };
        let (now, before) = (&fork.prepared.scenario, &base.prepared.scenario);
        assert_eq!((fork.prepared.seed, &now.capacity), (base.prepared.seed, &before.capacity));
        let same = [
            now.liquidation == before.liquidation,
            now.fund == before.fund,
            now.actors == before.actors,
            now.instruments == before.instruments,
        ];
        assert_eq!(same.iter().filter(|same| !**same).count(), 1, "{counterfactual:?}");
        assert_eq!(Counterfactual::named(&counterfactual.name()), Some(counterfactual));
    }
}

/// Account 0's fund and an instrument's own: from the start by the scenario, and at the end of set-up by what they hold.
#[test]
fn double_fund_doubles_every_fund() {
    let own = ["instruments.0.fund=own", "funds.own.USDT=1500", "fund.USDT=700000"];
    let origin = origin("flash-crash", &[&SHORT[..], &own].concat());
    let Subject::Executed(base) = &origin.base else { panic!("executed") };
    let deposited = |subject: &Subject| outcome(subject).purses[0].fund_deposited;
    let before = deposited(&origin.base);
    assert_eq!(before, 701_500_000_000);
    let from_start = Counterfactual::DoubleFund.fork(base, None).unwrap();
    let funds = &from_start.prepared.scenario.funds.groups;
    assert_eq!(funds[0].amounts[0].1.0, 3_000_000_000);
    assert_eq!(deposited(&Subject::Executed(Box::new(from_start))), 2 * before);
    let plan = base.plan.clone().and([(Time::ZERO, Change::DoubleFund)]);
    assert_eq!(deposited(&Subject::Executed(Box::new(Variant { plan, ..(**base).clone() }))), 2 * before);
}

#[test]
fn an_account_that_is_removed_keeps_its_position_and_is_never_liquidated() {
    let origin = origin("flash-crash", &SHORT);
    let base = outcome(&origin.base);
    assert!(largest(&base, InstrumentId(0), 2, Time(u64::MAX)).is_empty());
    for account in largest(&base, InstrumentId(0), 2, Time::ZERO) {
        assert!(base.accounts[account.index()].as_ref().unwrap().liquidations > 0);
        let fork = origin.fork("fork", &[], None, &[account]).unwrap();
        let comparison = compare(&origin.base, &[fork]).unwrap();
        let run = &comparison.runs[0];
        assert_eq!(run.run.outcome.accounts[account.index()].as_ref().unwrap().liquidations, 0);
        // Up to its liquidation the same happens to everyone.
        assert!(run.divergence.as_ref().unwrap().time() > Time(SECOND));
    }
    let nobody = origin.fork("fork", &[], None, &[AccountId(1)]).unwrap();
    let message = trace(&nobody).err().unwrap().to_string();
    assert!(message.contains("account 1 holds no position"), "{message}");
}

#[test]
fn a_divergence_is_found_where_it_is() {
    let origin = origin("flash-crash", &SHORT);
    let at = Time(5_600_000_000);
    let fork = origin.fork("fork", &strings(&["liquidation.mode=suppressed"]), Some(at), &[]).unwrap();
    let comparison = compare(&origin.base, std::slice::from_ref(&fork)).unwrap();
    let divergence = comparison.runs[0].divergence.clone().unwrap();
    assert!(divergence.time() >= at);
    // By hand: the first line that differs, the fork's own command and event apart, and numbers apart.
    let plain = |subject: &Subject| -> Vec<(Time, String)> {
        let kept = diary(subject).into_iter().filter(|(_, text)| !text.contains("Outside"));
        kept.filter(|(_, text)| text.starts_with("Stamp")).collect()
    };
    let kind = |text: &str| text.split_once("} ").map(|(_, command)| command.to_owned()).unwrap_or_default();
    let (base, fork) = (plain(&origin.base), plain(&fork));
    let first = base.iter().zip(&fork).find(|(a, b)| (a.0, kind(&a.1)) != (b.0, kind(&b.1)));
    let first = first.map(|(a, b)| a.0.min(b.0)).unwrap();
    assert!(divergence.time() <= first, "{divergence:?} {first}");
    assert!(!divergence.what().is_empty());
}

#[test]
fn contributions_sum_to_what_the_players_caused_on_any_number_of_threads() {
    let origin = origin("flash-crash", &SHORT);
    let base = outcome(&origin.base);
    let game = Game {
        base: origin.base.clone(),
        players: largest(&base, InstrumentId(0), 2, Time::ZERO),
        rest: true,
        measure: Measure::PriceFall(InstrumentId(0)),
        at: Time::ZERO,
    };
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| game.play(2)).unwrap()
    };
    let (one, three) = (on(1), on(3));
    assert_eq!(one, three);
    assert_eq!(one.base, game.measure.of(&base));
    let suppressed = origin.counterfactual(Counterfactual::Suppressed, None, None).unwrap().unwrap();
    // Whoever cannot be liquidated is not: without all players it is the run without liquidations.
    assert_eq!(one.shapley.ends.0, game.measure.of(&outcome(&suppressed)));
    let (sum, divisor) =
        (one.shapley.shares.iter().map(|share| share.sum.0).sum::<i128>(), one.shapley.shares[0].sum.1);
    assert_eq!(sum, (one.shapley.ends.1 - one.shapley.ends.0) * divisor);
}

#[test]
fn the_need_of_the_fund_is_exactly_what_it_takes() {
    let text = Text::open("flash-crash").unwrap();
    let with = |fund: &str| {
        let scenario = text.read(&[format!("fund.USDT={fund}")]).unwrap();
        outcome(&Subject::Executed(Box::new(Variant::new("run", Prepared::new(scenario, None)))))
    };
    let ample = with("1000000000000");
    let need = ample.purses[0].fund_need;
    assert!(need > 0 && ample.purses[0].fund_refused == 0);
    let human = |units: i128| format!("{}.{:06}", units / 1_000_000, units % 1_000_000);
    let (enough, short) = (with(&human(need)), with(&human(need - 1)));
    assert_eq!((enough.purses[0].fund_refused, enough.purses[0].fund_need), (0, need));
    assert_eq!(enough.cascades, ample.cascades);
    assert!(short.purses[0].fund_refused > 0);
}

#[test]
fn all_accounts_are_written_with_their_gains() {
    let origin = origin("my-venue", &[]);
    let fork = origin.fork("richer", &strings(&["fund.USDT=1000000"]), None, &[]).unwrap();
    let comparison = compare(&origin.base, &[fork]).unwrap();
    let names = origin.names.as_ref().unwrap();
    let mut out = Vec::new();
    write_accounts(&mut out, &comparison, names).unwrap();
    let text = String::from_utf8(out).unwrap();
    let mut rows = text.lines();
    assert_eq!(rows.next(), Some("run,account,name,class,currency,gain_first,gain_run,difference"));
    assert!(rows.clone().any(|row| row.contains(",alice,positions,USDT,")), "{text}");
    assert!(rows.all(|row| row.starts_with("richer,")));
}

#[test]
fn a_plan_is_kept_in_order_of_time() {
    let change = |n| Change::Backstop(AccountId(n));
    let plan = Plan::new([(Time(5), change(1)), (Time(2), change(2))]).and([(Time(2), change(3))]);
    let order: Vec<(Time, Change)> = plan.changes().cloned().collect();
    assert_eq!(order, [(Time(2), change(2)), (Time(2), change(3)), (Time(5), change(1))]);
}
