//! The shape of a forest: its trees, their generations and widths, and its branching ratio.

use super::{Ancestry, Forest};
use crate::exact::Exact;
use downdraft_types::{Span, Time};
use std::collections::BTreeMap;

/// A cascade: a liquidation without a parent, and all its descendants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tree {
    /// The number of its first liquidation, which names it.
    pub root: u64,
    /// How many liquidations it has.
    pub size: u64,
    /// By generation, the root's first; as many as it is deep.
    pub generations: Vec<u64>,
    /// When its first liquidation was triggered.
    pub start: Time,
    /// When its last one ended; `None` where the run ended first.
    pub end: Option<Time>,
    /// Most of its liquidations under way at once.
    pub peak_width: u64,
}

impl Tree {
    /// Its generations.
    #[must_use]
    pub const fn depth(&self) -> u64 {
        self.generations.len() as u64
    }

    /// From its first trigger to its last end; `None` where the run ended first.
    #[must_use]
    pub fn duration(&self) -> Option<Span> {
        self.end.map(|end| end.since(self.start))
    }
}

/// How many of some liquidations had a parent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Branching {
    /// All of them.
    pub liquidations: u64,
    /// Those with a parent.
    pub with_parent: u64,
}

impl Branching {
    /// The branching ratio, to six digits; 0 of none.
    #[must_use]
    pub fn ratio(self) -> Exact {
        Exact::ratio(self.with_parent, self.liquidations)
    }

    /// Liquidations per root: 1 ÷ (1 − ratio), the mean size of a cascade; 0 of none.
    ///
    /// Source: Filimonov and Sornette 2012, the mean cluster of a Hawkes process.
    #[must_use]
    pub fn mean_cascade(self) -> f64 {
        match self.liquidations - self.with_parent {
            0 => 0.0,
            roots => self.liquidations as f64 / roots as f64,
        }
    }
}

/// The branching of the liquidations triggered within a span of time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    /// From this moment on.
    pub from: Time,
    /// Before this one.
    pub to: Time,
    /// Of those triggered within.
    pub branching: Branching,
}

/// A liquidation's place in its cascade.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    pub root: u64,
    /// From 1.
    pub depth: u64,
}

impl Forest {
    /// Root and depth of each liquidation. A parent is always before its child.
    pub(crate) fn places(&self, ancestry: Ancestry) -> Vec<Place> {
        let mut places: Vec<Place> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let above = node.parent_by(ancestry).and_then(|parent| places.get(parent as usize - 1));
            let root = Place { root: node.episode, depth: 1 };
            places.push(above.map_or(root, |above| Place { root: above.root, depth: above.depth + 1 }));
        }
        places
    }

    /// The cascades, in order of their roots.
    #[must_use]
    pub fn trees(&self, ancestry: Ancestry) -> Vec<Tree> {
        let places = self.places(ancestry);
        let mut trees: Vec<Tree> = Vec::new();
        let mut at: BTreeMap<u64, usize> = BTreeMap::new();
        for (node, place) in self.nodes.iter().zip(&places) {
            let index = *at.entry(place.root).or_insert_with(|| {
                let (root, start, end) = (place.root, node.triggered, Some(node.triggered));
                trees.push(Tree { root, size: 0, generations: Vec::new(), start, end, peak_width: 0 });
                trees.len() - 1
            });
            let tree = &mut trees[index];
            tree.size += 1;
            tree.end = tree.end.zip(node.ended).map(|(a, b)| a.max(b));
            let generation = place.depth as usize - 1;
            if tree.generations.len() <= generation {
                tree.generations.resize(generation + 1, 0);
            }
            tree.generations[generation] += 1;
        }
        let mut widths = vec![0_u64; trees.len()];
        for (episode, begins) in self.moments() {
            let index = at[&places[episode].root];
            widths[index] = if begins { widths[index] + 1 } else { widths[index] - 1 };
            trees[index].peak_width = trees[index].peak_width.max(widths[index]);
        }
        trees
    }

    /// How many liquidations of a cascade (`None`: of all) were under way: after each moment that changed it.
    #[must_use]
    pub fn widths(&self, root: Option<u64>, ancestry: Ancestry) -> Vec<(Time, u64)> {
        let places = self.places(ancestry);
        let mut widths: Vec<(Time, u64)> = Vec::new();
        let mut width = 0_u64;
        for (episode, begins) in self.moments() {
            if root.is_some_and(|root| places[episode].root != root) {
                continue;
            }
            let node = &self.nodes[episode];
            let time = if begins { node.triggered } else { node.ended.unwrap_or(node.triggered) };
            width = if begins { width + 1 } else { width - 1 };
            match widths.last_mut() {
                Some((last, value)) if *last == time => *value = width,
                _ => widths.push((time, width)),
            }
        }
        widths
    }

    /// All triggers (`true`) and ends, in the order in which they happened: places of nodes.
    fn moments(&self) -> Vec<(usize, bool)> {
        let begun = self.nodes.iter().enumerate().map(|(place, node)| (node.born, place, true));
        let gone = self.nodes.iter().enumerate().filter_map(|(place, node)| Some((node.gone?, place, false)));
        let mut moments: Vec<(u64, usize, bool)> = begun.chain(gone).collect();
        moments.sort_unstable();
        moments.into_iter().map(|(_, place, begins)| (place, begins)).collect()
    }

    /// The root of the largest cascade, the first of several; `None` where nobody was liquidated.
    #[must_use]
    pub fn largest(&self, ancestry: Ancestry) -> Option<u64> {
        let mut sizes: BTreeMap<u64, u64> = BTreeMap::new();
        self.places(ancestry).iter().for_each(|place| *sizes.entry(place.root).or_default() += 1);
        sizes.into_iter().max_by_key(|(root, size)| (*size, core::cmp::Reverse(*root))).map(|(root, _)| root)
    }

    /// The root of the cascade that a liquidation is in; `None` where there is none of that number.
    #[must_use]
    pub fn root_of(&self, episode: u64, ancestry: Ancestry) -> Option<u64> {
        let mut node = self.node(episode)?;
        while let Some(parent) = node.parent_by(ancestry).and_then(|parent| self.node(parent)) {
            node = parent;
        }
        Some(node.episode)
    }

    /// The branching of all liquidations.
    #[must_use]
    pub fn branching(&self, ancestry: Ancestry) -> Branching {
        let with_parent = self.nodes.iter().filter(|node| node.parent_by(ancestry).is_some()).count() as u64;
        Branching { liquidations: self.len(), with_parent }
    }

    /// Liquidations by generation, over all cascades: Z(1), Z(2) …, with Z(1) the roots.
    #[must_use]
    pub fn generations(&self, ancestry: Ancestry) -> Vec<u64> {
        let mut generations = Vec::new();
        for place in self.places(ancestry) {
            let generation = place.depth as usize - 1;
            if generations.len() <= generation {
                generations.resize(generation + 1, 0);
            }
            generations[generation] += 1;
        }
        generations
    }

    /// The branching ratio by generation: Z(k+1) ÷ Z(k), from k = 1; one fewer than there are generations.
    #[must_use]
    pub fn generation_ratios(&self, ancestry: Ancestry) -> Vec<Exact> {
        self.generations(ancestry).windows(2).map(|pair| Exact::ratio(pair[1], pair[0])).collect()
    }

    /// The branching over sliding windows of `length`, one beginning each `step` from time zero, to the last trigger.
    /// Windows in which nothing was triggered are left out; none where `length` or `step` is zero.
    #[must_use]
    pub fn windows(&self, ancestry: Ancestry, length: Span, step: Span) -> Vec<Window> {
        let mut windows: BTreeMap<u64, Branching> = BTreeMap::new();
        if length == Span::ZERO || step == Span::ZERO {
            return Vec::new();
        }
        for node in &self.nodes {
            // Window k covers [k × step, k × step + length).
            let last = node.triggered.0 / step.0;
            let first = (node.triggered.0.saturating_add(1)).saturating_sub(length.0).div_ceil(step.0);
            for window in first..=last {
                let branching = windows.entry(window).or_default();
                branching.liquidations += 1;
                branching.with_parent += u64::from(node.parent_by(ancestry).is_some());
            }
        }
        let window = |(number, branching): (u64, Branching)| {
            let from = Time(number * step.0);
            Window { from, to: from.saturating_add(length), branching }
        };
        windows.into_iter().map(window).collect()
    }
}
