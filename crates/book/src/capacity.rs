//! What a book reserves.

/// What a book reserves at construction, and cannot exceed.
///
/// ```
/// use downdraft_book::BookCapacity;
///
/// // A thousand orders on a hundred prices; mass cancel by owner for owners 0 to 49.
/// let capacity = BookCapacity { owners: 50, ..BookCapacity::new(1_000, 100) };
/// assert_eq!(capacity.window, 128);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BookCapacity {
    /// Orders, pending stops among them: 32 bytes each, and 24 more where `owners` is not zero.
    pub orders: u32,
    /// Price levels with a displayed order, both sides together.
    pub levels: u32,
    /// Prices each side keeps in a dense array around its best, 32 bytes each: a power of two, others are rounded
    /// up; at least 64, at most 2^18. Levels beyond are found through an ordered map, which is slower.
    pub window: u32,
    /// Owners are below this number, and each has a list of its orders: for mass cancel by owner and self-trade
    /// prevention by group. Zero keeps no lists, and any number is an owner.
    pub owners: u32,
    /// Orders at a time that have more to remember than price and quantity: icebergs, and those that expire.
    /// About 80 bytes each.
    pub extras: u32,
    /// Price levels with a hidden order, both sides together.
    pub hidden_levels: u32,
    /// Stop orders that wait, for their trigger or to be fired.
    pub stops: u32,
}

impl BookCapacity {
    /// The window of [`BookCapacity::new`] is at most so many prices a side.
    const ORDINARY_WINDOW: u32 = 1 << 14;

    /// So many orders and levels, without the features that need memory of their own: owner lists, icebergs,
    /// expiry, hidden orders and stops. The window is the next power of two of `levels`, at most 16,384.
    #[must_use]
    pub const fn new(orders: u32, levels: u32) -> Self {
        let window = if levels > Self::ORDINARY_WINDOW { Self::ORDINARY_WINDOW } else { levels };
        let window = window_of(window);
        Self { orders, levels, window, owners: 0, extras: 0, hidden_levels: 0, stops: 0 }
    }
}

/// The width of a dense window that was asked to be `window` prices wide.
pub(crate) const fn window_of(window: u32) -> u32 {
    match window {
        0..=64 => 64,
        65..=0x3_FFFF => window.next_power_of_two(),
        _ => 1 << 18,
    }
}
