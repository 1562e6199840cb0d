//! A matcher that writes down what it hears.

use std::collections::BTreeMap;

use downdraft_book::{CancelCause, Cancelled, Cross, Fill, LevelChange, Matcher, Proposal, Resting, Verdict};
use downdraft_types::{OrderId, Qty};

use super::mirror::Mirror;
use super::{Tally, Verdicts};

/// One thing a matcher was told or asked of a match or a cancellation; orders by the twin's ids where it knows them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Heard {
    Asked(Proposal),
    Filled(Fill),
    Cancelled(Cancelled),
    Crossed(Cross),
}

/// One thing it was told of an order or a level, of which the twin does not tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Told {
    Rested(Resting),
    Left(Resting),
    Reduced(Resting),
    Refilled(Resting),
    Level(LevelChange),
}

/// A matcher that follows its verdicts and writes down what it hears.
#[derive(Default)]
pub(super) struct Scribe<'a> {
    verdicts: Verdicts,
    asked: usize,
    pub heard: Vec<Heard>,
    pub told: Vec<Told>,
    /// The twin's id of each id the book issued; without them orders keep the ids they have.
    names: Option<&'a BTreeMap<OrderId, OrderId>>,
    /// The listener's copy.
    watch: Option<(&'a mut Mirror, &'a mut Tally)>,
}

impl<'a> Scribe<'a> {
    pub fn new(verdicts: Verdicts) -> Self {
        Self { verdicts, ..Self::default() }
    }

    pub fn naming(self, names: &'a BTreeMap<OrderId, OrderId>) -> Self {
        Self { names: Some(names), ..self }
    }

    pub fn watching(self, mirror: &'a mut Mirror, tally: &'a mut Tally) -> Self {
        Self { watch: Some((mirror, tally)), ..self }
    }

    fn name(&self, id: OrderId) -> OrderId {
        // An order that fires, or is replaced, can be met by nobody before it has a name.
        self.names.map_or(id, |names| names.get(&id).copied().unwrap_or(OrderId(u64::MAX)))
    }

    fn mirror(&mut self, tell: impl FnOnce(&mut Mirror, &mut Tally)) {
        if let Some((mirror, tally)) = &mut self.watch {
            tell(mirror, tally);
        }
    }
}

impl Matcher for Scribe<'_> {
    fn before(&mut self, proposal: &Proposal) -> Verdict {
        self.heard.push(Heard::Asked(Proposal { maker: self.name(proposal.maker), ..*proposal }));
        let verdict = self.verdicts.0.get(self.asked).copied().unwrap_or(0);
        self.asked += 1;
        match verdict {
            200..=219 => Verdict::TradeAtMost(Qty(u64::from(verdict) - 200)),
            220..=239 => Verdict::CancelMaker,
            240..=255 => Verdict::Stop,
            _ => Verdict::Trade,
        }
    }

    fn filled(&mut self, fill: &Fill) {
        self.heard.push(Heard::Filled(Fill { maker: self.name(fill.maker), ..*fill }));
        self.mirror(|mirror, tally| {
            tally.fills += 1;
            tally.hidden_fills += u64::from(mirror.is_hidden(fill.maker));
            mirror.filled(fill);
        });
    }

    fn cancelled(&mut self, cancelled: &Cancelled) {
        self.heard.push(Heard::Cancelled(Cancelled { maker: self.name(cancelled.maker), ..*cancelled }));
        self.mirror(|mirror, tally| {
            match cancelled.cause {
                CancelCause::SelfTrade => tally.self_trades += 1,
                CancelCause::Mass => tally.mass_cancelled += 1,
                CancelCause::Expired => tally.expired += 1,
                CancelCause::Verdict | CancelCause::Requested => {}
            }
            mirror.cancelled(cancelled);
        });
    }

    fn crossed(&mut self, cross: &Cross) {
        let (bid, ask) = (self.name(cross.bid), self.name(cross.ask));
        self.heard.push(Heard::Crossed(Cross { bid, ask, ..*cross }));
        self.mirror(|mirror, tally| {
            tally.crosses += 1;
            mirror.crossed(cross);
        });
    }

    fn rested(&mut self, order: &Resting) {
        self.told.push(Told::Rested(*order));
        self.mirror(|mirror, _| mirror.rested(order));
    }

    fn left(&mut self, order: &Resting) {
        self.told.push(Told::Left(*order));
        self.mirror(|mirror, _| mirror.left(order));
    }

    fn reduced(&mut self, order: &Resting) {
        self.told.push(Told::Reduced(*order));
        self.mirror(|mirror, _| mirror.reduced(order));
    }

    fn refilled(&mut self, order: &Resting) {
        self.told.push(Told::Refilled(*order));
        self.mirror(|mirror, tally| {
            tally.refills += 1;
            mirror.refilled(order);
        });
    }

    fn level(&mut self, change: &LevelChange) {
        self.told.push(Told::Level(*change));
        self.mirror(|mirror, _| mirror.level(change));
    }
}
