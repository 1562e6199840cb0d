//! A set of order numbers from which any can be drawn.

use downdraft_sim::random::Draw;

const NOWHERE: u32 = u32::MAX;

#[derive(Default)]
pub struct Living {
    numbers: Vec<u32>,
    /// Where each number stands in the list.
    places: Vec<u32>,
}

impl Living {
    pub fn any(&self, dice: &mut Draw) -> Option<u32> {
        (!self.numbers.is_empty()).then(|| self.numbers[dice.below(self.numbers.len() as u64) as usize])
    }

    pub fn insert(&mut self, number: u32) {
        self.places.resize(self.places.len().max(number as usize + 1), NOWHERE);
        self.places[number as usize] = self.numbers.len() as u32;
        self.numbers.push(number);
    }

    /// Whether it was there.
    pub fn remove(&mut self, number: u32) -> bool {
        let place = self.places.get(number as usize).copied().unwrap_or(NOWHERE);
        if place == NOWHERE {
            return false;
        }
        self.places[number as usize] = NOWHERE;
        self.numbers.swap_remove(place as usize);
        if let Some(moved) = self.numbers.get(place as usize) {
            self.places[*moved as usize] = place;
        }
        true
    }
}
