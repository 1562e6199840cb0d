//! What ladder and book let expect of a cascade, before it comes: looked at once before the shock and once at the first
//! liquidation, to be compared with what came.

use downdraft_insight::metrics::{Config, slopes};
use downdraft_sim::world::Observer;
use downdraft_types::{EventId, InstrumentId, Ppm, Side, Span, Time};
use downdraft_venue::{Command, Event, Stamp, Venue};

/// What was to be expected of an instrument, in a direction.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Expected {
    /// When ladder and book were looked at.
    pub time: Time,
    /// Which instrument's.
    pub instrument: InstrumentId,
    /// `Sell`: as the mark falls; `Buy`: as it rises.
    pub direction: Side,
    /// The expected branching number: forced lots per mark increment × mark increments per lot sold, over the triggers
    /// within 5% of the mark. `None` with fewer than two of them, or where no level is left.
    pub branching: Option<f64>,
    /// Liquidations of the cascade that runs once the nearest trigger is touched, those under way apart. `None` without
    /// a trigger within 30%.
    pub run: Option<u64>,
}

impl Expected {
    /// Looks at a venue. `None` where the instrument is not listed.
    ///
    /// O(accounts + positions + triggers and levels within 30% of the mark).
    #[must_use]
    pub fn of(venue: &Venue, time: Time, instrument: InstrumentId, direction: Side) -> Option<Self> {
        let mark = i128::from(venue.margin().get_instrument(instrument)?.mark().0).abs();
        // Rounded down: what is just outside is left out.
        let part = |rate: Ppm| i64::try_from(mark * i128::from(rate.0) / i128::from(Ppm::ONE.0)).unwrap_or(i64::MAX);
        let config = Config::over(Span::ZERO);
        let [falling, rising] = slopes(venue, instrument, part(config.reach));
        let slope = if direction == Side::Sell { falling } else { rising };
        let (branching, run) = (slope.branching(part(config.shock)), slope.run().map(|run| run.liquidations));
        Some(Self { time, instrument, direction, branching, run })
    }
}

/// Waits for the first liquidation, and looks when the command that triggered it is done: its order is still to come.
#[derive(Clone, Debug, Default)]
pub struct Foresight {
    now: Time,
    triggered: Option<downdraft_margin::Pool>,
    first: Option<Expected>,
    done: bool,
}

impl Foresight {
    /// What was to be expected at the first liquidation; `None` where there was none.
    #[must_use]
    pub const fn first(&self) -> Option<Expected> {
        self.first
    }
}

impl Observer for Foresight {
    fn command(&mut self, stamp: &Stamp, _: &Command) {
        self.now = stamp.time;
    }

    fn event(&mut self, _: EventId, _: Option<u32>, event: &Event) {
        if let (Event::LiquidationTriggered { pool, .. }, false) = (event, self.done) {
            self.triggered.get_or_insert(*pool);
        }
    }

    fn done(&mut self, venue: &Venue) {
        let Some(pool) = self.triggered.take() else { return };
        self.done = true;
        let mut positions = venue.margin().pool_positions(pool);
        let Some(position) = positions.find(|position| !position.size().is_zero()) else { return };
        // Longs are sold.
        let direction = if position.size().is_negative() { Side::Buy } else { Side::Sell };
        self.first = Expected::of(venue, self.now, position.instrument(), direction);
    }
}
