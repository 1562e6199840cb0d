//! Commands and events as a person reads them: their fields, without the names of types.

use core::fmt::Debug;

/// The fields of a command or an event: those of `Trade { price: Price(3), maker: Side { account: AccountId(1) } }` are
/// `price=3 maker={account=1}`.
#[must_use]
pub fn fields(value: &impl Debug) -> String {
    of_text(&format!("{value:?}"))
}

fn of_text(debug: &str) -> String {
    let mut text = String::with_capacity(debug.len());
    let mut rest = debug;
    while let Some(first) = rest.chars().next() {
        let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let (name, after) = rest.split_at(word.max(first.len_utf8()));
        rest = match (word, after) {
            // A type's name: only what it holds is of interest.
            (1.., after) if after.starts_with('(') => &after[1..],
            (1.., after) if after.starts_with(" {") => {
                text.push('{');
                after[2..].trim_start()
            }
            (1.., after) if after.starts_with(": ") => {
                text.push_str(name);
                text.push('=');
                &after[2..]
            }
            (1.., after) => {
                text.push_str(if name == "None" { "-" } else { name });
                after
            }
            (0, after) => {
                match name {
                    ")" | "," => {}
                    "}" => {
                        text.truncate(text.trim_end().len());
                        text.push('}');
                    }
                    other => text.push_str(other),
                }
                after
            }
        };
    }
    let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
    inner.unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use downdraft_types::{AccountId, InstrumentId, MarkPrice, Money, OrderId, Price, Qty, Side};
    use downdraft_venue::{BookSize, CauseKind, Command, Event, OrderRef, TradeSide};

    #[test]
    fn fields_of_events() {
        let side = |account| TradeSide { account: AccountId(account), fee: Money(-1), realised: Money(0) };
        let trade = Event::Trade {
            instrument: InstrumentId(0),
            price: Price(-3),
            qty: Qty(2),
            taker_side: Side::Sell,
            maker_order: OrderId::new(1, 0),
            maker_left: Qty(0),
            maker: side(1),
            taker: side(2),
            forced: true,
        };
        assert_eq!(
            fields(&trade),
            "instrument=0 price=-3 qty=2 taker_side=Sell maker_order=1 maker_left=0 \
             maker={account=1 fee=-1 realised=0} taker={account=2 fee=-1 realised=0} forced=true"
        );
        let moved = Event::MarkMoved { instrument: InstrumentId(1), mark: MarkPrice(7), kind: CauseKind::Trade };
        assert_eq!(fields(&moved), "instrument=1 mark=7 kind=Trade");
        let halted = Event::Halted { instrument: InstrumentId(1), until: None };
        assert_eq!(fields(&halted), "instrument=1 until=-");
    }

    #[test]
    fn fields_of_commands() {
        let order = OrderRef::Client(downdraft_types::ClientOrderId(5));
        let cancel = Command::CancelOrder { account: AccountId(3), order };
        assert_eq!(fields(&cancel), "account=3 order=5");
        assert_eq!(fields(&BookSize { orders: 1, levels: 2 }), "orders=1 levels=2");
        assert_eq!(
            of_text("Internal(Liquidate { pool: Cross { account: AccountId(4), currency: CurrencyId(0) } })"),
            "pool={account=4 currency=0}"
        );
        assert_eq!(
            of_text("SetTiers { tiers: [T { floor: Money(0) }, T { floor: Money(5) }] }"),
            "tiers=[{floor=0} {floor=5}]"
        );
    }
}
