//! Examples that the engine does not compute, and who does.

const SELL_LOOP: &str = "a liquidation through the book: the venue's own tests";
const MARK: &str = "the venue's mark rules";
const MODELS: &str = "the models: tests/models/vectors";
const LENDING: &str = "lending and auctions";

/// By prefix of the id.
const REASONS: [(&str, &str); 30] = [
    ("dydx.e2e.", SELL_LOOP),
    ("golden.lob_cascade.", SELL_LOOP),
    ("cascade.threshold_ladder.", SELL_LOOP),
    ("binance.mark.", MARK),
    ("luld.", MODELS),
    ("cme.dcb", MODELS),
    ("cme.mwcb", MODELS),
    ("b76.", MODELS),
    ("derive.pmrm.", MODELS),
    ("derive.srm.", MODELS),
    ("derive.pm2.", MODELS),
    ("span.", MODELS),
    ("dederi.pm.", MODELS),
    ("deribit.pm.", MODELS),
    ("mango.health.", MODELS),
    ("drift.liability_to_cover.", MODELS),
    ("binance.liq.coinm_", MODELS),
    ("binance.tier.coinm_mm_", MODELS),
    ("drift.liability_implied.", MODELS),
    ("drift.asset_for_liability.", MODELS),
    ("drift.socialised.", MODELS),
    ("maker.", LENDING),
    ("aave3.", LENDING),
    ("comet.", LENDING),
    ("liquity.", LENDING),
    ("derive.dutch.", LENDING),
    ("vertex.liqprice.", MODELS),
    ("hawkes.", MODELS),
    ("impact.", MODELS),
    ("event.", MODELS),
];

pub fn reason(id: &str) -> Option<&'static str> {
    REASONS.iter().find(|(prefix, _)| id.starts_with(prefix)).map(|(_, reason)| *reason)
}
