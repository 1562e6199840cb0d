//! Margin by its plain definitions: every pool's health is computed anew from all positions, and who has fallen is
//! found by looking at everyone. No ladder, no triggers, and arithmetic of its own.
//!
//! It carries out what the engine accepted: whether an order or a withdrawal is allowed, the engine says alone.

mod portfolio;

use std::collections::{BTreeMap, BTreeSet};

use downdraft_margin::{
    CollateralAsset, CollateralPolicy, DeliveryFee, InstrumentKind, InstrumentSpec, MaintenanceBasis, Margin,
    MarginForm, MarginMode, OpenInterestScale, Outlook, Payoff, Place, Pool, PortfolioPolicy, Right, SizeScale,
    TierSpec,
};
use downdraft_types::{AccountId, CurrencyId, InstrumentId, MarkPrice, Money, Ppm, Side};

const ONE: i128 = 1_000_000;

/// A position and, if it is isolated, its margin.
#[derive(Clone, Debug, Default)]
struct Holding {
    /// Signed lots.
    size: i128,
    /// Signed open cost.
    cost: i128,
    /// Money that stands for an isolated position.
    margin: i128,
    isolated: bool,
    /// The initial rate its account chose, in parts per million.
    initial: Option<i128>,
}

#[derive(Clone, Debug)]
struct Terms {
    spec: InstrumentSpec,
    mark: i128,
    form: MarginForm,
    /// The least maintenance and initial rate of a tier.
    least: (i128, i128),
    /// The index of an option's underlying.
    reference: i128,
    /// What an option is valued by.
    outlook: Outlook,
    /// Its volatility ÷ its underlying's.
    smile: Ppm,
}

impl Terms {
    fn worth(&self, size: i128) -> i128 {
        worth(&self.spec, size, self.mark).expect("an amount within the listing's bounds")
    }

    /// Maintenance × 10^6 of a position of `size` lots that is worth `value` and has cost `cost`.
    fn asked_e6(&self, size: i128, value: i128, cost: i128) -> i128 {
        if let InstrumentKind::Option(option) = &self.spec.kind {
            let rates = &self.form.option;
            if size > 0 {
                return value.abs() * i128::from(rates.long.0);
            }
            let index = size.abs() * i128::from(self.spec.point_value) * self.reference.max(0);
            let of_index = index * i128::from(rates.maintenance.0);
            let of_mark = value.abs() * i128::from(rates.put_mark.0);
            return if option.right == Right::Put { of_index.max(of_mark) } else { of_index };
        }
        let notional = match self.spec.maintenance_basis {
            MaintenanceBasis::Mark => value.abs(),
            MaintenanceBasis::Entry => cost.abs(),
        };
        let mut raised = self.spec.clone();
        raised.tiers.iter_mut().for_each(|tier| tier.maintenance.0 = tier.maintenance.0.max(self.least.0 as i64));
        maintenance_e6(&raised, value, cost) + notional * self.added(size.abs())
    }

    /// What size adds to a rate, rounded up to a part per million.
    fn added(&self, lots: i128) -> i128 {
        let SizeScale { slope, per } = self.form.size;
        if per.0 == 0 { 0 } else { -(-lots * i128::from(slope.0)).div_euclid(per.0.into()) }
    }

    /// The initial rate of `lots` worth `whole`, with `longs` lots open in all.
    fn initial_rate(&self, lots: i128, whole: i128, longs: i128) -> i128 {
        let tier = self.spec.tiers.iter().rfind(|t| t.floor.0 <= whole).expect("a lowest tier");
        let base = (i128::from(tier.initial.0).max(self.least.1) + self.added(lots)).min(ONE);
        let OpenInterestScale { lower: Money(lower), upper: Money(upper) } = self.form.open_interest;
        let open = self.worth(longs).abs();
        match () {
            () if upper <= lower || open <= lower => base,
            () if open >= upper => ONE,
            () => base - (-(ONE - base) * (open - lower)).div_euclid(upper - lower),
        }
    }
}

/// Where a pool stands, other than sound.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Standing {
    Liquidating,
    Insolvent,
}

/// The reference model.
#[derive(Clone, Debug, Default)]
pub struct NaiveMargin {
    terms: BTreeMap<InstrumentId, Terms>,
    cash: BTreeMap<(AccountId, CurrencyId), i128>,
    holdings: BTreeMap<(AccountId, InstrumentId), Holding>,
    fees: BTreeMap<CurrencyId, i128>,
    residue: BTreeMap<CurrencyId, i128>,
    outside: BTreeMap<CurrencyId, i128>,
    standing: BTreeMap<Pool, Standing>,
    collateral: Option<CollateralPolicy>,
    unified: BTreeSet<AccountId>,
    portfolios: BTreeMap<InstrumentId, PortfolioPolicy>,
    netting: BTreeSet<AccountId>,
}

impl NaiveMargin {
    /// Lists an instrument, its mark at zero, or the least there is.
    pub fn list(&mut self, id: InstrumentId, spec: &InstrumentSpec) {
        let mark = i128::from(spec.payoff == Payoff::Inverse || exchanges(spec).is_some());
        let reference = match &spec.kind {
            InstrumentKind::Option(terms) => terms.strike.0.into(),
            _ => 0,
        };
        let (form, least) = (MarginForm::default(), (0, 0));
        let (outlook, smile) = (Outlook::default(), Ppm::ONE);
        self.terms.insert(id, Terms { spec: spec.clone(), mark, form, least, reference, outlook, smile });
    }

    /// Replaces the form of an instrument's margin.
    pub fn set_form(&mut self, id: InstrumentId, form: &MarginForm) {
        self.terms_mut(id).form = *form;
    }

    /// Replaces the least rates of an instrument's tiers.
    pub fn set_least_rates(&mut self, id: InstrumentId, maintenance: Ppm, initial: Ppm) {
        self.terms_mut(id).least = (maintenance.0.into(), initial.0.into());
    }

    /// Sets what an option is valued by.
    pub fn set_option(&mut self, id: InstrumentId, outlook: Outlook, smile: Ppm) {
        let terms = self.terms_mut(id);
        terms.reference = outlook.index.map_or(terms.reference, |index| index.0.into());
        (terms.outlook, terms.smile) = (outlook, smile);
    }

    /// Replaces an instrument's tiers.
    pub fn set_tiers(&mut self, id: InstrumentId, tiers: &[TierSpec]) {
        self.terms_mut(id).spec.tiers = tiers.to_vec();
    }

    /// Sets a mark.
    pub fn set_mark(&mut self, id: InstrumentId, mark: MarkPrice) {
        self.terms_mut(id).mark = mark.0.into();
    }

    /// Money comes in (negative: goes out).
    pub fn deposit(&mut self, account: AccountId, currency: CurrencyId, amount: Money) {
        *self.cash.entry((account, currency)).or_default() += amount.0;
        *self.outside.entry(currency).or_default() -= amount.0;
    }

    /// Chooses a flat position's mode and leverage.
    pub fn configure(&mut self, account: AccountId, id: InstrumentId, mode: MarginMode, initial: Option<Ppm>) {
        let holding = self.holdings.entry((account, id)).or_default();
        holding.isolated = mode == MarginMode::Isolated;
        holding.initial = initial.map(|rate| rate.0.into());
    }

    /// Cash becomes isolated margin (negative: the reverse).
    pub fn move_margin(&mut self, account: AccountId, id: InstrumentId, amount: Money) {
        let currency = self.currency(id);
        *self.cash.entry((account, currency)).or_default() -= amount.0;
        self.holdings.entry((account, id)).or_default().margin += amount.0;
    }

    /// Money goes from one pool to another of its currency.
    pub fn pay_between(&mut self, from: Pool, to: Pool, amount: Money) {
        *self.purse(from) -= amount.0;
        *self.purse(to) += amount.0;
    }

    /// Puts a collateral policy in force.
    pub fn set_collateral(&mut self, policy: &CollateralPolicy) {
        self.collateral = Some(policy.clone());
    }

    /// Makes an account unified, or separate again.
    pub fn set_unified(&mut self, account: AccountId, unified: bool) {
        match unified {
            true => self.unified.insert(account),
            false => self.unified.remove(&account),
        };
    }

    /// Charges interest on what unified accounts owe, rounded up, as fees; nothing of those that are insolvent.
    pub fn charge_interest(&mut self) {
        let assets = self.collateral.clone().map(|policy| policy.assets).unwrap_or_default();
        for (account, asset) in self.unified.iter().flat_map(|account| assets.iter().map(move |asset| (account, asset)))
        {
            let Some(cash) = self.cash.get_mut(&(*account, asset.currency)).filter(|cash| **cash < 0) else { continue };
            let rate = asset.loan.map_or(0, |loan| i128::from(loan.interest_e9));
            if self.standing.get(&Pool::Unified { account: *account }) == Some(&Standing::Insolvent) {
                continue;
            }
            let due = -(*cash * rate).div_euclid(1_000_000_000);
            *cash -= due;
            *self.fees.entry(asset.currency).or_default() += due;
        }
    }

    fn purse(&mut self, pool: Pool) -> &mut i128 {
        match pool {
            Pool::Unified { .. } => unreachable!("no pool of several currencies pays"),
            Pool::Cross { account, currency } => self.cash.entry((account, currency)).or_default(),
            Pool::Isolated { account, instrument } => {
                &mut self.holdings.entry((account, instrument)).or_default().margin
            }
        }
    }

    /// One side of a trade of `qty` lots worth `value` in all.
    pub fn trade(&mut self, account: AccountId, id: InstrumentId, side: Side, qty: i128, value: Money, fee: Money) {
        let currency = self.currency(id);
        let sign = if side == Side::Buy { 1 } else { -1 };
        if let Some((base, lot)) = exchanges(&self.terms[&id].spec) {
            *self.cash.entry((account, currency)).or_default() -= sign * value.0 + fee.0;
            *self.cash.entry((account, base)).or_default() += sign * qty * lot;
            *self.fees.entry(currency).or_default() += fee.0;
            return;
        }
        let before = self.holdings.get(&(account, id)).cloned().unwrap_or_default();
        let held = before.size.abs();
        let closed = if before.size.signum() == -sign { qty.min(held) } else { 0 };
        let opened = qty - closed;
        let closed_value = part_floor(value.0, closed, qty);
        let released_cost = if closed > 0 { -part_floor(-before.cost, closed, held) } else { 0 };
        let realised = if closed > 0 { -sign * closed_value - released_cost } else { 0 };
        let opened_value = value.0 - closed_value;
        let holding = self.holdings.entry((account, id)).or_default();
        holding.size += sign * qty;
        holding.cost += sign * opened_value - released_cost;
        *self.fees.entry(currency).or_default() += fee.0;
        if !holding.isolated {
            *self.cash.entry((account, currency)).or_default() += realised - fee.0;
            return;
        }
        holding.margin += realised - fee.0;
        let there = holding.margin.max(0);
        let forced = self.standing.get(&Pool::Isolated { account, instrument: id }) == Some(&Standing::Liquidating);
        let released = match (forced, opened == 0 && closed == held) {
            (true, _) => 0,
            (false, true) => there,
            (false, false) if closed == 0 => 0,
            (false, false) => (part_floor(before.margin, closed, held) + realised).clamp(0, there),
        };
        let drawn = self.initial_draw(id, &before, (closed, opened), opened_value.abs());
        let mut moved = drawn - released;
        if opened > 0 {
            moved = moved.min(self.spare(account, currency));
        }
        self.move_margin(account, id, Money(moved));
    }

    /// Initial margin, rounded up, of what was opened: at the rate of the whole position.
    fn initial_draw(
        &self,
        id: InstrumentId,
        before: &Holding,
        (closed, opened): (i128, i128),
        opened_value: i128,
    ) -> i128 {
        let terms = &self.terms[&id];
        let kept = before.size.abs() - closed;
        let lots = kept + opened;
        let whole = terms.worth(kept).abs() + opened_value;
        let longs = self.holdings.iter().filter(|((_, of), _)| *of == id).map(|(_, h)| h.size.max(0)).sum();
        let least = terms.initial_rate(lots, whole, longs);
        let rate = before.initial.unwrap_or(0).max(least);
        -(-opened_value * rate).div_euclid(ONE)
    }

    /// What a cross pool has above its maintenance, in whole units.
    fn spare(&self, account: AccountId, currency: CurrencyId) -> i128 {
        if self.unified.contains(&account) {
            let (slack, (num, den)) =
                (self.slack_e6(Pool::Unified { account }, None).div_euclid(ONE), self.price(currency));
            let cash = self.cash.get(&(account, currency)).copied().unwrap_or(0);
            return (slack * den).div_euclid(num).min(cash).max(0);
        }
        self.slack_e6(Pool::Cross { account, currency }, None).div_euclid(ONE).max(0)
    }

    /// Pays funding at `rate` to the residue account, each payment rounded up.
    pub fn pay_funding(&mut self, id: InstrumentId, rate: Ppm) {
        let currency = self.currency(id);
        let terms = self.terms[&id].clone();
        for ((account, _), holding) in self.holdings.iter_mut().filter(|((_, of), _)| *of == id) {
            let face = holding.size * i128::from(terms.spec.point_value);
            let due = match terms.spec.payoff {
                Payoff::Linear => -(-face * terms.mark * i128::from(rate.0)).div_euclid(ONE),
                Payoff::Inverse => -(-face * i128::from(rate.0)).div_euclid(ONE * terms.mark),
            };
            let purse = match holding.isolated {
                true => &mut holding.margin,
                false => self.cash.entry((*account, currency)).or_default(),
            };
            *purse -= due;
            *self.residue.entry(currency).or_default() += due;
        }
    }

    /// Closes every position of an instrument at its mark, each paying a fee: a part of its notional, rounded up, but no
    /// more than a part of its value, rounded down.
    pub fn settle_all(&mut self, id: InstrumentId, fee: DeliveryFee) {
        let terms = self.terms[&id].clone();
        let open: Vec<_> = self.holdings.iter().filter(|((_, of), h)| *of == id && h.size != 0).collect();
        let open: Vec<_> = open.into_iter().map(|((account, _), h)| (*account, h.size)).collect();
        let worths: i128 = open.iter().map(|(_, size)| terms.worth(*size)).sum();
        for (account, size) in open {
            let side = if size > 0 { Side::Sell } else { Side::Buy };
            let value = terms.worth(size) * size.signum();
            let notional = match terms.spec.kind {
                InstrumentKind::Option(_) => size.abs() * i128::from(terms.spec.point_value) * terms.reference,
                _ => value.abs(),
            };
            let whole = -(-notional * i128::from(fee.rate.0)).div_euclid(ONE);
            let most = fee.cap.map_or(whole, |cap| (value.abs() * i128::from(cap.0)).div_euclid(ONE));
            let fee = if account == AccountId::FUND { 0 } else { whole.min(most) };
            self.trade(account, id, side, size.abs(), Money(value), Money(fee));
        }
        let left = self.holdings.iter().filter(|((_, of), _)| *of == id).map(|(_, h)| h.cost).sum::<i128>();
        assert_eq!(left, 0, "flat positions have no cost");
        // Money that came from nowhere, or went there, while positions were closed, is what rounding left.
        *self.residue.entry(terms.spec.settlement).or_default() -= worths;
    }

    /// Ends a pool's liquidation.
    pub fn end_liquidation(&mut self, pool: Pool) {
        self.standing.remove(&pool);
    }

    /// Ends a flat pool's liquidation with a deficit.
    pub fn leave_insolvent(&mut self, pool: Pool) {
        self.standing.insert(pool, Standing::Insolvent);
    }

    /// Every pool that there is: a cross pool per account and currency, and the isolated positions.
    pub fn pools(&self) -> BTreeSet<Pool> {
        let cross = self.cash.keys().map(|&(account, currency)| self.cash_pool(account, currency));
        let isolated = self.holdings.iter().filter(|(_, h)| h.isolated);
        cross.chain(isolated.map(|(&(account, instrument), _)| Pool::Isolated { account, instrument })).collect()
    }

    /// Looks at every pool; returns those that are below maintenance, or flat with a deficit, and were not before.
    /// They are being liquidated from now on.
    pub fn newly_fallen(&mut self) -> BTreeSet<Pool> {
        let mut fallen = BTreeSet::new();
        for pool in self.pools() {
            let short = self.slack_e6(pool, None) < 0;
            match self.standing.get(&pool) {
                None if short => {
                    self.standing.insert(pool, Standing::Liquidating);
                    fallen.insert(pool);
                }
                Some(Standing::Insolvent) if !short => {
                    self.standing.remove(&pool);
                }
                _ => {}
            }
        }
        fallen
    }

    /// Whether the pool is neither being liquidated nor insolvent.
    pub fn is_sound(&self, pool: Pool) -> bool {
        !self.standing.contains_key(&pool)
    }

    /// Open positions of a pool.
    pub fn positions_of(&self, pool: Pool) -> Vec<InstrumentId> {
        self.members(pool).filter(|(_, h)| h.size != 0).map(|(id, _)| id).collect()
    }

    /// Signed size of a position.
    pub fn size(&self, account: AccountId, id: InstrumentId) -> i128 {
        self.holdings.get(&(account, id)).map_or(0, |h| h.size)
    }

    /// The pool that a position belongs to.
    pub fn pool_of(&self, account: AccountId, id: InstrumentId) -> Pool {
        match self.holdings.get(&(account, id)).is_some_and(|h| h.isolated) {
            true => Pool::Isolated { account, instrument: id },
            false => self.cash_pool(account, self.currency(id)),
        }
    }

    /// The pool that an account's cash belongs to.
    pub fn cash_pool(&self, account: AccountId, currency: CurrencyId) -> Pool {
        match self.unified.contains(&account) {
            true => Pool::Unified { account },
            false => Pool::Cross { account, currency },
        }
    }

    /// Whether a pool has less than nothing of any currency.
    pub fn lacks(&self, pool: Pool) -> bool {
        match pool {
            Pool::Unified { account } => self.cash.iter().any(|((of, _), cash)| *of == account && *cash < 0),
            _ => self.balance(pool) < 0,
        }
    }

    /// A pool's money without its positions.
    pub fn balance(&self, pool: Pool) -> i128 {
        match pool {
            Pool::Cross { account, currency } => self.cash.get(&(account, currency)).copied().unwrap_or(0),
            Pool::Isolated { account, instrument } => self.holdings.get(&(account, instrument)).map_or(0, |h| h.margin),
            Pool::Unified { .. } => unreachable!("a pool of several currencies has no one balance"),
        }
    }

    /// What one unit of a currency is worth of the reference currency, as a fraction.
    fn price(&self, currency: CurrencyId) -> (i128, i128) {
        let assets = self.collateral.as_ref().map(|policy| policy.assets.as_slice()).unwrap_or_default();
        let market = assets.iter().find(|asset| asset.currency == currency).and_then(|asset| asset.market);
        let Some(terms) = market.map(|market| &self.terms[&market]) else { return (1, 1) };
        let (_, lot) = exchanges(&terms.spec).expect("a spot market");
        (terms.mark * i128::from(terms.spec.point_value), lot)
    }

    /// Equity less maintenance of a unified account, × 10^6, currency by currency.
    fn unified_slack_e6(&self, account: AccountId) -> i128 {
        let assets = self.collateral.as_ref().map(|policy| policy.assets.as_slice()).unwrap_or_default();
        let pool = Pool::Unified { account };
        let net = |asset: &CollateralAsset| {
            let (num, den) = self.price(asset.currency);
            let mut amount = self.cash.get(&(account, asset.currency)).copied().unwrap_or(0);
            let mut maintenance = 0;
            for (id, holding) in self.members(pool).filter(|(_, h)| h.size != 0) {
                let terms = &self.terms[&id];
                if terms.spec.settlement != asset.currency {
                    continue;
                }
                let value = terms.worth(holding.size);
                amount += value - holding.cost;
                if self.portfolio_of(account, id).is_none() {
                    maintenance += ceil(terms.asked_e6(holding.size, value, holding.cost) * num, den);
                }
            }
            for (underlying, _) in self.portfolios.iter().filter(|(_, p)| p.settlement == asset.currency) {
                maintenance += ceil(self.portfolio_e6(pool, *underlying) * num, den);
            }
            if amount < 0 {
                let owed = ceil(-amount * num, den);
                let rate = asset.loan.map_or(0, |loan| i128::from(loan.maintenance.0));
                return -owed * ONE - maintenance - owed * rate;
            }
            let mut counted = 0;
            for (n, tier) in asset.tiers.iter().enumerate() {
                let end = asset.tiers.get(n + 1).map_or(amount, |next| next.floor.0.min(amount));
                counted += (end - tier.floor.0).max(0) * i128::from(tier.weight.0);
            }
            (counted.div_euclid(ONE) * num).div_euclid(den) * ONE - maintenance
        };
        assets.iter().map(net).sum()
    }

    /// Equity less maintenance, × 10^6, with one instrument's mark perhaps another than it is. A sum that leaves
    /// 128 bits keeps its sign, which is that of the position's value.
    pub fn slack_e6(&self, pool: Pool, other: Option<(InstrumentId, i128)>) -> i128 {
        if let Pool::Unified { account } = pool {
            return self.unified_slack_e6(account);
        }
        let cross = matches!(pool, Pool::Cross { .. });
        let netted = |id| cross && self.portfolio_of(pool.account(), id).is_some();
        let mut slack = self.balance(pool) * ONE;
        for (id, holding) in self.members(pool).filter(|(_, h)| h.size != 0) {
            let terms = &self.terms[&id];
            let mark = other.filter(|(of, _)| *of == id).map_or(terms.mark, |(_, mark)| mark);
            let huge = if (holding.size > 0) == (mark > 0) { i128::MAX } else { i128::MIN };
            let Some(value) = worth(&terms.spec, holding.size, mark) else { return huge };
            slack += (value - holding.cost) * ONE;
            if !netted(id) {
                slack -= terms.asked_e6(holding.size, value, holding.cost);
            }
        }
        slack - self.portfolios.keys().map(|underlying| self.portfolio_e6(pool, *underlying)).sum::<i128>()
    }

    /// The first mark at which the pool of this one position is below maintenance, by halving all legal
    /// `i64` marks between the best and the worst.
    pub fn trigger(&self, account: AccountId, id: InstrumentId) -> Option<MarkPrice> {
        let pool = self.pool_of(account, id);
        let short = |mark: i64| self.slack_e6(pool, Some((id, mark.into()))) < 0;
        let lowest = match self.terms[&id].spec.payoff {
            Payoff::Linear => i64::MIN,
            Payoff::Inverse => 1,
        };
        let (mut sound, worst) = match self.size(account, id).signum() {
            1 => (i128::from(i64::MAX), lowest),
            _ => (i128::from(lowest), i64::MAX),
        };
        if !short(worst) {
            return None;
        }
        let mut fallen = i128::from(worst);
        while (sound - fallen).abs() > 1 {
            let middle = fallen + (sound - fallen) / 2;
            let short = short(i64::try_from(middle).expect("between two marks"));
            (sound, fallen) = if short { (sound, middle) } else { (middle, fallen) };
        }
        i64::try_from(fallen).ok().map(MarkPrice)
    }

    /// Compares every wallet and position with the engine's, and the engine's totals with zero.
    ///
    /// # Panics
    /// Where something differs.
    pub fn compare(&self, engine: &Margin) {
        for (&(account, id), holding) in &self.holdings {
            let position = engine.position(account, id).expect("a position of the model");
            assert_eq!(
                (i128::from(position.size().0), position.cost().0),
                (holding.size, holding.cost),
                "{account} {id}"
            );
            if holding.isolated {
                assert_eq!(
                    engine.balance(Pool::Isolated { account, instrument: id }).0,
                    holding.margin,
                    "{account} {id}"
                );
            }
        }
        for (&(account, currency), cash) in &self.cash {
            assert_eq!(engine.cash(account, currency).0, *cash, "cash of {account} in {currency}");
        }
        for currency in engine.ledger().currencies() {
            let booked = |place| engine.ledger().balance(currency, place).0;
            let of = |sums: &BTreeMap<CurrencyId, i128>| sums.get(&currency).copied().unwrap_or(0);
            let common = [booked(Place::Fees), booked(Place::Residue), booked(Place::Outside)];
            assert_eq!(common, [of(&self.fees), of(&self.residue), of(&self.outside)], "fees, residue, outside");
            let cash: i128 = self.cash.iter().filter(|((_, c), _)| *c == currency).map(|(_, cash)| cash).sum();
            let mut clearing = 0;
            for (&id, terms) in self.terms.iter().filter(|(_, t)| t.spec.settlement == currency) {
                let holdings = || self.holdings.iter().filter(|((_, of), _)| *of == id).map(|(_, h)| h);
                assert_eq!(holdings().map(|h| h.size).sum::<i128>(), 0, "positions in {id} sum to zero");
                let open = -holdings().map(|h| h.cost).sum::<i128>();
                assert_eq!(booked(Place::Clearing(id)), open, "clearing of {id} is minus the open cost");
                let unrealised = holdings().map(|h| terms.worth(h.size) - h.cost).sum::<i128>();
                let rounded = match terms.spec.payoff {
                    Payoff::Linear => 0,
                    Payoff::Inverse => holdings().filter(|h| h.size != 0).count() as i128,
                };
                assert!((0..=rounded).contains(&(open - unrealised)), "unrealised profits in {id} sum to clearing");
                clearing += open + holdings().map(|h| h.margin).sum::<i128>();
            }
            assert_eq!(cash + clearing + common.iter().sum::<i128>(), 0, "money in {currency} is conserved");
        }
    }

    fn members(&self, pool: Pool) -> impl Iterator<Item = (InstrumentId, &Holding)> {
        let belongs = move |account, id, holding: &Holding| match pool {
            Pool::Cross { account: of, currency } => {
                account == of && !holding.isolated && self.currency(id) == currency
            }
            Pool::Isolated { account: of, instrument } => account == of && id == instrument,
            Pool::Unified { account: of } => account == of && !holding.isolated,
        };
        self.holdings.iter().filter(move |(key, h)| belongs(key.0, key.1, h)).map(|(key, h)| (key.1, h))
    }

    fn currency(&self, id: InstrumentId) -> CurrencyId {
        self.terms[&id].spec.settlement
    }

    fn terms_mut(&mut self, id: InstrumentId) -> &mut Terms {
        self.terms.get_mut(&id).expect("a listed instrument")
    }
}

/// What a spot market trades, and how much of it a lot is.
fn exchanges(spec: &InstrumentSpec) -> Option<(CurrencyId, i128)> {
    match spec.kind {
        InstrumentKind::Spot { base, lot } => Some((base, lot.into())),
        _ => None,
    }
}

/// `a ÷ b`, rounded up.
fn ceil(a: i128, b: i128) -> i128 {
    -(-a).div_euclid(b)
}

/// What `size` lots would cost at `mark`. `None` for amounts past any that listing allows; a quarter of the range
/// leaves room for maintenance and cost.
fn worth(spec: &InstrumentSpec, size: i128, mark: i128) -> Option<i128> {
    let face = size * i128::from(spec.point_value);
    let value = match spec.payoff {
        Payoff::Linear => face.checked_mul(mark)?,
        Payoff::Inverse => (-face).div_euclid(mark.max(1)),
    };
    Some(value).filter(|value| value.unsigned_abs() < 1 << 104)
}

/// Maintenance × 10^6, bracket by bracket: each part of the notional at its own tier's rate.
pub fn maintenance_e6(spec: &InstrumentSpec, value: i128, cost: i128) -> i128 {
    let notional = match spec.maintenance_basis {
        MaintenanceBasis::Mark => value.abs(),
        MaintenanceBasis::Entry => cost.abs(),
    };
    let ends = spec.tiers.iter().skip(1).map(|t| t.floor.0).chain([i128::MAX]);
    let bracket = |(tier, end): (&TierSpec, i128)| {
        let inside = (notional.min(end) - tier.floor.0).max(0);
        inside * i128::from(tier.maintenance.0 + spec.close_fee.0)
    };
    spec.tiers.iter().zip(ends).map(bracket).sum()
}

/// `a × b ÷ c`, rounded down, for `b` and `c` below 2^63: by parts, so that the product fits.
fn part_floor(a: i128, b: i128, c: i128) -> i128 {
    a.div_euclid(c) * b + (a.rem_euclid(c) * b).div_euclid(c)
}
