//! Prices, quantities, money and rates.

use core::fmt;
use core::iter::Sum;
use core::ops::{Add, AddAssign, Neg, Sub, SubAssign};

/// The side of an order or of a position's closing trade.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Side {
    /// Bids.
    Buy,
    /// Asks.
    Sell,
}

impl Side {
    /// Both sides, bids first.
    pub const BOTH: [Self; 2] = [Self::Buy, Self::Sell];

    /// The other side.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// `quantity` as a change of position: positive for a buy.
    #[must_use]
    pub fn signed(self, quantity: Qty) -> Lots {
        let lots = i64::try_from(quantity.0).expect("quantity exceeds 2^63 lots");
        match self {
            Self::Buy => Lots(lots),
            Self::Sell => Lots(-lots),
        }
    }

    /// Whether a taker on this side accepts `price` under `limit`.
    #[must_use]
    pub const fn accepts(self, limit: Price, price: Price) -> bool {
        match self {
            Self::Buy => price.0 <= limit.0,
            Self::Sell => price.0 >= limit.0,
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
        })
    }
}

macro_rules! unit {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        pub struct $name(pub $inner);

        impl $name {
            /// Nothing.
            pub const ZERO: Self = Self(0);

            /// Whether this is zero.
            #[must_use]
            pub const fn is_zero(self) -> bool {
                self.0 == 0
            }

            /// The sum, or `None` where it cannot be represented.
            #[must_use]
            pub const fn checked_add(self, other: Self) -> Option<Self> {
                match self.0.checked_add(other.0) {
                    Some(n) => Some(Self(n)),
                    None => None,
                }
            }

            /// The difference, or `None` where it cannot be represented.
            #[must_use]
            pub const fn checked_sub(self, other: Self) -> Option<Self> {
                match self.0.checked_sub(other.0) {
                    Some(n) => Some(Self(n)),
                    None => None,
                }
            }
        }

        impl Add for $name {
            type Output = Self;

            #[inline]
            fn add(self, other: Self) -> Self {
                self.checked_add(other).expect(concat!(stringify!($name), " overflow"))
            }
        }

        impl Sub for $name {
            type Output = Self;

            #[inline]
            fn sub(self, other: Self) -> Self {
                self.checked_sub(other).expect(concat!(stringify!($name), " overflow"))
            }
        }

        impl AddAssign for $name {
            #[inline]
            fn add_assign(&mut self, other: Self) {
                *self = *self + other;
            }
        }

        impl SubAssign for $name {
            #[inline]
            fn sub_assign(&mut self, other: Self) {
                *self = *self - other;
            }
        }

        impl Sum for $name {
            fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
                items.fold(Self::ZERO, Add::add)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

macro_rules! signed_unit {
    ($name:ident) => {
        impl Neg for $name {
            type Output = Self;

            #[inline]
            fn neg(self) -> Self {
                Self(self.0.checked_neg().expect(concat!(stringify!($name), " overflow")))
            }
        }

        impl $name {
            /// The distance from zero.
            #[must_use]
            pub fn abs(self) -> Self {
                if self.0 < 0 { -self } else { self }
            }

            /// Whether this is below zero.
            #[must_use]
            pub const fn is_negative(self) -> bool {
                self.0 < 0
            }

            /// Whether this is above zero.
            #[must_use]
            pub const fn is_positive(self) -> bool {
                self.0 > 0
            }
        }
    };
}

unit! {
    /// An order's price, in ticks of its instrument. Any `i64` is legal.
    Price(i64)
}
unit! {
    /// A mark or index price, in ticks ÷ the instrument's `mark_scale`.
    MarkPrice(i64)
}
unit! {
    /// A quantity, in lots of its instrument.
    Qty(u64)
}
unit! {
    /// A position's size in lots: positive long, negative short.
    Lots(i64)
}
unit! {
    /// An amount of money, in its currency's smallest unit.
    Money(i128)
}
unit! {
    /// A rate in parts per million.
    Ppm(i64)
}
signed_unit!(Price);
signed_unit!(MarkPrice);
signed_unit!(Lots);
signed_unit!(Money);
signed_unit!(Ppm);

impl Lots {
    /// The size without its sign.
    #[must_use]
    pub const fn quantity(self) -> Qty {
        Qty(self.0.unsigned_abs())
    }

    /// The side whose trades enlarge this position; `None` when flat.
    #[must_use]
    pub const fn side(self) -> Option<Side> {
        match self.0 {
            0 => None,
            n if n > 0 => Some(Side::Buy),
            _ => Some(Side::Sell),
        }
    }
}

impl Ppm {
    /// One, that is 100%.
    pub const ONE: Self = Self(1_000_000);
}
