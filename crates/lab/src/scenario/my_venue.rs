//! An actor of kind `positions`: a venue as it stands, from `positions.csv` and a snapshot of its book.

use super::actors::{Scope, deposit, stock};
use super::files::Table;
use crate::decimal::Decimal;
use crate::error::suggest;
use crate::read::{Field, Outcome, Section};
use downdraft_margin::MarginMode;
use downdraft_sim::actors::{Balancing, ExplicitConfig, Holding};
use downdraft_types::{AccountId, InstrumentId, Lots, Money, Price, Qty, Side};
use downdraft_venue::{Command, OrderRequest, SelfTradePrevention, TimeInForce};
use std::collections::{BTreeMap, BTreeSet};

/// Reads the fields of the kind and the files they name. Returns the positions, and the commands that place the
/// book.
pub(super) fn read(
    field: &Field<'_>,
    s: &mut Section<'_>,
    scope: &mut Scope<'_>,
) -> Outcome<(ExplicitConfig, Vec<Command>)> {
    let table = s.required("positions", "a CSV file of positions", |f| Ok((f.clone(), scope.files.table(f)?)))?;
    let (positions, table) = table;
    let mut accounts = Accounts { field: field.clone(), names: BTreeMap::new() };
    let holdings = holdings(table, scope, &mut accounts)?;
    if holdings.is_empty() {
        return Err(positions.refuse("no position", "at least one row"));
    }
    let balancing = balancing(s, scope, &mut accounts, &holdings)?;
    let portfolio = s.or("portfolio_margin", BTreeSet::new(), |f| portfolio(f, scope, &accounts))?;
    let pivot = scope.accounts(field, 1)?;
    let book = match s.field("book") {
        Some(f) => book(&f, s, scope)?,
        None => Vec::new(),
    };
    let numbered = (0_u16..).zip(scope.instruments);
    let instruments = numbered.map(|(n, i)| (InstrumentId(n), i.spec.clone(), i.first_mark())).collect();
    Ok((ExplicitConfig { instruments, holdings, pivot, balancing, portfolio }, book))
}

/// Numbers for the names of accounts, in order of appearance.
struct Accounts<'a> {
    field: Field<'a>,
    names: BTreeMap<String, AccountId>,
}

impl Accounts<'_> {
    fn number(&mut self, name: &str, scope: &mut Scope<'_>) -> Outcome<AccountId> {
        if let Some(account) = self.names.get(name) {
            return Ok(*account);
        }
        let account = scope.accounts(&self.field, 1)?;
        self.names.insert(name.to_owned(), account);
        scope.account_names.push((account, name.to_owned()));
        Ok(account)
    }
}

/// Columns: account, instrument, size (negative: short), entry, margin, and optionally mode and currency.
fn holdings(mut table: Table, scope: &mut Scope<'_>, accounts: &mut Accounts<'_>) -> Outcome<Vec<Holding>> {
    table.columns(&["account", "instrument", "size", "entry", "margin"], &["mode", "currency"])?;
    let mut holdings: BTreeMap<(AccountId, InstrumentId), Holding> = BTreeMap::new();
    while let Some(row) = table.next_row()? {
        let (instrument, terms) =
            scope.named(row.text("instrument")?).map_err(|expected| row.expected("instrument", expected))?;
        let settlement = &scope.currencies.0[terms.spec.settlement.index()].name;
        if row.get("currency").is_some_and(|name| name != settlement) {
            return Err(row.expected("currency", format!("{settlement}, in which {} settles", terms.name)));
        }
        let size = i64::try_from(row.units("size", terms.units.lot, "lot")?).ok().filter(|n| *n != 0);
        let size = Lots(size.ok_or_else(|| row.expected("size", "a size other than 0, below 2^63 lots"))?);
        let money = terms.units.money();
        let whole_size = terms.units.lot.checked_mul(Decimal::new(i128::from(size.0).abs(), 0));
        let cost = row.decimal("entry")?.checked_mul(whole_size.unwrap_or(Decimal::ZERO));
        let value = cost.and_then(|cost| cost.count(money).ok());
        let value = value.ok_or_else(|| row.expected("entry", format!("size × entry a whole number of {money}")))?;
        let margin = Money(row.units("margin", money, "unit")?);
        if margin.is_negative() {
            return Err(row.expected("margin", "an amount of at least 0"));
        }
        let modes = [("cross", MarginMode::Cross), ("isolated", MarginMode::Isolated)];
        let mode = if row.get("mode").is_some() { row.choice("mode", &modes)? } else { MarginMode::Cross };
        let name = row.text("account")?.to_owned();
        let account = accounts.number(&name, scope)?;
        let holding = Holding { account, instrument, size, value: Money(value), margin, mode };
        if holdings.insert((account, instrument), holding).is_some() {
            return Err(row.expected("account", format!("one row per account and instrument: {} again", terms.name)));
        }
    }
    Ok(holdings.into_values().collect())
}

/// Positions that do not net need an account that takes the rest.
fn balancing(
    s: &mut Section<'_>,
    scope: &mut Scope<'_>,
    accounts: &mut Accounts<'_>,
    holdings: &[Holding],
) -> Outcome<Option<Balancing>> {
    let account = s.optional("balancing_account", |f| {
        let name = f.string()?;
        if accounts.names.contains_key(name) {
            return Err(f.expected("the name of an account that holds no position"));
        }
        accounts.number(name, scope)
    })?;
    let margin = s.optional("balancing_margin", |f| {
        // Instruments may settle in several currencies, but a balancing account has one amount for each.
        Ok(Money(f.units(scope.instruments[0].units.money(), "unit")?))
    })?;
    let mut nets: BTreeMap<InstrumentId, i128> = BTreeMap::new();
    for holding in holdings {
        *nets.entry(holding.instrument).or_default() += i128::from(holding.size.0);
    }
    match (account, margin) {
        (Some(account), Some(margin)) => Ok(Some(Balancing { account, margin })),
        (Some(_), None) => Err(s.refuse("balancing_margin", "nothing", "what the balancing account deposits")),
        (None, Some(_)) => Err(s.refuse("balancing_account", "nothing", "the name of the balancing account")),
        (None, None) => match nets.into_iter().find(|(_, net)| *net != 0) {
            None => Ok(None),
            Some((id, net)) => {
                let terms = &scope.instruments[id.index()];
                let net = terms.units.lot.checked_mul(Decimal::new(net, 0)).unwrap_or(Decimal::ZERO);
                let found = format!("positions in {} that sum to {net}", terms.name);
                Err(s.refuse("positions", found, "positions that sum to 0, or a balancing_account"))
            }
        },
    }
}

/// The accounts under portfolio margin: `true` for all of them, or their names.
fn portfolio(field: &Field<'_>, scope: &Scope<'_>, accounts: &Accounts<'_>) -> Outcome<BTreeSet<AccountId>> {
    if scope.portfolios.is_empty() {
        return Err(field.refuse("no [portfolio_margin]", "a table [portfolio_margin.UNDERLYING]"));
    }
    if let Ok(all) = field.boolean() {
        return Ok(accounts.names.values().copied().filter(|_| all).collect());
    }
    let names: Vec<&str> = accounts.names.keys().map(String::as_str).collect();
    let named = |field: &Field<'_>| -> Outcome<AccountId> {
        let name = field.string()?;
        let account = accounts.names.get(name).copied();
        account.ok_or_else(|| field.expected(format!("the name of an account, {}", suggest(name, &names))))
    };
    field.list()?.iter().map(named).collect()
}

/// Columns: instrument, side (bid or ask), price, quantity. One account stands behind all of it.
fn book(field: &Field<'_>, s: &mut Section<'_>, scope: &mut Scope<'_>) -> Outcome<Vec<Command>> {
    let mut table = scope.files.table(field)?;
    table.columns(&["instrument", "side", "price", "quantity"], &[])?;
    let account = scope.accounts(field, 1)?;
    let mut commands = vec![Command::OpenAccount { account }];
    for terms in scope.instruments {
        let (currency, amount) = deposit(s, terms)?;
        let already = |c: &Command| matches!(c, Command::Deposit { currency: c, .. } if *c == currency);
        if !commands.iter().any(already) {
            commands.push(Command::Deposit { account, currency, amount });
        }
        if let Some((currency, amount)) = stock(s, terms, scope.currencies)?.filter(|(_, amount)| amount.is_positive())
        {
            commands.push(Command::Deposit { account, currency, amount });
        }
    }
    let mut best: BTreeMap<InstrumentId, [Option<Price>; 2]> = BTreeMap::new();
    while let Some(row) = table.next_row()? {
        let (instrument, terms) =
            scope.named(row.text("instrument")?).map_err(|expected| row.expected("instrument", expected))?;
        let side = row.choice("side", &[("bid", Side::Buy), ("ask", Side::Sell)])?;
        let positive = |n: i128| i64::try_from(n).ok().filter(|n| *n > 0);
        let price = positive(row.units("price", terms.units.tick, "tick")?).map(Price);
        let price = price.ok_or_else(|| row.expected("price", "a price above 0"))?;
        let qty = positive(row.units("quantity", terms.units.lot, "lot")?).map(|n| Qty(n.unsigned_abs()));
        let qty = qty.ok_or_else(|| row.expected("quantity", "a quantity above 0"))?;
        let [bid, ask] = best.entry(instrument).or_default();
        match side {
            Side::Buy => *bid = Some(bid.map_or(price, |b| b.max(price))),
            Side::Sell => *ask = Some(ask.map_or(price, |a| a.min(price))),
        }
        if bid.zip(*ask).is_some_and(|(bid, ask)| bid >= ask) {
            return Err(row.expected("price", "a book whose bids are below its asks"));
        }
        commands.push(Command::PlaceOrder(resting(account, instrument, side, price, qty)));
    }
    Ok(commands)
}

const fn resting(account: AccountId, instrument: InstrumentId, side: Side, price: Price, qty: Qty) -> OrderRequest {
    OrderRequest {
        account,
        client: None,
        instrument,
        side,
        qty,
        limit: Some(price),
        tif: TimeInForce::Gtc,
        post_only: true,
        reduce_only: false,
        stp: SelfTradePrevention::CancelNewest,
    }
}
