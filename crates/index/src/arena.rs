//! Nodes of one kind in one array reserved at construction, with a last-in-first-out free list.

use alloc::vec::Vec;

use crate::node::{NIL, Node};

/// How two neighbouring nodes were brought back to their minimum.
pub(crate) enum Balanced<K> {
    /// Entries moved between them; the right one now begins here.
    Moved(K),
    /// The right one was emptied into the left one and freed.
    Merged,
}

pub(crate) struct Arena<K, V, const B: usize> {
    nodes: Vec<Node<K, V, B>>,
    limit: usize,
    free: u32,
}

impl<K: Copy + Ord, V: Copy, const B: usize> Clone for Arena<K, V, B> {
    fn clone(&self) -> Self {
        // A derived clone would keep only the length of the reservation.
        let mut nodes = Vec::with_capacity(self.limit);
        nodes.extend_from_slice(&self.nodes);
        Self { nodes, limit: self.limit, free: self.free }
    }
}

impl<K: Copy + Ord, V: Copy, const B: usize> Arena<K, V, B> {
    /// Below this a node other than the root is refilled from a neighbour.
    pub const MIN: usize = B / 2;

    pub fn with_limit(limit: usize) -> Self {
        assert!(limit < NIL as usize, "an arena holds fewer than 2^32 − 1 nodes");
        Self { nodes: Vec::with_capacity(limit), limit, free: NIL }
    }

    #[inline]
    pub fn get(&self, id: u32) -> &Node<K, V, B> {
        &self.nodes[id as usize]
    }

    #[inline]
    pub fn get_mut(&mut self, id: u32) -> &mut Node<K, V, B> {
        &mut self.nodes[id as usize]
    }

    pub fn clear(&mut self) {
        self.nodes.clear();
        self.free = NIL;
    }

    /// An empty, unlinked node; `key` and `value` fill the slots of one never used before.
    pub fn take(&mut self, key: K, value: V) -> u32 {
        if self.free != NIL {
            let id = self.free;
            let node = self.get_mut(id);
            let next = node.next;
            (node.len, node.prev, node.next) = (0, NIL, NIL);
            self.free = next;
            return id;
        }
        assert!(self.nodes.len() < self.limit, "the node bound of the tree is wrong");
        self.nodes.push(Node::filled_with(key, value));
        self.nodes.len() as u32 - 1
    }

    pub fn release(&mut self, id: u32) {
        let free = self.free;
        let node = self.get_mut(id);
        (node.len, node.prev, node.next) = (0, NIL, free);
        self.free = id;
    }

    /// How many nodes are free or were never used.
    pub fn spare(&self) -> usize {
        let mut count = self.limit - self.nodes.len();
        let mut id = self.free;
        while id != NIL {
            count += 1;
            id = self.get(id).next;
        }
        count
    }

    /// Inserts into the full node `left` at `at` by moving its upper half to a new right neighbour, whose id
    /// and first key are returned.
    pub fn split_insert(&mut self, left: u32, at: usize, key: K, value: V) -> (u32, K) {
        let right = self.take(key, value);
        let (l, r) = self.pair(left, right);
        let keep = B - Self::MIN;
        l.give_back_to(r, Self::MIN);
        if at <= keep {
            l.insert_at(at, key, value)
        } else {
            r.insert_at(at - keep, key, value)
        }
        let first = r.keys()[0];
        let after = l.next;
        (r.prev, r.next, l.next) = (left, after, right);
        if after != NIL {
            self.get_mut(after).prev = right;
        }
        (right, first)
    }

    /// Merges two neighbours where one node can hold them, and shares their entries evenly otherwise.
    pub fn balance(&mut self, left: u32, right: u32) -> Balanced<K> {
        let (l, r) = self.pair(left, right);
        let total = l.len() + r.len();
        if total >= 2 * Self::MIN {
            let target = total / 2;
            match l.len() < target {
                true => l.take_front_of(r, target - l.len()),
                false => l.give_back_to(r, l.len() - target),
            }
            return Balanced::Moved(r.keys()[0]);
        }
        l.take_front_of(r, r.len());
        l.next = r.next;
        let after = l.next;
        if after != NIL {
            self.get_mut(after).prev = left;
        }
        self.release(right);
        Balanced::Merged
    }

    fn pair(&mut self, left: u32, right: u32) -> (&mut Node<K, V, B>, &mut Node<K, V, B>) {
        let [l, r] = self.nodes.get_disjoint_mut([left as usize, right as usize]).expect("two nodes of the arena");
        (l, r)
    }
}
