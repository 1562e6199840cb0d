//! Background flow: the orders of a crowd that has no opinion.
//!
//! Limit orders arrive as a Poisson process on each side, at a random distance from the opposite best; market
//! orders arrive as another; and each resting order is cancelled at a constant rate. So the book keeps a shape
//! around the touch, wherever the touch goes. (Smith, Farmer, Gillemot, Krishnamurthy: Statistical theory of the
//! continuous double auction, 2003, with placement uniform in the distance; Cont, Stoikov, Talreja: A stochastic
//! model for order book dynamics, 2010, with placement as a power of the distance.)

use super::own_orders::{OwnOrders, away, limit_order, taking_order};
use super::set_up::{SetUp, check_account, check_deposit, check_number};
use crate::actor::{Actor, Context, Notice, Subscription};
use crate::random::{Draw, Stream};
use crate::samplers::Distribution;
use downdraft_types::{AccountId, CurrencyId, InstrumentId, Money, Price, Qty, Side, Span, Time};
use downdraft_venue::Phase;

/// Parameters of a [`Background`].
#[derive(Clone, PartialEq, Debug)]
pub struct BackgroundConfig {
    /// What is traded.
    pub instrument: InstrumentId,
    /// The currency of the deposits.
    pub currency: CurrencyId,
    /// The first of the crowd's accounts; the others follow it.
    pub first_account: AccountId,
    /// How many accounts the orders are spread over, at least 1.
    pub accounts: u32,
    /// What each account deposits at the start.
    pub deposit: Money,
    /// What each account has of a spot market's base currency at the start.
    pub stock: Option<(CurrencyId, Money)>,
    /// The mid while none has been seen.
    pub initial_price: Price,
    /// The book at the start, if the crowd makes it.
    pub seed: Option<BookSeed>,
    /// When the flow begins.
    pub start: Time,
    /// Limit orders per second on each side.
    pub limit_rate: f64,
    /// Ticks between a limit order and the best price of the opposite side, rounded down, at least 1.
    pub placement: Distribution,
    /// Lots of a limit order, rounded to the nearest, at least 1.
    pub limit_size: Distribution,
    /// Market orders per second on each side.
    pub market_rate: f64,
    /// Lots of a market order, rounded to the nearest, at least 1.
    pub market_size: Distribution,
    /// Cancellations per second of each resting order.
    pub cancel_rate: f64,
    /// The most orders at rest; a limit order beyond it is left out and counted.
    pub max_orders: u32,
}

/// A book around the initial price: on each side levels at `half_spread`, `half_spread + step`, ... ticks from it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BookSeed {
    /// Ticks from the initial price to the first level of a side.
    pub half_spread: u64,
    /// Ticks from one level to the next.
    pub step: u64,
    /// Lots at each level, the same on both sides, from the touch outwards.
    pub levels: Vec<Qty>,
    /// The largest single order: a level of more is split, in turn over the crowd's accounts.
    pub order_size: Qty,
    /// Whether these orders stay until they are taken; otherwise they are cancelled like any other.
    pub lasting: bool,
}

const BEGIN: u64 = 0;
const ACT: u64 = 1;

/// Background flow: one actor with one timer for the whole crowd.
///
/// The waiting time to the next act is exponential with the rate of everything that could happen now. Between
/// two acts the crowd's orders can only become fewer, so that rate is a bound, and an act that falls to an order
/// since gone is no act: thinning, which is exact. The limit order's reference is the best opposite price last
/// seen; while that side is empty, the mid last seen. While trading is halted the crowd waits.
#[derive(Clone, Debug)]
pub struct Background {
    config: BackgroundConfig,
    set_up: SetUp,
    orders: OwnOrders,
    draws: Option<Stream>,
    /// The act that is under way: its draw, and the rate that its waiting time was drawn with.
    next: Option<(Draw, f64)>,
    touch: [Option<Price>; 2],
    mid: f64,
    halted: bool,
    limits: u64,
    markets: u64,
    cancels: u64,
    left_out: u64,
    refused: u64,
}

impl Background {
    /// Background flow that has not begun.
    ///
    /// # Errors
    /// Says which field is wrong, what was found and what was expected.
    pub fn new(config: BackgroundConfig) -> Result<Self, String> {
        config.validate()?;
        let half_spread = config.seed.as_ref().map(|seed| seed.half_spread);
        let touch = |side| half_spread.map(|ticks| away(config.initial_price, side, ticks));
        Ok(Self {
            touch: Side::BOTH.map(touch),
            mid: config.initial_price.0 as f64,
            orders: OwnOrders::new(config.instrument),
            set_up: SetUp::default(),
            draws: None,
            next: None,
            halted: false,
            limits: 0,
            markets: 0,
            cancels: 0,
            left_out: 0,
            refused: 0,
            config,
        })
    }

    fn account(&self, number: u64) -> AccountId {
        let number = number % u64::from(self.config.accounts);
        AccountId(self.config.first_account.0 + u32::try_from(number).expect("below the count of accounts"))
    }

    fn sow(&mut self, context: &mut Context<'_>) {
        let Some(seed) = self.config.seed.take() else { return };
        let mut number = 0;
        for (level, &qty) in (0_u64..).zip(&seed.levels) {
            let distance = seed.half_spread + level * seed.step;
            for side in Side::BOTH {
                let price = away(self.config.initial_price, side, distance);
                let mut left = qty;
                while !left.is_zero() {
                    let part = left.min(seed.order_size);
                    left -= part;
                    let owner = (self.account(number), side);
                    number += 1;
                    if seed.lasting {
                        let order = limit_order(self.config.instrument, owner, (price, part), None, false);
                        self.set_up.submit(context, order);
                    } else {
                        let send = |order| self.set_up.submit(context, order);
                        self.orders.place(owner, (price, part), false, send);
                    }
                }
            }
        }
    }

    /// Draws when the next act is due.
    fn wait(&mut self, context: &mut Context<'_>) {
        let config = &self.config;
        let rate = 2.0 * (config.limit_rate + config.market_rate) + config.cancel_rate * self.orders.len() as f64;
        if self.halted || self.next.is_some() || rate <= 0.0 {
            return;
        }
        let Some(draws) = &mut self.draws else { return };
        let mut draw = draws.next_draw();
        let wait = draw.exponential(1e9 / rate);
        self.next = Some((draw, rate));
        // A conversion to an integer saturates.
        context.wake_after(Span(wait as u64), ACT);
    }

    fn act(&mut self, context: &mut Context<'_>, draw: &mut Draw, rate: f64) {
        let BackgroundConfig { limit_rate, market_rate, cancel_rate, .. } = self.config;
        let mut pick = draw.unit() * rate;
        for side in Side::BOTH {
            if pick < limit_rate {
                return self.place_limit(context, draw, side);
            }
            pick -= limit_rate;
        }
        for side in Side::BOTH {
            if pick < market_rate {
                return self.place_market(context, draw, side);
            }
            pick -= market_rate;
        }
        let order = self.orders.at((pick / cancel_rate) as usize).map(|order| order.client);
        if let Some(client) = order.filter(|_| cancel_rate > 0.0) {
            self.cancels += 1;
            self.orders.cancel(context, client);
        }
    }

    fn place_limit(&mut self, context: &mut Context<'_>, draw: &mut Draw, side: Side) {
        if self.orders.len() >= self.config.max_orders as usize {
            self.left_out += 1;
            return;
        }
        let distance = self.config.placement.sample(draw).max(1.0) as u64;
        let qty = lots(self.config.limit_size.sample(draw));
        let owner = self.account(draw.below(u64::from(self.config.accounts)));
        let reference = self.touch[side.opposite() as usize].unwrap_or(Price(libm::rint(self.mid) as i64));
        let price = away(reference, side, distance);
        self.limits += 1;
        self.orders.place((owner, side), (price, qty), false, |order| context.submit(order));
    }

    fn place_market(&mut self, context: &mut Context<'_>, draw: &mut Draw, side: Side) {
        let qty = lots(self.config.market_size.sample(draw));
        let owner = self.account(draw.below(u64::from(self.config.accounts)));
        self.markets += 1;
        context.submit(taking_order(self.config.instrument, (owner, side), qty, None));
    }
}

impl Actor for Background {
    fn start(&mut self, context: &mut Context<'_>) {
        let money = [Some((self.config.currency, self.config.deposit)), self.config.stock];
        let accounts: Vec<_> = (0..u64::from(self.config.accounts)).map(|number| self.account(number)).collect();
        for &account in &accounts {
            self.set_up.open(context, account, money);
        }
        self.sow(context);
        let instruments = vec![self.config.instrument];
        context.subscribe(Subscription { depth: 1, trades: false, marks: true, accounts, instruments });
        self.draws = Some(context.stream("act"));
        context.wake_at(self.config.start, BEGIN);
    }

    fn wake(&mut self, context: &mut Context<'_>, token: u64) {
        if token == ACT
            && let Some((mut draw, rate)) = self.next.take()
            && !self.halted
        {
            self.act(context, &mut draw, rate);
        }
        self.wait(context);
    }

    fn notice(&mut self, context: &mut Context<'_>, notice: &Notice) {
        self.refused += self.set_up.check(context, notice);
        self.orders.hear(notice);
        for view in &notice.books {
            self.touch = Side::BOTH.map(|side| view.best(side));
            self.mid = view.mid().unwrap_or(self.mid);
        }
        for (_, phase) in &notice.phases {
            self.halted = *phase != Phase::Open;
        }
        if !notice.phases.is_empty() && context.now() >= self.config.start {
            self.wait(context);
        }
    }

    fn counters(&self) -> Vec<(&'static str, u64)> {
        vec![
            ("limit_orders", self.limits),
            ("market_orders", self.markets),
            ("cancels", self.cancels),
            ("at_rest", self.orders.len() as u64),
            ("left_out", self.left_out),
            ("refused", self.refused),
        ]
    }

    fn save(&self) -> Option<Box<dyn Actor>> {
        Some(Box::new(self.clone()))
    }
}

impl BackgroundConfig {
    /// Checks the parameters.
    ///
    /// # Errors
    /// Says which field is wrong, what was found and what was expected.
    pub fn validate(&self) -> Result<(), String> {
        check_account("first_account", self.first_account)?;
        if self.accounts == 0 || self.first_account.0.checked_add(self.accounts).is_none() {
            return Err(format!("accounts: found {}, expected at least 1, numbers below 2^32", self.accounts));
        }
        check_deposit("deposit", self.deposit)?;
        let rates =
            [("limit_rate", self.limit_rate), ("market_rate", self.market_rate), ("cancel_rate", self.cancel_rate)];
        for (field, rate) in rates {
            check_number(field, rate, rate >= 0.0, "at least 0")?;
        }
        let distributions =
            [("placement", &self.placement), ("limit_size", &self.limit_size), ("market_size", &self.market_size)];
        for (field, distribution) in distributions {
            distribution.validate().map_err(|error| format!("{field}.{error}"))?;
        }
        self.seed.as_ref().map_or(Ok(()), BookSeed::validate)
    }
}

impl BookSeed {
    fn validate(&self) -> Result<(), String> {
        if self.half_spread == 0 {
            return Err("seed.half_spread: found 0, expected at least 1".to_owned());
        }
        if self.step == 0 && self.levels.len() > 1 {
            return Err("seed.step: found 0, expected at least 1".to_owned());
        }
        if self.order_size.is_zero() {
            return Err("seed.order_size: found 0, expected at least 1".to_owned());
        }
        let reach = (self.levels.len() as u64).checked_mul(self.step).and_then(|r| r.checked_add(self.half_spread));
        if reach.is_none_or(|reach| i64::try_from(reach).is_err()) {
            return Err(format!("seed.step: found {}, expected levels within 2^63 ticks", self.step));
        }
        Ok(())
    }
}

/// A sampled size as a quantity.
fn lots(sample: f64) -> Qty {
    Qty(libm::rint(sample).max(1.0) as u64)
}
