//! Listing an instrument, and changing its terms: its triggers move with them.

use crate::engine::Margin;
use crate::form::MarginForm;
use crate::instrument::{Instrument, InstrumentKind, InstrumentSpec, ListingError, TierSpec, check_spec, check_tiers};
use crate::ladder::Ladder;
use downdraft_types::{InstrumentId, Ppm};

impl Margin {
    /// Lists an instrument and reserves its tables.
    ///
    /// # Errors
    /// See [`ListingError`].
    pub fn list(&mut self, id: InstrumentId, spec: &InstrumentSpec) -> Result<(), ListingError> {
        match self.instruments.get(id.index()) {
            None => return Err(ListingError::CapacityReached),
            Some(Some(_)) => return Err(ListingError::AlreadyListed),
            Some(None) if spec.currencies().any(|currency| currency.0 >= self.capacity.currencies) => {
                return Err(ListingError::CapacityReached);
            }
            Some(None) => {}
        }
        check_spec(spec, self.capacity.positions)?;
        // From here on it cannot fail.
        self.instruments[id.index()] = Some(Instrument::new(spec));
        self.holders[id.index()].reserve(self.capacity.positions as usize);
        self.ladders[id.index()] = Some(Ladder::with_capacity(self.capacity.positions as usize));
        if let InstrumentKind::Option(terms) = &spec.kind {
            self.open_watch(terms.underlying);
            self.join_portfolio(id);
        }
        Ok(())
    }

    /// Changes an instrument's tiers and moves every trigger, in account order.
    ///
    /// # Errors
    /// See [`ListingError`].
    pub fn set_tiers(&mut self, id: InstrumentId, spec: &[TierSpec]) -> Result<(), ListingError> {
        let terms = self.instrument(id);
        if terms.option().is_some() {
            return Err(ListingError::TiersNotRising);
        }
        check_tiers(spec, terms.spec.close_fee)?;
        let most = spec.iter().map(|tier| i128::from((tier.maintenance + terms.spec.close_fee).0)).max().unwrap_or(0);
        if most + terms.form().size.added(terms.spec.max_position) >= crate::instrument::RATE_ONE {
            return Err(ListingError::RateOutOfRange);
        }
        self.instrument_mut(id).set_tiers(spec);
        self.reindex_instrument(id);
        Ok(())
    }

    /// Raises every tier of an instrument to at least these rates, and moves every trigger, in account order.
    ///
    /// # Errors
    /// [`ListingError::RateOutOfRange`] where they, with the closing fee and what size adds, are not from 0 to below
    /// 100%, or initial is below maintenance.
    pub fn set_least_rates(&mut self, id: InstrumentId, maintenance: Ppm, initial: Ppm) -> Result<(), ListingError> {
        self.check_least_rates(id, maintenance, initial)?;
        self.instrument_mut(id).set_least_rates((maintenance, initial));
        self.reindex_instrument(id);
        Ok(())
    }

    /// Whether [`Margin::set_least_rates`] would be accepted.
    ///
    /// # Errors
    /// As it.
    pub fn check_least_rates(&self, id: InstrumentId, maintenance: Ppm, initial: Ppm) -> Result<(), ListingError> {
        let terms = self.instrument(id);
        let added = terms.form().size.added(terms.spec.max_position);
        let most = i128::from(maintenance.0) + i128::from(terms.spec.close_fee.0);
        let legal = maintenance >= Ppm::ZERO && initial <= Ppm::ONE && most <= i128::from(initial.0);
        let room = legal && most + added < crate::instrument::RATE_ONE;
        if room { Ok(()) } else { Err(ListingError::RateOutOfRange) }
    }

    /// Changes the form of an instrument's margin and moves every trigger, in account order.
    ///
    /// # Errors
    /// See [`ListingError`].
    pub fn set_form(&mut self, id: InstrumentId, form: &MarginForm) -> Result<(), ListingError> {
        form.check(self.instrument(id))?;
        self.instrument_mut(id).form = *form;
        self.reindex_instrument(id);
        Ok(())
    }
}
