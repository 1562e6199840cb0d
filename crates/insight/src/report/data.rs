//! What the page's script draws, as JSON: whole numbers in the engine's units with the scales to print them.
//!
//! Times are nanoseconds, prices mark increments, quantities lots, money smallest units. Series are delta encoded:
//! of each bucket `from − previous to`, `to − from`, `first − previous last`, `first − low`, `high − first`,
//! `last − first`.

use super::camera::{Conceded, Purse, Scene};
use super::film::{Bins, Film, Frame};
use super::outcomes::{Node, branching, largest_cascades, prune};
use super::readings::Readings;
use super::series::Series;
use super::{RunReport, Share};
use crate::units::{InstrumentUnits, Units};
use downdraft_types::{AccountId, CurrencyId, InstrumentId, Time};
use serde::Serialize;

/// Price bins of a map, from its lowest price to its highest.
const ROWS: i64 = 140;
/// Groups of liquidations on the time axis.
const GROUPS: usize = 2_000;
/// Moments at which readings of ladder and book are shown, of all instruments.
const READINGS: usize = 1_024;
/// Points of a branching ratio.
const RATIOS: usize = 512;
/// Cascades drawn as trees, and nodes of each.
const TREES: usize = 3;
const NODES: usize = 240;
/// Generations counted one by one.
const GENERATIONS: usize = 60;

/// The data of a page.
#[derive(Serialize)]
pub(crate) struct Data {
    runs: Vec<Run>,
}

#[derive(Serialize)]
struct Run {
    label: String,
    begin: u64,
    end: u64,
    /// When the first liquidation was triggered and the last one ended.
    cascade: Option<(u64, u64)>,
    instruments: Vec<Instrument>,
    currencies: Vec<Currency>,
    branching: Branching,
    /// Liquidations by generation, the first that of the roots; those beyond the last are counted with it.
    generations: Vec<u64>,
    trees: Vec<Tree>,
}

#[derive(Serialize)]
struct Instrument {
    name: String,
    currency: usize,
    /// Whether prices are in that currency.
    priced: bool,
    /// Price of a mark increment, digits of a price; quantity of a lot, digits of a quantity.
    price: f64,
    price_digits: u32,
    lot: f64,
    lot_digits: u32,
    trades: Vec<i128>,
    marks: Vec<i128>,
    index: Vec<i128>,
    halts: Vec<(u64, Option<u64>)>,
    liquidations: Groups,
    /// The map's lowest price, and the height of a row, in mark increments.
    low: i64,
    row: i64,
    rows: i64,
    frames: Frames,
    readings: Readings,
}

/// Frames, one element of each list per frame; maps as `row, lots, row, lots …`.
#[derive(Serialize, Default)]
struct Frames {
    time: Vec<u64>,
    mark: Vec<i64>,
    bid: Vec<Option<i64>>,
    ask: Vec<Option<i64>>,
    open_interest: Vec<u64>,
    longs: Vec<u128>,
    shorts: Vec<u128>,
    bids: Vec<u128>,
    asks: Vec<u128>,
    ladder_longs: Vec<Vec<u64>>,
    ladder_shorts: Vec<Vec<u64>>,
    book_bids: Vec<Vec<u64>>,
    book_asks: Vec<Vec<u64>>,
}

/// Liquidations in groups of as many neighbours: when the first and the last of a group were triggered, how many
/// it has, and what they closed.
#[derive(Serialize, Default)]
struct Groups {
    from: Vec<u64>,
    to: Vec<u64>,
    count: Vec<u64>,
    lots: Vec<u64>,
}

#[derive(Serialize)]
struct Currency {
    name: String,
    unit: f64,
    fund: Vec<i128>,
    /// What became of the losses in liquidation, in smallest units.
    waterfall: Waterfall,
}

#[derive(Serialize)]
struct Waterfall {
    /// What liquidated pools had when they fell; of it lost, received by the fund, left to their owners.
    entered: i128,
    borne: i128,
    received: i128,
    kept: i128,
    drawn: i128,
    conceded: i128,
    socialised: i128,
    uncovered: i128,
    /// What of `conceded` no deficit at the mark asked for, who received it, and who bore most of it.
    overshoot: i128,
    to_trader: i128,
    to_fund: i128,
    to_vault: i128,
    bearers: usize,
    most: Option<(String, i128)>,
    /// Whether accounts whose currencies answer together are among the pools.
    unified: bool,
}

#[derive(Serialize)]
struct Branching {
    window: usize,
    /// Children among the last `window` liquidations.
    children: Vec<i128>,
}

#[derive(Serialize)]
struct Tree {
    root: u64,
    size: u64,
    nodes: Vec<TreeNode>,
}

#[derive(Serialize)]
struct TreeNode {
    id: u64,
    parent: u64,
    account: u32,
    time: u64,
    instrument: Option<u16>,
    lots: u64,
    notional: i128,
    slippage: i128,
    subtree: u64,
    hidden: u64,
}

impl Data {
    /// The data of runs, each with its share of the page.
    pub(crate) fn new(runs: &[RunReport], share: &Share) -> Self {
        Self { runs: runs.iter().map(|run| Run::new(runs, run, share)).collect() }
    }
}

impl Run {
    fn new(runs: &[RunReport], run: &RunReport, share: &Share) -> Self {
        let nodes = run.outcomes.nodes();
        let scenes = run.scenes().map(|(id, scene)| Instrument::new(run, id, scene, window(runs, run, id), share));
        let purses = run.camera.purses.iter().zip((0..).map(CurrencyId));
        let ends = |node: &Node| node.ended.unwrap_or(run.camera.now);
        let last = nodes.iter().map(ends).max();
        let mut generations = vec![0; nodes.iter().map(|n| n.depth as usize).max().unwrap_or(0).min(GENERATIONS)];
        for node in nodes {
            generations[(node.depth as usize).clamp(1, GENERATIONS) - 1] += 1;
        }
        let mut data = Self {
            label: run.label.clone(),
            begin: 0,
            end: run.camera.now.0,
            cascade: nodes.iter().map(|node| node.triggered.0).min().zip(last.map(|time| time.0)),
            instruments: scenes.collect(),
            currencies: purses.map(|(purse, id)| Currency::new(run, id, purse, share)).collect(),
            branching: Branching::new(nodes, share),
            generations,
            trees: largest_cascades(nodes, TREES).iter().map(|tree| Tree::new(nodes, tree, share)).collect(),
        };
        data.begin = data.first_time();
        data
    }

    /// Zero, or when a recording began, if that was long after: its times count from midnight.
    fn first_time(&self) -> u64 {
        const LONG: u64 = 60_000_000_000;
        let first = self.instruments.iter().filter_map(|instrument| instrument.frames.time.first()).min();
        first.copied().filter(|first| *first > LONG.max(self.end / 10)).unwrap_or(0)
    }
}

impl Instrument {
    fn new(run: &RunReport, id: InstrumentId, scene: &Scene, window: Window, share: &Share) -> Self {
        let units = instrument_units(&run.units, id);
        let currency = scene.currency().index();
        let mut film = scene.film.clone();
        film.thin(share.of(film.frames().len().max(64)));
        let map = Map::new(window, &film);
        let mut frames = Frames::default();
        film.frames().iter().for_each(|frame| frames.push(frame, &map));
        let nodes = run.outcomes.nodes().iter().filter(|node| node.instrument == Some(id));
        let readings = share.of((READINGS / run.scenes().count().max(1)).max(64));
        Self {
            name: run.units.instrument_name(id),
            currency,
            priced: scene.is_priced_in_it(),
            price: power(units.tick) / f64::from(units.mark_scale.max(1)),
            price_digits: units.tick.1,
            lot: power(units.lot),
            lot_digits: units.lot.1,
            trades: encode(&scene.trades, share),
            marks: encode(&scene.marks, share),
            index: encode(&scene.index, share),
            halts: scene.halts.iter().map(|(from, to)| (from.0, to.map(|to| to.0))).collect(),
            liquidations: Groups::new(nodes, share.of(GROUPS)),
            low: map.low * film.width(),
            row: map.merge * film.width(),
            rows: map.rows,
            frames,
            readings: run.readings.get(id.index()).map(|all| all.thinned(readings)).unwrap_or_default(),
        }
    }
}

/// The lowest and the highest price of a map, in mark increments.
type Window = (i128, i128);

/// The prices that an instrument had, in all runs in which it is the same, and a good part of their range above and
/// below: beside one another, maps show the same prices.
fn window(runs: &[RunReport], run: &RunReport, id: InstrumentId) -> Window {
    let units = instrument_units(&run.units, id);
    let same = runs.iter().filter(|other| instrument_units(&other.units, id) == units);
    let scenes = same.filter_map(|other| other.camera.scenes.get(id.index()).and_then(Option::as_ref));
    let buckets = scenes.flat_map(|scene| scene.trades.buckets().iter().chain(scene.marks.buckets()));
    let range = buckets.fold(None, |range: Option<Window>, bucket| {
        let (low, high) = range.unwrap_or((bucket.low, bucket.high));
        Some((low.min(bucket.low), high.max(bucket.high)))
    });
    let (low, high) = range.unwrap_or((0, 0));
    let margin = ((high - low) * 35 / 100).max(high.abs() * 25 / 1_000);
    (low - margin, high + margin)
}

/// The bins of a map: from which, and how many of them make a row.
struct Map {
    low: i64,
    merge: i64,
    rows: i64,
}

impl Map {
    fn new((low, high): Window, film: &Film) -> Self {
        let bin = |price: i128| i64::try_from(price.div_euclid(i128::from(film.width()))).unwrap_or(0);
        let (low, high) = (bin(low), bin(high));
        let merge = (high.saturating_sub(low) / ROWS + 1).max(1);
        Self { low, merge, rows: high.saturating_sub(low) / merge + 1 }
    }

    fn rows(&self, bins: &Bins) -> Vec<u64> {
        let mut rows: Vec<u64> = Vec::new();
        for (bin, lots) in bins {
            let row = (bin - self.low).div_euclid(self.merge);
            if !(0..self.rows).contains(&row) {
                continue;
            }
            let row = row.unsigned_abs();
            match rows.as_mut_slice() {
                [.., last, sum] if *last == row => *sum = sum.saturating_add(*lots),
                _ => rows.extend([row, *lots]),
            }
        }
        rows
    }
}

impl Frames {
    fn push(&mut self, frame: &Frame, map: &Map) {
        self.time.push(frame.time.0);
        self.mark.push(frame.mark.0);
        self.bid.push(frame.best[0]);
        self.ask.push(frame.best[1]);
        self.open_interest.push(frame.open_interest.0);
        self.longs.push(frame.pending_total[0]);
        self.shorts.push(frame.pending_total[1]);
        self.bids.push(frame.resting_total[0]);
        self.asks.push(frame.resting_total[1]);
        self.ladder_longs.push(map.rows(&frame.pending[0]));
        self.ladder_shorts.push(map.rows(&frame.pending[1]));
        self.book_bids.push(map.rows(&frame.resting[0]));
        self.book_asks.push(map.rows(&frame.resting[1]));
    }
}

impl Groups {
    fn new<'a>(nodes: impl Iterator<Item = &'a Node> + Clone, most: usize) -> Self {
        let per = nodes.clone().count().div_ceil(most.max(1)).max(1);
        let mut groups = Self::default();
        for (place, node) in nodes.enumerate() {
            if place % per == 0 {
                groups.from.push(node.triggered.0);
                groups.to.push(node.triggered.0);
                groups.count.push(0);
                groups.lots.push(0);
            }
            let at = place / per;
            groups.to[at] = node.triggered.0;
            groups.count[at] += 1;
            groups.lots[at] = groups.lots[at].saturating_add(node.lots);
        }
        groups
    }
}

impl Currency {
    fn new(run: &RunReport, id: CurrencyId, purse: &Purse, share: &Share) -> Self {
        let decimals = run.units.currencies.get(id.index()).map_or(0, |currency| currency.decimals);
        let losses = &purse.losses;
        let bore = |((account, of), conceded): (&(AccountId, CurrencyId), &Conceded)| {
            (*of == id && conceded.overshoot.is_positive()).then_some((*account, conceded.overshoot.0))
        };
        // What winners conceded too much was never the pools' own.
        let overshot = run.summary.adl.overshoot.0.get(id.index()).map(|(_, overshot)| overshot);
        let [to_trader, to_fund, to_vault] =
            overshot.map_or([0; 3], |to| [to.trader, to.fund, to.vault].map(|amount| amount.in_units(decimals)));
        let (received, kept) = (losses.received.0.saturating_sub(to_fund), losses.kept.0.saturating_sub(to_trader));
        let bearers: Vec<(AccountId, i128)> = run.camera.conceded.iter().filter_map(bore).collect();
        let most = bearers.iter().max_by_key(|(account, overshoot)| (*overshoot, core::cmp::Reverse(*account)));
        Self {
            name: run.units.currency_name(id),
            unit: power((1, decimals)),
            fund: encode(&purse.fund, share),
            waterfall: Waterfall {
                entered: losses.entered.0,
                borne: losses.entered.0.saturating_sub(received).saturating_sub(kept),
                received,
                kept,
                drawn: losses.drawn.0,
                conceded: losses.conceded.0,
                socialised: losses.socialised.0,
                uncovered: losses.uncovered.0,
                overshoot: losses.overshoot.0,
                to_trader,
                to_fund,
                to_vault,
                most: most.map(|(account, overshoot)| (run.account(account.0), *overshoot)),
                bearers: bearers.len(),
                unified: losses.unified,
            },
        }
    }
}

impl Branching {
    fn new(nodes: &[Node], share: &Share) -> Self {
        let window = (nodes.len() / 10).clamp(10, 50);
        let mut series = Series::new(RATIOS);
        branching(nodes, window).iter().for_each(|(time, children)| series.push(*time, i128::from(*children)));
        Self { window, children: encode(&series, share) }
    }
}

impl Tree {
    fn new(nodes: &[Node], (root, size): &(u64, u64), share: &Share) -> Self {
        let shown = prune(nodes, *root, share.of(NODES)).into_iter().map(|shown| {
            let node = nodes[shown.episode as usize - 1];
            TreeNode {
                id: shown.episode,
                parent: node.parent,
                account: node.account,
                time: node.triggered.0,
                instrument: node.instrument.map(|instrument| instrument.0),
                lots: node.lots,
                notional: node.notional.0,
                slippage: node.slippage.0,
                subtree: shown.subtree,
                hidden: shown.hidden,
            }
        });
        Self { root: *root, size: *size, nodes: shown.collect() }
    }
}

fn encode(series: &Series, share: &Share) -> Vec<i128> {
    let mut series = series.clone();
    series.thin(share.of(series.buckets().len().max(128)));
    let (mut time, mut value) = (Time::ZERO, 0);
    let mut encoded = Vec::with_capacity(series.buckets().len() * 6);
    for bucket in series.buckets() {
        let since = |later: Time, earlier: Time| i128::from(later.0) - i128::from(earlier.0);
        encoded.extend([since(bucket.from, time), since(bucket.to, bucket.from), bucket.first - value]);
        encoded.extend([bucket.first - bucket.low, bucket.high - bucket.first, bucket.last - bucket.first]);
        (time, value) = (bucket.to, bucket.last);
    }
    encoded
}

/// The units of an instrument, bare where it has none.
fn instrument_units(units: &Units, id: InstrumentId) -> InstrumentUnits {
    units.instruments.get(id.index()).cloned().unwrap_or_else(|| InstrumentUnits {
        name: id.to_string(),
        tick: (1, 0),
        lot: (1, 0),
        mark_scale: 1,
    })
}

/// A decimal as the nearest float: its text is read correctly rounded.
fn power((mantissa, scale): (i128, u32)) -> f64 {
    crate::exact::Exact::new(mantissa, scale).to_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_become_rows_and_far_ones_are_left_out() {
        let map = Map { low: 10, merge: 2, rows: 3 };
        assert_eq!(map.rows(&vec![(16, 1), (15, 2), (14, 4), (12, 8), (9, 16)]), [2, 6, 1, 8]);
    }

    #[test]
    fn groups_keep_every_liquidation() {
        let nodes: Vec<Node> = (1..=7).map(|n| Node { triggered: Time(n), lots: n, ..Node::default() }).collect();
        let groups = Groups::new(nodes.iter(), 3);
        assert_eq!((groups.from, groups.to), (vec![1, 4, 7], vec![3, 6, 7]));
        assert_eq!((groups.count, groups.lots), (vec![3, 3, 1], vec![6, 15, 7]));
    }

    #[test]
    fn series_are_deltas() {
        let mut series = Series::new(2);
        [5, 9, 1, 4].into_iter().zip(1..).for_each(|(value, at)| series.push(Time(at), value));
        assert_eq!(encode(&series, &Share { runs: 1 }), [1, 1, 5, 0, 4, 4, 1, 1, -8, 0, 3, 3]);
    }
}
