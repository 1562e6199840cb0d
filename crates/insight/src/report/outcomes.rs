//! The liquidations of a run: all of them small, as the forest that they are, and the largest whole.

use crate::rows::{LiquidationRow, Recorder};
use downdraft_types::{InstrumentId, Money, Qty, Time};
use std::collections::BTreeMap;

/// Rows kept whole, of each instrument: the largest.
const LARGEST: usize = 50;

/// A liquidation as a node of its cascade.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Node {
    /// Its parent's number; 0 of a root. Numbers begin with 1.
    pub parent: u64,
    pub root: u64,
    pub depth: u32,
    pub account: u32,
    pub triggered: Time,
    pub ended: Option<Time>,
    /// What was closed last, or was to be.
    pub instrument: Option<InstrumentId>,
    /// Closed in all ways, over all instruments.
    pub lots: u64,
    /// Value at the marks of what was sold or bought back in the book.
    pub notional: Money,
    pub slippage: Money,
}

/// Takes the rows of a run. Its memory grows with the number of liquidations, by a node each.
#[derive(Clone, Debug, Default)]
pub struct Outcomes {
    nodes: Vec<Node>,
    largest: BTreeMap<InstrumentId, Vec<LiquidationRow>>,
}

impl Recorder for Outcomes {
    fn liquidation(&mut self, row: &LiquidationRow) {
        let place = usize::try_from(row.episode.saturating_sub(1)).unwrap_or(usize::MAX);
        if place >= self.nodes.len() {
            self.nodes.resize(place.saturating_add(1), Node::default());
        }
        let node = &mut self.nodes[place];
        node.parent = row.parent.unwrap_or(0);
        (node.root, node.depth, node.account) = (row.root, row.depth, row.pool.account().0);
        (node.triggered, node.ended) = (row.triggered, row.ended);
        node.instrument = row.instrument.or(node.instrument);
        node.lots = node.lots.saturating_add(closed(row).0);
        crate::episode::add(&mut node.notional, row.notional);
        crate::episode::add(&mut node.slippage, row.slippage);
        let Some(instrument) = row.instrument else { return };
        let largest = self.largest.entry(instrument).or_default();
        largest.push(*row);
        if largest.len() >= LARGEST * 4 {
            keep_largest(largest);
        }
    }
}

impl Outcomes {
    /// All liquidations, in order of trigger; a liquidation's number is its place plus 1.
    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// All rows have come.
    pub(crate) fn settle(&mut self) {
        self.largest.values_mut().for_each(keep_largest);
    }

    /// The liquidations that closed most of an instrument, largest first.
    pub(crate) fn largest(&self, instrument: InstrumentId) -> &[LiquidationRow] {
        self.largest.get(&instrument).map_or(&[], Vec::as_slice)
    }
}

fn keep_largest(rows: &mut Vec<LiquidationRow>) {
    rows.sort_unstable_by_key(|row| (core::cmp::Reverse(closed(row)), row.episode));
    rows.truncate(LARGEST);
}

/// What a row closed: in the book, against others, and by the fund.
pub(crate) fn closed(row: &LiquidationRow) -> Qty {
    Qty(row.quantity.0.saturating_add(row.deleveraged.0).saturating_add(row.taken_over.0))
}

/// The largest cascades, as `(root, size)`; the earlier first of equal ones.
pub(crate) fn largest_cascades(nodes: &[Node], most: usize) -> Vec<(u64, u64)> {
    let mut sizes: BTreeMap<u64, u64> = BTreeMap::new();
    nodes.iter().for_each(|node| *sizes.entry(node.root).or_default() += 1);
    let mut sizes: Vec<(u64, u64)> = sizes.into_iter().collect();
    sizes.sort_by_key(|(root, size)| (core::cmp::Reverse(*size), *root));
    sizes.truncate(most);
    sizes
}

/// A node that is shown of a cascade.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Shown {
    /// The liquidation's number.
    pub episode: u64,
    /// Liquidations in its subtree, itself included, and how many of them are not shown.
    pub subtree: u64,
    pub hidden: u64,
}

/// The part of a cascade that is shown, in order of trigger: the `most` nodes with the largest subtrees, the
/// earlier first of equal ones. A parent's is larger than its child's, so they hang together.
pub(crate) fn prune(nodes: &[Node], root: u64, most: usize) -> Vec<Shown> {
    let members: Vec<u64> = (1..).zip(nodes).filter(|(_, node)| node.root == root).map(|(id, _)| id).collect();
    let place = |id: u64| members.binary_search(&id).ok();
    let parent = |id: u64| nodes.get(id as usize - 1).and_then(|node| place(node.parent));
    let mut subtree = vec![1_u64; members.len()];
    // A child is triggered after its parent, so its number is larger.
    for at in (0..members.len()).rev() {
        if let Some(parent) = parent(members[at]).filter(|parent| *parent < at) {
            subtree[parent] += subtree[at];
        }
    }
    let mut order: Vec<usize> = (0..members.len()).collect();
    order.sort_by_key(|at| (core::cmp::Reverse(subtree[*at]), *at));
    order.truncate(most);
    order.sort_unstable();
    let mut hidden: Vec<u64> = order.iter().map(|at| subtree[*at] - 1).collect();
    for at in &order {
        let shown = parent(members[*at]).and_then(|parent| order.binary_search(&parent).ok());
        if let Some(parent) = shown {
            hidden[parent] -= subtree[*at];
        }
    }
    let shown = |(at, hidden): (&usize, u64)| Shown { episode: members[*at], subtree: subtree[*at], hidden };
    order.iter().zip(hidden).map(shown).collect()
}

/// The branching ratio of the last `window` liquidations, at each of them from the `window`th on: how many of
/// them have a liquidation parent.
pub(crate) fn branching(nodes: &[Node], window: usize) -> Vec<(Time, u64)> {
    let child = |node: &Node| u64::from(node.parent != 0);
    let mut children = 0;
    let mut ratios = Vec::new();
    for (at, node) in nodes.iter().enumerate() {
        children += child(node);
        if at >= window {
            children -= child(&nodes[at - window]);
        }
        if at + 1 >= window {
            ratios.push((node.triggered, children));
        }
    }
    ratios
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A forest by its parents' numbers, 0 of roots.
    fn forest(parents: &[u64]) -> Vec<Node> {
        let mut nodes: Vec<Node> = Vec::new();
        for (parent, at) in parents.iter().zip(1..) {
            let above = parent.checked_sub(1).map(|place| nodes[place as usize]);
            let (root, depth) = above.map_or((at, 1), |above| (above.root, above.depth + 1));
            nodes.push(Node { parent: *parent, root, depth, triggered: Time(at), ..Node::default() });
        }
        nodes
    }

    #[test]
    fn a_tree_is_pruned_by_hand() {
        // 1 → 2 → 4, 1 → 3, 1 → 6 → 7 → 8; 5 stands alone.
        let nodes = forest(&[0, 1, 1, 2, 0, 1, 6, 7]);
        assert_eq!(largest_cascades(&nodes, 5), [(1, 7), (5, 1)]);
        let shown: Vec<_> = prune(&nodes, 1, 3).iter().map(|s| (s.episode, s.subtree, s.hidden)).collect();
        // Of 2 and 7, with subtrees of two each, the earlier is shown; 3 is hidden below the root.
        assert_eq!(shown, [(1, 7, 1), (2, 2, 1), (6, 3, 2)]);
        let all = prune(&nodes, 1, 100);
        assert_eq!(all.len(), 7);
        assert!(all.iter().all(|s| s.hidden == 0));
    }

    #[test]
    fn branching_slides() {
        let nodes = forest(&[0, 1, 0, 3, 4]);
        let ratios: Vec<_> = branching(&nodes, 3).iter().map(|(time, n)| (time.0, *n)).collect();
        assert_eq!(ratios, [(3, 1), (4, 2), (5, 2)]);
        assert_eq!(branching(&nodes[..2], 3), []);
    }

    proptest! {
        /// Whatever is shown hangs together, and shown and hidden nodes are the whole cascade.
        #[test]
        fn nothing_is_lost_in_pruning(draws in proptest::collection::vec(0_u64..1000, 1..120), most in 1_usize..30) {
            let parents: Vec<u64> = draws.iter().zip(1..).map(|(draw, at)| draw % at).collect();
            let nodes = forest(&parents);
            for (root, size) in largest_cascades(&nodes, 10) {
                let shown = prune(&nodes, root, most);
                let hidden: u64 = shown.iter().map(|s| s.hidden).sum();
                prop_assert_eq!(shown.len() as u64 + hidden, size);
                prop_assert_eq!(shown[0].episode, root);
                for node in &shown[1..] {
                    let parent = nodes[node.episode as usize - 1].parent;
                    prop_assert!(shown.iter().any(|s| s.episode == parent));
                }
            }
        }
    }
}
