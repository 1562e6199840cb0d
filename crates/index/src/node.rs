//! A node: sorted keys beside their values. A leaf's values are the map's; an inner node's are its children.

/// "No node".
pub(crate) const NIL: u32 = u32::MAX;

/// `B` slots of which the first `len` are in use, in key order. The others hold keys that are at or above the last
/// one in use, so that a search asks the same slots of every node, however full it is.
///
/// In an inner node `keys[i]` is a lower bound of child `i` and exceeds every key of child `i − 1`. `keys[0]`
/// equals the parent's bound for the node, except on the leftmost path, where it is never read.
#[derive(Clone)]
pub(crate) struct Node<K, V, const B: usize> {
    pub len: u32,
    pub prev: u32,
    pub next: u32,
    keys: [K; B],
    values: [V; B],
}

impl<K: Copy + Ord, V: Copy, const B: usize> Node<K, V, B> {
    /// An empty node; the unused slots hold copies of `key` and `value`.
    pub fn filled_with(key: K, value: V) -> Self {
        Self { len: 0, prev: NIL, next: NIL, keys: [key; B], values: [value; B] }
    }

    #[inline]
    pub fn len(&self) -> usize {
        self.len as usize
    }

    #[inline]
    pub fn is_full(&self) -> bool {
        self.len() == B
    }

    #[inline]
    pub fn keys(&self) -> &[K] {
        &self.keys[..self.len()]
    }

    #[inline]
    pub fn values(&self) -> &[V] {
        &self.values[..self.len()]
    }

    #[inline]
    pub fn value_mut(&mut self, at: usize) -> &mut V {
        &mut self.values[..self.len as usize][at]
    }

    #[inline]
    pub fn entry(&self, at: usize) -> (K, V) {
        (self.keys()[at], self.values()[at])
    }

    pub fn set_key(&mut self, at: usize, key: K) {
        self.keys[at] = key;
        self.pad();
    }

    /// How many keys lie below `key`.
    #[inline]
    pub fn rank(&self, key: &K) -> usize {
        self.count_leading(|k| k < key)
    }

    /// How many keys lie at or below `key`.
    #[inline]
    pub fn rank_inclusive(&self, key: &K) -> usize {
        self.count_leading(|k| k <= key)
    }

    /// As an inner node: which child `key` belongs to.
    #[inline]
    pub fn child_of(&self, key: &K) -> usize {
        let last = self.len.wrapping_sub(1);
        self.last_leading(|bound| bound <= key).min(last) as usize
    }

    /// How many keys at the start are `below`, where none after them is.
    #[inline]
    fn count_leading(&self, below: impl Fn(&K) -> bool) -> usize {
        let first = u32::from(below(&self.keys[0]));
        self.last_leading(below).wrapping_add(first).min(self.len) as usize
    }

    /// The slot of the last key that is `below`, the first slot where none is; the first one is not asked, and where
    /// all keys in use are below, those of other slots count as they may.
    ///
    /// Every [`STRIDE`]th key is asked, then those of one stride, whatever the answers: no branch depends on the keys,
    /// and the loads do not wait for each other, so that a cold node costs two misses, where a binary search would
    /// wait for each of its steps.
    #[inline(always)]
    fn last_leading(&self, below: impl Fn(&K) -> bool) -> u32 {
        let (mut strides, mut at) = (0_u32, STRIDE);
        while at < B {
            strides = strides.wrapping_add(u32::from(below(&self.keys[at])));
            at += STRIDE;
        }
        let from = strides.wrapping_mul(STRIDE as u32);
        let rest = &self.keys[from as usize..];
        let within = match rest.first_chunk::<STRIDE>() {
            Some(stride) => count_after_first(stride, below),
            // Only of nodes whose size is no multiple of a stride.
            None => count_after_first(rest, below),
        };
        from.wrapping_add(within)
    }

    #[inline]
    pub fn insert_at(&mut self, at: usize, key: K, value: V) {
        let len = self.len();
        if at == len {
            self.keys[at..].fill(key);
        }
        self.keys.copy_within(at..len, at + 1);
        self.values.copy_within(at..len, at + 1);
        self.keys[at] = key;
        self.values[at] = value;
        self.len += 1;
    }

    #[inline]
    pub fn remove_at(&mut self, at: usize) -> V {
        let len = self.len();
        let value = self.values[..len][at];
        self.keys.copy_within(at + 1..len, at);
        self.values.copy_within(at + 1..len, at);
        self.len -= 1;
        value
    }

    pub fn remove_front(&mut self, count: usize) {
        let len = self.len();
        self.keys.copy_within(count..len, 0);
        self.values.copy_within(count..len, 0);
        self.len -= count as u32;
        self.pad();
    }

    /// Moves the first `count` entries of `right` to the end of this node.
    pub fn take_front_of(&mut self, right: &mut Self, count: usize) {
        let (len, from) = (self.len(), right.len());
        self.keys[len..len + count].copy_from_slice(&right.keys[..count]);
        self.values[len..len + count].copy_from_slice(&right.values[..count]);
        right.keys.copy_within(count..from, 0);
        right.values.copy_within(count..from, 0);
        self.len += count as u32;
        right.len -= count as u32;
        self.pad();
        right.pad();
    }

    /// Moves the last `count` entries of this node to the front of `right`.
    pub fn give_back_to(&mut self, right: &mut Self, count: usize) {
        let (keep, to) = (self.len() - count, right.len());
        right.keys.copy_within(..to, count);
        right.values.copy_within(..to, count);
        right.keys[..count].copy_from_slice(&self.keys[keep..keep + count]);
        right.values[..count].copy_from_slice(&self.values[keep..keep + count]);
        self.len -= count as u32;
        right.len += count as u32;
        right.pad();
    }

    /// Fills the slots that are not in use with the last key in use, if there is one.
    fn pad(&mut self) {
        let len = self.len();
        if let Some(last) = self.keys().last().copied() {
            self.keys[len..].fill(last);
        }
    }

    /// Whether every slot that is not in use holds a key at or above the last one in use.
    pub fn is_padded(&self) -> bool {
        let last = self.keys().last();
        last.is_none_or(|last| self.keys[self.len()..].iter().all(|key| key >= last))
    }
}

/// How many keys but the first are `below`.
#[inline(always)]
fn count_after_first<K>(keys: &[K], below: impl Fn(&K) -> bool) -> u32 {
    keys.iter().skip(1).fold(0, |count: u32, key| count.wrapping_add(u32::from(below(key))))
}

/// Keys between two that are asked first.
const STRIDE: usize = 8;
