//! A market maker with an inventory, which withdraws when it gets rough and comes back at its own speed.
//!
//! It quotes levels around a reservation price that falls with its inventory (Avellaneda, Stoikov:
//! High-frequency trading in a limit order book, 2008), widens with realised volatility, and withdraws above a
//! threshold. How fast it puts size back, after fills and after a withdrawal, is stated.

use super::own_orders::{OwnOrders, away};
use super::set_up::{SetUp, check_account, check_deposit, check_number};
use crate::actor::{Actor, Context, Notice, Subscription};
use downdraft_types::{
    AccountId, ClientOrderId, CurrencyId, InstrumentId, MarkPrice, Money, Ppm, Price, Qty, Side, Span, Time,
};
use downdraft_venue::{Event, Phase};

/// Parameters of a [`Maker`].
#[derive(Clone, PartialEq, Debug)]
pub struct MakerConfig {
    /// What is quoted.
    pub instrument: InstrumentId,
    /// The currency of the deposit.
    pub currency: CurrencyId,
    /// The maker's account.
    pub account: AccountId,
    /// What it deposits at the start.
    pub deposit: Money,
    /// What it has of a spot market's base currency at the start.
    pub stock: Option<(CurrencyId, Money)>,
    /// The price to quote around while nothing has been seen.
    pub initial_price: Price,
    /// What it quotes around.
    pub reference: Reference,
    /// Mark increments per tick, as the instrument's.
    pub mark_scale: u32,
    /// Lots at each level of a side, from the touch outwards.
    pub levels: Vec<Qty>,
    /// Ticks from the reservation price to the first level, in calm.
    pub half_spread: f64,
    /// Ticks from one level to the next.
    pub step: u64,
    /// Ticks by which the reservation price falls per lot of inventory.
    pub skew: f64,
    /// A side on which a fill could take the inventory past this many lots is cut to fit.
    pub max_inventory: Qty,
    /// The maker's clock: it measures and requotes this often.
    pub interval: Span,
    /// A quote is moved when it is at least this many ticks from where it should be.
    pub tolerance: u64,
    /// Weight of the newest squared return in the volatility, above 0, at most 1.
    pub weight: f64,
    /// How many one-second standard deviations of the reference are added to the half-spread.
    pub widen: f64,
    /// Withdraws when volatility is above this: standard deviation of the logarithm of the reference per square
    /// root of a second. `None`: never.
    pub withdraw_above: Option<f64>,
    /// Comes back when volatility is below this; at most `withdraw_above`.
    pub return_below: f64,
    /// Withdraws when the mark has moved by this much of it or more since the last tick of the maker's clock.
    /// `None`: never.
    pub jump: Option<Ppm>,
    /// Stays away at least this long after a withdrawal.
    pub pause: Span,
    /// Share of a side's full size that it puts back per second, after fills and after a withdrawal. `None`: at
    /// once.
    pub refill: Option<f64>,
}

/// What a maker quotes around.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Reference {
    /// The mid it last saw.
    #[default]
    Mid,
    /// The mark it last heard of.
    Mark,
}

/// A market maker. It draws no dice.
///
/// At each tick of its clock it measures volatility `σ` (an exponentially weighted mean of squared returns of
/// its reference, per second), decides whether to stay, refills its size, and moves its quotes: on each side
/// level `k` is at
///
/// ```text
///   reference − skew × inventory ∓ (half_spread + widen × σ × reference + k × step)
/// ```
///
/// rounded away from the touch, and never through the opposite best price it knows. A side shows at most the
/// size that has been refilled, from the touch outwards. What is filled is gone from that size until refilled.
/// While trading is halted it only cancels.
#[derive(Clone, Debug)]
pub struct Maker {
    config: MakerConfig,
    set_up: SetUp,
    orders: OwnOrders,
    /// The order of each level, bids first.
    quotes: [Vec<Option<ClientOrderId>>; 2],
    touch: [Option<Price>; 2],
    mid: f64,
    mark: Option<MarkPrice>,
    /// Reference and mark at the last tick.
    measured: Option<f64>,
    mark_measured: Option<MarkPrice>,
    /// Mean squared return per second.
    variance: f64,
    /// Lots: positive long.
    inventory: i64,
    /// Lots refilled on each side, shown ones included.
    room: [f64; 2],
    /// Withdrawn at least until then.
    away: Option<Time>,
    halted: bool,
    withdrawals: u64,
    ticks_away: u64,
    refused: u64,
}

impl Maker {
    /// A maker that has not quoted yet. It begins with its full size.
    ///
    /// # Errors
    /// Says which field is wrong, what was found and what was expected.
    pub fn new(config: MakerConfig) -> Result<Self, String> {
        config.validate()?;
        let empty = || vec![None; config.levels.len()];
        let full = config.full_size();
        Ok(Self {
            set_up: SetUp::default(),
            orders: OwnOrders::new(config.instrument),
            quotes: [empty(), empty()],
            touch: [None; 2],
            mid: config.initial_price.0 as f64,
            mark: None,
            measured: None,
            mark_measured: None,
            variance: 0.0,
            inventory: 0,
            room: [full; 2],
            away: None,
            halted: false,
            withdrawals: 0,
            ticks_away: 0,
            refused: 0,
            config,
        })
    }

    fn reference(&self) -> f64 {
        match (self.config.reference, self.mark) {
            (Reference::Mark, Some(mark)) => mark.0 as f64 / f64::from(self.config.mark_scale),
            _ => self.mid,
        }
    }

    /// The standard deviation of the reference's logarithm per square root of a second.
    fn volatility(&self) -> f64 {
        libm::sqrt(self.variance)
    }

    /// Takes a return of the reference into the volatility. Where a price is not positive there is no logarithm,
    /// and no return.
    fn measure(&mut self) {
        let now = self.reference();
        if let Some(before) = self.measured.filter(|before| *before > 0.0 && now > 0.0) {
            let change = libm::log(now / before);
            let per_second = change * change / (self.config.interval.0 as f64 / 1e9);
            self.variance += self.config.weight * (per_second - self.variance);
        }
        self.measured = Some(now);
    }

    /// Whether the mark has jumped since the last tick. Exact.
    fn has_jumped(&mut self) -> bool {
        let (before, now) = (self.mark_measured, self.mark);
        self.mark_measured = now;
        let Some(((before, now), jump)) = before.zip(now).zip(self.config.jump) else { return false };
        let moved = i128::from(now.0).abs_diff(i128::from(before.0)) * Ppm::ONE.0.unsigned_abs() as u128;
        moved >= u128::from(before.0.unsigned_abs()) * u128::from(jump.0.unsigned_abs())
    }

    fn stay_or_withdraw(&mut self, context: &mut Context<'_>) {
        let volatility = self.volatility();
        let rough = self.config.withdraw_above.is_some_and(|most| volatility > most);
        if self.has_jumped() || rough {
            self.withdrawals += u64::from(self.away.is_none());
            self.away = Some(context.now().saturating_add(self.config.pause));
            self.room = [0.0; 2];
            for client in self.quotes.iter_mut().flatten().filter_map(Option::take) {
                self.orders.cancel(context, client);
            }
        } else if self.away.is_some_and(|until| context.now() >= until) && volatility <= self.config.return_below {
            self.away = None;
        }
        self.ticks_away += u64::from(self.away.is_some());
    }

    fn refill(&mut self) {
        if self.away.is_some() {
            return;
        }
        let full = self.config.full_size();
        let seconds = self.config.interval.0 as f64 / 1e9;
        for room in &mut self.room {
            *room = self.config.refill.map_or(full, |share| (*room + share * full * seconds).min(full));
        }
    }

    fn quote(&mut self, context: &mut Context<'_>) {
        let reference = self.reference();
        let reservation = reference - self.config.skew * self.inventory as f64;
        let half_spread = self.config.half_spread + self.config.widen * self.volatility() * reference.abs();
        for side in Side::BOTH {
            let mut left = self.showable(side);
            let mut price = self.first_price(side, reservation, half_spread);
            for level in 0..self.config.levels.len() {
                let qty = self.config.levels[level].min(left);
                left -= qty;
                self.amend(context, (side, level), price, qty);
                price = away(price, side, self.config.step);
            }
        }
    }

    /// What a side may show: what has been refilled, and what the inventory allows.
    fn showable(&self, side: Side) -> Qty {
        let held = if side == Side::Buy { self.inventory } else { -self.inventory };
        let allowed = i128::from(self.config.max_inventory.0) - i128::from(held);
        let allowed = u64::try_from(allowed.max(0)).unwrap_or(u64::MAX);
        Qty((self.room[side as usize].floor() as u64).min(allowed))
    }

    /// Where a side's first level is: never through the opposite best price.
    fn first_price(&self, side: Side, reservation: f64, distance: f64) -> Price {
        // A conversion to an integer saturates.
        let opposite = self.touch[side.opposite() as usize];
        match side {
            Side::Buy => {
                let price = Price((reservation - distance).floor() as i64);
                opposite.map_or(price, |ask| price.min(Price(ask.0.saturating_sub(1))))
            }
            Side::Sell => {
                let price = Price((reservation + distance).ceil() as i64);
                opposite.map_or(price, |bid| price.max(Price(bid.0.saturating_add(1))))
            }
        }
    }

    /// Makes a level's order what it should be; one that a command is under way for waits for the next tick.
    fn amend(&mut self, context: &mut Context<'_>, (side, level): (Side, usize), price: Price, qty: Qty) {
        let quote = &mut self.quotes[side as usize][level];
        let live = quote.and_then(|client| self.orders.find(client)).copied();
        match live {
            None if qty.is_zero() || self.halted => *quote = None,
            None => {
                let owner = (self.config.account, side);
                *quote = Some(self.orders.place(owner, (price, qty), true, |order| context.submit(order)));
            }
            Some(order) if qty.is_zero() => {
                *quote = None;
                self.orders.cancel(context, order.client);
            }
            Some(order) => {
                let moved = order.price.0.abs_diff(price.0) >= self.config.tolerance.max(1);
                let price = if moved { price } else { order.price };
                if (moved || order.qty != qty) && !order.is_under_way() && !self.halted {
                    self.orders.replace(context, order.client, price, qty);
                }
            }
        }
    }

    /// Keeps the inventory, and takes what is filled off the size.
    fn book(&mut self, event: &Event) {
        let change = position_change(event, self.config.account, self.config.instrument);
        self.inventory += change;
        let side = if change > 0 { Side::Buy } else { Side::Sell };
        let room = &mut self.room[side as usize];
        *room = (*room - change.unsigned_abs() as f64).max(0.0);
    }
}

impl Actor for Maker {
    fn start(&mut self, context: &mut Context<'_>) {
        let MakerConfig { account, currency, deposit, stock, instrument, .. } = self.config;
        self.set_up.open(context, account, [Some((currency, deposit)), stock]);
        let (accounts, instruments) = (vec![account], vec![instrument]);
        context.subscribe(Subscription { depth: 1, trades: false, marks: true, accounts, instruments });
        context.wake_at(context.now(), 0);
    }

    fn wake(&mut self, context: &mut Context<'_>, _token: u64) {
        self.measure();
        self.stay_or_withdraw(context);
        self.refill();
        self.quote(context);
        context.wake_after(self.config.interval, 0);
    }

    fn notice(&mut self, context: &mut Context<'_>, notice: &Notice) {
        self.refused += self.set_up.check(context, notice);
        self.orders.hear(notice);
        for (_, event) in &notice.own {
            self.book(event);
        }
        for view in &notice.books {
            self.touch = Side::BOTH.map(|side| view.best(side));
            self.mid = view.mid().unwrap_or(self.mid);
        }
        self.mark = notice.marks.last().map(|news| news.mark).or(self.mark);
        for (_, phase) in &notice.phases {
            self.halted = *phase != Phase::Open;
        }
    }

    fn counters(&self) -> Vec<(&'static str, u64)> {
        vec![("withdrawals", self.withdrawals), ("ticks_away", self.ticks_away), ("refused", self.refused)]
    }

    fn save(&self) -> Option<Box<dyn Actor>> {
        Some(Box::new(self.clone()))
    }
}

/// By how many lots an event changes an account's position.
fn position_change(event: &Event, account: AccountId, instrument: InstrumentId) -> i64 {
    let of = |side: Side, qty: Qty| side.signed(qty).0;
    match *event {
        Event::Trade { instrument: traded, qty, taker_side, maker, taker, .. } if traded == instrument => {
            let took = if taker.account == account { of(taker_side, qty) } else { 0 };
            let made = if maker.account == account { of(taker_side.opposite(), qty) } else { 0 };
            took + made
        }
        Event::TakenOver { account: from, taker, instrument: traded, side, qty, .. } if traded == instrument => {
            let given = if from == account { of(side.opposite(), qty) } else { 0 };
            let taken = if taker == account { of(side, qty) } else { 0 };
            given + taken
        }
        Event::Deleveraged { instrument: traded, account: closed, side, counterparty, qty, .. }
            if traded == instrument =>
        {
            let first = if closed == account { of(side.opposite(), qty) } else { 0 };
            let second = if counterparty == account { of(side, qty) } else { 0 };
            first + second
        }
        _ => 0,
    }
}

impl MakerConfig {
    /// Lots that a side shows when it is full.
    fn full_size(&self) -> f64 {
        self.levels.iter().map(|qty| qty.0 as f64).sum()
    }

    /// Checks the parameters.
    ///
    /// # Errors
    /// Says which field is wrong, what was found and what was expected.
    pub fn validate(&self) -> Result<(), String> {
        check_account("account", self.account)?;
        check_deposit("deposit", self.deposit)?;
        if self.interval == Span::ZERO {
            return Err("interval: found 0, expected above 0".to_owned());
        }
        if self.mark_scale == 0 {
            return Err("mark_scale: found 0, expected at least 1".to_owned());
        }
        if self.levels.is_empty() || self.levels.iter().any(|qty| qty.is_zero()) {
            return Err(format!("levels: found {:?}, expected at least one, each of at least 1 lot", self.levels));
        }
        if self.step == 0 && self.levels.len() > 1 {
            return Err("step: found 0, expected at least 1".to_owned());
        }
        let check = check_number;
        check("half_spread", self.half_spread, self.half_spread >= 0.0, "at least 0")?;
        check("skew", self.skew, self.skew >= 0.0, "at least 0")?;
        check("weight", self.weight, self.weight > 0.0 && self.weight <= 1.0, "above 0, at most 1")?;
        check("widen", self.widen, self.widen >= 0.0, "at least 0")?;
        let most = self.withdraw_above.unwrap_or(f64::MAX);
        check("withdraw_above", most, most > 0.0, "above 0")?;
        check("return_below", self.return_below, (0.0..=most).contains(&self.return_below), "0 to withdraw_above")?;
        let refill = self.refill.unwrap_or(0.0);
        check("refill", refill, refill >= 0.0, "at least 0")?;
        if self.jump.is_some_and(|jump| !jump.is_positive()) {
            return Err(format!("jump: found {}, expected above 0", self.jump.unwrap_or_default()));
        }
        Ok(())
    }
}
