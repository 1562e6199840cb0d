//! Moving the mark: what the book, the index and the clock tell the mark rule, and what a moved mark sets off.

use crate::command::Internal;
use crate::emit::{Emit, Parent};
use crate::event::{CauseKind, Event, Rejection, Sink};
use crate::floor::Tally;
use crate::mark::MarkMaker;
use crate::market::Phase;
use crate::policy::{MarkPolicy, MarkRule, Protections};
use crate::venue::{Decision, Venue};
use downdraft_types::{InstrumentId, MarkPrice, Ppm, Side, Span, Time};

/// The clock interval of an averaged mark.
const fn sampling(rule: MarkRule) -> Option<Span> {
    match rule {
        MarkRule::EmaMid { interval, .. } | MarkRule::Median { interval, .. } | MarkRule::Model { interval, .. } => {
            Some(interval)
        }
        MarkRule::Last | MarkRule::Mid | MarkRule::Exogenous => None,
    }
}

impl Venue {
    /// Tells the mark rule what a command did to the book: its last trade, once the taking order is done, and
    /// the touch. `changed` is the event to blame for a moved quote.
    pub(crate) fn book_changed<S: Sink>(
        &mut self,
        instrument: InstrumentId,
        tally: &Tally,
        changed: u32,
        emit: &mut Emit<'_, S>,
    ) {
        let market = self.markets[instrument.index()].as_deref_mut().expect("a listed instrument");
        let touch = [market.best(Side::Buy), market.best(Side::Sell)];
        let moved = touch != market.touch;
        market.touch = touch;
        if moved {
            market.maker.quote(touch[0], touch[1]);
        }
        if let Some(price) = tally.last_price {
            market.last = Some(price);
            market.maker.trade(price);
        }
        let heeds_quotes = market.maker.heeds(CauseKind::Quote);
        match (tally.last_trade, moved) {
            (Some(trade), _) => self.refresh_mark(instrument, Some(trade), CauseKind::Trade, emit),
            (None, true) if heeds_quotes => self.refresh_mark(instrument, Some(changed), CauseKind::Quote, emit),
            (None, _) => {}
        }
    }

    /// Moves the mark to what its rule gives now, unless it is frozen.
    fn refresh_mark<S: Sink>(
        &mut self,
        instrument: InstrumentId,
        parent: Parent,
        kind: CauseKind,
        emit: &mut Emit<'_, S>,
    ) {
        let pending = self.desk.pending > 0;
        let market = self.markets[instrument.index()].as_deref().expect("a listed instrument");
        let heeded = matches!(kind, CauseKind::Parameter | CauseKind::Thaw) || market.maker.heeds(kind);
        if !heeded || market.phase == Phase::Expired || (market.mark_policy.frozen && pending) {
            return;
        }
        let (funding_rate, to_funding) = self.funding_outlook(instrument, emit.time);
        let market = self.markets[instrument.index()].as_deref().expect("a listed instrument");
        let mark = match market.mark_policy.rule {
            MarkRule::Model { smile, .. } => self.model_mark(instrument, smile, emit.time),
            _ => market.maker.mark(funding_rate, to_funding),
        };
        if let Some(mark) = mark {
            self.move_mark(instrument, mark, parent, kind, emit);
        }
    }

    /// Sets the mark; reports who that puts below maintenance; trips the breaker where it moved too far.
    fn move_mark<S: Sink>(
        &mut self,
        instrument: InstrumentId,
        mark: MarkPrice,
        parent: Parent,
        kind: CauseKind,
        emit: &mut Emit<'_, S>,
    ) {
        let (lowest, highest) = self.margin.instrument(instrument).legal_marks();
        let mark = mark.clamp(lowest, highest);
        let market = self.markets[instrument.index()].as_deref_mut().expect("a listed instrument");
        let before = self.margin.instrument(instrument).mark();
        if market.has_mark && before == mark {
            return;
        }
        market.previous_mark = market.has_mark.then_some(before);
        market.has_mark = true;
        let moved = emit.event(parent, &Event::MarkMoved { instrument, mark, kind });
        self.margin.set_mark(instrument, mark);
        self.raise(emit, Some(moved), kind);
        self.watch_breaker(instrument, mark, moved, emit);
    }

    /// Shows the mark, which `moved`, to the circuit breaker.
    pub(crate) fn watch_breaker<S: Sink>(
        &mut self,
        instrument: InstrumentId,
        mark: MarkPrice,
        moved: u32,
        emit: &mut Emit<'_, S>,
    ) {
        let market = self.markets[instrument.index()].as_deref_mut().expect("a listed instrument");
        let tripped = market.protections.breaker.filter(|breaker| market.breaker.observe(emit.time, mark, breaker));
        if let Some(breaker) = tripped.filter(|_| market.phase == Phase::Open) {
            self.start_halt(instrument, Some(emit.time.saturating_add(breaker.halt)), Some(moved), emit);
        }
    }

    fn in_range(&self, instrument: InstrumentId, mark: MarkPrice) -> bool {
        let (lowest, highest) = self.margin.instrument(instrument).legal_marks();
        lowest <= mark && mark <= highest
    }

    /// A listed instrument that has not expired.
    fn living(&self, instrument: InstrumentId) -> Decision {
        match self.market(instrument)?.phase {
            Phase::Expired => Err(Rejection::Expired),
            Phase::Open | Phase::Halted(_) => Ok(()),
        }
    }

    /// Marks held while liquidations were pending move again.
    pub(crate) fn thaw<S: Sink>(&mut self, cause: u32, emit: &mut Emit<'_, S>) {
        for index in 0..self.markets.len() {
            let frozen = self.markets[index].as_deref().is_some_and(|m| m.mark_policy.frozen);
            if frozen {
                let instrument = InstrumentId(u16::try_from(index).expect("instruments fit their id"));
                if self.margin.instrument(instrument).option().is_some() {
                    let underlying = self.index_source(instrument);
                    self.place_options(underlying, cause, CauseKind::Thaw, emit);
                    self.look_at_options(underlying, cause, CauseKind::Thaw, emit);
                }
                self.refresh_mark(instrument, Some(cause), CauseKind::Thaw, emit);
            }
        }
    }

    pub(crate) fn set_mark<S: Sink>(
        &mut self,
        instrument: InstrumentId,
        mark: MarkPrice,
        emit: &mut Emit<'_, S>,
    ) -> Decision {
        self.living(instrument)?;
        if !self.in_range(instrument, mark) {
            return Err(Rejection::PriceOutOfRange);
        }
        self.move_mark(instrument, mark, None, CauseKind::Parameter, emit);
        Ok(())
    }

    pub(crate) fn set_mark_policy<S: Sink>(
        &mut self,
        instrument: InstrumentId,
        policy: MarkPolicy,
        emit: &mut Emit<'_, S>,
    ) -> Decision {
        self.living(instrument)?;
        let option = self.margin.instrument(instrument).option().is_some();
        let market = self.market_mut(instrument)?;
        let valid = match policy.rule {
            MarkRule::Model { smile, interval } => {
                option && interval > Span::ZERO && smile > Ppm::ZERO && smile.0 <= 10 * Ppm::ONE.0
            }
            MarkRule::EmaMid { interval, weight } | MarkRule::Median { interval, weight } => {
                interval > Span::ZERO && weight > Ppm::ZERO && weight <= Ppm::ONE
            }
            MarkRule::Last | MarkRule::Mid | MarkRule::Exogenous => true,
        };
        if !valid {
            return Err(Rejection::InvalidPolicy);
        }
        market.mark_policy = policy;
        market.next_mark_sample = sampling(policy.rule).map(|interval| emit.time.saturating_add(interval));
        let (touch, last, index, due) = (market.touch, market.last, market.index, market.next_mark_sample);
        let scale = self.margin.instrument(instrument).spec().mark_scale;
        let mut maker = MarkMaker::new(policy.rule, scale);
        maker.quote(touch[0], touch[1]);
        if let Some(price) = last {
            maker.trade(price);
        }
        if let Some(index) = index {
            maker.index(index);
        }
        self.market_mut(instrument)?.maker = maker;
        let set = emit.event(None, &Event::ParameterSet { instrument: Some(instrument) });
        if let Some(due) = due {
            emit.request(due, set, Internal::SampleMark { instrument });
        }
        self.refresh_option(instrument, set, CauseKind::Parameter, emit);
        Ok(())
    }

    /// Moves the mark to what its rule gives now; an option is valued anew at the same time.
    fn refresh_option<S: Sink>(
        &mut self,
        instrument: InstrumentId,
        cause: u32,
        kind: CauseKind,
        emit: &mut Emit<'_, S>,
    ) {
        let valued = self.margin.instrument(instrument).option().is_some() && !self.is_frozen(instrument);
        if valued {
            self.revalue_option(instrument, emit.time);
        }
        self.refresh_mark(instrument, Some(cause), kind, emit);
        if valued {
            self.margin.look_at_outlook(self.index_source(instrument));
            self.raise(emit, Some(cause), kind);
        }
    }

    pub(crate) fn sample_mark<S: Sink>(&mut self, instrument: InstrumentId, emit: &mut Emit<'_, S>) -> Decision {
        let now = emit.time;
        let market = self.market_mut(instrument)?;
        let interval = sampling(market.mark_policy.rule);
        let (Some(interval), true) = (interval, market.next_mark_sample == Some(now)) else {
            return Err(Rejection::NothingToDo);
        };
        let due = now.saturating_add(interval);
        market.next_mark_sample = Some(due);
        market.maker.sample();
        let ticked = emit.event(None, &Event::Ticked { instrument });
        emit.request(due, ticked, Internal::SampleMark { instrument });
        self.refresh_option(instrument, ticked, CauseKind::Clock, emit);
        Ok(())
    }

    pub(crate) fn report_index<S: Sink>(
        &mut self,
        instrument: InstrumentId,
        index: MarkPrice,
        emit: &mut Emit<'_, S>,
    ) -> Decision {
        self.market(instrument)?;
        if !self.in_range(instrument, index) {
            return Err(Rejection::PriceOutOfRange);
        }
        let market = self.market_mut(instrument)?;
        market.previous_index = market.index.replace(index);
        market.maker.index(index);
        let reported = emit.event(None, &Event::IndexReported { instrument, index });
        self.place_options(instrument, reported, CauseKind::Oracle, emit);
        self.refresh_mark(instrument, Some(reported), CauseKind::Oracle, emit);
        self.look_at_options(instrument, reported, CauseKind::Oracle, emit);
        Ok(())
    }

    pub(crate) fn set_protections<S: Sink>(
        &mut self,
        instrument: InstrumentId,
        protections: &Protections,
        emit: &mut Emit<'_, S>,
    ) -> Decision {
        let band_valid = protections.band.is_none_or(|band| band > Ppm::ZERO);
        let breaker_valid =
            protections.breaker.is_none_or(|b| b.movement > Ppm::ZERO && b.window > Span::ZERO && b.halt > Span::ZERO);
        self.market(instrument)?;
        if !band_valid || !breaker_valid {
            return Err(Rejection::InvalidPolicy);
        }
        let market = self.market_mut(instrument)?;
        market.protections = *protections;
        market.breaker.reset();
        emit.event(None, &Event::ParameterSet { instrument: Some(instrument) });
        Ok(())
    }

    pub(crate) fn halt<S: Sink>(
        &mut self,
        instrument: InstrumentId,
        until: Option<Time>,
        emit: &mut Emit<'_, S>,
    ) -> Decision {
        if self.market(instrument)?.phase == Phase::Expired {
            return Err(Rejection::Expired);
        }
        if until.is_some_and(|until| until < emit.time) {
            return Err(Rejection::InvalidPolicy);
        }
        self.start_halt(instrument, until, None, emit);
        Ok(())
    }

    fn start_halt<S: Sink>(
        &mut self,
        instrument: InstrumentId,
        until: Option<Time>,
        parent: Parent,
        emit: &mut Emit<'_, S>,
    ) {
        let market = self.markets[instrument.index()].as_deref_mut().expect("a listed instrument");
        market.phase = Phase::Halted(until);
        let halted = emit.event(parent, &Event::Halted { instrument, until });
        if let Some(until) = until {
            emit.request(until, halted, Internal::Reopen { instrument });
        }
    }

    /// Reopens a halted market. With `due`, only the halt that ends then: a later one has its own request.
    pub(crate) fn reopen<S: Sink>(
        &mut self,
        instrument: InstrumentId,
        due: Option<Time>,
        emit: &mut Emit<'_, S>,
    ) -> Decision {
        let market = self.market_mut(instrument)?;
        let ends = match (market.phase, due) {
            (Phase::Halted(until), Some(_)) => until == due,
            (Phase::Halted(_), None) => true,
            _ => false,
        };
        if !ends {
            return Err(Rejection::NothingToDo);
        }
        market.phase = Phase::Open;
        market.breaker.reset();
        emit.event(None, &Event::Reopened { instrument });
        self.unpark(emit);
        Ok(())
    }

    /// Asks again for the steps that waited for a reopening; those whose market is still halted wait again.
    pub(crate) fn unpark<S: Sink>(&mut self, emit: &mut Emit<'_, S>) {
        for index in 0..self.desk.parked.len() {
            let (command, cause) = self.desk.parked[index];
            let due = self.desk.slot(emit.time, Span::ZERO, &self.policy);
            emit.request_for(due, cause, command);
        }
        self.desk.parked.clear();
    }
}
