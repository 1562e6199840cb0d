use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;

const SELL: Side = Side::Sell;
const BUY: Side = Side::Buy;
const LAST: TriggerBy = TriggerBy::Last;
const MARK: TriggerBy = TriggerBy::Mark;

fn due(triggers: &mut Triggers) -> Vec<u32> {
    triggers.check();
    core::iter::from_fn(|| triggers.take_due()).collect()
}

#[test]
fn stops_become_due_as_the_price_crosses_them() {
    let mut triggers = Triggers::with_capacity(8);
    triggers.update(LAST, Price(100));
    for (at, side, price) in [(0, SELL, 95), (1, SELL, 97), (2, SELL, 95), (3, BUY, 105), (4, SELL, 90)] {
        triggers.insert(at, side, LAST, Trigger::At(Price(price)));
    }
    triggers.update(LAST, Price(98));
    assert_eq!(due(&mut triggers), []);
    triggers.update(LAST, Price(95));
    assert_eq!(due(&mut triggers), [1, 0, 2]);
    triggers.update(LAST, Price(105));
    assert_eq!(due(&mut triggers), [3]);
    assert_eq!(triggers.len(), 1);
}

#[test]
fn what_is_crossed_already_is_due_at_once() {
    let mut triggers = Triggers::with_capacity(2);
    triggers.update(MARK, Price(100));
    triggers.insert(0, SELL, MARK, Trigger::At(Price(100)));
    triggers.insert(1, SELL, LAST, Trigger::At(Price(100)));
    assert_eq!((triggers.due_len(), triggers.is_full()), (1, true));
    assert_eq!(due(&mut triggers), [0]);
    triggers.remove(1);
    assert_eq!(triggers.len(), 0);
}

#[test]
fn a_trailing_stop_follows_and_never_turns_back() {
    let mut triggers = Triggers::with_capacity(4);
    triggers.update(LAST, Price(100));
    triggers.insert(0, SELL, LAST, Trigger::Trailing { offset: 5 });
    triggers.insert(1, BUY, LAST, Trigger::Trailing { offset: 20 });
    assert_eq!(triggers.trigger_price(0), Price(95));
    triggers.update(LAST, Price(110));
    assert_eq!(triggers.trigger_price(0), Price(105));
    triggers.update(LAST, Price(106));
    assert_eq!((triggers.trigger_price(0), triggers.trigger_price(1)), (Price(105), Price(120)));
    triggers.update(LAST, Price(105));
    assert_eq!(due(&mut triggers), [0]);
    triggers.update(LAST, Price(90));
    assert_eq!(triggers.trigger_price(1), Price(110));
    triggers.update(LAST, Price(111));
    assert_eq!(due(&mut triggers), [1]);
}

#[test]
fn a_trigger_beyond_the_range_of_prices_is_never_crossed() {
    let mut triggers = Triggers::with_capacity(1);
    triggers.update(LAST, Price(i64::MIN + 3));
    triggers.insert(0, SELL, LAST, Trigger::Trailing { offset: 9 });
    triggers.update(LAST, Price(i64::MIN));
    assert_eq!((triggers.trigger_price(0), triggers.due_len()), (Price(i64::MIN), 0));
}

/// Ten thousand stops that ride on ten thousand new highs are moved a few times each, not ten thousand times.
#[test]
fn riding_stops_are_not_touched_by_each_new_high() {
    let n = 10_000;
    let mut triggers = Triggers::with_capacity(n);
    triggers.update(LAST, Price(0));
    for at in 0..n {
        // Half of them at a high, half below it.
        triggers.update(LAST, Price(i64::from(at / 7) * 3 - i64::from(at % 2)));
        triggers.insert(at, SELL, LAST, Trigger::Trailing { offset: 1_000_000 + u64::from(at % 50) });
    }
    for high in 0..10_000 {
        triggers.update(LAST, Price(5_000 + high));
    }
    triggers.check();
    assert_eq!(triggers.due_len(), 0);
    assert!(triggers.trailing.moves < u64::from(n) * 14, "{} moves", triggers.trailing.moves);
}

/// A stop of the naive model: everything is recomputed at each update.
#[derive(Clone, Copy)]
struct Naive {
    at: u32,
    side: Side,
    by: TriggerBy,
    trigger: Trigger,
    /// The best reference price since it was placed.
    best: Option<i64>,
}

impl Naive {
    fn price(&self) -> i128 {
        match (self.trigger, self.side) {
            (Trigger::At(price), _) => i128::from(price.0),
            (Trigger::Trailing { offset }, SELL) => i128::from(self.best.unwrap()) - i128::from(offset),
            (Trigger::Trailing { offset }, BUY) => i128::from(self.best.unwrap()) + i128::from(offset),
        }
    }

    fn is_crossed(&self, reference: i64) -> bool {
        match self.side {
            SELL => i128::from(reference) <= self.price(),
            BUY => i128::from(reference) >= self.price(),
        }
    }
}

#[derive(Default)]
struct Model {
    /// In order of placing.
    pending: Vec<Naive>,
    due: Vec<Naive>,
    references: [Option<i64>; 2],
    never_ratchets: bool,
}

impl Model {
    fn update(&mut self, by: TriggerBy, price: i64) {
        self.references[by as usize] = Some(price);
        for stop in self.pending.iter_mut().filter(|stop| stop.by == by) {
            stop.best = stop
                .best
                .filter(|_| !self.never_ratchets)
                .map(|best| match stop.side {
                    SELL => best.max(price),
                    BUY => best.min(price),
                })
                .or(stop.best);
        }
        self.cross(by, price);
    }

    fn cross(&mut self, by: TriggerBy, price: i64) {
        for side in [BUY, SELL] {
            let is_crossed = |stop: &Naive| stop.by == by && stop.side == side && stop.is_crossed(price);
            let mut crossed: Vec<Naive> = self.pending.iter().copied().filter(is_crossed).collect();
            // Stable, so that ties stay in the order of placing.
            crossed.sort_by_key(|stop| if side == SELL { -stop.price() } else { stop.price() });
            self.pending.retain(|stop| !is_crossed(stop));
            self.due.extend(crossed);
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Insert { sell: bool, mark: bool, trigger: Trigger },
    Remove(prop::sample::Index),
    Update { mark: bool, price: i64 },
    TakeDue,
    Clone,
    Restore,
}

fn price() -> impl Strategy<Value = i64> {
    prop_oneof![20 => -20..20_i64, 1 => Just(i64::MIN), 1 => Just(i64::MAX)]
}

fn step() -> impl Strategy<Value = Step> {
    let trigger = prop_oneof![
        price().prop_map(|price| Trigger::At(Price(price))),
        prop_oneof![8 => 0..12_u64, 1 => Just(u64::MAX)].prop_map(|offset| Trigger::Trailing { offset }),
    ];
    let insert = (any::<bool>(), any::<bool>(), trigger);
    prop_oneof![
        6 => insert.prop_map(|(sell, mark, trigger)| Step::Insert { sell, mark, trigger }),
        1 => any::<prop::sample::Index>().prop_map(Step::Remove),
        8 => (any::<bool>(), price()).prop_map(|(mark, price)| Step::Update { mark, price }),
        2 => Just(Step::TakeDue),
        1 => Just(Step::Clone),
        1 => Just(Step::Restore),
    ]
}

/// What is kept of a stop.
type Record = (u32, Side, (TriggerBy, Trigger), (u64, Was));

/// Everything that is kept of the stops, in their order.
fn records(triggers: &Triggers) -> Vec<Record> {
    let record = |at| (at, side_of(triggers.waiting[at as usize].lane), triggers.trigger(at), triggers.record(at));
    triggers.iter(None).map(record).collect()
}

fn restored(triggers: &Triggers, limit: u32) -> Triggers {
    let mut copy = Triggers::with_capacity(limit);
    copy.restore(triggers.counts(), triggers.references);
    let records = records(triggers);
    // Places are the caller's: here as many as ever were.
    copy.waiting =
        vec![
            Waiting { lane: 0, ticket: 0, trigger: Trigger::At(Price(0)), state: State::Fixed { trigger: 0 } };
            limit as usize
        ];
    for (at, side, terms, record) in &records {
        assert!(copy.restore_stop(*at, *side, *terms, *record), "a record of a stop that was there");
    }
    assert_eq!(self::records(&copy), records);
    copy
}

fn compare(steps: &[Step], mut model: Model) {
    let limit = 24;
    let mut triggers = Triggers::with_capacity(limit);
    let mut free: Vec<u32> = (0..limit).rev().collect();
    for step in steps {
        match step {
            Step::Insert { sell, mark, trigger } => {
                let (side, by) = (if *sell { SELL } else { BUY }, if *mark { MARK } else { LAST });
                let best = triggers.reference(by).map(|price| price.0);
                let trails = matches!(trigger, Trigger::Trailing { .. });
                // A new place is the next one.
                let at = free.iter().rposition(|at| (*at as usize) <= triggers.waiting.len());
                if let Some(at) = at.filter(|_| !trails || best.is_some()) {
                    let at = free.remove(at);
                    triggers.insert(at, side, by, *trigger);
                    model.pending.push(Naive { at, side, by, trigger: *trigger, best });
                    if let Some(price) = best {
                        model.cross(by, price);
                    }
                }
            }
            Step::Remove(which) => {
                let all: Vec<u32> = triggers.iter(None).collect();
                if !all.is_empty() {
                    let at = *which.get(&all);
                    triggers.remove(at);
                    free.push(at);
                    model.pending.retain(|stop| stop.at != at);
                    model.due.retain(|stop| stop.at != at);
                }
            }
            Step::Update { mark, price } => {
                let by = if *mark { MARK } else { LAST };
                triggers.update(by, Price(*price));
                model.update(by, *price);
            }
            Step::TakeDue => {
                let expected = (!model.due.is_empty()).then(|| model.due.remove(0).at);
                assert_eq!(triggers.take_due(), expected);
                free.extend(expected);
            }
            Step::Clone => triggers = triggers.clone(),
            Step::Restore => triggers = restored(&triggers, limit),
        }
        triggers.check();
        for side in [None, Some(BUY), Some(SELL)] {
            let expected = model.due.iter().filter(|stop| side.is_none_or(|side| side == stop.side));
            let due: Vec<u32> = triggers.due_in_order(side).collect();
            assert_eq!(due, expected.map(|stop| stop.at).collect::<Vec<_>>(), "the due ones in order");
        }
        assert_eq!(triggers.len() as usize, model.due.len() + model.pending.len());
        for stop in model.pending.iter().chain(&model.due) {
            let price = stop.price().clamp(i128::from(i64::MIN), i128::from(i64::MAX));
            assert_eq!(i128::from(triggers.trigger_price(stop.at).0), price, "a present trigger");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn triggers_and_a_naive_scan_agree(steps in prop::collection::vec(step(), 0..120)) {
        compare(&steps, Model::default());
    }
}

#[test]
#[should_panic(expected = "a present trigger")]
fn a_model_that_never_ratchets_is_told_apart() {
    let trail = Step::Insert { sell: true, mark: false, trigger: Trigger::Trailing { offset: 5 } };
    let update = |price| Step::Update { mark: false, price };
    compare(&[update(0), trail, update(3)], Model { never_ratchets: true, ..Model::default() });
}
