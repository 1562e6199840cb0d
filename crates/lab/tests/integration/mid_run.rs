//! Settings that change while a run goes on: every fund's, as from the start.

use core::ops::ControlFlow;
use downdraft_lab::compare::trace;
use downdraft_lab::fork::{Opening, Origin, Subject, mid_run};
use downdraft_lab::library::Text;
use downdraft_lab::{Change, Prepared, Scenario, run};
use downdraft_sim::world::Observer;
use downdraft_types::{AccountId, EventId, InstrumentId, Time};
use downdraft_venue::{AdlRanking, Command, Event, Stamp, Venue};

const SECOND: u64 = 1_000_000_000;
const VAULT: &str = "liquidation.rest={ vault = { fraction = \"25%\", interval = \"1s\" } }";
const BASE: [&str; 8] = [
    "duration=7s",
    "actors.crowd.count=300",
    "depth=0.1",
    "instruments.0.fund=own",
    "funds.own.USDT=1500",
    "fund.USDT=700000",
    "liquidation.mode=bankruptcy-limit",
    VAULT,
];

fn strings(sets: &[&str]) -> Vec<String> {
    sets.iter().map(|set| (*set).to_owned()).collect()
}

fn origin(with: &[&str]) -> Origin {
    Origin::open(&Opening { source: "flash-crash".to_owned(), with: strings(with), ..Opening::default() }).unwrap()
}

fn scenario(with: &[&str]) -> Scenario {
    Text::open("flash-crash").unwrap().read(&strings(with)).unwrap()
}

/// The changes as fields and commands.
fn changes(with: &[&str], sets: &[&str]) -> Vec<(String, Command)> {
    let text = Text::open("flash-crash").unwrap();
    let changes = mid_run(&text, &strings(with), &strings(sets), 5).unwrap().unwrap();
    let told = |change| match change {
        Change::Setting { field, command, .. } => (field, *command),
        other => panic!("{other:?}"),
    };
    changes.into_iter().map(told).collect()
}

/// What is paid into accounts and taken out, and who answers for losses.
#[derive(Default)]
struct Cash {
    paid: Vec<(AccountId, i128)>,
    settled_by: Vec<AccountId>,
    now: Time,
    from: Time,
}

impl Observer for Cash {
    fn command(&mut self, stamp: &Stamp, _: &Command) {
        self.now = stamp.time;
    }

    fn event(&mut self, _: EventId, _: Option<u32>, event: &Event) {
        if self.now < self.from {
            return;
        }
        match *event {
            Event::Deposited { account, amount, .. } => self.paid.push((account, amount.0)),
            Event::Withdrawn { account, amount, .. } => self.paid.push((account, -amount.0)),
            Event::FundSettled { fund, .. } => self.settled_by.push(fund),
            _ => {}
        }
    }

    fn done(&mut self, _: &Venue) {}
}

fn cash(subject: &Subject, from: Time) -> Cash {
    let mut cash = Cash { from, ..Cash::default() };
    subject.drive(&mut cash, |_| false).unwrap();
    cash
}

#[test]
fn every_fund_is_paid_the_difference_at_the_moment() {
    let base = scenario(&BASE);
    let (own, vault) = (base.funds.groups[0].account, base.funds.vault.as_ref().unwrap().account);
    let ample = 1_000_000_000_000_000_i128;
    let origin = origin(&BASE);
    for (set, account, amount) in [
        ("fund.USDT=900000", AccountId::FUND, 200_000_000_000),
        ("fund.USDT=100000", AccountId::FUND, -600_000_000_000),
        ("funds.own.USDT=2500.5", own, 1_000_500_000),
        ("funds.own.USDT=0", own, -1_500_000_000),
        ("vault.USDT=500", vault, 500_000_000 - ample),
    ] {
        let fork = origin.fork("fork", &strings(&[set]), Some(Time(SECOND)), &[]).unwrap();
        assert_eq!(cash(&fork, Time(SECOND)).paid, [(account, amount)], "{set}");
    }
}

/// A fork at the end of set-up has what one from the start has: the same funds, in the same accounts, and the same run.
#[test]
fn a_fund_changed_when_set_up_is_over_is_one_changed_from_the_start() {
    let origin = origin(&BASE);
    for set in ["fund.USDT=900000", "funds.own.USDT=90000", "vault.USDT=5000000"] {
        let sets = strings(&[set]);
        let of = |at| {
            let outcome = trace(&origin.fork("fork", &sets, at, &[]).unwrap()).unwrap().outcome;
            (outcome.markets, outcome.purses, outcome.accounts, outcome.closings)
        };
        let (start, later) = (of(None), of(Some(Time::ZERO)));
        assert!(!start.3.is_empty(), "{set}: nobody was liquidated");
        assert_eq!(start, later, "{set}");
    }
}

#[test]
fn an_instrument_changes_its_fund_and_a_new_one_opens_the_next_account() {
    let base = scenario(&BASE);
    let free = base.first_free_account();
    let set = ["instruments.0.fund=new", "funds.new.USDT=70"];
    let changes = changes(&BASE, &set);
    assert_eq!(changes[0], ("funds.new".to_owned(), Command::OpenAccount { account: free }));
    let appoint = Command::SetFund { instrument: InstrumentId(0), fund: free, isolated: false };
    assert_eq!(changes[1], ("instruments.BTC-PERP.fund".to_owned(), appoint));
    assert!(matches!(&changes[2], (field, Command::Deposit { account, .. })
        if field == "funds.new.USDT" && *account == free));
    // The vault keeps its account, though in the text the new fund's would come before it.
    assert_eq!(changes.len(), 3, "{changes:?}");
    let origin = origin(&BASE);
    let fork = origin.fork("fork", &strings(&set), Some(Time(SECOND)), &[]).unwrap();
    let settled_by = cash(&fork, Time(SECOND)).settled_by;
    assert!(!settled_by.is_empty() && settled_by.iter().all(|fund| *fund == free), "{settled_by:?}");
}

#[test]
fn a_vault_is_opened_for_a_mode_that_needs_one() {
    let with = &BASE[..6];
    let free = scenario(with).first_free_account();
    let changes = changes(with, &["liquidation.mode=bankruptcy-limit", VAULT]);
    assert_eq!(changes[0], ("vault".to_owned(), Command::OpenAccount { account: free }));
    let Command::SetLiquidationPolicy { policy } = &changes[1].1 else { panic!("{changes:?}") };
    assert_eq!(policy.vault, Some(free));
    assert!(matches!(changes[2].1, Command::Deposit { account, .. } if account == free));
}

/// The draw of a random ranking is the run's.
#[test]
fn a_change_of_policy_keeps_the_draw() {
    let changes = changes(&["liquidation.adl.ranking=random-start"], &["liquidation.latency=1ms"]);
    let [(field, Command::SetLiquidationPolicy { policy })] = &changes[..] else { panic!("{changes:?}") };
    assert_eq!((field.as_str(), policy.adl.ranking), ("liquidation", AdlRanking::RandomStart { seed: 5 }));
}

#[test]
fn what_a_fund_has_spent_cannot_be_taken_out() {
    let origin = origin(&BASE[..3]);
    let fork = origin.fork("fork", &strings(&["fund.USDT=1"]), Some(Time(6_900_000_000)), &[]).unwrap();
    let error = trace(&fork).err().unwrap().to_string();
    let expected = "at 6.900000000s, the venue refused what --set fund.USDT does (takes 399999 USDT out): Insufficient";
    assert!(error.contains(expected), "{error}");
    // From the start it is a smaller fund.
    let sets = [&BASE[..3], &["fund.USDT=1"]].concat();
    run(&Prepared::new(scenario(&sets), None), &mut (), |_, ()| ControlFlow::Continue(())).unwrap();
}
