//! Studies: many seeds, one answer.

use downdraft_lab::compare::trace;
use downdraft_lab::fork::{Subject, Variant};
use downdraft_lab::library::Text;
use downdraft_lab::study::{Answers, CellRuns, Study, Vary, write_figures, write_runs, write_tiers};
use downdraft_lab::{Prepared, ScenarioError};

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
