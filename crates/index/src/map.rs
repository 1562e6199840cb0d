//! The map: descent, insertion with splits, removal with refills.

use core::fmt;

use crate::arena::{Arena, Balanced};
use crate::iter::Iter;
use crate::node::{NIL, Node};

/// Entries of a node where the caller does not choose: leaves of about a kilobyte for 16-byte keys.
pub(crate) const FANOUT: usize = 64;
/// More levels than a tree of 2^32 leaves with the smallest fanout has.
const MAX_HEIGHT: usize = 34;

/// The map holds as many keys as it was built for, and the key was not among them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Full;

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the map is at its capacity")
    }
}

impl core::error::Error for Full {}

/// An ordered map of at most `capacity` keys that never allocates after construction.
///
/// `B` is the number of entries of a node; only tests and benches have a reason to choose it.
#[derive(Clone)]
pub struct OrderedMap<K: Copy + Ord, V: Copy, const B: usize = FANOUT> {
    pub(crate) leaves: Arena<K, V, B>,
    pub(crate) inners: Arena<K, u32, B>,
    pub(crate) root: u32,
    /// Levels of inner nodes above the leaves.
    pub(crate) height: usize,
    pub(crate) first: u32,
    pub(crate) last: u32,
    len: usize,
    capacity: usize,
}

/// The inner nodes from the root down to a leaf, each with the child taken.
struct Path {
    steps: [(u32, u32); MAX_HEIGHT],
    len: usize,
}

impl<K: Copy + Ord, V: Copy> OrderedMap<K, V> {
    /// An empty map for `capacity` keys.
    ///
    /// # Panics
    /// Where `capacity` exceeds 2^32 keys.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self::with_capacity_and_fanout(capacity)
    }
}

impl<K: Copy + Ord, V: Copy, const B: usize> OrderedMap<K, V, B> {
    /// As [`OrderedMap::with_capacity`], with nodes of `B` entries (at least 4).
    ///
    /// # Panics
    /// Where `capacity` exceeds 2^32 keys.
    #[must_use]
    pub fn with_capacity_and_fanout(capacity: usize) -> Self {
        const { assert!(B >= 4 && B <= 1 << 16, "a node has 4 to 65,536 entries") };
        assert!(capacity as u64 <= 1 << 32, "a map holds at most 2^32 keys");
        // Every node but the root is at least half full, so each layer is bounded by the one below.
        let leaves = if capacity == 0 { 0 } else { (capacity / Arena::<K, V, B>::MIN).max(1) };
        let (mut layer, mut inners) = (leaves, 0);
        while layer > 1 {
            layer = (layer / Arena::<K, u32, B>::MIN).max(1);
            inners += layer;
        }
        Self {
            leaves: Arena::with_limit(leaves),
            inners: Arena::with_limit(inners),
            root: NIL,
            height: 0,
            first: NIL,
            last: NIL,
            len: 0,
            capacity,
        }
    }

    /// How many keys the map holds.
    #[inline]
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether the map holds no key.
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many keys the map can hold.
    #[inline]
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.capacity
    }

    /// Sets the value of `key` and returns the one it replaces.
    ///
    /// # Errors
    /// [`Full`] where the key is new and the map is at its capacity; nothing has changed then.
    pub fn insert(&mut self, key: K, value: V) -> Result<Option<V>, Full> {
        self.enter(key, value, true)
    }

    /// Sets the value of `key` where it has none, and returns the one it has otherwise.
    ///
    /// # Errors
    /// As [`OrderedMap::insert`].
    pub fn insert_new(&mut self, key: K, value: V) -> Result<Option<V>, Full> {
        self.enter(key, value, false)
    }

    #[inline]
    fn enter(&mut self, key: K, value: V, replaces: bool) -> Result<Option<V>, Full> {
        if self.root == NIL {
            return self.insert_first(key, value);
        }
        let leaf = self.descend(&key);
        let node = self.leaves.get_mut(leaf);
        let at = node.rank(&key);
        if node.keys().get(at) == Some(&key) {
            let there = node.value_mut(at);
            return Ok(Some(if replaces { core::mem::replace(there, value) } else { *there }));
        }
        if self.len == self.capacity {
            return Err(Full);
        }
        self.len += 1;
        if !node.is_full() {
            node.insert_at(at, key, value);
            return Ok(None);
        }
        self.split(leaf, at, key, value);
        Ok(None)
    }

    /// Removes `key` and returns its value.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        if self.root == NIL {
            return None;
        }
        let leaf = self.descend(key);
        let node = self.leaves.get_mut(leaf);
        let at = node.rank(key);
        if node.keys().get(at) != Some(key) {
            return None;
        }
        let value = node.remove_at(at);
        let left = node.len();
        self.len -= 1;
        if self.len == 0 {
            self.clear();
        } else if left < Arena::<K, V, B>::MIN {
            self.refill(key);
        }
        Some(value)
    }

    /// Shows entries to `takes`, the smallest key first, and removes those it takes: up to the first that it does not,
    /// and no more than one node holds. Returns how many were removed; a map with more to take is asked again.
    pub fn remove_leading(&mut self, mut takes: impl FnMut(&K, &V) -> bool) -> usize {
        if self.first == NIL {
            return 0;
        }
        let node = self.leaves.get(self.first);
        let taken = node.keys().iter().zip(node.values()).take_while(|(key, value)| takes(key, value)).count();
        if taken == 0 {
            return 0;
        }
        let first = node.keys()[0];
        let node = self.leaves.get_mut(self.first);
        node.remove_front(taken);
        let left = node.len();
        self.len -= taken;
        if self.len == 0 {
            self.clear();
        } else if left < Arena::<K, V, B>::MIN {
            self.refill(&first);
        }
        taken
    }

    /// The value of `key`.
    #[inline]
    #[must_use]
    pub fn get(&self, key: &K) -> Option<V> {
        let node = self.leaf_for(key)?;
        let at = node.rank(key);
        (node.keys().get(at) == Some(key)).then(|| node.values()[at])
    }

    /// The value of `key`, to change in place.
    #[inline]
    #[must_use]
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        if self.root == NIL {
            return None;
        }
        let leaf = self.descend(key);
        let node = self.leaves.get_mut(leaf);
        let at = node.rank(key);
        if node.keys().get(at) == Some(key) { Some(node.value_mut(at)) } else { None }
    }

    /// The entry with the smallest key. Constant time.
    #[inline]
    #[must_use]
    pub fn first(&self) -> Option<(K, V)> {
        (self.first != NIL).then(|| self.leaves.get(self.first).entry(0))
    }

    /// The entry with the largest key. Constant time.
    #[inline]
    #[must_use]
    pub fn last(&self) -> Option<(K, V)> {
        (self.last != NIL).then(|| {
            let node = self.leaves.get(self.last);
            node.entry(node.len() - 1)
        })
    }

    /// The entry with the smallest key above `key`, which need not be in the map.
    #[must_use]
    pub fn next_after(&self, key: &K) -> Option<(K, V)> {
        let node = self.leaf_for(key)?;
        let at = node.rank_inclusive(key);
        if at < node.len() {
            return Some(node.entry(at));
        }
        (node.next != NIL).then(|| self.leaves.get(node.next).entry(0))
    }

    /// The entry with the largest key below `key`, which need not be in the map.
    #[must_use]
    pub fn next_before(&self, key: &K) -> Option<(K, V)> {
        let node = self.leaf_for(key)?;
        let at = node.rank(key);
        if at > 0 {
            return Some(node.entry(at - 1));
        }
        (node.prev != NIL).then(|| {
            let before = self.leaves.get(node.prev);
            before.entry(before.len() - 1)
        })
    }

    /// Every entry in key order; reversible.
    #[must_use]
    pub fn iter(&self) -> Iter<'_, K, V, B> {
        Iter::between(self, (self.first, 0))
    }

    /// The entries from the first key at or above `key`, in key order; reversible.
    #[must_use]
    pub fn range_from(&self, key: &K) -> Iter<'_, K, V, B> {
        if self.root == NIL {
            return self.iter();
        }
        let leaf = self.descend(key);
        Iter::between(self, (leaf, self.leaves.get(leaf).rank(key)))
    }

    /// Removes every key; the reservation stays.
    pub fn clear(&mut self) {
        self.leaves.clear();
        self.inners.clear();
        (self.root, self.first, self.last) = (NIL, NIL, NIL);
        (self.height, self.len) = (0, 0);
    }

    fn insert_first(&mut self, key: K, value: V) -> Result<Option<V>, Full> {
        if self.capacity == 0 {
            return Err(Full);
        }
        let leaf = self.leaves.take(key, value);
        self.leaves.get_mut(leaf).insert_at(0, key, value);
        (self.root, self.first, self.last) = (leaf, leaf, leaf);
        self.len = 1;
        Ok(None)
    }

    #[inline]
    fn leaf_for(&self, key: &K) -> Option<&Node<K, V, B>> {
        (self.root != NIL).then(|| self.leaves.get(self.descend(key)))
    }

    #[inline]
    fn descend(&self, key: &K) -> u32 {
        let mut id = self.root;
        for _ in 0..self.height {
            let node = self.inners.get(id);
            id = node.values()[node.child_of(key)];
        }
        id
    }

    /// The way to the leaf that `key` belongs to: few changes go up it again, so it is noted only for them.
    fn path_to(&self, key: &K) -> Path {
        let mut path = Path { steps: [(NIL, 0); MAX_HEIGHT], len: self.height };
        let mut id = self.root;
        for step in &mut path.steps[..self.height] {
            let node = self.inners.get(id);
            let child = node.child_of(key);
            *step = (id, child as u32);
            id = node.values()[child];
        }
        path
    }

    /// Enters `key` at `at` into the full leaf that it belongs to.
    #[cold]
    fn split(&mut self, leaf: u32, at: usize, key: K, value: V) {
        let path = self.path_to(&key);
        let (right, bound) = self.leaves.split_insert(leaf, at, key, value);
        if self.last == leaf {
            self.last = right;
        }
        self.insert_child(&path, right, bound);
    }

    /// Enters the node `child`, split off the one `path` leads to, into its parent; splits upward.
    fn insert_child(&mut self, path: &Path, mut child: u32, mut bound: K) {
        for &(parent, taken) in path.steps[..path.len].iter().rev() {
            let at = taken as usize + 1;
            let node = self.inners.get_mut(parent);
            if !node.is_full() {
                node.insert_at(at, bound, child);
                return;
            }
            (child, bound) = self.inners.split_insert(parent, at, bound, child);
        }
        let root = self.inners.take(bound, child);
        let node = self.inners.get_mut(root);
        node.insert_at(0, bound, self.root);
        node.insert_at(1, bound, child);
        self.root = root;
        self.height += 1;
    }

    /// Brings the nodes on the way to `key` back to their minimum, from its leaf up.
    #[cold]
    fn refill(&mut self, key: &K) {
        let path = self.path_to(key);
        for depth in (0..path.len).rev() {
            let (parent, taken) = path.steps[depth];
            let node = self.inners.get(parent);
            let at = (taken as usize).max(1);
            let (left, right) = (node.values()[at - 1], node.values()[at]);
            let is_leaf = depth + 1 == path.len;
            let balanced = match is_leaf {
                true => self.leaves.balance(left, right),
                false => self.inners.balance(left, right),
            };
            let node = self.inners.get_mut(parent);
            match balanced {
                Balanced::Moved(bound) => return node.set_key(at, bound),
                Balanced::Merged => _ = node.remove_at(at),
            }
            if is_leaf && self.last == right {
                self.last = left;
            }
            if node.len() >= Arena::<K, u32, B>::MIN {
                return;
            }
        }
        self.lower_root();
    }

    /// Drops a root that has a single child. A root that is a leaf may have any length.
    fn lower_root(&mut self) {
        if self.height == 0 {
            return;
        }
        let root = self.inners.get(self.root);
        if root.len() == 1 {
            let child = root.values()[0];
            self.inners.release(self.root);
            self.root = child;
            self.height -= 1;
        }
    }
}

impl<K: Copy + Ord + fmt::Debug, V: Copy + fmt::Debug, const B: usize> fmt::Debug for OrderedMap<K, V, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
