//! What may be changed: an instrument's margin, the policies of collateral and portfolio margin, and an account's
//! choices.

use super::Step;
use super::trial::{Trial, account_of, instrument_of};
use super::worlds::{HOUSE, collateral, portfolio};
use downdraft_margin::{MarginForm, MarginMode, OpenInterestScale, PortfolioPolicy, SizeScale};
use downdraft_types::{AccountId, InstrumentId, Money, Ppm, Qty, Side};

impl Trial {
    pub(super) fn change_terms(&mut self, step: &Step) {
        match *step {
            Step::Tiers { instrument, raise } => self.raise_tiers(instrument_of(instrument), raise),
            Step::Form { instrument, slope, per, scaled } => {
                let id = instrument_of(instrument);
                let form = self.form(id, slope, per, scaled);
                if self.engine.set_form(id, &form).is_ok() {
                    self.naive.set_form(id, &form);
                }
            }
            Step::Least { instrument, least } => {
                let id = instrument_of(instrument);
                let (maintenance, initial) = (Ppm(least.into()), Ppm((2 * least).into()));
                if self.engine.set_least_rates(id, maintenance, initial).is_ok() {
                    self.naive.set_least_rates(id, maintenance, initial);
                }
            }
            Step::Grid { contingent } => self.set_portfolio_policy(contingent.map(portfolio).as_ref()),
            Step::Haircut { cut } => self.cut_weights(cut),
            Step::Configure { account, instrument, isolated, initial } => {
                let (account, id) = (account_of(account), instrument_of(instrument));
                let mode = if isolated { MarginMode::Isolated } else { MarginMode::Cross };
                let initial = initial.map(|rate| Ppm(rate.into()));
                if self.engine.configure(account, id, mode, initial).is_ok() {
                    self.naive.configure(account, id, mode, initial);
                }
            }
            Step::Portfolio { account, portfolio } => self.net(account_of(account), portfolio),
            Step::Unify { account, unified } => self.unify(account_of(account), unified),
            _ => unreachable!("{step:?} changes no terms"),
        }
    }

    fn raise_tiers(&mut self, id: InstrumentId, raise: u8) {
        let mut tiers = self.world.listings()[id.index()].0.tiers.clone();
        tiers.iter_mut().for_each(|t| t.maintenance.0 += t.maintenance.0 * i64::from(raise) / 16);
        if self.engine.set_tiers(id, &tiers).is_ok() {
            self.naive.set_tiers(id, &tiers);
        }
    }

    /// Scaled from half of what is open now.
    fn form(&self, id: InstrumentId, slope: u16, per: u16, scaled: bool) -> MarginForm {
        let terms = self.engine.instrument(id);
        let grain = (terms.spec().max_position.0 / 2_000).max(1);
        let lower = terms.value_at(Side::Buy.signed(terms.open_interest()), terms.mark()).abs();
        let lower = Money(lower.0 / 2);
        let upper = if scaled { lower + lower + Money(1) } else { Money::ZERO };
        MarginForm {
            size: SizeScale { slope: Ppm(slope.into()), per: Qty(grain * u64::from(per)) },
            open_interest: OpenInterestScale { lower, upper },
            ..MarginForm::default()
        }
    }

    pub(super) fn set_portfolio_policy(&mut self, policy: Option<&PortfolioPolicy>) {
        self.engine.set_portfolio_policy(InstrumentId(0), policy).expect("a sound policy");
        self.naive.set_portfolio_policy(InstrumentId(0), policy);
    }

    fn cut_weights(&mut self, percent: u8) {
        if self.engine.collateral().is_none() {
            return;
        }
        let mut policy = collateral();
        let tiers = policy.assets.iter_mut().skip(1).flat_map(|asset| &mut asset.tiers);
        tiers.for_each(|tier| tier.weight.0 -= tier.weight.0 * i64::from(percent) / 100);
        self.engine.set_collateral(&policy).expect("a sound policy");
        self.naive.set_collateral(&policy);
    }

    pub(super) fn net(&mut self, account: AccountId, portfolio: bool) {
        if self.engine.set_portfolio(account, portfolio).is_ok() {
            self.naive.set_portfolio(account, portfolio);
        }
    }

    pub(super) fn unify(&mut self, account: AccountId, unified: bool) {
        if account != HOUSE && self.engine.set_unified(account, unified).is_ok() {
            self.naive.set_unified(account, unified);
        }
    }
}
