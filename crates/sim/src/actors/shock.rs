//! A shock: someone sells (or buys) a quantity, in slices, whatever the market does. Its orders are root causes.

use super::own_orders::{limit_order, taking_order};
use super::set_up::{SetUp, check_account, check_deposit};
use crate::actor::{Actor, Context, Notice};
use downdraft_types::{AccountId, CurrencyId, InstrumentId, Money, Price, Qty, Side, Span, Time};

/// Parameters of a [`Shock`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShockConfig {
    /// What is traded.
    pub instrument: InstrumentId,
    /// The currency of the deposit.
    pub currency: CurrencyId,
    /// Whose shock it is.
    pub account: AccountId,
    /// What it deposits at the start.
    pub deposit: Money,
    /// What it has of a spot market's base currency at the start.
    pub stock: Option<(CurrencyId, Money)>,
    /// Sells or buys.
    pub side: Side,
    /// Lots in all.
    pub qty: Qty,
    /// How many orders, at most one per lot; where they do not divide the quantity the first are a lot larger.
    pub slices: u32,
    /// When the first is sent.
    pub start: Time,
    /// From one order to the next.
    pub interval: Span,
    /// What kind of order.
    pub order: ShockOrder,
}

/// The kind of order that a shock sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ShockOrder {
    /// Immediate-or-cancel at any price.
    #[default]
    Market,
    /// Limited.
    Limit {
        /// The limit, in ticks.
        price: Price,
        /// Whether what does not trade at once rests; otherwise it is dropped.
        rests: bool,
    },
}

/// A shock.
#[derive(Clone, Debug)]
pub struct Shock {
    config: ShockConfig,
    set_up: SetUp,
    sent: u64,
    refused: u64,
}

impl Shock {
    /// A shock that is still to come.
    ///
    /// # Errors
    /// Says which field is wrong, what was found and what was expected.
    pub fn new(config: ShockConfig) -> Result<Self, String> {
        check_account("account", config.account)?;
        check_deposit("deposit", config.deposit)?;
        if config.qty.is_zero() {
            return Err("qty: found 0, expected at least 1".to_owned());
        }
        if config.slices == 0 || u64::from(config.slices) > config.qty.0 {
            let most = config.qty;
            return Err(format!("slices: found {}, expected 1 to {most}, that is at most one per lot", config.slices));
        }
        Ok(Self { config, set_up: SetUp::default(), sent: 0, refused: 0 })
    }

    /// Lots of a slice: the first `qty mod slices` are a lot larger.
    fn slice(&self, number: u64) -> Qty {
        let slices = u64::from(self.config.slices);
        Qty(self.config.qty.0 / slices + u64::from(number < self.config.qty.0 % slices))
    }
}

impl Actor for Shock {
    fn start(&mut self, context: &mut Context<'_>) {
        let ShockConfig { account, currency, deposit, stock, .. } = self.config;
        self.set_up.open(context, account, [Some((currency, deposit)), stock]);
        context.wake_at(self.config.start, 0);
    }

    fn wake(&mut self, context: &mut Context<'_>, token: u64) {
        let ShockConfig { instrument, account, side, order, .. } = self.config;
        let qty = self.slice(token);
        let command = match order {
            ShockOrder::Market => taking_order(instrument, (account, side), qty, None),
            ShockOrder::Limit { price, rests: false } => taking_order(instrument, (account, side), qty, Some(price)),
            ShockOrder::Limit { price, rests: true } => {
                limit_order(instrument, (account, side), (price, qty), None, false)
            }
        };
        context.submit(command);
        self.sent += 1;
        if token + 1 < u64::from(self.config.slices) {
            context.wake_after(self.config.interval, token + 1);
        }
    }

    fn notice(&mut self, context: &mut Context<'_>, notice: &Notice) {
        self.refused += self.set_up.check(context, notice);
    }

    fn counters(&self) -> Vec<(&'static str, u64)> {
        vec![("orders", self.sent), ("refused", self.refused)]
    }

    fn save(&self) -> Option<Box<dyn Actor>> {
        Some(Box::new(self.clone()))
    }
}
