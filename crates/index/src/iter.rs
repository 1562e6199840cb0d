//! Walking the chained leaves from both ends.

use crate::map::{FANOUT, OrderedMap};
use crate::node::NIL;

/// Entries in key order; [`rev`](Iterator::rev) for the other direction.
#[derive(Clone)]
pub struct Iter<'a, K: Copy + Ord, V: Copy, const B: usize = FANOUT> {
    map: &'a OrderedMap<K, V, B>,
    /// The next entry from the front: a leaf and a place in it; past the end only in the last leaf.
    front: (u32, usize),
    /// One past the next entry from the back.
    back: (u32, usize),
}

impl<'a, K: Copy + Ord, V: Copy, const B: usize> Iter<'a, K, V, B> {
    /// From `front` to the end of the map.
    pub(crate) fn between(map: &'a OrderedMap<K, V, B>, front: (u32, usize)) -> Self {
        let end = if map.last == NIL { 0 } else { map.leaves.get(map.last).len() };
        let mut iter = Self { map, front, back: (map.last, end) };
        iter.settle_front();
        iter
    }

    fn settle_front(&mut self) {
        if self.front.0 == NIL {
            return;
        }
        let node = self.map.leaves.get(self.front.0);
        if self.front.1 == node.len() && node.next != NIL {
            self.front = (node.next, 0);
        }
    }
}

impl<K: Copy + Ord, V: Copy, const B: usize> Iterator for Iter<'_, K, V, B> {
    type Item = (K, V);

    #[inline]
    fn next(&mut self) -> Option<(K, V)> {
        if self.front == self.back {
            return None;
        }
        let entry = self.map.leaves.get(self.front.0).entry(self.front.1);
        self.front.1 += 1;
        self.settle_front();
        Some(entry)
    }
}

impl<K: Copy + Ord, V: Copy, const B: usize> DoubleEndedIterator for Iter<'_, K, V, B> {
    fn next_back(&mut self) -> Option<(K, V)> {
        if self.front == self.back {
            return None;
        }
        if self.back.1 == 0 {
            let before = self.map.leaves.get(self.back.0).prev;
            self.back = (before, self.map.leaves.get(before).len());
        }
        self.back.1 -= 1;
        Some(self.map.leaves.get(self.back.0).entry(self.back.1))
    }
}

impl<K: Copy + Ord, V: Copy, const B: usize> core::iter::FusedIterator for Iter<'_, K, V, B> {}

impl<'a, K: Copy + Ord, V: Copy, const B: usize> IntoIterator for &'a OrderedMap<K, V, B> {
    type Item = (K, V);
    type IntoIter = Iter<'a, K, V, B>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
