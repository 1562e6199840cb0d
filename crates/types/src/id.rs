//! Identifiers. All are plain numbers: names live with whoever gave them.

use core::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty), $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }
    };
}

id! {
    /// An account at a venue. Number 0 is the venue's insurance fund.
    AccountId(u32), "a"
}
id! {
    /// An instrument of a venue; one book each.
    InstrumentId(u16), "i"
}
id! {
    /// A currency in which money is held.
    CurrencyId(u16), "c"
}
id! {
    /// A machine in the simulated world: an exchange, later a chain.
    MachineId(u16), "m"
}
id! {
    /// A client's own number for an order, unique among that account's live orders.
    ClientOrderId(u64), "k"
}
id! {
    /// The number of a command in the total order `(time, seq)`.
    Seq(u64), "#"
}

impl AccountId {
    /// The insurance fund: its cash is the fund's balance.
    pub const FUND: Self = Self(0);

    /// The account as an array index.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl InstrumentId {
    /// The instrument as an array index.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl CurrencyId {
    /// The currency as an array index.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl Seq {
    /// The next number.
    ///
    /// # Panics
    /// After 2^64 − 1 commands.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.checked_add(1).expect("sequence numbers exhausted"))
    }
}

/// An order resting in a book: the slot it occupies and how often that slot was used before.
///
/// A stale id (the slot since reused) never names another order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct OrderId(pub u64);

impl OrderId {
    /// Builds an id from its slot and generation.
    #[must_use]
    pub const fn new(slot: u32, generation: u32) -> Self {
        Self((generation as u64) << 32 | slot as u64)
    }

    /// The slot in the book's order pool.
    #[must_use]
    pub const fn slot(self) -> u32 {
        self.0 as u32
    }

    /// How often the slot was used before.
    #[must_use]
    pub const fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "o{}.{}", self.slot(), self.generation())
    }
}

/// An event: the command that emitted it and its place among that command's events.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct EventId {
    /// The command.
    pub seq: Seq,
    /// Place among the command's events, from 0.
    pub index: u32,
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.seq, self.index)
    }
}
