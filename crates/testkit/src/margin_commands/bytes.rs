//! Steps out of a fuzzer's bytes.

use super::{Resolution, Step, World};
use arbitrary::Unstructured;
use arbitrary::unstructured::Int;
use std::ops::RangeInclusive;

/// The steps in the bytes, until they are used up.
pub(super) fn steps_from(world: World, bytes: &[u8]) -> impl Iterator<Item = Step> {
    let mut bytes = Source(Unstructured::new(bytes));
    // Past the end every field would read as its least, without end.
    std::iter::from_fn(move || if bytes.0.is_empty() { None } else { Some(step_from(world, &mut bytes)) })
}

struct Source<'a>(Unstructured<'a>);

impl Source<'_> {
    fn any(&mut self) -> u8 {
        self.0.arbitrary().unwrap_or(0)
    }

    fn flag(&mut self) -> bool {
        self.any() & 1 == 1
    }

    fn within<T: Int>(&mut self, range: RangeInclusive<T>) -> T {
        let least = *range.start();
        self.0.int_in_range(range).unwrap_or(least)
    }

    fn lots(&mut self) -> u16 {
        self.within(1..=999)
    }
}

/// The kinds of a world with less come first in one with more: as often as they are, and then what it has itself.
fn step_from(world: World, bytes: &mut Source<'_>) -> Step {
    let kinds = match world {
        World::Plain => 60,
        World::Unified => 84,
        World::Portfolio => 180,
    };
    match bytes.any() % kinds {
        kind @ 0..=33 => frequent_step(kind, bytes),
        kind @ 34..=59 => rare_step(kind, bytes),
        kind @ 60..=83 => unified_step(kind, bytes),
        kind => portfolio_step(kind, bytes),
    }
}

fn frequent_step(kind: u8, bytes: &mut Source<'_>) -> Step {
    let (account, instrument) = (bytes.any(), bytes.any());
    match kind {
        0..=5 => Step::Deposit { account, instrument, lots: bytes.lots(), part: bytes.within(0..=599_999) },
        6..=7 => Step::Withdraw { account, currency: instrument, part: bytes.within(0..=299) },
        8..=15 => Step::Trade {
            buyer: account,
            seller: bytes.any(),
            instrument,
            lots: bytes.lots(),
            offset: bytes.any() as i8,
            fee: bytes.within(-200..=399),
        },
        16..=23 => order(account, instrument, bytes),
        24..=25 => Step::Cancel,
        _ => Step::Walk { instrument, by: bytes.within(-80_000..=79_999) },
    }
}

fn order(account: u8, instrument: u8, bytes: &mut Source<'_>) -> Step {
    let (flags, lots, offset) = (bytes.any(), bytes.lots(), bytes.any() as i8);
    Step::Order { account, instrument, buys: flags & 1 == 1, lots, offset, rests: flags & 2 == 2 }
}

fn rare_step(kind: u8, bytes: &mut Source<'_>) -> Step {
    let instrument = bytes.any();
    // In every world these two are options.
    let option = 6 + instrument % 2;
    match kind {
        34 => Step::Jump { instrument, to: bytes.within(i64::MIN..=i64::MAX), shift: bytes.any() % 63 },
        35..=36 => Step::Funding { instrument, rate: bytes.within(-20_000..=19_999) },
        37 => Step::Tiers { instrument, raise: bytes.any() % 24 },
        38..=39 => {
            Step::Form { instrument, slope: bytes.within(0..=299), per: bytes.within(0..=399), scaled: bytes.flag() }
        }
        40..=41 => Step::Least { instrument, least: bytes.within(0..=59_999) },
        42..=45 => Step::Index {
            instrument: option,
            by: bytes.within(-150_000..=149_999),
            mark: bytes.within(-400_000..=499_999),
        },
        46 => Step::Volatility { instrument: option, to: bytes.within(0..=2_999_999) },
        47 => Step::Time { instrument: option, hours: bytes.within(0..=199) },
        48..=51 => Step::Configure {
            account: bytes.any(),
            instrument,
            isolated: bytes.flag(),
            initial: if bytes.flag() { Some(bytes.within(10_000..=999_999)) } else { None },
        },
        52..=54 => Step::MoveMargin { account: bytes.any(), instrument, part: bytes.within(-300..=299) },
        55 => Step::Expire { instrument },
        _ => {
            let how = [Resolution::End, Resolution::Rescue, Resolution::Close][usize::from(bytes.any() % 3)];
            Step::Resolve { which: instrument, how }
        }
    }
}

fn unified_step(kind: u8, bytes: &mut Source<'_>) -> Step {
    match kind {
        60..=68 => Step::Unify { account: bytes.any(), unified: !bytes.any().is_multiple_of(5) },
        69..=71 => Step::Interest,
        72..=74 => Step::Haircut { cut: bytes.any() % 60 },
        _ => Step::Convert { account: bytes.any(), all: bytes.flag() },
    }
}

fn portfolio_step(kind: u8, bytes: &mut Source<'_>) -> Step {
    match kind {
        84..=107 => {
            let (account, instrument) = (bytes.any(), bytes.any());
            order(account, 5 + instrument % 3, bytes)
        }
        108..=131 => {
            Step::Index { instrument: 5, by: bytes.within(-150_000..=149_999), mark: bytes.within(-200_000..=199_999) }
        }
        132..=149 => Step::Volatility { instrument: 5, to: bytes.within(0..=2_999_999) },
        150..=161 => Step::Time { instrument: 5, hours: bytes.within(0..=399) },
        162..=173 => Step::Portfolio { account: bytes.any(), portfolio: bytes.flag() },
        _ => Step::Grid { contingent: [None, Some(false), Some(true)][usize::from(bytes.any() % 3)] },
    }
}
