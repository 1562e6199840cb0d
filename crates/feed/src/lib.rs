//! Streaming readers of recorded order flow: LOBSTER and CME market-by-order.
