//! Options in the venue: the model's mark, and what an index or a volatility does to every option of an underlying at
//! once.
//!
//! ```text
//!   index, volatility of the underlying ──► marks and references of all its options are put in place
//!                                           └─► the underlying's own mark moves
//!                                               └─► pools whose box it leaves are looked at again
//! ```
//!
//! So no pool is looked at while some of its legs are at the new index and some at the old one.

use crate::emit::Emit;
use crate::event::{CauseKind, Event, Rejection, Sink};
use crate::market::Phase;
use crate::policy::MarkRule;
use crate::venue::{Decision, Venue};
use downdraft_margin::{OptionTerms, Outlook, PortfolioPolicy};
use downdraft_types::{AccountId, InstrumentId, MarkPrice, Ppm, Time};

/// The largest volatility: 100 per square root of a year, 10,000%.
const LARGEST_VOLATILITY: Ppm = Ppm(100 * Ppm::ONE.0);

impl Venue {
    pub(crate) fn report_volatility<S: Sink>(
        &mut self,
        instrument: InstrumentId,
        volatility: Ppm,
        emit: &mut Emit<'_, S>,
    ) -> Decision {
        if self.market(instrument)?.phase == Phase::Expired {
            return Err(Rejection::Expired);
        }
        if !(Ppm::ZERO..=LARGEST_VOLATILITY).contains(&volatility) {
            return Err(Rejection::PriceOutOfRange);
        }
        self.market_mut(instrument)?.volatility = Some(volatility);
        let reported = emit.event(None, &Event::VolatilityReported { instrument, volatility });
        self.place_options(instrument, reported, CauseKind::Volatility, emit);
        self.look_at_options(instrument, reported, CauseKind::Volatility, emit);
        Ok(())
    }

    /// Whether an option may be listed: its underlying is, or is the option itself, and has no index that would be out
    /// of the option's range.
    pub(crate) fn check_underlying(
        &self,
        id: InstrumentId,
        spec: &downdraft_margin::InstrumentSpec,
        terms: &OptionTerms,
    ) -> Decision {
        if terms.underlying == id {
            return Ok(());
        }
        self.market(terms.underlying)?;
        let underlying = self.margin.instrument(terms.underlying);
        let largest = i128::from(spec.max_price.0) * 2 * i128::from(spec.mark_scale);
        let within = i128::from(underlying.largest_mark().0) <= largest;
        if within { Ok(()) } else { Err(Rejection::Listing(downdraft_margin::ListingError::TooLarge)) }
    }

    /// The instrument whose index settles a contract: its own, or an option's underlying's.
    pub(crate) fn index_source(&self, instrument: InstrumentId) -> InstrumentId {
        self.margin.instrument(instrument).option().map_or(instrument, |terms| terms.underlying)
    }

    /// The model's mark of an option now: Black-76 of its underlying's index at the underlying's volatility × `smile`.
    /// `None` where the instrument is no option, or an index or volatility has not been reported.
    pub(crate) fn model_mark(&self, instrument: InstrumentId, smile: Ppm, now: Time) -> Option<MarkPrice> {
        let terms = self.margin.instrument(instrument).option()?;
        let market = self.market(terms.underlying).ok()?;
        terms.model_mark(market.index?, market.volatility?, smile, now)
    }

    /// Whether `option` is one of `underlying` that lives.
    fn is_option_of(&self, option: InstrumentId, underlying: InstrumentId) -> bool {
        self.market(option).is_ok_and(|market| market.phase != Phase::Expired)
            && self.margin.instrument(option).option().is_some_and(|terms| terms.underlying == underlying)
    }

    fn numbers(&self) -> impl Iterator<Item = InstrumentId> + use<> {
        (0..self.markets.len()).map(|index| InstrumentId(u16::try_from(index).expect("instruments fit their id")))
    }

    /// What an option's volatility is multiplied by: its model's smile.
    fn smile(&self, option: InstrumentId) -> Ppm {
        match self.market(option).map(|market| market.mark_policy.rule) {
            Ok(MarkRule::Model { smile, .. }) => smile,
            _ => Ppm::ONE,
        }
    }

    /// Tells margin what is known of an underlying now.
    fn update_outlook(&mut self, underlying: InstrumentId, at: Time) {
        if let Ok(market) = self.market(underlying) {
            let outlook = Outlook { index: market.index, volatility: market.volatility, at };
            self.margin.set_outlook(underlying, outlook);
        }
    }

    /// Values an option that was just listed. The first of an underlying tells margin what was reported before; otherwise
    /// a listing moves nothing.
    pub(crate) fn value_listed(&mut self, instrument: InstrumentId, now: Time) {
        if let Some(terms) = self.margin.instrument(instrument).option() {
            if self.margin.outlook(terms.underlying) == Outlook::default() {
                self.update_outlook(terms.underlying, now);
            }
            self.margin.place_option(instrument, None, self.smile(instrument));
        }
    }

    /// Values an option anew, by the time and its smile. [`Venue::look_at_options`] must follow where it is held.
    pub(crate) fn revalue_option(&mut self, instrument: InstrumentId, now: Time) {
        if let Some(terms) = self.margin.instrument(instrument).option() {
            self.update_outlook(terms.underlying, now);
            self.margin.place_option(instrument, None, self.smile(instrument));
        }
    }

    /// Whether an option's mark waits for liquidations to end.
    pub(crate) fn is_frozen(&self, option: InstrumentId) -> bool {
        self.desk.pending > 0 && self.market(option).is_ok_and(|market| market.mark_policy.frozen)
    }

    /// Puts marks, index and values of every option of an underlying in place. [`Venue::look_at_options`] must follow.
    pub(crate) fn place_options<S: Sink>(
        &mut self,
        underlying: InstrumentId,
        cause: u32,
        kind: CauseKind,
        emit: &mut Emit<'_, S>,
    ) {
        self.update_outlook(underlying, emit.time);
        for option in self.numbers() {
            if !self.is_option_of(option, underlying) || self.is_frozen(option) {
                continue;
            }
            let smile = self.smile(option);
            let modelled = self.markets[option.index()]
                .as_deref()
                .is_some_and(|market| matches!(market.mark_policy.rule, MarkRule::Model { .. }));
            let mark = self.model_mark(option, smile, emit.time).filter(|_| modelled);
            let terms = self.margin.instrument(option);
            let (lowest, highest) = terms.legal_marks();
            let mark = mark.map(|mark| mark.clamp(lowest, highest));
            let market = self.markets[option.index()].as_deref_mut().expect("a listed instrument");
            if let Some(mark) = mark.filter(|mark| !market.has_mark || *mark != terms.mark()) {
                market.has_mark = true;
                emit.event(Some(cause), &Event::MarkMoved { instrument: option, mark, kind });
            }
            self.margin.place_option(option, mark, smile);
        }
    }

    /// Looks at the pools whose boxes were left by an underlying's outlook or its options' marks, reports who fell, and lets
    /// breakers trip.
    pub(crate) fn look_at_options<S: Sink>(
        &mut self,
        underlying: InstrumentId,
        cause: u32,
        kind: CauseKind,
        emit: &mut Emit<'_, S>,
    ) {
        self.margin.look_at_options(underlying);
        for option in self.numbers() {
            if self.is_option_of(option, underlying) {
                let mark = self.margin.instrument(option).mark();
                self.watch_breaker(option, mark, cause, emit);
            }
        }
        self.raise(emit, Some(cause), kind);
    }

    pub(crate) fn set_portfolio_policy<S: Sink>(
        &mut self,
        underlying: InstrumentId,
        policy: Option<&PortfolioPolicy>,
        emit: &mut Emit<'_, S>,
    ) -> Decision {
        self.market(underlying)?;
        self.margin.set_portfolio_policy(underlying, policy)?;
        let set = emit.event(None, &Event::ParameterSet { instrument: Some(underlying) });
        self.raise(emit, Some(set), CauseKind::Parameter);
        self.place_options(underlying, set, CauseKind::Parameter, emit);
        self.look_at_options(underlying, set, CauseKind::Parameter, emit);
        Ok(())
    }

    pub(crate) fn set_portfolio<S: Sink>(
        &mut self,
        account: AccountId,
        portfolio: bool,
        emit: &mut Emit<'_, S>,
    ) -> Decision {
        if portfolio && self.policy.vault == Some(account) {
            return Err(Rejection::InvalidPolicy);
        }
        self.margin.set_portfolio(account, portfolio)?;
        let set = emit.event(None, &Event::PortfolioSet { account, portfolio });
        self.raise(emit, Some(set), CauseKind::OwnAccount);
        Ok(())
    }
}
