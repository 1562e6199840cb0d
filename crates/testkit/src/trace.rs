//! A run as readable text: one line an event, indented under what caused it.

use crate::runner::Logged;
use downdraft_types::{AccountId, Money, Side};
use downdraft_venue::Event;
use std::fmt::Write as _;

/// Writes events as text. `name` gives an account's name.
#[must_use]
pub fn trace(events: &[Logged], name: impl Fn(AccountId) -> String) -> String {
    let mut text = String::new();
    let mut depths: Vec<usize> = Vec::new();
    let mut command = None;
    for (id, parent, event) in events {
        if command != Some(id.seq) {
            command = Some(id.seq);
            depths.clear();
            text.push_str("—\n");
        }
        let depth = parent.map_or(0, |parent| depths[parent as usize] + 1);
        depths.push(depth);
        writeln!(text, "{:indent$}{}", "", line(event, &name), indent = 2 * depth).expect("text grows");
    }
    text
}

fn line(event: &Event, name: &impl Fn(AccountId) -> String) -> String {
    let verb = |side: Side| if side == Side::Buy { "buys" } else { "sells" };
    match event {
        Event::Rejected { reason } => format!("rejected: {reason:?}"),
        Event::OrderAccepted { account, side, qty, limit, .. } => {
            let limit = limit.map_or("market".to_owned(), |price| price.to_string());
            format!("{} {} {qty} at {limit}", name(*account), verb(*side))
        }
        Event::OrderRested { account, side, price, qty, .. } => {
            format!("{}'s {side} {qty}@{price} rests", name(*account))
        }
        Event::OrderCancelled { account, qty, reason, .. } => {
            format!("{qty} of {}'s order gone: {reason:?}", name(*account))
        }
        Event::Trade { price, qty, taker_side, maker, taker, .. } => {
            format!("trade {qty}@{price}: {} {}, {} makes", name(taker.account), verb(*taker_side), name(maker.account))
        }
        Event::MarkMoved { mark, kind, .. } => format!("mark {mark} by {kind:?}"),
        Event::LiquidationTriggered { pool, equity, maintenance, .. } => {
            format!("{} falls: equity {equity} below maintenance {maintenance}", name(pool.account()))
        }
        Event::LiquidationOrdered { pool, side, qty, limit, bankruptcy, .. } => {
            let limit = limit.map_or("market".to_owned(), |price| price.to_string());
            let account = name(pool.account());
            format!("liquidating {account}: {} {qty} at {limit}, bankrupt at {bankruptcy}", verb(*side))
        }
        Event::LiquidationOrderDone { filled, left, fund_short, .. } => {
            format!("filled {filled}, left {left}{}", if *fund_short { ", fund short" } else { "" })
        }
        Event::FundSettled { pool, amount, .. } => fund_line(&name(pool.account()), *amount),
        Event::TakenOver { taker, account, qty, cost, .. } => {
            format!("{} takes {qty} of {} for {cost}", name(*taker), name(*account))
        }
        Event::VaultReceived { vault, pool, amount, .. } => {
            format!("{} receives {amount} of {}", name(*vault), name(pool.account()))
        }
        Event::Deleveraged { account, counterparty, qty, value, conceded, .. } => {
            let (account, counterparty) = (name(*account), name(*counterparty));
            format!("{counterparty} deleveraged against {account}: {qty} for {value}, concedes {conceded}")
        }
        Event::Deficit { pool, amount, .. } => format!("deficit of {}: {amount}", name(pool.account())),
        Event::Socialised { payer, amount, .. } => format!("{} bears {amount}", name(payer.account())),
        Event::Uncovered { amount, .. } => format!("uncovered: {amount}"),
        Event::LiquidationEnded { pool, end } => format!("{} ended: {end:?}", name(pool.account())),
        other => format!("{other:?}"),
    }
}

fn fund_line(account: &str, amount: Money) -> String {
    if amount.is_negative() {
        format!("fund pays {} for {account}", -amount)
    } else {
        format!("fund gets {amount} of {account}")
    }
}
