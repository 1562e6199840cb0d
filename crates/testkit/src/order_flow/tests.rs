//! Flows are as their mix says, and every engine fills as the oracle does.

use super::*;

const SMALL: [Mix; 6] = [
    Mix::NearTouch { live: 60 },
    Mix::Leftovers { live: 60 },
    Mix::Resting { live: 200, levels: 50 },
    Mix::Sweeps,
    Mix::Far { live: 60 },
    Mix::Teleport { live: 60 },
];

fn count(flow: &Flow, kind: Kind) -> usize {
    flow.ops.iter().filter(|op| op.kind() == kind).count()
}

#[test]
fn oracle_floor_book_and_twin_fill_alike() {
    for mix in SMALL {
        let flow = generate(mix, 7, 3_000);
        assert!(flow.fills > 100, "{mix:?} trades");
        let ours = resolve(book(&flow), &flow);
        assert_eq!(ours.digest, flow.digest, "{mix:?}: the book");
        assert_eq!(resolve(naive_book(&flow), &flow).digest, flow.digest, "{mix:?}: its twin");
        assert_eq!(resolve(Oracle::default(), &flow).digest, flow.digest, "{mix:?}: the oracle again");
        if mix.fits_the_floor() {
            assert_eq!(resolve(floor(&flow), &flow).digest, flow.digest, "{mix:?}: the floor");
        }
        for replay in [Resolved::replay, Resolved::replay_ahead] {
            let mut book = book(&flow);
            ours.set_up(&mut book);
            assert_eq!(replay(&ours, &mut book), flow.digest, "{mix:?}: by handle");
            book.check_invariants();
            let (mut book, flow) = (ByNumber::new(super::book(&flow), &flow), &flow);
            Resolved::from(flow).set_up(&mut book);
            assert_eq!(super::replay_ahead(&mut book, flow.setup.len() as u32, &flow.ops), flow.digest, "{mix:?}");
        }
    }
}

#[test]
fn a_book_with_features_fills_as_the_oracle_does() {
    for mix in SMALL {
        let features = Features { icebergs: 20, timed: 20, owners: 7 };
        let (flow, plain) = (generate_with(mix, features, 7, 5_000), generate(mix, 7, 5_000));
        assert_ne!(flow.digest, plain.digest, "{mix:?}: icebergs go to the back");
        assert_eq!(resolve(Oracle::with(features), &flow).digest, flow.digest, "{mix:?}: the oracle again");
        let (mut book, resolved) = (Featured::new(&flow, features), resolve(Featured::new(&flow, features), &flow));
        resolved.set_up(&mut book);
        assert_eq!(resolved.replay(&mut book), flow.digest, "{mix:?}");
        assert!(book.expired > 50, "{mix:?}: {} orders expired", book.expired);
        book.book.check_invariants();
        let listed = Featured::new(&plain, Features { icebergs: 0, ..features });
        assert_eq!(resolve(listed, &plain).digest, plain.digest, "{mix:?}: without icebergs nothing changes");
    }
}

#[test]
fn a_mistake_is_seen_at_its_operation() {
    /// Reductions are forgotten.
    struct Forgetful(Oracle);
    impl Engine for Forgetful {
        type Handle = u32;
        fn place(&mut self, n: u32, side: Side, price: i64, qty: u32, filled: impl FnMut(Trade)) -> Option<u32> {
            self.0.place(n, side, price, qty, filled)
        }
        fn take(&mut self, n: u32, side: Side, price: i64, qty: u32, filled: impl FnMut(Trade)) {
            self.0.take(n, side, price, qty, filled);
        }
        fn market(&mut self, n: u32, side: Side, qty: u32, filled: impl FnMut(Trade)) {
            self.0.market(n, side, qty, filled);
        }
        fn cancel(&mut self, order: u32) {
            self.0.cancel(order);
        }
        fn reduce(&mut self, _: u32, _: u32, _: u32) {}
        fn replace(&mut self, order: u32, side: Side, price: i64, qty: u32, filled: impl FnMut(Trade)) {
            self.0.replace(order, side, price, qty, filled);
        }
    }
    let flow = generate(Mix::NearTouch { live: 60 }, 7, 3_000);
    assert_eq!(first_difference(Oracle::default(), &flow), None);
    assert_eq!(first_difference(ByNumber::new(book(&flow), &flow), &flow), None);
    let difference = first_difference(Forgetful(Oracle::default()), &flow).expect("a reduced order is filled");
    let reduced =
        |trade: &Trade| flow.ops.iter().any(|op| matches!(op, Op::Reduce { order, .. } if *order == trade.maker));
    let same = difference.expected.iter().zip(&difference.found).position(|(a, b)| a != b).expect("they differ");
    assert!(reduced(&difference.expected[same]), "{difference}");
}

#[test]
fn the_same_seed_gives_the_same_flow() {
    for mix in SMALL {
        assert_eq!(generate(mix, 1, 500), generate(mix, 1, 500));
        assert_ne!(generate(mix, 1, 500), generate(mix, 2, 500));
    }
}

#[test]
fn near_and_resting_flows_have_the_shares_that_they_say() {
    for mix in
        [Mix::NearTouch { live: 2_000 }, Mix::Leftovers { live: 2_000 }, Mix::Resting { live: 2_000, levels: 100 }]
    {
        let flow = generate(mix, 3, 20_000);
        let share = |kind| 100.0 * count(&flow, kind) as f64 / flow.ops.len() as f64;
        assert!((1_990..2_400).contains(&flow.most_live), "{mix:?}: {} live", flow.most_live);
        assert!((44.0..53.0).contains(&share(Kind::Place)), "{mix:?}: {} placed", share(Kind::Place));
        assert!((38.0..46.0).contains(&share(Kind::Cancel)), "{mix:?}: {} cancelled", share(Kind::Cancel));
        assert!((2.0..3.0).contains(&share(Kind::Reduce)), "{mix:?}: {} reduced", share(Kind::Reduce));
        assert!((2.0..3.5).contains(&share(Kind::Replace)), "{mix:?}: {} replaced", share(Kind::Replace));
        let takers = share(Kind::Take) + share(Kind::Market);
        assert!((3.0..5.0).contains(&takers), "{mix:?}: {takers} take");
        let per_operation = flow.fills as f64 / flow.ops.len() as f64;
        assert!((0.1..0.5).contains(&per_operation), "{mix:?}: {per_operation} fills an operation");
    }
}

#[test]
fn sweeps_take_hundreds_of_levels() {
    let flow = generate(Mix::C, 3, 30_000);
    assert_eq!(flow.ops.len(), 30_000);
    let fills = flow.fills as usize / count(&flow, Kind::Market);
    assert!((500..=2_500).contains(&fills), "{fills} fills a sweep of 100 to 500 levels of five");
    let cancels = count(&flow, Kind::Cancel);
    assert!((2_000..3_000).contains(&cancels), "{cancels}");
    assert_eq!((flow.most_live, flow.most_levels), (10_000, 2_000));
}

#[test]
fn far_orders_are_far() {
    let flow = generate(Mix::Far { live: 1_000 }, 3, 20_000);
    let distance = |price: i64| (price - i64::from(crate::floor::PRICES / 2)).unsigned_abs();
    let (mut far, mut beyond, mut named) = (0, 0, Vec::new());
    let mut numbers = flow.setup.clone();
    for op in &flow.ops {
        match *op {
            Op::Place { price, .. } if distance(price) > 900_000 => far += 1,
            Op::Replace { price, .. } => assert!(distance(price) > 900_000),
            Op::Cancel(order) | Op::Reduce { order, .. } => named.push(order),
            _ => {}
        }
        if op.is_new() {
            numbers.push(*op);
        }
        beyond += usize::from(matches!(*op, Op::Place { price, .. } if distance(price) > 100_000_000_000));
    }
    assert!(far > 3_000 && beyond > 300, "{far} far, {beyond} beyond 10^11");
    let far = |order: u32| matches!(numbers[order as usize], Op::Place { price, .. } if distance(price) > 900_000);
    assert!(named.into_iter().all(far));
    assert!(flow.fills > 1_000, "{} fills near the touch", flow.fills);
}

#[test]
fn a_touch_that_jumps_leaves_orders_behind() {
    let flow = generate(Mix::Teleport { live: 1_000 }, 3, 20_000);
    let (mut touch, mut jumps, mut behind) = (i64::from(crate::floor::PRICES / 2), 0, 0);
    let mut prices: Vec<i64> = Vec::new();
    for op in flow.setup.iter().chain(&flow.ops) {
        match *op {
            Op::Take { price, .. } if price.abs_diff(touch) > 10_000_000 => (touch, jumps) = (price, jumps + 1),
            Op::Cancel(order) => behind += usize::from(prices[order as usize].abs_diff(touch) > 10_000_000),
            _ => {}
        }
        match *op {
            Op::Place { price, .. } | Op::Take { price, .. } => prices.push(price),
            Op::Market { .. } => prices.push(0),
            _ => {}
        }
    }
    assert!((30..100).contains(&jumps), "{jumps} jumps");
    assert!(behind > 1_000, "{behind} cancels of orders left behind");
}

#[test]
fn many_books_are_as_each_alone() {
    let many = generate_many(Mix::NearTouch { live: 20 }, 50, 5, 5_000);
    let (mut books, steps) = resolve_many(book, &many);
    assert_eq!(replay_many(&mut books, &steps), many.digest);
    assert_eq!(steps.len(), 5_000);
    for (book, flow) in books.iter().zip(&many.flows) {
        book.check_invariants();
        assert!(book.order_count() <= flow.most_live);
    }
}
