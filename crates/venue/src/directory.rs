//! The directory of clients' own order numbers, so that an order can be cancelled before its number is known.

use core::hash::{BuildHasherDefault, Hasher};
use downdraft_types::{AccountId, ClientOrderId, InstrumentId, OrderId};
use hashbrown::HashMap;

/// A fixed hasher: the same keys are found in the same way in every run. Nothing iterates over the map.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct FixedHasher(u64);

impl Hasher for FixedHasher {
    fn finish(&self) -> u64 {
        // Spreads the low bits, which choose the bucket, and the high ones, which tag it.
        let mixed = (self.0 ^ self.0 >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93);
        mixed ^ mixed >> 32
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u32(&mut self, n: u32) {
        self.write_u64(u64::from(n));
    }

    fn write_u64(&mut self, n: u64) {
        self.0 = (self.0.rotate_left(26) ^ n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// Client numbers of resting orders.
#[derive(Clone, Debug)]
pub(crate) struct Directory {
    orders: HashMap<(AccountId, ClientOrderId), (InstrumentId, OrderId), BuildHasherDefault<FixedHasher>>,
    capacity: usize,
}

impl Directory {
    /// Twice the room: a full table under churn would otherwise grow once, because of its tombstones.
    pub(crate) fn with_capacity(capacity: u32) -> Self {
        let capacity = capacity as usize;
        Self { orders: HashMap::with_capacity_and_hasher(capacity * 2, BuildHasherDefault::default()), capacity }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.orders.len() >= self.capacity
    }

    pub(crate) fn find(&self, account: AccountId, client: ClientOrderId) -> Option<(InstrumentId, OrderId)> {
        self.orders.get(&(account, client)).copied()
    }

    pub(crate) fn insert(&mut self, account: AccountId, client: ClientOrderId, at: (InstrumentId, OrderId)) {
        assert!(!self.is_full(), "invariant 10: callers check the capacity");
        self.orders.insert((account, client), at);
    }

    pub(crate) fn remove(&mut self, account: AccountId, client: ClientOrderId) {
        self.orders.remove(&(account, client));
    }
}
