//! One market-by-order message, converted.

use crate::record::{Body, Reason};
use crate::steps::Steps;
use dbn::{MboMsg, UNDEF_ORDER_SIZE, UNDEF_PRICE};
use downdraft_types::{Price, Qty, Side};

/// The body of a message, or the character that is not an action or a side.
pub(super) fn body(message: &MboMsg, steps: Steps) -> Result<Body, BadCode> {
    let action = Action::of(message.action as u8)?;
    let side = match message.side as u8 {
        b'B' => Some(Side::Buy),
        b'A' => Some(Side::Sell),
        b'N' => None,
        found => {
            return Err(BadCode { field: "side", expected: "`A`, `B` or `N`", found });
        }
    };
    Ok(usable(message, action, side, steps).unwrap_or_else(Body::Unusable))
}

/// A character that stands for nothing.
pub(super) struct BadCode {
    pub(super) field: &'static str,
    pub(super) expected: &'static str,
    pub(super) found: u8,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    Add,
    Cancel,
    Modify,
    Fill,
    Trade,
    Clear,
    Nothing,
}

impl Action {
    const fn of(code: u8) -> Result<Self, BadCode> {
        Ok(match code {
            b'A' => Self::Add,
            b'C' => Self::Cancel,
            b'M' => Self::Modify,
            b'F' => Self::Fill,
            b'T' => Self::Trade,
            b'R' => Self::Clear,
            b'N' => Self::Nothing,
            found => {
                return Err(BadCode { field: "action", expected: "one of `ACFMNRT`", found });
            }
        })
    }
}

fn usable(message: &MboMsg, action: Action, side: Option<Side>, steps: Steps) -> Result<Body, Reason> {
    match action {
        Action::Clear => return Ok(Body::Clear),
        Action::Nothing => return Ok(Body::Notice),
        _ if message.flags.is_tob() || message.flags.is_mbp() => return Err(Reason::NotAnOrder),
        _ => {}
    }
    let (price, qty) = (price(message, steps)?, qty(message, steps)?);
    let order = message.order_id;
    Ok(match (action, side) {
        (Action::Fill, None) => Body::Cross { order: Some(order), price, qty },
        (Action::Trade, None) => Body::Cross { order: None, price, qty },
        (_, None) => return Err(Reason::NoSide),
        (Action::Add, Some(side)) => Body::Add { order, side, price, qty },
        (Action::Cancel, Some(side)) => Body::Reduce { order, side, price, by: qty },
        (Action::Modify, Some(side)) => Body::Modify { order, side, price, qty },
        (Action::Fill, Some(side)) => Body::Fill { order, side, price, qty },
        (Action::Trade, Some(side)) => Body::Trade { order, side, price, qty },
        (Action::Clear | Action::Nothing, Some(_)) => unreachable!("returned above"),
    })
}

const fn price(message: &MboMsg, steps: Steps) -> Result<Price, Reason> {
    match message.price {
        UNDEF_PRICE => Err(Reason::NoPrice),
        price => steps.price(price),
    }
}

const fn qty(message: &MboMsg, steps: Steps) -> Result<Qty, Reason> {
    match message.size {
        UNDEF_ORDER_SIZE => Err(Reason::NoQuantity),
        size => steps.qty(size as u64),
    }
}
