//! Examples that the margin engine is not to compute, and why.

const SELL_LOOP: &str = "a liquidation through the book: the venue's own tests";
const MARK: &str = "mark rules, price bands and halts are the venue's";
const OPTIONS: &str = "options and portfolio margin";
const COLLATERAL: &str = "weighted collateral and borrowing";
const LENDING: &str = "lending and auctions";
const MODEL: &str = "a law about outcomes, for their analysis";
const TOTALS: &str = "sums of published totals: nothing is computed";
const BONUS: &str = "a liquidator's discount, for keepers";

/// By prefix of the id.
const REASONS: [(&str, &str); 25] = [
    ("dydx.e2e.", SELL_LOOP),
    ("golden.lob_cascade.", SELL_LOOP),
    ("cascade.threshold_ladder.", SELL_LOOP),
    ("binance.mark.", MARK),
    ("luld.", MARK),
    ("cme.dcb", MARK),
    ("cme.mwcb", MARK),
    ("b76.", OPTIONS),
    ("derive.pmrm.", OPTIONS),
    ("derive.srm.", OPTIONS),
    ("derive.pm2.", OPTIONS),
    ("span.", OPTIONS),
    ("dederi.pm.", OPTIONS),
    ("deribit.pm.", OPTIONS),
    ("mango.health.", COLLATERAL),
    ("drift.liability_to_cover.", COLLATERAL),
    ("maker.", LENDING),
    ("aave3.", LENDING),
    ("comet.", LENDING),
    ("liquity.", LENDING),
    ("derive.dutch.", LENDING),
    ("vertex.liqprice.", BONUS),
    ("hawkes.", MODEL),
    ("impact.", MODEL),
    ("event.", TOTALS),
];

pub fn reason(id: &str) -> Option<&'static str> {
    REASONS.iter().find(|(prefix, _)| id.starts_with(prefix)).map(|(_, reason)| *reason)
}
