//! The summary of a run: what `summary.json` holds. Every field, with its unit, is described in `docs/summary.md`.

use crate::analyzer::{Analyzer, RunInfo};
use crate::exact::Exact;
use crate::genealogy::{Ancestry, Forest, Swing, Tree, VIAS, Via};
use crate::market::{Market, Purse};
use crate::metrics::Digest;
use crate::names;
use crate::ranges::Range;
use crate::rows::Recorder;
use crate::units::Units;
use downdraft_types::{CurrencyId, InstrumentId, MarkPrice, Money, Qty, Span};
use serde::{Serialize, Serializer};

/// Values by name, in the order of the names' numbers or of first appearance: an object in JSON.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Named<T>(pub Vec<(String, T)>);

impl<T: Serialize> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// Values by instrument or currency. In JSON: where there is exactly one, its value alone; else an object by name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Each<T>(pub Vec<(String, T)>);

impl<T> Each<T> {
    /// The only value, where there is exactly one.
    #[must_use]
    pub fn only(&self) -> Option<&T> {
        match self.0.as_slice() {
            [(_, value)] => Some(value),
            _ => None,
        }
    }
}

impl<T: Serialize> Serialize for Each<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.only() {
            Some(value) => value.serialize(serializer),
            None => serializer.collect_map(self.0.iter().map(|(name, value)| (name, value))),
        }
    }
}

/// What a run was. Field order is that of the file.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/summary.md describes each field with its unit")]
pub struct Summary {
    pub scenario: String,
    pub seed: u64,
    pub version: String,
    pub state_hash: String,
    pub simulated_s: Exact,
    pub commands: u64,
    pub events: u64,
    pub fills: u64,
    pub orders: u64,
    pub rejected: Named<u64>,
    pub price: Each<PriceRange>,
    pub mark: Each<PriceRange>,
    pub liquidations: Liquidations,
    pub insurance_fund: Each<Fund>,
    pub takeovers: Takeovers,
    pub conversions: Conversions,
    pub adl: Deleveraging,
    pub socialised_loss: Each<Exact>,
    pub uncovered: Each<Exact>,
    pub bad_debt: Each<Exact>,
    pub cascade: Cascades,
    pub halts: u64,
    pub backlog: Backlog,
    pub feed: Named<u64>,
    pub actors: Named<Named<u64>>,
    pub conservation: Named<Exact>,
    pub audit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timing: Option<Timing>,
}

/// A price's way.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/summary.md describes each field with its unit")]
pub struct PriceRange {
    pub start: Option<Exact>,
    pub low: Option<Exact>,
    pub high: Option<Exact>,
    pub end: Option<Exact>,
}

/// Liquidations in the book.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/summary.md describes each field with its unit")]
pub struct Liquidations {
    pub accounts: u64,
    pub episodes: u64,
    pub orders: u64,
    pub fills: u64,
    pub quantity: Each<Exact>,
    pub notional: Each<Exact>,
    pub proceeds: Each<Exact>,
    pub slippage_cost: Each<Exact>,
    pub trigger_to_fill: TriggerToFill,
    pub ended: Ended,
}

/// From trigger to first forced fill, in seconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/summary.md describes each field with its unit")]
pub struct TriggerToFill {
    pub p50: Option<Exact>,
    pub p99: Option<Exact>,
    pub max: Option<Exact>,
}

/// How liquidations ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/summary.md describes each field with its unit")]
pub struct Ended {
    pub recovered: u64,
    pub closed: u64,
    pub bankrupt: u64,
    pub pending: u64,
}

/// The insurance fund's money: start + deposited + contributed − drawn + traded = end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/summary.md describes each field with its unit")]
pub struct Fund {
    pub start: Exact,
    pub deposited: Exact,
    pub contributed: Exact,
    pub drawn: Exact,
    pub traded: Exact,
    pub end: Exact,
}

/// Positions that the fund took over.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/summary.md describes each field with its unit")]
pub struct Takeovers {
    pub positions: u64,
    pub quantity: Each<Exact>,
    pub notional: Each<Exact>,
    pub unwind_orders: u64,
    pub unwound: Each<Exact>,
}

/// Collateral sold for what unified accounts owed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/summary.md describes each field with its unit")]
pub struct Conversions {
    pub orders: u64,
    pub quantity: Each<Exact>,
}

/// Auto-deleveraging.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/summary.md describes each field with its unit")]
pub struct Deleveraging {
    pub accounts: u64,
    pub quantity: Each<Exact>,
    pub notional: Each<Exact>,
    pub conceded: Each<Exact>,
    pub gained: Each<Exact>,
    pub overshoot: Each<Overshot>,
    pub conceded_later: Each<Exact>,
}

/// What auto-deleveraging took beyond the deficits at the mark: taken = trader + fund + vault.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/summary.md describes each field with its unit")]
pub struct Overshot {
    pub taken: Exact,
    pub trader: Exact,
    pub fund: Exact,
    pub vault: Exact,
}

/// The genealogy of liquidations.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/summary.md describes each field with its unit")]
pub struct Cascades {
    pub roots: u64,
    pub max_depth: u32,
    pub largest: u64,
    pub branching_ratio: Exact,
    pub by_cause: Named<u64>,
    pub generations: Vec<u64>,
    pub mediated: Mediation,
    pub forced: Each<ForcedShare>,
}

/// The genealogy with what came about through others.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/summary.md describes each field with its unit")]
pub struct Mediation {
    pub by_via: Named<u64>,
    pub roots: u64,
    pub max_depth: u64,
    pub largest: u64,
    pub branching_ratio: Exact,
}

/// How much of an instrument's volume and moves was forced.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/summary.md describes each field with its unit")]
pub struct ForcedShare {
    pub volume: Exact,
    pub falls: Exact,
    pub rises: Exact,
    pub drawdown: Exact,
    pub drawdown_forced: Exact,
    pub runup: Exact,
    pub runup_forced: Exact,
}

/// Pools waiting for liquidation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/summary.md describes each field with its unit")]
pub struct Backlog {
    pub max: u32,
}

/// What the run cost on a clock: the one part that differs between two equal runs.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/summary.md describes each field with its unit")]
pub struct Timing {
    pub elapsed_s: f64,
    pub commands_per_s: f64,
}

/// The forest with what came about through others.
fn mediation(forest: &Forest) -> Mediation {
    let via = |via: Via| forest.nodes.iter().filter(|node| node.mediated.is_some_and(|m| m.via == via)).count() as u64;
    let trees = forest.trees(Ancestry::Any);
    Mediation {
        by_via: Named(VIAS.iter().map(|kind| (kind.name().to_owned(), via(*kind))).collect()),
        roots: trees.len() as u64,
        max_depth: trees.iter().map(Tree::depth).max().unwrap_or(0),
        largest: trees.iter().map(|tree| tree.size).max().unwrap_or(0),
        branching_ratio: forest.branching(Ancestry::Any).ratio(),
    }
}

impl<R: Recorder> Analyzer<R> {
    /// Writes the rows still open, and sums up. Returns the recorder too.
    #[must_use]
    pub fn finish(mut self, run: RunInfo) -> (Summary, R) {
        self.close();
        self.mature(None);
        let summary = self.summary(run);
        (summary, self.recorder)
    }

    fn summary(&self, run: RunInfo) -> Summary {
        let counts = &self.counts;
        let waterfall = |currency| self.auditor.auditor().waterfall(currency);
        Summary {
            scenario: run.scenario,
            seed: run.seed,
            version: run.version,
            state_hash: format!("{:016x}", run.state_hash),
            simulated_s: Units::seconds(self.now),
            commands: counts.commands,
            events: counts.events,
            fills: counts.fills,
            orders: counts.orders,
            rejected: self.rejected_by_reason(),
            price: self.ranges(|market| market.prices),
            mark: self.ranges(|market| market.marks),
            liquidations: self.liquidations(),
            insurance_fund: self.each_currency(|currency, purse| self.fund(currency, purse)),
            takeovers: Takeovers {
                positions: counts.takeovers,
                quantity: self.quantities(|market| market.taken_over),
                notional: self.amounts(|_, purse| purse.taken_over),
                unwind_orders: counts.unwind_orders,
                unwound: self.quantities(|market| market.unwound),
            },
            conversions: Conversions {
                orders: counts.conversion_orders,
                quantity: self.quantities(|market| market.converted),
            },
            adl: Deleveraging {
                accounts: counts.deleveraged.len(),
                quantity: self.quantities(|market| market.deleveraged),
                notional: self.amounts(|_, purse| purse.deleveraged),
                conceded: self.amounts(|currency, _| waterfall(currency).conceded),
                gained: self.amounts(|currency, _| waterfall(currency).gained),
                overshoot: self.each_currency(|currency, _| self.overshot(currency)),
                conceded_later: self.amounts(|currency, _| self.overshoots.of(currency).conceded_later),
            },
            socialised_loss: self.amounts(|currency, _| waterfall(currency).socialised),
            uncovered: self.amounts(|currency, _| waterfall(currency).uncovered),
            bad_debt: self.amounts(|currency, _| waterfall(currency).deficits),
            cascade: self.cascades(),
            halts: counts.halts,
            backlog: Backlog { max: counts.backlog },
            feed: Named(run.feed),
            actors: Named(run.actors.into_iter().map(|(name, counts)| (name, Named(counts))).collect()),
            conservation: Named(self.amounts(|currency, _| self.auditor.auditor().conservation(currency)).0),
            audit: self.auditor.verdict().err().map(|fault| fault.to_string()),
            metrics: None,
            timing: None,
        }
    }

    fn overshot(&self, currency: CurrencyId) -> Overshot {
        let of = self.overshoots.of(currency);
        let [taken, trader, fund, vault] =
            [of.taken, of.to_trader(), of.to_fund, of.to_vault].map(|amount| self.units.money(currency, amount));
        Overshot { taken, trader, fund, vault }
    }

    fn liquidations(&self) -> Liquidations {
        let (counts, genealogy) = (&self.counts, self.episodes.genealogy());
        let seconds = |span: Option<Span>| span.map(|span| Exact::new(i128::from(span.0), 9));
        Liquidations {
            accounts: counts.liquidated.len(),
            episodes: genealogy.episodes,
            orders: counts.liquidation_orders,
            fills: counts.liquidation_fills,
            quantity: self.quantities(|market| market.liquidated),
            notional: self.amounts(|_, purse| purse.notional),
            proceeds: self.amounts(|_, purse| purse.proceeds),
            slippage_cost: self.amounts(|_, purse| purse.slippage),
            trigger_to_fill: TriggerToFill {
                p50: seconds(counts.trigger_to_fill.percentile(50)),
                p99: seconds(counts.trigger_to_fill.percentile(99)),
                max: seconds(counts.trigger_to_fill.max()),
            },
            ended: Ended {
                recovered: genealogy.recovered,
                closed: genealogy.closed,
                bankrupt: genealogy.bankrupt,
                pending: self.episodes.pending().len() as u64,
            },
        }
    }

    fn cascades(&self) -> Cascades {
        let genealogy = self.episodes.genealogy();
        let forest = self.forest();
        let causes = names::CAUSES.iter().zip(genealogy.by_cause);
        Cascades {
            roots: genealogy.roots,
            max_depth: genealogy.max_depth,
            largest: genealogy.largest,
            branching_ratio: Exact::ratio(genealogy.episodes - genealogy.roots, genealogy.episodes),
            by_cause: Named(causes.map(|(name, count)| ((*name).to_owned(), count)).collect()),
            generations: forest.generations(Ancestry::Direct),
            mediated: mediation(&forest),
            forced: self.each_market(|id, _| self.forced_share(id)),
        }
    }

    fn forced_share(&self, instrument: InstrumentId) -> ForcedShare {
        let forced = self.lineage.forced(instrument);
        let marks = |increments: i128| {
            let mark = MarkPrice(i64::try_from(increments).unwrap_or(if increments < 0 { i64::MIN } else { i64::MAX }));
            self.units.mark(instrument, mark)
        };
        let length = |swing: Option<Swing>| swing.map_or(0, |s| i128::from(s.to.0) - i128::from(s.from.0));
        let moved = |swing: Option<Swing>| swing.map_or(0, |s| s.forced);
        ForcedShare {
            volume: Exact::share(forced.forced_volume, forced.volume),
            falls: Exact::share(forced.forced_falls, forced.falls),
            rises: Exact::share(forced.forced_rises, forced.rises),
            drawdown: marks(-length(forced.drawdown)),
            drawdown_forced: marks(-moved(forced.drawdown)),
            runup: marks(length(forced.runup)),
            runup_forced: marks(moved(forced.runup)),
        }
    }

    fn fund(&self, currency: CurrencyId, purse: &Purse) -> Fund {
        let auditor = self.auditor.auditor();
        let (waterfall, end) = (auditor.waterfall(currency), auditor.fund(currency));
        let (contributed, drawn) = (waterfall.fund_received, waterfall.fund_drawn);
        let known = [purse.fund_start, purse.fund_deposited, contributed, Money(drawn.0.saturating_neg())];
        let traded = known.iter().fold(end.0, |rest, amount| rest.saturating_sub(amount.0));
        let print = |amount| self.units.money(currency, amount);
        Fund {
            start: print(purse.fund_start),
            deposited: print(purse.fund_deposited),
            contributed: print(contributed),
            drawn: print(drawn),
            traded: print(Money(traded)),
            end: print(end),
        }
    }

    fn rejected_by_reason(&self) -> Named<u64> {
        let mut named: Vec<(String, u64)> =
            self.counts.rejections.iter().map(|(reason, count)| (names::rejection(reason), *count)).collect();
        named.sort_unstable();
        Named(named)
    }

    fn each_market<T>(&self, value: impl Fn(InstrumentId, &Market) -> T) -> Each<T> {
        let listed = (0..=u16::MAX).map(InstrumentId).zip(&self.markets);
        let listed = listed.filter_map(|(id, market)| market.as_ref().map(|market| (id, market)));
        Each(listed.map(|(id, market)| (self.units.instrument_name(id), value(id, market))).collect())
    }

    fn each_currency<T>(&self, value: impl Fn(CurrencyId, &Purse) -> T) -> Each<T> {
        let all = (0..=u16::MAX).map(CurrencyId).zip(&self.purses);
        Each(all.map(|(id, purse)| (self.units.currency_name(id), value(id, purse))).collect())
    }

    fn quantities(&self, lots: impl Fn(&Market) -> Qty) -> Each<Exact> {
        self.each_market(|id, market| self.units.quantity(id, lots(market)))
    }

    fn amounts(&self, amount: impl Fn(CurrencyId, &Purse) -> Money) -> Each<Exact> {
        self.each_currency(|currency, purse| self.units.money(currency, amount(currency, purse)))
    }

    fn ranges(&self, range: impl Fn(&Market) -> Option<Range>) -> Each<PriceRange> {
        self.each_market(|id, market| {
            let print = |pick: fn(&Range) -> _| range(market).map(|range| self.units.mark(id, pick(&range)));
            PriceRange {
                start: print(|r| r.start),
                low: print(|r| r.low),
                high: print(|r| r.high),
                end: print(|r| r.end),
            }
        })
    }
}
