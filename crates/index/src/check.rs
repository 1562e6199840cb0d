//! Proof that the tree is one: every link, bound and count.

use crate::arena::Arena;
use crate::map::OrderedMap;
use crate::node::NIL;

/// What a walk over the tree has found so far.
struct Walk<K> {
    keys: usize,
    leaves: usize,
    inners: usize,
    previous_leaf: u32,
    previous_key: Option<K>,
}

impl<K: Copy + Ord, V: Copy, const B: usize> OrderedMap<K, V, B> {
    /// Walks every node. O(n); for tests and fuzzing.
    ///
    /// # Panics
    /// Where an order, a bound, a link, a fill or a count is wrong, or a node was lost.
    pub fn check_invariants(&self) {
        let mut walk = Walk { keys: 0, leaves: 0, inners: 0, previous_leaf: NIL, previous_key: None };
        if self.root != NIL {
            self.check_node(self.root, self.height, None, None, &mut walk);
            assert_eq!(self.leaves.get(self.last).next, NIL, "the last leaf ends the chain");
        }
        assert_eq!(walk.previous_leaf, self.last, "the last leaf is cached");
        assert_eq!(walk.keys, self.len(), "the count is the number of keys");
        assert!(self.len() <= self.capacity(), "the capacity is kept");
        let full = Self::with_capacity_and_fanout(self.capacity());
        assert_eq!(walk.leaves + self.leaves.spare(), full.leaves.spare(), "no leaf is lost");
        assert_eq!(walk.inners + self.inners.spare(), full.inners.spare(), "no inner node is lost");
    }

    /// Checks the node and all below it: keys from `low` on and below `high`.
    fn check_node(&self, id: u32, height: usize, low: Option<K>, high: Option<K>, walk: &mut Walk<K>) {
        if height == 0 {
            return self.check_leaf(id, low, high, walk);
        }
        let node = self.inners.get(id);
        let least = if id == self.root { 2 } else { Arena::<K, u32, B>::MIN };
        assert!(node.len() >= least, "an inner node is at least half full");
        assert!(low.is_none_or(|low| node.keys()[0] == low), "the first bound is the parent's");
        assert!(node.is_padded(), "no unused slot of a node is below its keys");
        walk.inners += 1;
        for at in 0..node.len() {
            let from = if at == 0 { low } else { Some(node.keys()[at]) };
            let to = node.keys().get(at + 1).copied().or(high);
            self.check_node(node.values()[at], height - 1, from, to, walk);
        }
    }

    fn check_leaf(&self, id: u32, low: Option<K>, high: Option<K>, walk: &mut Walk<K>) {
        let node = self.leaves.get(id);
        let least = if id == self.root { 1 } else { Arena::<K, V, B>::MIN };
        assert!(node.len() >= least, "a leaf is at least half full");
        assert!(node.is_padded(), "no unused slot of a node is below its keys");
        assert_eq!(node.prev, walk.previous_leaf, "leaves are chained in order");
        match walk.previous_leaf {
            NIL => assert_eq!(self.first, id, "the first leaf is cached"),
            before => assert_eq!(self.leaves.get(before).next, id, "leaves are chained in order"),
        }
        for key in node.keys() {
            assert!(walk.previous_key.is_none_or(|before| before < *key), "keys ascend");
            assert!(low.is_none_or(|low| low <= *key), "a key is within its parent's bounds");
            assert!(high.is_none_or(|high| *key < high), "a key is within its parent's bounds");
            walk.previous_key = Some(*key);
        }
        walk.keys += node.len();
        walk.leaves += 1;
        walk.previous_leaf = id;
    }
}
