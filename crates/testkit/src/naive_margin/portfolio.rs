//! Portfolio margin by its plain definition: every point of the grid, every position, each valued anew.

use super::{NaiveMargin, ONE, Terms};
use downdraft_margin::model::black76;
use downdraft_margin::model::surface::{TermShock, YEAR_SECONDS};
use downdraft_margin::{
    GridPoint, InstrumentKind, OptionTerms, Outlook, Payoff, Pool, PortfolioPolicy, VolatilityMove,
};
use downdraft_types::{AccountId, InstrumentId, Ppm};
use std::collections::BTreeMap;

impl NaiveMargin {
    /// Puts a portfolio margin in force, or takes it away.
    pub fn set_portfolio_policy(&mut self, underlying: InstrumentId, policy: Option<&PortfolioPolicy>) {
        match policy {
            Some(policy) => self.portfolios.insert(underlying, policy.clone()),
            None => self.portfolios.remove(&underlying),
        };
    }

    /// Puts an account under portfolio margin, or back.
    pub fn set_portfolio(&mut self, account: AccountId, portfolio: bool) {
        match portfolio {
            true => self.netting.insert(account),
            false => self.netting.remove(&account),
        };
    }

    /// The underlying in whose portfolio an account's cross position is netted.
    pub(super) fn portfolio_of(&self, account: AccountId, id: InstrumentId) -> Option<InstrumentId> {
        let terms = &self.terms[&id];
        let belongs = |(underlying, policy): &(&InstrumentId, &PortfolioPolicy)| {
            policy.settlement == terms.spec.settlement
                && match &terms.spec.kind {
                    InstrumentKind::Option(option) => option.underlying == **underlying && is_priced(&terms.outlook),
                    _ => policy.contracts.iter().any(|netted| netted.instrument == id),
                }
        };
        let found = self.portfolios.iter().find(belongs);
        found.map(|(underlying, _)| *underlying).filter(|_| self.netting.contains(&account))
    }

    /// Maintenance × 10^6 of what a pool nets in a portfolio.
    pub(super) fn portfolio_e6(&self, pool: Pool, underlying: InstrumentId) -> i128 {
        let policy = &self.portfolios[&underlying];
        if matches!(pool, Pool::Isolated { .. }) {
            return 0;
        }
        let account = pool.account();
        let held = || {
            let netted = |(id, _): &(InstrumentId, _)| self.portfolio_of(account, *id) == Some(underlying);
            self.members(pool).filter(|(_, h)| h.size != 0).filter(netted).map(|(id, h)| (id, &self.terms[&id], h.size))
        };
        let mut worst = 0;
        for point in &policy.grid {
            let profit: i128 = held().map(|(id, terms, size)| profit(policy, id, terms, size, point)).sum();
            worst = worst.max(-profit * i128::from(point.part.0));
        }
        let (mut long, mut short, mut gross, mut strikes) = (0, 0, 0, BTreeMap::new());
        for (_, terms, size) in held() {
            match &terms.spec.kind {
                InstrumentKind::Option(option) => {
                    let notional = size * i128::from(terms.spec.point_value) * terms.reference.max(0);
                    gross += notional.abs();
                    *strikes.entry((option.expiry, option.strike)).or_insert(0_i128) += notional;
                }
                _ if size > 0 => long += terms.worth(size).abs(),
                _ => short += terms.worth(size).abs(),
            }
        }
        let naked: i128 = strikes.values().map(|net| (-net).max(0)).sum();
        let parts = &policy.contingencies;
        worst
            + naked * i128::from(parts.short_option.0)
            + long.min(short) * i128::from(parts.offsetting.0)
            + (long + short) * i128::from(parts.contracts.0)
            + gross * i128::from(parts.options.0)
    }
}

fn is_priced(outlook: &Outlook) -> bool {
    outlook.index.is_some() && outlook.volatility.is_some()
}

/// What a position gains at one point.
fn profit(policy: &PortfolioPolicy, id: InstrumentId, terms: &Terms, size: i128, point: &GridPoint) -> i128 {
    if let InstrumentKind::Option(option) = &terms.spec.kind {
        let unmoved = GridPoint { price: Ppm::ZERO, volatility: VolatilityMove::None, part: Ppm::ONE };
        let of = |point: &GridPoint| i128::from(value(policy, option, &terms.outlook, terms.smile, point));
        return size * i128::from(terms.spec.point_value) * (of(point) - of(&unmoved));
    }
    let beta = policy.contracts.iter().find(|netted| netted.instrument == id).expect("a contract of it").beta;
    let by = (i128::from(point.price.0) * i128::from(beta.0)).div_euclid(ONE);
    let moved = (terms.mark * (ONE + by)).div_euclid(ONE);
    let moved = if terms.spec.payoff == Payoff::Inverse { moved.max(1) } else { moved };
    let worth = |mark| super::worth(&terms.spec, size, mark).expect("an amount within the listing's bounds");
    worth(moved) - worth(terms.mark)
}

/// What an option is worth at one point, in whole mark increments.
fn value(policy: &PortfolioPolicy, option: &OptionTerms, outlook: &Outlook, smile: Ppm, point: &GridPoint) -> i64 {
    let part = |rate: Ppm| rate.0 as f64 / 1e6;
    let seconds = option.expiry.since(outlook.at).0 as f64 / 1e9;
    let shock = &policy.volatility;
    let shock = TermShock {
        up: part(shock.up),
        down: part(shock.down),
        short_power: part(shock.short_power),
        long_power: part(shock.long_power),
        floor_seconds: shock.floor.0 as f64 / 1e9,
    };
    let factor = match point.volatility {
        VolatilityMove::Up => shock.factor_up(seconds),
        VolatilityMove::None => 1.0,
        VolatilityMove::Down => shock.factor_down(seconds),
    };
    let vol = part(outlook.volatility.unwrap_or(Ppm::ZERO)) * part(smile);
    let index = outlook.index.map_or(0, |index| index.0.max(0)) as f64;
    let terms = black76::Terms {
        forward: index * (1.0 + part(point.price)),
        strike: option.strike.0 as f64,
        years: seconds / YEAR_SECONDS,
        vol: vol * factor,
        discount: 1.0,
    };
    terms.price(option.right).round_ties_even() as i64
}
