//! Human units: how ticks, lots and smallest units of money are printed.

use crate::exact::Exact;
use downdraft_types::{CurrencyId, InstrumentId, MarkPrice, Money, Price, Qty, Time};

/// Names and scales of a venue's currencies and instruments, by number.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Units {
    /// Currencies; a currency's number is its place.
    pub currencies: Vec<CurrencyUnits>,
    /// Instruments; an instrument's number is its place.
    pub instruments: Vec<InstrumentUnits>,
}

/// A currency in print.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CurrencyUnits {
    /// Its name.
    pub name: String,
    /// Digits after the point of its smallest unit.
    pub decimals: u32,
}

/// An instrument in print. Sizes are decimals: a mantissa, and how many of its digits follow the point.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InstrumentUnits {
    /// Its name.
    pub name: String,
    /// Price of a tick.
    pub tick: (i128, u32),
    /// Size of a lot.
    pub lot: (i128, u32),
    /// Mark increments per tick.
    pub mark_scale: u32,
}

impl Units {
    /// Bare numbers: currencies c0, c1 … and instruments i0, i1 … in smallest units, lots, and marks in ticks.
    #[must_use]
    pub fn bare(currencies: u16, mark_scales: &[u32]) -> Self {
        let currency = |n| CurrencyUnits { name: CurrencyId(n).to_string(), decimals: 0 };
        let instrument = |(n, mark_scale): (u16, &u32)| InstrumentUnits {
            name: InstrumentId(n).to_string(),
            tick: (1, 0),
            lot: (1, 0),
            mark_scale: *mark_scale,
        };
        Self {
            currencies: (0..currencies).map(currency).collect(),
            instruments: (0..).zip(mark_scales).map(instrument).collect(),
        }
    }

    /// A currency's name.
    #[must_use]
    pub fn currency_name(&self, currency: CurrencyId) -> String {
        self.currencies.get(currency.index()).map_or_else(|| currency.to_string(), |c| c.name.clone())
    }

    /// An instrument's name.
    #[must_use]
    pub fn instrument_name(&self, instrument: InstrumentId) -> String {
        self.instruments.get(instrument.index()).map_or_else(|| instrument.to_string(), |i| i.name.clone())
    }

    /// An amount of money.
    #[must_use]
    pub fn money(&self, currency: CurrencyId, amount: Money) -> Exact {
        Exact::new(amount.0, self.currencies.get(currency.index()).map_or(0, |c| c.decimals))
    }

    /// A quantity of lots.
    #[must_use]
    pub fn quantity(&self, instrument: InstrumentId, lots: Qty) -> Exact {
        let (mantissa, scale) = self.instruments.get(instrument.index()).map_or((1, 0), |i| i.lot);
        Exact::new(times(i128::from(lots.0), mantissa), scale)
    }

    /// A price.
    #[must_use]
    pub fn price(&self, instrument: InstrumentId, price: Price) -> Exact {
        let (mantissa, scale) = self.instruments.get(instrument.index()).map_or((1, 0), |i| i.tick);
        Exact::new(times(i128::from(price.0), mantissa), scale)
    }

    /// A mark or index price: exact where an increment is a decimal of up to six digits more than a tick, else
    /// rounded down to that.
    #[must_use]
    pub fn mark(&self, instrument: InstrumentId, mark: MarkPrice) -> Exact {
        const MORE_DIGITS: u32 = 6;
        let Some(units) = self.instruments.get(instrument.index()) else { return Exact::new(i128::from(mark.0), 0) };
        let (mantissa, scale) = units.tick;
        let finer = times(times(i128::from(mark.0), mantissa), 10_i128.pow(MORE_DIGITS));
        Exact::new(finer.div_euclid(i128::from(units.mark_scale.max(1))), scale + MORE_DIGITS)
    }

    /// Seconds.
    #[must_use]
    pub fn seconds(time: Time) -> Exact {
        Exact::new(i128::from(time.0), 9)
    }
}

fn times(a: i128, b: i128) -> i128 {
    a.saturating_mul(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units() -> Units {
        Units {
            currencies: vec![CurrencyUnits { name: "USD".into(), decimals: 2 }],
            instruments: vec![InstrumentUnits { name: "ES".into(), tick: (25, 2), lot: (1, 3), mark_scale: 8 }],
        }
    }

    #[test]
    fn human_units_are_exact() {
        let (units, es, usd) = (units(), InstrumentId(0), CurrencyId(0));
        assert_eq!(units.price(es, Price(-20_003)).to_string(), "-5000.75");
        assert_eq!(units.mark(es, MarkPrice(160_001)).to_string(), "5000.03125");
        assert_eq!(units.quantity(es, Qty(1_500)).to_string(), "1.5");
        assert_eq!(units.money(usd, Money(-123)).to_string(), "-1.23");
        assert_eq!(Units::seconds(Time(1_500_000_000)).to_string(), "1.5");
    }

    #[test]
    fn a_mark_that_is_no_decimal_is_rounded_down() {
        let mut units = units();
        units.instruments[0].mark_scale = 3;
        assert_eq!(units.mark(InstrumentId(0), MarkPrice(1)).to_string(), "0.08333333");
        assert_eq!(units.mark(InstrumentId(0), MarkPrice(-1)).to_string(), "-0.08333334");
    }

    #[test]
    fn what_has_no_name_is_bare() {
        let none = Units::default();
        assert_eq!(none.instrument_name(InstrumentId(3)), "i3");
        assert_eq!(none.money(CurrencyId(1), Money(7)).to_string(), "7");
        assert_eq!(Units::bare(1, &[10]).mark(InstrumentId(0), MarkPrice(995)).to_string(), "99.5");
    }
}
