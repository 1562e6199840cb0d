//! Shapley values: what each player of a game contributes, averaged over the orders in which they could have come.
//!
//! Sources: L. S. Shapley, *A value for n-person games*, 1953; J. Castro, D. Gómez, J. Tejada, *Polynomial calculation
//! of the Shapley value based on sampling*, 2009.

use crate::statistics::standard_error;
use downdraft_sim::random::Streams;
use rayon::prelude::*;
use std::collections::BTreeMap;

/// A set of players: bit `n` is player `n`.
pub type Coalition = u64;

/// The most players that a game may have.
pub const MOST_PLAYERS: usize = 64;

/// What the players contribute.
#[derive(Clone, PartialEq, Debug)]
pub struct Shares {
    /// The worth of no player, and of all.
    pub ends: (i128, i128),
    /// By player.
    pub shares: Vec<Share>,
    /// Worths that were found out.
    pub evaluated: usize,
    /// Orders drawn; `None` where all were taken into account.
    pub permutations: Option<u32>,
}

/// What a player contributes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Share {
    /// The sum of its marginal contributions, and by what to divide it: the value is their quotient. Sums of all
    /// players, which have one divisor, add up to it times what all are worth more than none: exactly.
    pub sum: (i128, i128),
    /// The standard error of the value; zero where it is exact.
    pub error: f64,
}

impl Share {
    /// The value.
    #[must_use]
    pub fn value(&self) -> f64 {
        self.sum.0 as f64 / self.sum.1 as f64
    }
}

/// Every order counts: 2^players worths. For few players; at most 20.
///
/// # Errors
/// The first of the worths', by coalition.
///
/// # Panics
/// Where there are more than 20 players.
pub fn exact<E: Send>(players: usize, worth: impl Fn(Coalition) -> Result<i128, E> + Sync) -> Result<Shares, E> {
    assert!(players <= 20, "every coalition of {players} players");
    let all: Vec<Coalition> = (0..1_u64 << players).collect();
    let worths = evaluate(&all, &worth)?;
    let factorials: Vec<i128> = (0..=players as i128)
        .scan(1, |product, n| {
            Some({
                *product *= n.max(1);
                *product
            })
        })
        .collect();
    let of = |coalition: Coalition| worths[&coalition];
    let share = |player: usize| {
        let own = 1_u64 << player;
        let sum = all.iter().filter(|coalition| **coalition & own == 0).map(|coalition| {
            // How many orders have exactly these before the player.
            let before = coalition.count_ones() as usize;
            factorials[before] * factorials[players - before - 1] * (of(coalition | own) - of(*coalition))
        });
        Share { sum: (sum.sum(), factorials[players]), error: 0.0 }
    };
    let ends = (of(0), of((1 << players) - 1));
    Ok(Shares { ends, shares: (0..players).map(share).collect(), evaluated: all.len(), permutations: None })
}

/// Orders are drawn: the value is the mean of a player's marginal contributions over them, and its standard error is
/// theirs. Orders are keyed by the seed alone. A worth is found out once, on as many threads as there are.
///
/// # Errors
/// The first of the worths', by coalition.
///
/// # Panics
/// Where there are more than [`MOST_PLAYERS`] players, or no order is asked for.
pub fn sampled<E: Send>(
    players: usize,
    permutations: u32,
    seed: u64,
    worth: impl Fn(Coalition) -> Result<i128, E> + Sync,
) -> Result<Shares, E> {
    assert!(players <= MOST_PLAYERS && permutations > 0, "{players} players, {permutations} orders");
    let orders: Vec<Vec<usize>> = (0..u64::from(permutations)).map(|ordinal| order(players, seed, ordinal)).collect();
    let mut coalitions: Vec<Coalition> = orders.iter().flat_map(|order| prefixes(order)).collect();
    coalitions.sort_unstable();
    coalitions.dedup();
    let worths = evaluate(&coalitions, &worth)?;
    let mut marginals: Vec<Vec<i128>> = vec![Vec::with_capacity(permutations as usize); players];
    for order in &orders {
        let worths: Vec<i128> = prefixes(order).map(|coalition| worths[&coalition]).collect();
        for (player, pair) in order.iter().zip(worths.windows(2)) {
            marginals[*player].push(pair[1] - pair[0]);
        }
    }
    let share = |marginals: &Vec<i128>| Share {
        sum: (marginals.iter().sum(), i128::from(permutations)),
        error: standard_error(marginals),
    };
    let everyone = prefixes(&orders[0]).last().unwrap_or(0);
    Ok(Shares {
        ends: (worths[&0], worths[&everyone]),
        shares: marginals.iter().map(share).collect(),
        evaluated: coalitions.len(),
        permutations: Some(permutations),
    })
}

/// No player, the first, the first two, and so on.
fn prefixes(order: &[usize]) -> impl Iterator<Item = Coalition> + '_ {
    let grown = order.iter().scan(0, |coalition, player| {
        *coalition |= 1_u64 << player;
        Some(*coalition)
    });
    [0].into_iter().chain(grown)
}

/// An order of the players (Fisher, Yates).
fn order(players: usize, seed: u64, ordinal: u64) -> Vec<usize> {
    let mut draw = Streams::new(seed).stream("shapley", "order").draw(ordinal);
    let mut order: Vec<usize> = (0..players).collect();
    for place in (1..players).rev() {
        // Rounded down; the bias of 2^-64 times the number of players is beyond notice.
        let other = (u128::from(draw.next_u64()) * (place as u128 + 1)) >> 64;
        order.swap(place, other as usize);
    }
    order
}

fn evaluate<E: Send>(
    coalitions: &[Coalition],
    worth: &(impl Fn(Coalition) -> Result<i128, E> + Sync),
) -> Result<BTreeMap<Coalition, i128>, E> {
    let found: Vec<Result<i128, E>> = coalitions.par_iter().map(|coalition| worth(*coalition)).collect();
    coalitions.iter().copied().zip(found).map(|(coalition, worth)| Ok((coalition, worth?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::convert::Infallible;

    /// Owners of a left glove (0, 1) and of a right one (2): a pair is worth 600.
    fn gloves(coalition: Coalition) -> Result<i128, Infallible> {
        Ok(if coalition & 0b100 != 0 && coalition & 0b011 != 0 { 600 } else { 0 })
    }

    /// A runway for planes of these lengths: it is worth what the longest needs.
    fn runway(coalition: Coalition) -> Result<i128, Infallible> {
        let lengths = [8, 11, 13, 18];
        Ok((0..4).filter(|n| coalition & (1 << n) != 0).map(|n| lengths[n]).max().unwrap_or(0))
    }

    #[test]
    fn the_glove_game_is_solved() {
        let found = exact(3, gloves).unwrap();
        assert_eq!(found.shares.iter().map(Share::value).collect::<Vec<_>>(), [100.0, 100.0, 400.0]);
        assert_eq!(found.ends, (0, 600));
    }

    /// The airport game (Littlechild, Owen 1973): each stretch is shared by those who need it.
    #[test]
    fn the_airport_game_is_solved() {
        let found = exact(4, runway).unwrap();
        let by_hand = [8.0 / 4.0, 2.0 + 3.0 / 3.0, 3.0 + 2.0 / 2.0, 4.0 + 5.0];
        assert_eq!(found.shares.iter().map(Share::value).collect::<Vec<_>>(), by_hand);
    }

    #[test]
    fn shares_sum_to_the_whole() {
        let odd = |coalition: Coalition| Ok::<_, Infallible>(i128::from(coalition) * i128::from(coalition) % 97 + 7);
        for found in [exact(6, odd).unwrap(), sampled(6, 37, 5, odd).unwrap(), sampled(40, 3, 5, odd).unwrap()] {
            let whole = found.ends.1 - found.ends.0;
            let divisor = found.shares[0].sum.1;
            assert_eq!(found.shares.iter().map(|share| share.sum.0).sum::<i128>(), whole * divisor);
        }
    }

    #[test]
    fn samples_come_near_the_value_as_their_errors_say() {
        let (sampled, exact) = (sampled(4, 2_000, 1, runway).unwrap(), exact(4, runway).unwrap());
        for (sample, value) in sampled.shares.iter().zip(&exact.shares) {
            assert!(sample.error > 0.0 && sample.error < 0.2, "{sample:?}");
            assert!((sample.value() - value.value()).abs() < 4.0 * sample.error, "{sample:?} {value:?}");
        }
        assert!(sampled.evaluated <= 16);
    }

    #[test]
    fn orders_are_permutations_and_the_seed_decides() {
        let mut sorted = order(30, 1, 2);
        assert_ne!(sorted, order(30, 1, 3));
        assert_ne!(sorted, order(30, 2, 2));
        sorted.sort_unstable();
        assert_eq!(sorted, (0..30).collect::<Vec<_>>());
    }

    #[test]
    fn the_first_error_is_told() {
        let failing = |coalition: Coalition| if coalition >= 2 { Err(coalition) } else { Ok(0) };
        assert_eq!(exact(3, failing), Err(2));
    }
}
