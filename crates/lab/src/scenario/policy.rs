//! Policies: `[liquidation]`, and an instrument's `mark`, `protections` and `funding`.

use crate::decimal::Decimal;
use crate::read::{Field, Outcome, Section};
use downdraft_types::{Money, Ppm, Span};
use downdraft_venue::{
    Absorber, Absorption, AdlPolicy, AdlPrice, AdlRanking, Backstop, Between, Breaker, CloseOrder, CrossedOrder,
    DeficitOrder, DeliveryFee, EquityShare, FundingPolicy, FundingRule, LiquidationMode, LiquidationPolicy, MarkPolicy,
    MarkRule, OnFundShort, PartialStep, PremiumRule, PremiumWeights, Protections, Residual, SettlementPolicy,
    Socialising, Takeover, Unwind,
};

pub(super) fn mark(field: &Field<'_>) -> Outcome<MarkPolicy> {
    #[derive(Clone, Copy)]
    enum Rule {
        Plain(MarkRule),
        Ema,
        Median,
        Model,
    }
    let mut s = field.section()?;
    let rule = s.required("rule", "how the mark is made", |f| {
        f.choice(&[
            ("last", Rule::Plain(MarkRule::Last)),
            ("mid", Rule::Plain(MarkRule::Mid)),
            ("ema-mid", Rule::Ema),
            ("median", Rule::Median),
            ("exogenous", Rule::Plain(MarkRule::Exogenous)),
            ("model", Rule::Model),
        ])
    })?;
    let rule = match rule {
        Rule::Plain(rule) => rule,
        Rule::Model => MarkRule::Model {
            smile: s.or("smile", Ppm::ONE, |f| f.rate_within(Ppm(1), Ppm(10 * Ppm::ONE.0)))?,
            interval: s.or("interval", Span(1_000_000_000), Field::positive_span)?,
        },
        Rule::Ema | Rule::Median => {
            let interval = s.required("interval", "the time between samples", Field::positive_span)?;
            let weight = s.required("weight", "the weight of the newest sample", Field::part)?;
            match rule {
                Rule::Ema => MarkRule::EmaMid { interval, weight },
                Rule::Median | Rule::Plain(_) | Rule::Model => MarkRule::Median { interval, weight },
            }
        }
    };
    let policy = MarkPolicy { rule, frozen: s.or("frozen", false, Field::boolean)? };
    s.finish()?;
    Ok(policy)
}

pub(super) fn protections(field: &Field<'_>) -> Outcome<Protections> {
    let mut s = field.section()?;
    let protections = Protections { band: s.optional("band", Field::part)?, breaker: s.optional("breaker", breaker)? };
    s.finish()?;
    Ok(protections)
}

fn breaker(field: &Field<'_>) -> Outcome<Breaker> {
    let mut s = field.section()?;
    let breaker = Breaker {
        movement: s.required("movement", "the move of the mark that halts trading", Field::part)?,
        window: s.required("window", "the time within which it must move", Field::positive_span)?,
        halt: s.required("halt", "how long trading stays halted", Field::positive_span)?,
    };
    s.finish()?;
    Ok(breaker)
}

/// Premium and interest by the damper's rule, or, with `form = "added"`, their sum. `impact` is in money of the
/// settlement currency, whose smallest unit is `unit`.
pub(super) fn funding(field: &Field<'_>, unit: Decimal) -> Outcome<FundingPolicy> {
    let mut s = field.section()?;
    let rate = |f: &Field<'_>| f.rate_within(-Ppm::ONE, Ppm::ONE);
    let limit = |f: &Field<'_>| f.rate_within(Ppm::ZERO, Ppm::ONE);
    let interval = s.required("interval", "the time between payments", Field::positive_span)?;
    let added = s.or("form", false, |f| f.choice(&[("damped", false), ("added", true)]))?;
    let damper = s.optional("damper", limit)?;
    if added && damper.is_some() {
        return Err(s.refuse("damper", "a damper", "none, or form = \"damped\""));
    }
    let damped = FundingRule::Damped { damper: damper.unwrap_or(Ppm(500)) };
    let policy = FundingPolicy {
        interval,
        sample: s.required("sample", "the time between samples of the premium", Field::positive_span)?,
        period: s.or("period", interval, Field::positive_span)?,
        rule: if added { FundingRule::Added } else { damped },
        interest: s.or("interest", Ppm::ZERO, rate)?,
        cap: s.or("cap", Ppm(7_500), limit)?,
        premium: premium(&mut s, unit)?,
        lagged: s.or("lagged", false, Field::boolean)?,
    };
    if policy.period < interval {
        return Err(s.refuse("period", "a period shorter than the interval", "at least the interval"));
    }
    s.finish()?;
    Ok(policy)
}

fn premium(s: &mut Section<'_>, unit: Decimal) -> Outcome<PremiumRule> {
    let weights = [("equal", PremiumWeights::Equal), ("rising", PremiumWeights::Rising)];
    Ok(PremiumRule {
        impact: Money(s.or("impact", 0, |f| f.positive_units(unit, "unit").map(i128::from))?),
        weights: s.or("weights", PremiumWeights::Equal, |f| f.choice(&weights))?,
    })
}

/// `delivery = { window = "30m", sample = "6s", fee = "0.025%", fee_cap = "12.5%" }`.
pub(super) fn delivery(field: &Field<'_>) -> Outcome<SettlementPolicy> {
    let mut s = field.section()?;
    let window = s.required("window", "how long the index is averaged before expiry", Field::span)?;
    let sample = s.or("sample", window, Field::positive_span)?;
    if !window.0.is_multiple_of(sample.0.max(1)) || window.0 / sample.0.max(1) > 1 << 20 {
        return Err(s.refuse(
            "sample",
            "a window of other than whole samples",
            "a part of the window, at least 2^-20 of it",
        ));
    }
    let part = |f: &Field<'_>| f.rate_within(Ppm::ZERO, Ppm::ONE);
    let fee = DeliveryFee { rate: s.or("fee", Ppm::ZERO, part)?, cap: s.optional("fee_cap", part)? };
    s.finish()?;
    Ok(SettlementPolicy { window, sample, fee })
}

pub(super) fn liquidation(field: &Field<'_>) -> Outcome<LiquidationPolicy> {
    let mut s = field.section()?;
    let default = LiquidationPolicy::default();
    let policy = LiquidationPolicy {
        mode: mode(&mut s)?,
        backstop: s.optional("backstop", backstop)?,
        // Its number is known when all actors have theirs.
        vault: None,
        residual: s.or("residual", default.residual, residual)?,
        on_fund_short: s.or("on_fund_short", default.on_fund_short, |f| {
            f.choice(&[("adl", OnFundShort::Adl), ("deficit", OnFundShort::Deficit)])
        })?,
        deficit_order: s.or("deficit_order", default.deficit_order, |f| {
            f.choice(&[("fund-adl", DeficitOrder::FundFirst), ("adl-fund", DeficitOrder::AdlFirst)])
        })?,
        socialising: s.or("socialise", default.socialising, |f| {
            f.choice(&[
                ("winners", Socialising::Winners),
                ("funding", Socialising::Holders),
                ("nobody", Socialising::Nobody),
            ])
        })?,
        crossed_order: s.or("crossed_order", default.crossed_order, |f| {
            f.choice(&[("by-trigger", CrossedOrder::ByTrigger), ("by-account", CrossedOrder::ByAccount)])
        })?,
        close_order: s.or("close_order", default.close_order, |f| {
            f.choice(&[
                ("largest-maintenance", CloseOrder::LargestMaintenance),
                ("largest-loss", CloseOrder::LargestLoss),
                ("largest-notional", CloseOrder::LargestNotional),
                ("by-instrument", CloseOrder::ByInstrument),
            ])
        })?,
        between: s.or("between", default.between, |f| {
            f.choice(&[("recheck", Between::Recheck), ("close-all", Between::CloseAll)])
        })?,
        equity_share: s.or("equity_share", default.equity_share, |f| {
            f.choice(&[
                ("maintenance", EquityShare::Maintenance),
                ("notional", EquityShare::Notional),
                ("whole", EquityShare::Whole),
            ])
        })?,
        latency: s.or("latency", default.latency, Field::span)?,
        order_interval: order_interval(&mut s)?,
        bound_by_bands: s.or("bound_by_bands", default.bound_by_bands, Field::boolean)?,
        bound_by_halts: s.or("bound_by_halts", default.bound_by_halts, Field::boolean)?,
        adl: s.or("adl", default.adl, adl)?,
    };
    s.finish()?;
    Ok(policy)
}

/// `mode`, and the fields that only one mode has.
fn mode(s: &mut Section<'_>) -> Outcome<LiquidationMode> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mode {
        Market,
        Limit,
        Partial,
        Suppressed,
    }
    let words = [
        ("market", Mode::Market),
        ("bankruptcy-limit", Mode::Limit),
        ("partial", Mode::Partial),
        ("suppressed", Mode::Suppressed),
    ];
    let mode = s.or("mode", Mode::Market, |f| f.choice(&words))?;
    let rest = s.optional("rest", rest)?;
    let step = s.optional("step", step)?;
    let cooldown = s.optional("cooldown", Field::span)?;
    if mode != Mode::Limit && rest.is_some() {
        return Err(s.refuse("rest", "a rule for the rest", "none, or mode = \"bankruptcy-limit\""));
    }
    if mode != Mode::Partial && (step.is_some() || cooldown.is_some()) {
        let name = if step.is_some() { "step" } else { "cooldown" };
        return Err(s.refuse(name, "a rule for steps", "none, or mode = \"partial\""));
    }
    Ok(match mode {
        Mode::Market => LiquidationMode::Market,
        Mode::Suppressed => LiquidationMode::Suppressed,
        Mode::Limit => LiquidationMode::BankruptcyLimit { rest: rest.unwrap_or(Takeover::Adl) },
        Mode::Partial => LiquidationMode::Partial {
            step: step.unwrap_or(PartialStep::Tier),
            cooldown: cooldown.unwrap_or(Span::ZERO),
        },
    })
}

/// `rest = "adl"`, or `rest = { fund = { fraction = "25%", interval = "1s", book_part = "10%" } }`, or `{ vault = … }`.
fn rest(field: &Field<'_>) -> Outcome<Takeover> {
    if !field.is_table() {
        return field.choice(&[("adl", Takeover::Adl)]);
    }
    let mut s = field.section()?;
    let absorption = absorption(&mut s)?;
    s.finish()?;
    Ok(Takeover::Absorbed(absorption))
}

/// `backstop = { below = "66.6667%", vault = { fraction = "10%", interval = "10s" } }`.
fn backstop(field: &Field<'_>) -> Outcome<Backstop> {
    let mut s = field.section()?;
    let below = s.required("below", "the part of maintenance margin below which a pool is taken over", Field::part)?;
    let absorption = absorption(&mut s)?;
    s.finish()?;
    Ok(Backstop { below, absorption })
}

/// `fund = { … }` or `vault = { … }`: who takes over, and how it sells.
fn absorption(s: &mut Section<'_>) -> Outcome<Absorption> {
    let fund = s.optional("fund", unwind)?.map(|unwind| Absorption { by: Absorber::Fund, unwind });
    let vault = s.optional("vault", unwind)?.map(|unwind| Absorption { by: Absorber::Vault, unwind });
    match (fund, vault) {
        (Some(_), Some(_)) => Err(s.refuse("vault", "both fund and vault", "one of them")),
        (Some(only), None) | (None, Some(only)) => Ok(only),
        (None, None) => s.required("fund", "how the fund, or a vault in its place, sells what it takes over", |f| {
            unwind(f).map(|unwind| Absorption { by: Absorber::Fund, unwind })
        }),
    }
}

fn unwind(field: &Field<'_>) -> Outcome<Unwind> {
    let mut s = field.section()?;
    let unwind = Unwind {
        fraction: s.required("fraction", "the part sold per step", Field::part)?,
        interval: s.required("interval", "the time between steps", Field::positive_span)?,
        book_part: s.optional("book_part", Field::part)?,
    };
    s.finish()?;
    Ok(unwind)
}

/// `step = "tier"` or `step = { fraction = "20%" }`.
fn step(field: &Field<'_>) -> Outcome<PartialStep> {
    if !field.is_table() {
        return field.choice(&[("tier", PartialStep::Tier)]);
    }
    let mut s = field.section()?;
    let fraction = s.required("fraction", "the part closed per step", Field::part)?;
    s.finish()?;
    Ok(PartialStep::Fraction(fraction))
}

/// `residual = "trader"`, `"fund"`, `"vault"` or `{ fund_capped = "0.5%" }`.
fn residual(field: &Field<'_>) -> Outcome<Residual> {
    if !field.is_table() {
        return field.choice(&[("trader", Residual::Trader), ("fund", Residual::Fund), ("vault", Residual::Vault)]);
    }
    let mut s = field.section()?;
    let cap = s.required("fund_capped", "the largest part of a fill's notional", Field::part)?;
    s.finish()?;
    Ok(Residual::FundCapped(cap))
}

/// `order_interval`, or its inverse `orders_per_second`, rounded up to a nanosecond.
fn order_interval(s: &mut Section<'_>) -> Outcome<Span> {
    let interval = s.optional("order_interval", Field::span)?;
    let throughput = s.optional("orders_per_second", |f| f.integer(1, 1_000_000_000))?;
    match (interval, throughput) {
        (Some(_), Some(_)) => {
            Err(s.refuse("orders_per_second", "both order_interval and orders_per_second", "one of them"))
        }
        (_, Some(throughput)) => Ok(Span(1_000_000_000_u64.div_ceil(throughput))),
        (interval, None) => Ok(interval.unwrap_or(Span::ZERO)),
    }
}

fn adl(field: &Field<'_>) -> Outcome<AdlPolicy> {
    let mut s = field.section()?;
    let default = AdlPolicy::default();
    let rankings = [
        ("profit-times-leverage", AdlRanking::ProfitTimesLeverage),
        ("pro-rata", AdlRanking::ProRata),
        ("account-value", AdlRanking::AccountValue),
        ("pro-rata-equity", AdlRanking::ProRataEquity),
        ("random-start", AdlRanking::RandomStart { seed: 0 }),
    ];
    let prices = [
        ("bankruptcy", AdlPrice::Bankruptcy),
        ("mark", AdlPrice::Mark),
        ("previous-mark", AdlPrice::PreviousMark),
        ("previous-oracle", AdlPrice::PreviousIndex),
        ("entry", AdlPrice::Entry),
    ];
    let policy = AdlPolicy {
        ranking: s.or("ranking", default.ranking, |f| f.choice(&rankings))?,
        profitable_only: s.or("profitable_only", default.profitable_only, Field::boolean)?,
        price: s.or("price", default.price, |f| f.choice(&prices))?,
    };
    s.finish()?;
    Ok(policy)
}
