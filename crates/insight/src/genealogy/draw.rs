//! A cascade as text: a line for each liquidation, children below their parent.
//!
//! An only child stands below its parent without an indent, so that a chain of a thousand stays readable.

use super::{Ancestry, Forest, Node, Tree};
use crate::exact::Exact;
use crate::names;
use crate::units::Units;
use core::fmt::{self, Write};

/// Deeper branches are not indented further.
const DEEPEST_INDENT: usize = 24;

/// Writes the cascade of a root, a line each. Returns whether there is such a root.
///
/// # Errors
/// Where writing fails.
pub fn draw(
    out: &mut impl Write,
    forest: &Forest,
    root: u64,
    ancestry: Ancestry,
    units: &Units,
) -> Result<bool, fmt::Error> {
    let Some(node) = forest.node(root).filter(|node| node.parent_by(ancestry).is_none()) else { return Ok(false) };
    let (members, tree) = forest.cascade(root, ancestry);
    headline(out, &tree)?;
    // What is still to be written: a node, its indents, and how it is joined to what is above.
    let mut waiting: Vec<(&Node, Vec<&str>, &str)> = vec![(node, Vec::new(), "")];
    while let Some((node, indents, joint)) = waiting.pop() {
        write!(out, "{}{joint}", indents.concat())?;
        line(out, node, ancestry, units)?;
        let below = match joint {
            "├─ " => Some("│  "),
            "└─ " => Some("   "),
            _ => None,
        };
        let mut inner = indents;
        if inner.len() < DEEPEST_INDENT {
            inner.extend(below);
        }
        let children = children(&members, node.episode);
        for (place, child) in children.iter().enumerate().rev() {
            let joint = match (children.len(), place + 1 == children.len()) {
                (1, _) => "↓ ",
                (_, true) => "└─ ",
                _ => "├─ ",
            };
            waiting.push((child, inner.clone(), joint));
        }
    }
    Ok(true)
}

/// A member's children, in order of trigger: members are sorted by parent.
fn children<'a>(members: &'a [(u64, &'a Node)], parent: u64) -> Vec<&'a Node> {
    let first = members.partition_point(|(of, _)| *of < parent);
    members[first..].iter().take_while(|(of, _)| *of == parent).map(|(_, node)| *node).collect()
}

impl Forest {
    /// A cascade's members, each with its parent's number (the root's with 0), by parent and then by number; and
    /// the cascade itself.
    fn cascade(&self, root: u64, ancestry: Ancestry) -> (Vec<(u64, &Node)>, Tree) {
        let places = self.places(ancestry);
        let of_root = |(node, place): (&'_ Node, &super::shape::Place)| (place.root == root).then_some(node.episode);
        let numbers: Vec<u64> = self.nodes.iter().zip(&places).filter_map(of_root).collect();
        let mut members: Vec<(u64, &Node)> = numbers
            .into_iter()
            .filter_map(|number| self.node(number))
            .map(|node| (node.parent_by(ancestry).unwrap_or(0), node))
            .collect();
        members.sort_unstable_by_key(|(parent, node)| (*parent, node.episode));
        let tree = self.trees(ancestry).into_iter().find(|tree| tree.root == root).expect("a root has a tree");
        (members, tree)
    }
}

fn headline(out: &mut impl Write, tree: &Tree) -> fmt::Result {
    let (root, size, depth, width) = (tree.root, tree.size, tree.depth(), tree.peak_width);
    let plural = if size == 1 { "" } else { "s" };
    write!(out, "cascade {root}: {size} liquidation{plural}, {depth} deep, at most {width} under way, ")?;
    match tree.duration() {
        Some(span) => writeln!(out, "{} s", Exact::new(i128::from(span.0), 9))?,
        None => writeln!(out, "not over")?,
    }
    let generations: Vec<String> = tree.generations.iter().map(u64::to_string).collect();
    writeln!(out, "by generation: {}", generations.join(" "))
}

/// `12 a7/c0 at 2.105, mark 57000 by trade: 1.5 BTC-PERP in the book, slippage 20.5 USDT, closed`
fn line(out: &mut impl Write, node: &Node, ancestry: Ancestry, units: &Units) -> fmt::Result {
    write!(out, "{} {} at {}", node.episode, node.pool, Units::seconds(node.triggered))?;
    if let Some((instrument, mark)) = node.through.zip(node.mark) {
        let name = units.instrument_name(instrument);
        write!(out, ", {name} at {}", units.mark(instrument, mark))?;
    }
    write!(out, " by {}", names::cause(&node.kind))?;
    if let Some(mediated) = node.mediated {
        match ancestry {
            Ancestry::Any => write!(out, " (through others: {})", mediated.via.name())?,
            Ancestry::Direct => write!(out, " (after {}, through others: {})", mediated.parent, mediated.via.name())?,
        }
    }
    if let Some(instrument) = node.instrument {
        let name = units.instrument_name(instrument);
        let mut separator = ": ";
        let parts =
            [(node.quantity, "in the book"), (node.taken_over, "to the fund"), (node.deleveraged, "deleveraged")];
        for (lots, what) in parts.into_iter().filter(|(lots, _)| !lots.is_zero()) {
            write!(out, "{separator}{} {name} {what}", units.quantity(instrument, lots))?;
            separator = ", ";
        }
        if node.legs > 1 {
            write!(out, " and {} more", node.legs - 1)?;
        }
        let currency = units.currency_name(node.currency);
        for (amount, what) in [(node.slippage, "slippage"), (node.fund, "fund")].into_iter().filter(|(a, _)| a.0 != 0) {
            write!(out, ", {what} {} {currency}", units.money(node.currency, amount))?;
        }
    }
    writeln!(out, ", {}", node.end.as_ref().map_or("pending", names::end))
}
