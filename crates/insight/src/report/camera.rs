//! What a run looked like: prices, ladder, book, fund and accounts, as a venue shows them after each command.

use super::film::Film;
use super::series::Series;
use crate::census::Census;
use crate::episode::add;
use downdraft_margin::{Margin, Payoff, Pool};
use downdraft_types::{AccountId, CurrencyId, InstrumentId, Money, Span, Time};
use downdraft_venue::{Capacity, Event, Origin, Stamp, Venue};
use std::collections::BTreeMap;

/// Frames, and buckets of a price, of all instruments together; each has at least the smallest number.
const FRAMES: usize = 640;
const FEWEST_FRAMES: usize = 32;
const BUCKETS: usize = 4_096;
const FEWEST_BUCKETS: usize = 128;
/// Halts kept of an instrument; more are counted.
const HALTS: usize = 1_000;

/// Watches a run. Its memory grows with accounts and instruments, not with the run's length.
///
/// For every command in order: [`command`](Self::command), its events by [`event`](Self::event),
/// [`done`](Self::done) with the venue as the command left it.
#[derive(Clone, Debug)]
pub struct Camera {
    capacity: Capacity,
    horizon: Span,
    pub(crate) now: Time,
    origin: Origin,
    /// By instrument.
    pub(crate) scenes: Vec<Option<Scene>>,
    /// By currency.
    pub(crate) purses: Vec<Purse>,
    /// By account: the number of the actor that opened it, plus 1; 0 of all others.
    pub(crate) owners: Vec<u32>,
    /// What accounts gave up when their positions were deleveraged, by account and currency.
    pub(crate) conceded: BTreeMap<(AccountId, CurrencyId), Conceded>,
    /// Pools in liquidation, and those whose liquidation ended in the present command.
    falling: BTreeMap<Pool, Falling>,
    ended: Vec<(Pool, Falling)>,
    /// In the present command: pools of all currencies that fell, and what the fund received from pools.
    fallen: Vec<Pool>,
    settled: Vec<(Pool, CurrencyId, Money)>,
    moved: Vec<InstrumentId>,
    due: Time,
    census: Census,
}

/// An instrument.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub film: Film,
    /// In mark increments.
    pub trades: Series,
    pub marks: Series,
    pub index: Series,
    /// When trading was halted, and reopened.
    pub halts: Vec<(Time, Option<Time>)>,
    pub halts_left_out: u64,
    mark_scale: i64,
    currency: CurrencyId,
    inverse: bool,
}

/// A currency.
#[derive(Clone, Debug)]
pub(crate) struct Purse {
    pub fund: Series,
    /// Deposits less withdrawals, by account.
    pub deposits: Vec<Money>,
    pub losses: Losses,
}

/// What deleveraging took of an account against the mark.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Conceded {
    /// Negative: gained.
    pub all: Money,
    /// What of it no deficit at the mark asked for.
    pub overshoot: Money,
}

/// A pool in liquidation.
#[derive(Clone, Copy, Debug, Default)]
struct Falling {
    /// When it fell.
    equity: Money,
    /// What the fund received of it.
    received: Money,
    /// What went home to the owner's cash, of an isolated pool.
    released: Money,
}

/// What liquidated pools had, from trigger to end, over all liquidations that ended, and who bore their deficits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Losses {
    /// Equity when they fell, of those that had any.
    pub entered: Money,
    /// Of it, received by the fund.
    pub received: Money,
    /// Of it, left to their owners at the end.
    pub kept: Money,
    /// Deficits paid by the fund, by those who were deleveraged, by winners, and by nobody.
    pub drawn: Money,
    pub conceded: Money,
    pub socialised: Money,
    pub uncovered: Money,
    /// What of the concessions no deficit at the mark asked for.
    pub overshoot: Money,
    /// Whether pools of all currencies are among them.
    pub unified: bool,
}

impl Scene {
    /// The currency that the instrument is settled in.
    pub(crate) const fn currency(&self) -> CurrencyId {
        self.currency
    }

    /// Whether prices are amounts of the currency that it is settled in; those of an inverse contract are not.
    pub(crate) const fn is_priced_in_it(&self) -> bool {
        !self.inverse
    }
}

impl Camera {
    /// Watches a venue of that capacity, over about `horizon`: the better the guess, the less is taken in vain.
    #[must_use]
    pub fn new(capacity: Capacity, horizon: Span) -> Self {
        let purse = || Purse {
            fund: Series::new(BUCKETS / 2),
            deposits: vec![Money::ZERO; capacity.accounts as usize],
            losses: Losses::default(),
        };
        Self {
            capacity,
            horizon,
            now: Time::ZERO,
            origin: Origin::Outside,
            scenes: Vec::new(),
            purses: (0..capacity.currencies).map(|_| purse()).collect(),
            owners: vec![0; capacity.accounts as usize],
            conceded: BTreeMap::new(),
            falling: BTreeMap::new(),
            ended: Vec::new(),
            fallen: Vec::new(),
            settled: Vec::new(),
            moved: Vec::new(),
            due: Time(1),
            census: Census::default(),
        }
    }

    /// A command is about to be applied.
    pub fn command(&mut self, stamp: &Stamp) {
        self.now = stamp.time;
        self.origin = stamp.origin;
    }

    /// An event of that command.
    pub fn event(&mut self, event: &Event) {
        self.census.note(event);
        match *event {
            Event::InstrumentListed { instrument } => self.moved.push(instrument),
            Event::AccountOpened { account } => self.opened(account),
            Event::Deposited { account, currency, amount } => self.paid_in(account, currency, amount),
            Event::Withdrawn { account, currency, amount } => {
                self.paid_in(account, currency, Money(amount.0.saturating_neg()));
            }
            Event::Trade { instrument, price, .. } => {
                let now = self.now;
                if let Some(scene) = self.scene(instrument) {
                    let price = i128::from(price.0) * i128::from(scene.mark_scale);
                    scene.trades.push(now, price);
                }
            }
            Event::MarkMoved { instrument, mark, .. } => {
                let now = self.now;
                if let Some(scene) = self.scene(instrument) {
                    scene.marks.push(now, i128::from(mark.0));
                    self.moved.push(instrument);
                }
            }
            Event::IndexReported { instrument, index } => {
                let now = self.now;
                if let Some(scene) = self.scene(instrument) {
                    scene.index.push(now, i128::from(index.0));
                }
            }
            Event::Halted { instrument, .. } => self.halted(instrument),
            Event::Reopened { instrument } => {
                let now = self.now;
                let last = self.scene(instrument).and_then(|scene| scene.halts.last_mut());
                if let Some((_, end)) = last {
                    end.get_or_insert(now);
                }
            }
            _ => self.liquidation(event),
        }
    }

    fn liquidation(&mut self, event: &Event) {
        match *event {
            Event::LiquidationTriggered { pool, equity, .. } => {
                self.falling.insert(pool, Falling { equity, ..Falling::default() });
                if matches!(pool, Pool::Unified { .. }) {
                    self.fallen.push(pool);
                }
            }
            Event::FundSettled { currency, amount, .. } if amount.is_negative() => {
                self.lost(currency, |losses| &mut losses.drawn, Money(amount.0.saturating_neg()));
            }
            Event::Socialised { currency, amount, .. } => self.lost(currency, |losses| &mut losses.socialised, amount),
            Event::Uncovered { currency, amount, .. } => self.lost(currency, |losses| &mut losses.uncovered, amount),
            Event::FundSettled { pool, currency, amount, .. } => self.settled.push((pool, currency, amount)),
            Event::MarginMoved { account, instrument, amount } => {
                if let Some(falling) = self.falling.get_mut(&Pool::Isolated { account, instrument }) {
                    add(&mut falling.released, Money(amount.0.saturating_neg()));
                }
            }
            Event::LiquidationEnded { pool, .. } => {
                if let Some(falling) = self.falling.remove(&pool) {
                    self.ended.push((pool, falling));
                }
            }
            Event::Deleveraged { instrument, counterparty, conceded, remainder, .. } => {
                if let Some(currency) = self.scene(instrument).map(|scene| scene.currency) {
                    let of = self.conceded.entry((counterparty, currency)).or_default();
                    add(&mut of.all, conceded);
                    add(&mut of.overshoot, remainder);
                    self.lost(currency, |losses| &mut losses.overshoot, remainder);
                    self.lost(currency, |losses| &mut losses.conceded, conceded.max(Money::ZERO));
                }
            }
            _ => {}
        }
    }

    /// The command is done, and left the venue like this.
    pub fn done(&mut self, venue: &Venue) {
        for (purse, currency) in self.purses.iter_mut().zip((0..).map(CurrencyId)) {
            purse.fund.push(self.now, self.census.insured(venue.margin(), currency).0);
        }
        self.settle(venue.margin());
        for instrument in core::mem::take(&mut self.moved) {
            self.look(instrument, venue);
        }
        if self.now >= self.due {
            (0..self.scenes.len()).for_each(|place| self.look(InstrumentId(place as u16), venue));
            self.due = self.scenes.iter().flatten().map(|scene| scene.film.due()).min().unwrap_or(Time(1));
        }
    }

    /// What became of pools in the present command.
    fn settle(&mut self, margin: &Margin) {
        for pool in self.fallen.drain(..) {
            if let Some(falling) = self.falling.get_mut(&pool) {
                falling.equity = worth(margin, pool);
            }
        }
        for (pool, currency, amount) in self.settled.drain(..) {
            let unified = matches!(pool, Pool::Unified { .. });
            let amount = if unified { margin.in_reference(currency, amount) } else { amount };
            let ended = self.ended.iter_mut().rev().find(|(ended, _)| *ended == pool).map(|(_, falling)| falling);
            if let Some(falling) = self.falling.get_mut(&pool).or(ended) {
                add(&mut falling.received, amount);
            }
        }
        for (pool, falling) in self.ended.drain(..) {
            let Some(purse) = self.purses.get_mut(margin.currency_of(pool).index()) else { continue };
            let losses = &mut purse.losses;
            add(&mut losses.entered, falling.equity.max(Money::ZERO));
            add(&mut losses.received, falling.received);
            add(&mut losses.kept, worth(margin, pool).max(Money::ZERO));
            add(&mut losses.kept, falling.released);
            losses.unified |= matches!(pool, Pool::Unified { .. });
        }
    }

    /// The run is over.
    pub(crate) fn end(&mut self, venue: &Venue) {
        let (now, census) = (self.now, &mut self.census);
        self.scenes.iter_mut().flatten().for_each(|scene| scene.film.end(now, venue, census));
    }

    /// Looks at an instrument, one just listed for the first time.
    fn look(&mut self, instrument: InstrumentId, venue: &Venue) {
        let place = instrument.index();
        if self.scenes.get(place).is_none_or(Option::is_none) {
            let Some(terms) = venue.margin().get_instrument(instrument) else { return };
            let count = usize::from(self.capacity.instruments.max(1));
            let series = || Series::new((BUCKETS / count).max(FEWEST_BUCKETS) / 2 * 2);
            let film = Film::new(instrument, (FRAMES / count).max(FEWEST_FRAMES), self.horizon);
            if self.scenes.len() <= place {
                self.scenes.resize_with(place + 1, || None);
            }
            self.scenes[place] = Some(Scene {
                film,
                trades: series(),
                marks: series(),
                index: series(),
                halts: Vec::new(),
                halts_left_out: 0,
                mark_scale: i64::from(terms.spec().mark_scale),
                currency: terms.spec().settlement,
                inverse: terms.spec().payoff == Payoff::Inverse,
            });
        }
        if let Some(scene) = self.scenes.get_mut(place).and_then(Option::as_mut) {
            scene.film.watch(self.now, venue, &mut self.census);
        }
    }

    fn scene(&mut self, instrument: InstrumentId) -> Option<&mut Scene> {
        self.scenes.get_mut(instrument.index()).and_then(Option::as_mut)
    }

    fn lost(&mut self, currency: CurrencyId, of: fn(&mut Losses) -> &mut Money, amount: Money) {
        if let Some(purse) = self.purses.get_mut(currency.index()) {
            add(of(&mut purse.losses), amount);
        }
    }

    fn opened(&mut self, account: AccountId) {
        if let (Some(owner), Origin::Actor(number)) = (self.owners.get_mut(account.index()), self.origin) {
            *owner = number.saturating_add(1);
        }
    }

    fn paid_in(&mut self, account: AccountId, currency: CurrencyId, amount: Money) {
        let purse = self.purses.get_mut(currency.index());
        if let Some(sum) = purse.and_then(|purse| purse.deposits.get_mut(account.index())) {
            add(sum, amount);
        }
    }

    fn halted(&mut self, instrument: InstrumentId) {
        let now = self.now;
        let Some(scene) = self.scene(instrument) else { return };
        match scene.halts.last() {
            // A halt within a halt prolongs it.
            Some((_, None)) => {}
            _ if scene.halts.len() < HALTS => scene.halts.push((now, None)),
            _ => scene.halts_left_out += 1,
        }
    }
}

/// What a pool comes to at the present marks, in its currency. One of all currencies is taken at full value: what a sale
/// would bring, not what is left of it after the haircuts by which it is judged. Each currency is rounded down, against
/// the owner.
fn worth(margin: &Margin, pool: Pool) -> Money {
    let (Pool::Unified { account }, Some(policy)) = (pool, margin.collateral()) else {
        return margin.health(pool).equity;
    };
    let held = |currency: CurrencyId| {
        let positions =
            margin.pool_positions(pool).map(|position| (position, margin.instrument(position.instrument())));
        let settled = positions.filter(|(_, terms)| terms.spec().settlement == currency);
        margin.cash(account, currency) + settled.map(|(position, terms)| position.unrealised(terms)).sum::<Money>()
    };
    policy.assets.iter().map(|asset| margin.in_reference(asset.currency, held(asset.currency))).sum()
}
