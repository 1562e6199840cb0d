//! orderbook-rs: skip lists of levels and concurrent maps of orders, for many threads at once.

use downdraft_testkit::order_flow::{Engine, Trade};
use downdraft_types::Side;
use orderbook_rs::{Id, OrderBook, TimeInForce, TradeResult};
use pricelevel::{OrderUpdate, Price, Quantity};
use std::sync::{Arc, Mutex, PoisonError};

/// orderbook-rs. Its fills are heard through its trade listener, the one way that covers changed orders and immediate
/// orders that are not filled completely.
pub struct OrderbookRs {
    book: OrderBook<()>,
    heard: Arc<Mutex<Vec<Trade>>>,
}

/// What it lacks.
pub(crate) const LACKS: &str = "nothing of this flow";

impl OrderbookRs {
    /// An empty book.
    #[must_use]
    pub fn new() -> Self {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ear = Arc::clone(&heard);
        let listen = move |result: &TradeResult| {
            let mut heard = ear.lock().unwrap_or_else(PoisonError::into_inner);
            heard.extend(result.match_result.trades().as_vec().iter().map(trade_of));
        };
        Self { book: OrderBook::with_trade_listener("A/B", Arc::new(listen)), heard }
    }

    fn report(&self, filled: impl FnMut(Trade)) {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).drain(..).for_each(filled);
    }

    fn add(&self, number: u32, side: Side, price: i64, qty: u32, tif: TimeInForce, filled: impl FnMut(Trade)) {
        let (id, price) = (Id::Sequential(u64::from(number)), price as u128);
        let _ = self.book.add_limit_order(id, price, u64::from(qty), side_of(side), tif, None);
        self.report(filled);
    }
}

impl Default for OrderbookRs {
    fn default() -> Self {
        Self::new()
    }
}

fn trade_of(trade: &pricelevel::Trade) -> Trade {
    let maker = trade.maker_order_id().as_u64().unwrap_or(u64::MAX) as u32;
    Trade { maker, price: trade.price().as_u128() as i64, lots: trade.quantity().as_u64() as u32 }
}

const fn side_of(side: Side) -> orderbook_rs::Side {
    match side {
        Side::Buy => orderbook_rs::Side::Buy,
        Side::Sell => orderbook_rs::Side::Sell,
    }
}

impl Engine for OrderbookRs {
    type Handle = u32;

    fn place(&mut self, number: u32, side: Side, price: i64, qty: u32, filled: impl FnMut(Trade)) -> Option<u32> {
        self.add(number, side, price, qty, TimeInForce::Gtc, filled);
        Some(number)
    }

    fn take(&mut self, number: u32, side: Side, price: i64, qty: u32, filled: impl FnMut(Trade)) {
        self.add(number, side, price, qty, TimeInForce::Ioc, filled);
    }

    fn market(&mut self, number: u32, side: Side, qty: u32, filled: impl FnMut(Trade)) {
        let _ = self.book.submit_market_order(Id::Sequential(u64::from(number)), u64::from(qty), side_of(side));
        self.report(filled);
    }

    fn cancel(&mut self, order: u32) {
        let _ = self.book.cancel_order(Id::Sequential(u64::from(order)));
    }

    fn reduce(&mut self, order: u32, _: u32, left: u32) {
        let (order_id, new_quantity) = (Id::Sequential(u64::from(order)), Quantity::new(u64::from(left)));
        let _ = self.book.update_order(OrderUpdate::UpdateQuantity { order_id, new_quantity });
    }

    fn replace(&mut self, order: u32, _: Side, price: i64, qty: u32, filled: impl FnMut(Trade)) {
        let (order_id, new_price) = (Id::Sequential(u64::from(order)), Price::new(price as u128));
        let new_quantity = Quantity::new(u64::from(qty));
        let _ = self.book.update_order(OrderUpdate::UpdatePriceAndQuantity { order_id, new_price, new_quantity });
        self.report(filled);
    }
}
