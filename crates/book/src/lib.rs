//! A price-time limit order book on integer ticks and lots; no_std, no allocation after construction.
