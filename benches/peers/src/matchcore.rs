//! matchcore: two sorted maps of levels, with a hash of orders by id.

use downdraft_testkit::order_flow::{Engine, Flow, Trade};
use downdraft_types::Side;
use matchcore::{
    AmendCmd, AmendPatch, CancelCmd, Command, CommandKind, CommandMeta, CommandOutcome, CommandReport, LimitOrder,
    LimitOrderPatch, MarketOrder, NewOrder, OrderBook, OrderFlags, OrderId, OrderKind, Price, Quantity, QuantityPolicy,
    SequenceNumber, SubmitCmd, TimeInForce, Timestamp,
};

/// matchcore. It numbers orders by the command that brought them, so there is a table for either way.
pub struct Matchcore {
    book: OrderBook,
    commands: u64,
    /// By the flow's number.
    ids: Vec<OrderId>,
    /// By matchcore's.
    numbers: Vec<u32>,
}

/// What it lacks.
pub(crate) const LACKS: &str = "nothing of this flow";

impl Matchcore {
    /// An empty book; tables for a flow.
    #[must_use]
    pub fn new(flow: &Flow) -> Self {
        let commands = flow.setup.len() + flow.ops.len();
        let (ids, numbers) = (Vec::with_capacity(commands), Vec::with_capacity(commands));
        Self { book: OrderBook::new("A/B"), commands: 0, ids, numbers }
    }

    fn execute(&mut self, number: u32, kind: CommandKind, mut filled: impl FnMut(Trade)) {
        let meta = CommandMeta { sequence_number: SequenceNumber(self.commands), timestamp: Timestamp(0) };
        self.commands += 1;
        self.numbers.push(number);
        let outcome = self.book.execute(&Command { meta, kind });
        let CommandOutcome::Applied(CommandReport::Submit(effects) | CommandReport::Amend(effects)) = outcome else {
            return;
        };
        for trade in effects.target_order().match_result().map_or(&[][..], |result| result.trades()) {
            let maker = self.numbers[trade.maker_order_id().0 as usize];
            filled(Trade { maker, price: trade.price().0 as i64, lots: trade.quantity().0 as u32 });
        }
    }

    fn submit(&mut self, number: u32, order: NewOrder, filled: impl FnMut(Trade)) {
        let id = OrderId(self.commands);
        self.ids.resize(number as usize, id);
        self.ids.push(id);
        self.execute(number, CommandKind::Submit(SubmitCmd { order }), filled);
    }

    fn amend(&mut self, number: u32, patch: LimitOrderPatch, filled: impl FnMut(Trade)) {
        let order_id = self.ids[number as usize];
        self.execute(number, CommandKind::Amend(AmendCmd { order_id, patch: AmendPatch::Limit(patch) }), filled);
    }
}

fn limit(side: Side, price: i64, qty: u32, tif: TimeInForce) -> NewOrder {
    NewOrder::Limit(LimitOrder::new(Price(price as u64), lots(qty), OrderFlags::new(side_of(side), false, tif)))
}

fn lots(qty: u32) -> QuantityPolicy {
    QuantityPolicy::Standard { quantity: Quantity(u64::from(qty)) }
}

const fn side_of(side: Side) -> matchcore::Side {
    match side {
        Side::Buy => matchcore::Side::Buy,
        Side::Sell => matchcore::Side::Sell,
    }
}

impl Engine for Matchcore {
    type Handle = u32;

    fn place(&mut self, number: u32, side: Side, price: i64, qty: u32, filled: impl FnMut(Trade)) -> Option<u32> {
        self.submit(number, limit(side, price, qty, TimeInForce::Gtc), filled);
        Some(number)
    }

    fn take(&mut self, number: u32, side: Side, price: i64, qty: u32, filled: impl FnMut(Trade)) {
        self.submit(number, limit(side, price, qty, TimeInForce::Ioc), filled);
    }

    fn market(&mut self, number: u32, side: Side, qty: u32, filled: impl FnMut(Trade)) {
        let order = MarketOrder::new(Quantity(u64::from(qty)), side_of(side), false);
        self.submit(number, NewOrder::Market(order), filled);
    }

    fn cancel(&mut self, order: u32) {
        let command = CancelCmd { order_id: self.ids[order as usize], order_kind: OrderKind::Limit };
        self.execute(order, CommandKind::Cancel(command), |_| ());
    }

    fn reduce(&mut self, order: u32, _: u32, left: u32) {
        self.amend(order, LimitOrderPatch::new().with_quantity_policy(lots(left)), |_| ());
    }

    fn replace(&mut self, order: u32, _: Side, price: i64, qty: u32, filled: impl FnMut(Trade)) {
        let patch = LimitOrderPatch::new().with_price(Price(price as u64)).with_quantity_policy(lots(qty));
        self.amend(order, patch, filled);
    }
}
