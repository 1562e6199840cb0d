//! Residual margin: where what a forced fill, or a deleveraging, brings above the bankruptcy price goes.

use crate::emit::Emit;
use crate::event::{Event, Sink};
use crate::policy::{LiquidationPolicy, Residual};
use downdraft_margin::{Margin, Pool, fee};
use downdraft_types::{AccountId, InstrumentId, Money};

/// Who receives it, other than the trader.
enum Receiver {
    Fund,
    Vault(AccountId),
}

/// Who receives how much of a `gain` from a trade of `value`; the rest stays in the pool, with the trader.
fn share(policy: &LiquidationPolicy, pool: Pool, gain: Money, value: Money) -> Option<(Receiver, Money)> {
    match policy.residual {
        Residual::Trader => None,
        Residual::Fund => Some((Receiver::Fund, gain)),
        // The cap is rounded up: the fund gets the fraction of a unit.
        Residual::FundCapped(cap) => Some((Receiver::Fund, gain.min(fee(value, cap)))),
        Residual::Vault => policy.vault.filter(|vault| *vault != pool.account()).map(|v| (Receiver::Vault(v), gain)),
    }
}

/// Passes a positive `gain` over the bankruptcy value on, and reports it. The vault's triggers are the caller's to bring
/// up to date.
pub(crate) fn pass_on<S: Sink>(
    margin: &mut Margin,
    policy: &LiquidationPolicy,
    (pool, instrument): (Pool, InstrumentId),
    (gain, value): (Money, Money),
    cause: u32,
    emit: &mut Emit<'_, S>,
) {
    let Some((receiver, amount)) = share(policy, pool, gain, value).filter(|(_, amount)| amount.is_positive()) else {
        return;
    };
    let currency = margin.instrument(instrument).spec().settlement;
    let event = match receiver {
        Receiver::Fund => {
            let fund = margin.fund_of(instrument);
            margin.pay_from_fund(fund, pool, currency, -amount);
            Event::FundSettled { fund, pool, currency, amount }
        }
        Receiver::Vault(vault) => {
            margin.pay_between(pool, margin.cash_pool(vault, currency), currency, amount);
            Event::VaultReceived { vault, pool, currency, amount }
        }
    };
    emit.event(Some(cause), &event);
}
