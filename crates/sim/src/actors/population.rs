//! Leveraged accounts, drawn from distributions, and the counterparties that hold the other side.

use super::explicit::Holding;
use super::opening::{Opening, Terms};
use super::savers::Savers;
use super::set_up::{SetUp, check_account, check_number};
use crate::actor::{Actor, Context, Notice, Subscription};
use crate::random::{Draw, Stream};
use crate::samplers::Distribution;
use downdraft_margin::{InstrumentSpec, MarginMode, Payoff};
use downdraft_types::arith::{mul_div_ceil, mul_div_floor};
use downdraft_types::{AccountId, CurrencyId, InstrumentId, Lots, MarkPrice, Money, Ppm, Price, Qty, Side};
use std::collections::BTreeSet;

/// Parameters of a [`Population`].
#[derive(Clone, PartialEq, Debug)]
pub struct PopulationConfig {
    /// What is held.
    pub instrument: InstrumentId,
    /// Its terms, as listed.
    pub spec: InstrumentSpec,
    /// The mark at the start, in ticks.
    pub initial_price: Price,
    /// The first account: holders come first, then counterparties, then the one they all trade against at the
    /// start, which ends flat and empty.
    pub first_account: AccountId,
    /// The leveraged accounts.
    pub holders: Holders,
    /// What the holders' margin consists of, if not of money: then their accounts are unified and all cross.
    pub pledge: Option<Pledge>,
    /// Who holds the other side.
    pub counterparties: Counterparties,
    /// Which holders top up, when and by how much.
    pub top_ups: Option<TopUps>,
}

/// Collateral in place of money: `amount` smallest units of a currency for each `covers` of margin, rounded up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pledge {
    /// The currency.
    pub currency: CurrencyId,
    /// So much of it,
    pub amount: i128,
    /// for so much margin, both above 0.
    pub covers: i128,
}

impl Pledge {
    /// What is pledged for `margin`.
    pub(super) fn of(self, margin: Money) -> Money {
        Money(mul_div_ceil(margin.0, self.amount, self.covers))
    }
}

/// Leveraged accounts.
#[derive(Clone, PartialEq, Debug)]
pub struct Holders {
    /// How many, at least 1.
    pub count: u32,
    /// Probability that an account is long.
    pub long_share: f64,
    /// Notional at entry ÷ margin; at least 1, at most what the instrument's tiers allow.
    pub leverage: Distribution,
    /// Lots, rounded to the nearest, at least 1, at most the instrument's largest position.
    pub size: Distribution,
    /// Entry price relative to the initial price: 0.01 is 1% above it.
    pub entry: Distribution,
    /// Probability that an account's margin is isolated; otherwise cross.
    pub isolated_share: f64,
}

/// Who holds the other side, in cross margin. They share the holders' net position in proportion to sizes drawn.
#[derive(Clone, PartialEq, Debug)]
pub struct Counterparties {
    /// How many, at least 1.
    pub count: u32,
    /// Notional at entry ÷ margin; at least 1, at most what the instrument's tiers allow.
    pub leverage: Distribution,
    /// Relative size.
    pub size: Distribution,
    /// Entry price relative to the initial price: 0.01 is 1% above it.
    pub entry: Distribution,
}

/// Holders who add margin when their liquidation comes near.
#[derive(Clone, PartialEq, Debug)]
pub struct TopUps {
    /// Probability that a holder is one who does.
    pub share: f64,
    /// A holder takes note when the mark is within this much of its liquidation price.
    pub within: Ppm,
    /// Seconds until it acts.
    pub delay: Distribution,
    /// Equity ÷ notional at mark that it then restores.
    pub restore: Ppm,
    /// How often at most.
    pub times: u32,
}

/// A population of leveraged accounts: one actor.
///
/// All positions stand before anything else happens, at exactly the entry values drawn; their sum is zero. An
/// account's margin is `⌈entry value ÷ leverage⌉`, at least initial margin. Where a drawn entry would leave it
/// below maintenance at the initial price, leverage and entry are drawn again, and after 16 draws the entry is
/// the initial price.
#[derive(Clone, Debug)]
pub struct Population {
    config: PopulationConfig,
    set_up: SetUp,
    savers: Option<Savers>,
    accounts: u64,
}

impl Population {
    /// A population that has not been drawn yet.
    ///
    /// # Errors
    /// Says which field is wrong, what was found and what was expected.
    pub fn new(config: PopulationConfig) -> Result<Self, String> {
        config.validate()?;
        Ok(Self { config, set_up: SetUp::default(), savers: None, accounts: 0 })
    }
}

impl Actor for Population {
    fn start(&mut self, context: &mut Context<'_>) {
        let opening = self.config.draw(|purpose| context.stream(purpose)).and_then(|holdings| {
            let Some(pivot) = self.config.pivot() else { return Err("first_account: out of numbers".to_owned()) };
            Opening::new(self.config.terms()?, holdings, pivot, BTreeSet::new())
        });
        let opening = match opening {
            Ok(opening) => opening,
            Err(error) => return context.fail(error),
        };
        let holders = AccountId(self.config.first_account.0 + self.config.holders.count);
        let pledge = |account| self.config.pledge.filter(|_| account < holders);
        opening.submit(&pledge, &mut self.set_up, context);
        self.accounts = opening.holdings().len() as u64;
        if let Some(rules) = self.config.top_ups.clone() {
            let holders = AccountId(self.config.first_account.0 + self.config.holders.count);
            let (terms, holdings) = opening.into_parts();
            let members = holdings.into_iter().filter(|holding| holding.account < holders);
            let savers = Savers::new(rules, terms, self.config.instrument, members, context);
            let (accounts, instruments) = (savers.accounts(), vec![self.config.instrument]);
            context.subscribe(Subscription { depth: 0, trades: false, marks: true, accounts, instruments });
            self.savers = Some(savers);
        }
    }

    fn wake(&mut self, context: &mut Context<'_>, token: u64) {
        if let Some(savers) = &mut self.savers {
            savers.act(context, token);
        }
    }

    fn notice(&mut self, context: &mut Context<'_>, notice: &Notice) {
        self.set_up.check(context, notice);
        if let Some(savers) = &mut self.savers {
            savers.hear(context, notice);
        }
    }

    fn counters(&self) -> Vec<(&'static str, u64)> {
        let (alerts, top_ups) = self.savers.as_ref().map_or((0, 0), Savers::counts);
        vec![("accounts", self.accounts), ("alerts", alerts), ("top_ups", top_ups)]
    }

    fn save(&self) -> Option<Box<dyn Actor>> {
        Some(Box::new(self.clone()))
    }
}

/// How often leverage and entry are drawn before the entry becomes the initial price.
const DRAWS: u32 = 16;
/// Entry prices are taken to this part of the initial price.
const ENTRY_ONE: i128 = 1_000_000_000;

impl PopulationConfig {
    /// How many account numbers it uses, from [`PopulationConfig::first_account`] on.
    #[must_use]
    pub const fn accounts(&self) -> u64 {
        self.holders.count as u64 + self.counterparties.count as u64 + 1
    }

    /// The account that all trade against at the start; `None` where account numbers run out.
    #[must_use]
    pub fn pivot(&self) -> Option<AccountId> {
        let number = u64::from(self.first_account.0) + self.accounts() - 1;
        u32::try_from(number).ok().map(AccountId)
    }

    /// Checks the parameters.
    ///
    /// # Errors
    /// Says which field is wrong, what was found and what was expected.
    pub fn validate(&self) -> Result<(), String> {
        check_account("first_account", self.first_account)?;
        if let Some(Pledge { amount, covers, .. }) = self.pledge.filter(|p| p.amount <= 0 || p.covers <= 0) {
            return Err(format!("pledge: found {amount} for {covers}, expected amounts above 0"));
        }
        if self.pledge.is_some() && self.holders.isolated_share > 0.0 {
            let found = self.holders.isolated_share;
            return Err(format!("holders.isolated_share: found {found}, expected 0 where collateral is pledged"));
        }
        if self.pivot().is_none() {
            let (found, most) = (self.first_account.0, u32::MAX);
            return Err(format!("first_account: found {found}, expected {} numbers up to {most}", self.accounts()));
        }
        for (field, count) in
            [("holders.count", self.holders.count), ("counterparties.count", self.counterparties.count)]
        {
            if count == 0 {
                return Err(format!("{field}: found 0, expected at least 1"));
            }
        }
        let shares = [
            ("holders.long_share", self.holders.long_share),
            ("holders.isolated_share", self.holders.isolated_share),
            ("top_ups.share", self.top_ups.as_ref().map_or(0.0, |rules| rules.share)),
        ];
        for (field, share) in shares {
            check_number(field, share, (0.0..=1.0).contains(&share), "from 0 to 1")?;
        }
        self.validate_distributions()?;
        if let Some(TopUps { within, restore, .. }) = self.top_ups
            && (within.is_negative() || !restore.is_positive())
        {
            return Err(format!("top_ups: found within {within}, restore {restore}, expected at least 0, above 0"));
        }
        self.terms().map(|_| ())
    }

    fn validate_distributions(&self) -> Result<(), String> {
        let (holders, others) = (&self.holders, &self.counterparties);
        let distributions = [
            ("holders.leverage", &holders.leverage),
            ("holders.size", &holders.size),
            ("holders.entry", &holders.entry),
            ("counterparties.leverage", &others.leverage),
            ("counterparties.size", &others.size),
            ("counterparties.entry", &others.entry),
        ];
        let delay = self.top_ups.as_ref().map(|rules| ("top_ups.delay", &rules.delay));
        for (field, distribution) in distributions.into_iter().chain(delay) {
            distribution.validate().map_err(|error| format!("{field}.{error}"))?;
        }
        Ok(())
    }

    fn terms(&self) -> Result<Terms, String> {
        let scale = i64::from(self.spec.mark_scale);
        let Some(mark) = self.initial_price.0.checked_mul(scale) else {
            return Err(format!("initial_price: found {}, expected fewer ticks", self.initial_price));
        };
        Terms::new(&[(self.instrument, self.spec.clone(), MarkPrice(mark))])
    }

    /// Draws the positions: holders, then counterparties, in order of their accounts. A counterparty whose share
    /// of the net position is less than a lot is left out. `stream` gives the actor's stream for a purpose.
    ///
    /// # Errors
    /// Where a counterparty's share is more than the instrument's largest position.
    pub fn draw(&self, stream: impl Fn(&str) -> Stream) -> Result<Vec<Holding>, String> {
        let terms = self.terms()?;
        let mut holdings = Vec::with_capacity(self.accounts() as usize);
        self.draw_holders(&terms, &stream, &mut holdings);
        self.draw_counterparties(&terms, &stream, &mut holdings)?;
        Ok(holdings)
    }

    fn draw_holders(&self, terms: &Terms, stream: &impl Fn(&str) -> Stream, holdings: &mut Vec<Holding>) {
        let (sides, modes, sizes) = (stream("holder.side"), stream("holder.mode"), stream("holder.size"));
        let stakes = stream("holder.stake");
        let most = self.spec.max_position.0.min(i64::MAX.unsigned_abs());
        for number in 0..self.holders.count {
            let ordinal = u64::from(number);
            let long = sides.draw(ordinal).bernoulli(self.holders.long_share);
            let isolated = modes.draw(ordinal).bernoulli(self.holders.isolated_share);
            // A conversion to an integer saturates.
            let lots = libm::rint(self.holders.size.sample(&mut sizes.draw(ordinal))) as u64;
            let side = if long { Side::Buy } else { Side::Sell };
            let bare = Holding {
                account: AccountId(self.first_account.0 + number),
                instrument: self.instrument,
                size: side.signed(Qty(lots.clamp(1, most))),
                value: Money::ZERO,
                margin: Money::ZERO,
                mode: if isolated { MarginMode::Isolated } else { MarginMode::Cross },
            };
            let shape = (&self.holders.leverage, &self.holders.entry);
            holdings.push(self.stake(terms, bare, shape, &mut stakes.draw(ordinal)));
        }
    }

    /// Splits the holders' net position in proportion to the sizes drawn, by rounding running sums down, so that
    /// the parts sum to the whole.
    fn draw_counterparties(
        &self,
        terms: &Terms,
        stream: &impl Fn(&str) -> Stream,
        holdings: &mut Vec<Holding>,
    ) -> Result<(), String> {
        let net: i128 = holdings.iter().map(|holding| i128::from(holding.size.0)).sum();
        let (sizes, stakes) = (stream("counterparty.size"), stream("counterparty.stake"));
        let weight = |ordinal| {
            let weight = self.counterparties.size.sample(&mut sizes.draw(ordinal));
            i128::from(libm::rint(weight * 1e6).max(1.0) as u64)
        };
        let count = u64::from(self.counterparties.count);
        let total: i128 = (0..count).map(weight).sum();
        let (mut sum, mut given) = (0, 0);
        for ordinal in 0..count {
            sum += weight(ordinal);
            let until = mul_div_floor(net.abs(), sum, total);
            let lots = i64::try_from(until - given).ok().filter(|lots| lots.unsigned_abs() <= self.spec.max_position.0);
            let Some(lots) = lots else {
                let (found, most) = (until - given, self.spec.max_position);
                return Err(format!(
                    "counterparties.count: found {count}, one of which would hold {found} lots, expected at most {most} each"
                ));
            };
            given = until;
            if lots == 0 {
                continue;
            }
            let number = self.holders.count + u32::try_from(ordinal).expect("below a count of 32 bits");
            let bare = Holding {
                account: AccountId(self.first_account.0 + number),
                instrument: self.instrument,
                size: Lots(if net > 0 { -lots } else { lots }),
                value: Money::ZERO,
                margin: Money::ZERO,
                mode: MarginMode::Cross,
            };
            let shape = (&self.counterparties.leverage, &self.counterparties.entry);
            holdings.push(self.stake(terms, bare, shape, &mut stakes.draw(ordinal)));
        }
        Ok(())
    }

    /// Draws entry value and margin.
    fn stake(
        &self,
        terms: &Terms,
        bare: Holding,
        (leverage, entry): (&Distribution, &Distribution),
        draw: &mut Draw,
    ) -> Holding {
        let mut holding = bare;
        for _ in 0..DRAWS {
            let leverage = leverage.sample(draw);
            let part = libm::rint((1.0 + entry.sample(draw)) * ENTRY_ONE as f64) as i128;
            holding = self.at_entry(terms, bare, leverage, self.within_prices(part));
            let (unrealised, maintenance_e6) = terms.standing(&holding);
            let most = terms.instrument(self.instrument).largest_value(bare.size.quantity());
            let legal = part > 0 && holding.value <= most;
            if legal && (holding.margin + unrealised).0 * i128::from(Ppm::ONE.0) >= maintenance_e6 {
                return holding;
            }
            holding = self.at_entry(terms, bare, leverage, ENTRY_ONE);
        }
        holding
    }

    /// An entry just beyond the instrument's prices, half a tick or above the largest, in place of one further out: it
    /// is as illegal, and its value can be reckoned.
    fn within_prices(&self, part: i128) -> i128 {
        let initial = i128::from(self.initial_price.0).max(1);
        let above = (i128::from(self.spec.max_price.0) / initial + 1).saturating_mul(ENTRY_ONE);
        part.clamp((ENTRY_ONE / (2 * initial)).max(1), above)
    }

    fn at_entry(&self, terms: &Terms, bare: Holding, leverage: f64, part: i128) -> Holding {
        let terms = terms.instrument(self.instrument);
        let at_start = terms.trade_value(bare.size.quantity(), self.initial_price).abs();
        // `part` is of the price, to which an inverse contract's value is inverse.
        let value = match terms.spec().payoff {
            Payoff::Linear => mul_div_floor(at_start.0, part, ENTRY_ONE),
            Payoff::Inverse => mul_div_floor(at_start.0, ENTRY_ONE, part.max(1)),
        };
        let value = Money(value.max(1));
        let rate = libm::ceil(1e6 / leverage.max(1.0)).max(1.0) as i64;
        Holding { value, margin: terms.initial_margin(bare.size.quantity(), value, Some(Ppm(rate))), ..bare }
    }
}
