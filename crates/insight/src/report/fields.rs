//! A summary as a flat list of fields, each with the very text that it has in `summary.json`, and differences of
//! such texts in exact decimals.

use crate::exact::Exact;
use crate::summary::Summary;
use core::fmt;
use serde::Deserializer;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

/// Fields by path, `liquidations.ended.closed`, in the file's order. A text in quotes has lost them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Fields(pub Vec<(String, String)>);

impl Fields {
    pub(crate) fn of(summary: &Summary) -> Self {
        let json = serde_json::to_string(summary).unwrap_or_default();
        let mut fields = Vec::new();
        flatten("", &json, &mut fields);
        Self(fields)
    }

    pub(crate) fn get(&self, path: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == path).map(|(_, value)| value.as_str())
    }

    /// The fields at a path or below it, with what of their path follows it: of a field that is one value where
    /// there is one instrument or currency, and an object by name where there are several.
    pub(crate) fn each<'a>(&'a self, path: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0.iter().filter_map(move |(known, value)| {
            let rest = known.strip_prefix(path)?;
            let below = if rest.is_empty() { Some("") } else { rest.strip_prefix('.') };
            below.map(|below| (below, value.as_str()))
        })
    }
}

/// Objects become paths; a list stays a text.
fn flatten(path: &str, json: &str, fields: &mut Vec<(String, String)>) {
    if json.starts_with('{') {
        let mut reader = serde_json::Deserializer::from_str(json);
        let entries = reader.deserialize_map(Entries).unwrap_or_default();
        for (name, value) in entries {
            let below = if path.is_empty() { name } else { format!("{path}.{name}") };
            flatten(&below, value.get(), fields);
        }
        return;
    }
    let value = if json.starts_with('"') { serde_json::from_str(json).unwrap_or_default() } else { json.to_owned() };
    fields.push((path.to_owned(), value));
}

/// An object's entries in order, their values unread.
struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Vec<(String, Box<RawValue>)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(entries)
    }
}

/// A decimal's digits, and how many of them follow the point. `None`: no decimal, or one too long.
fn decimal(text: &str) -> Option<(i128, u32)> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{whole}{part}");
    let plain = !digits.is_empty() && digits.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit());
    let scale = u32::try_from(part.len()).ok().filter(|_| plain)?;
    digits.parse().ok().map(|mantissa| (mantissa, scale))
}

/// `b − a`, exactly, of two decimals.
pub(crate) fn difference(a: &str, b: &str) -> Option<Exact> {
    let ((a, a_scale), (b, b_scale)) = (decimal(a)?, decimal(b)?);
    let scale = a_scale.max(b_scale);
    let at = |mantissa: i128, from: u32| mantissa.checked_mul(10_i128.checked_pow(scale - from)?);
    Some(Exact::new(at(b, b_scale)?.checked_sub(at(a, a_scale)?)?, scale))
}

/// A decimal with its whole part in groups of three digits; any other text as it is.
#[must_use]
pub fn grouped(text: &str) -> String {
    if decimal(text).is_none() {
        return text.to_owned();
    }
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("\u{2212}", digits));
    let (whole, part) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut out = sign.to_owned();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out + part
}

/// As [`grouped`], rounded to at most `digits` after the point, halves away from zero: for the eye.
#[must_use]
pub fn short(text: &str, digits: u32) -> String {
    match decimal(text) {
        Some((mantissa, scale)) if scale > digits => {
            let unit = 10_i128.pow((scale - digits).min(38));
            let rounded = mantissa.abs().saturating_add(unit / 2) / unit * mantissa.signum();
            grouped(&Exact::new(rounded, digits).to_string())
        }
        _ => grouped(text),
    }
}

/// As [`short`], with whole numbers from a thousand up and four digits that say something below: whatever its unit, an
/// amount is not shown as nothing.
#[must_use]
pub fn brief(text: &str) -> String {
    let Some((mantissa, scale)) = decimal(text) else { return grouped(text) };
    let digits = mantissa.unsigned_abs().checked_ilog10().map(|power| power + 1);
    short(text, digits.map_or(0, |digits| (scale + 4).saturating_sub(digits)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_order_and_their_digits() {
        let mut fields = Vec::new();
        flatten("", r#"{"z":1.10,"a":{"y":"x\"","b":null,"e":{}},"c":12345678901234567890.123456789}"#, &mut fields);
        let fields = Fields(fields);
        let expected = [("z", "1.10"), ("a.y", "x\""), ("a.b", "null"), ("c", "12345678901234567890.123456789")];
        assert_eq!(fields.0, expected.map(|(path, value)| (path.to_owned(), value.to_owned())));
        assert_eq!(fields.each("a").collect::<Vec<_>>(), [("y", "x\""), ("b", "null")]);
        assert_eq!(fields.each("z").collect::<Vec<_>>(), [("", "1.10")]);
    }

    #[test]
    fn differences_are_exact() {
        for (a, b, expected) in [
            ("0.1", "0.3", "0.2"),
            ("10", "9.5", "-0.5"),
            ("-1", "1", "2"),
            ("12345678901234567890.5", "0", "-12345678901234567890.5"),
        ] {
            assert_eq!(difference(a, b).map(|d| d.to_string()).as_deref(), Some(expected));
        }
        assert_eq!(difference("null", "1"), None);
        assert_eq!(difference("", "1"), None);
        assert_eq!(difference("9e99", "1"), None);
    }

    #[test]
    fn numbers_are_grouped_and_names_are_not() {
        assert_eq!(grouped("-1234567.5"), "\u{2212}1\u{202f}234\u{202f}567.5");
        assert_eq!(grouped("0123abc"), "0123abc");
        assert_eq!(short("1234.5678", 2), "1\u{202f}234.57");
        assert_eq!(short("-0.005", 2), "\u{2212}0.01");
        assert_eq!(short("7", 2), "7");
        for (text, expected) in [
            ("56789.4", "56\u{202f}789"),
            ("789.456", "789.5"),
            ("-7.891234", "\u{2212}7.891"),
            ("0.353154", "0.3532"),
            ("0.00001234567", "0.00001235"),
            ("0.000000", "0"),
            ("12", "12"),
        ] {
            assert_eq!(brief(text), expected, "{text}");
        }
    }
}
