//! What a reader yields.

use downdraft_types::{Price, Qty, Side, Time};

/// One message of a recording.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Record {
    /// Nanoseconds since midnight. LOBSTER: of the recording's day, exchange time. DBN: UTC midnight of the day
    /// of the file's first record, by receive timestamp (see [`crate::mbo`]). Not decreasing in a sound file;
    /// [`crate::Counts::out_of_order`] tells.
    pub time: Time,
    /// Place in the file, from 0; every record of the file counts, also one that was filtered out.
    pub ordinal: u64,
    /// DBN: the publisher's instrument number. LOBSTER: 0.
    pub instrument: u32,
    /// Whether the venue's event is complete with this record, so that the book is consistent after it.
    pub end_of_event: bool,
    /// Whether the record is part of a snapshot of orders that were already resting.
    pub snapshot: bool,
    /// What happened.
    pub body: Body,
}

/// What happened to the recorded book. Order ids are the recording's; `side` is that of the resting order
/// unless said otherwise.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Body {
    /// A new resting order, last in its level's queue.
    Add {
        /// The order.
        order: u64,
        /// Its side.
        side: Side,
        /// Its price.
        price: Price,
        /// Its size.
        qty: Qty,
    },
    /// Part of an order was withdrawn; it keeps its place, and is gone when nothing is left of it.
    /// DBN reports every withdrawal so, with the whole remaining size when the order leaves.
    Reduce {
        /// The order.
        order: u64,
        /// Its side.
        side: Side,
        /// Its price.
        price: Price,
        /// How much is withdrawn.
        by: Qty,
    },
    /// The order was withdrawn.
    Delete {
        /// The order.
        order: u64,
        /// Its side.
        side: Side,
        /// Its price.
        price: Price,
        /// What was left of it.
        qty: Qty,
    },
    /// The order has a new price, size or both. It loses its place when the price changes or the size grows.
    Modify {
        /// The order.
        order: u64,
        /// Its side.
        side: Side,
        /// Its price from now on.
        price: Price,
        /// Its size from now on.
        qty: Qty,
    },
    /// LOBSTER: a resting order traded, and `qty` leaves the book with this very record.
    Execute {
        /// The resting order.
        order: u64,
        /// Its side: a resting sell means that a buyer took.
        side: Side,
        /// The trade's price.
        price: Price,
        /// How much traded.
        qty: Qty,
    },
    /// DBN: a resting order traded. The book does *not* change with this record: a [`Body::Reduce`] or
    /// [`Body::Modify`] of the same order follows in the same event.
    Fill {
        /// The resting order.
        order: u64,
        /// Its side.
        side: Side,
        /// The trade's price, which may differ from the order's.
        price: Price,
        /// How much traded.
        qty: Qty,
    },
    /// A trade against an order that was not displayed. The displayed book does not change.
    HiddenExecute {
        /// The hidden order's side, where the recording gives it.
        side: Option<Side>,
        /// The trade's price.
        price: Price,
        /// How much traded.
        qty: Qty,
    },
    /// DBN: an aggressor's print. The book does not change; its resting counterparts are the [`Body::Fill`]s
    /// that follow.
    Trade {
        /// The aggressor's order.
        order: u64,
        /// The aggressor's side.
        side: Side,
        /// The trade's price.
        price: Price,
        /// How much traded.
        qty: Qty,
    },
    /// A print of an auction, which has no aggressor. The book does not change with this record.
    Cross {
        /// An order that took part (DBN, one record each), or nothing for the whole auction's print.
        order: Option<u64>,
        /// The auction's price.
        price: Price,
        /// How much traded.
        qty: Qty,
    },
    /// All orders of the instrument leave the book.
    Clear,
    /// The instrument's trading phase changed.
    Phase(TradingPhase),
    /// A record that carries flags only.
    Notice,
    /// A well-formed record that cannot be expressed exactly, and why.
    Unusable(Reason),
}

/// The phase a recorded status message announces.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TradingPhase {
    /// Trading is halted.
    Halted,
    /// Orders are accepted, nothing trades.
    Quoting,
    /// Trading goes on.
    Trading,
}

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// All of them, in the order of their counters.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name in a summary.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }
    };
}

named! {
    /// The kind of a usable [`Body`].
    Kind {
        /// [`Body::Add`].
        Add = "add",
        /// [`Body::Reduce`].
        Reduce = "reduce",
        /// [`Body::Delete`].
        Delete = "delete",
        /// [`Body::Modify`].
        Modify = "modify",
        /// [`Body::Execute`].
        Execute = "execute",
        /// [`Body::Fill`].
        Fill = "fill",
        /// [`Body::HiddenExecute`].
        HiddenExecute = "hidden_execute",
        /// [`Body::Trade`].
        Trade = "trade",
        /// [`Body::Cross`].
        Cross = "cross",
        /// [`Body::Clear`].
        Clear = "clear",
        /// [`Body::Phase`].
        Phase = "phase",
        /// [`Body::Notice`].
        Notice = "notice",
    }
}

named! {
    /// Why a well-formed record yields nothing that could be applied.
    Reason {
        /// The price is not a whole number of ticks.
        OffTick = "off_tick",
        /// The size is not a whole number of lots.
        OffLot = "off_lot",
        /// The size is zero where an order or a trade needs one.
        NoQuantity = "no_quantity",
        /// The price is the format's mark for "none".
        NoPrice = "no_price",
        /// The order's side is missing.
        NoSide = "no_side",
        /// The record describes a level or the top of the book, not an order.
        NotAnOrder = "not_an_order",
        /// The record belongs to an instrument that was not asked for; it is counted, not delivered.
        OtherInstrument = "other_instrument",
    }
}

impl Body {
    /// The kind, or the reason why there is none.
    ///
    /// # Errors
    /// The reason of a [`Body::Unusable`].
    pub const fn kind(&self) -> Result<Kind, Reason> {
        Ok(match self {
            Self::Add { .. } => Kind::Add,
            Self::Reduce { .. } => Kind::Reduce,
            Self::Delete { .. } => Kind::Delete,
            Self::Modify { .. } => Kind::Modify,
            Self::Execute { .. } => Kind::Execute,
            Self::Fill { .. } => Kind::Fill,
            Self::HiddenExecute { .. } => Kind::HiddenExecute,
            Self::Trade { .. } => Kind::Trade,
            Self::Cross { .. } => Kind::Cross,
            Self::Clear => Kind::Clear,
            Self::Phase(_) => Kind::Phase,
            Self::Notice => Kind::Notice,
            Self::Unusable(reason) => return Err(*reason),
        })
    }
}
