//! Which lines of a text are not in another: what was changed in a scenario.

/// Lines compared at most; of longer texts only the ends are cut off that are equal.
const MOST: usize = 2_000;

/// A line of one of two texts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Change<'a> {
    /// Only in the first.
    Gone(&'a str),
    /// Only in the second.
    New(&'a str),
}

/// The lines that only one of two texts has, in order, by their longest common subsequence. `None`: the part in which
/// they differ is too long.
pub(crate) fn changes<'a>(old: &'a str, new: &'a str) -> Option<Vec<Change<'a>>> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let same = |pair: &(&&str, &&str)| pair.0 == pair.1;
    let head = old.iter().zip(&new).take_while(same).count();
    let (old, new) = (&old[head..], &new[head..]);
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(same).count();
    let (old, new) = (&old[..old.len() - tail], &new[..new.len() - tail]);
    if old.len() > MOST || new.len() > MOST {
        return None;
    }
    // Lengths of the common subsequences of what follows.
    let wide = new.len() + 1;
    let mut lengths = vec![0_u16; (old.len() + 1) * wide];
    for a in (0..old.len()).rev() {
        for b in (0..new.len()).rev() {
            lengths[a * wide + b] = match old[a] == new[b] {
                true => lengths[(a + 1) * wide + b + 1] + 1,
                false => lengths[(a + 1) * wide + b].max(lengths[a * wide + b + 1]),
            };
        }
    }
    let (mut a, mut b, mut found) = (0, 0, Vec::new());
    while a < old.len() || b < new.len() {
        if a < old.len() && b < new.len() && old[a] == new[b] {
            (a, b) = (a + 1, b + 1);
        } else if a < old.len() && (b == new.len() || lengths[(a + 1) * wide + b] >= lengths[a * wide + b + 1]) {
            found.push(Change::Gone(old[a]));
            a += 1;
        } else {
            found.push(Change::New(new[b]));
            b += 1;
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_changed_line_is_gone_and_new() {
        let found = changes("a\nfund = 1\nb\nc", "a\nfund = 2\nb\nd\nc");
        assert_eq!(found, Some(vec![Change::Gone("fund = 1"), Change::New("fund = 2"), Change::New("d")]));
        assert_eq!(changes("a\nb", "a\nb"), Some(Vec::new()));
    }

    proptest! {
        /// Applied to the first text, in order, the changes give the second.
        #[test]
        fn changes_lead_from_one_to_the_other(old in "[ab]{0,12}", new in "[ab]{0,12}") {
            let lines = |text: &str| text.chars().map(|c| format!("{c}\n")).collect::<String>();
            let (old, new) = (lines(&old), lines(&new));
            let found = changes(&old, &new).unwrap();
            let gone: Vec<&str> = found.iter().filter_map(|c| match c { Change::Gone(line) => Some(*line), Change::New(_) => None }).collect();
            let added = found.len() - gone.len();
            prop_assert_eq!(old.lines().count() - gone.len() + added, new.lines().count());
            // What is left of either is the same text.
            let rest = |text: &str, taken: Vec<&str>| {
                let mut taken = taken.into_iter().peekable();
                let kept: Vec<String> = text.lines().filter(|line| taken.next_if_eq(line).is_none()).map(str::to_owned).collect();
                (kept.len(), taken.next().is_none())
            };
            let new_lines: Vec<&str> = found.iter().filter_map(|c| match c { Change::New(line) => Some(*line), Change::Gone(_) => None }).collect();
            prop_assert!(rest(&old, gone).1 && rest(&new, new_lines).1);
        }
    }
}
