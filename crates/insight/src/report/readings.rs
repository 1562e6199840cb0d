//! What ladder and book said of a cascade to come, moment by moment of the metrics' grid.

use crate::metrics::{Metrics, Sample};
use downdraft_types::InstrumentId;
use serde::Serialize;

/// An instrument's readings, one element of each list per moment; of each pair of lists the first is of a falling mark.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub(crate) struct Readings {
    /// Nanoseconds.
    time: Vec<u64>,
    /// The recursion condition.
    recursion: [Vec<Option<f64>>; 2],
    /// The branching number to expect.
    expected: [Vec<Option<f64>>; 2],
    /// Distance of the nearest trigger from the mark, in percent of it.
    nearest: [Vec<Option<f64>>; 2],
    /// Where a cascade that begins there would end.
    run: [Vec<Option<f64>>; 2],
}

impl Readings {
    /// Those of an instrument, at each moment of the grid.
    pub(crate) fn new(metrics: &Metrics, instrument: InstrumentId) -> Self {
        let mut readings = Self::default();
        let series = metrics.series(instrument).into_iter();
        series.flat_map(|series| &series.samples).for_each(|sample| readings.push(sample));
        readings
    }

    /// At most `most` moments: of neighbours the first at which a cascade would run farthest, so that no danger is lost.
    pub(crate) fn thinned(&self, most: usize) -> Self {
        let places: Vec<usize> = (0..self.time.len()).collect();
        let farther = |a: usize, b: &usize| if self.danger(*b) > self.danger(a) { *b } else { a };
        let worst = |group: &[usize]| group.iter().fold(group[0], farther);
        let per = places.len().div_ceil(most.max(1)).max(1);
        let kept: Vec<usize> = places.chunks(per).map(worst).collect();
        let of = |lists: &[Vec<Option<f64>>; 2]| {
            [0, 1].map(|direction| kept.iter().map(|place| lists[direction][*place]).collect())
        };
        Self {
            time: kept.iter().map(|place| self.time[*place]).collect(),
            recursion: of(&self.recursion),
            expected: of(&self.expected),
            nearest: of(&self.nearest),
            run: of(&self.run),
        }
    }

    /// How far a cascade would run from the nearest trigger on, in percent, in the worse direction.
    fn danger(&self, place: usize) -> f64 {
        let way = |direction: usize| Some(self.run[direction][place]? - self.nearest[direction][place]?);
        [0, 1].into_iter().filter_map(way).fold(0.0, f64::max)
    }

    fn push(&mut self, sample: &Sample) {
        self.time.push(sample.time.0);
        for (place, side) in sample.sides.iter().enumerate() {
            let percent = |distance: i64| percent(distance, sample);
            self.recursion[place].push(side.recursion.map(rounded));
            self.expected[place].push(side.branching.map(rounded));
            self.nearest[place].push(side.proximity.and_then(percent));
            self.run[place].push(side.run.and_then(|run| percent(run.distance)));
        }
    }
}

fn percent(distance: i64, sample: &Sample) -> Option<f64> {
    (sample.mark.0 != 0).then(|| rounded(distance as f64 * 100.0 / (sample.mark.0 as f64).abs()))
}

/// To four digits after the point: what a chart can show.
fn rounded(value: f64) -> f64 {
    libm::round(value * 1e4) / 1e4
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::SideSample;
    use crate::metrics::slope::Prediction;
    use downdraft_types::{MarkPrice, Time};

    fn sample(time: u64, proximity: Option<i64>, run: i64) -> Sample {
        let run = proximity.map(|shock| Prediction { shock, distance: run, ..Prediction::default() });
        let falling = SideSample { proximity, run, recursion: Some(1.0 / 3.0), ..SideSample::default() };
        Sample {
            time: Time(time),
            mark: MarkPrice(2_000),
            bid: None,
            ask: None,
            sides: [falling, SideSample::default()],
            open_interest: 0,
            liquidations: 0,
            velocity: 0.0,
            volume: 0,
            forced_volume: 0,
            forced_velocity: 0.0,
            sigma: None,
            variance_ratio: None,
        }
    }

    #[test]
    fn distances_are_in_percent_of_the_mark_and_the_farthest_run_is_kept() {
        let mut readings = Readings::default();
        for (time, proximity, run) in [(1, Some(30), 250), (2, None, 0), (3, Some(40), 50), (4, Some(10), 20)] {
            readings.push(&sample(time, proximity, run));
        }
        assert_eq!(readings.nearest[0], [Some(1.5), None, Some(2.0), Some(0.5)]);
        assert_eq!(readings.run[0], [Some(12.5), None, Some(2.5), Some(1.0)]);
        assert_eq!(readings.recursion, [vec![Some(0.3333); 4], vec![None; 4]]);
        let thinned = readings.thinned(2);
        assert_eq!((thinned.time.as_slice(), &thinned.run[0]), (&[1, 3][..], &vec![Some(12.5), Some(2.5)]));
        assert_eq!((readings.thinned(4), readings.thinned(1).time), (readings.clone(), vec![1]));
        assert_eq!(Readings::default().thinned(9), Readings::default());
    }
}
