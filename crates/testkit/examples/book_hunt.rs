//! Compares the book with its naive twin for a long time: `book_hunt COMMANDS [SEED]`. Prints how many commands were
//! compared and how often what happened; panics, naming the sequence, where they differ.

use downdraft_sim::random::Streams;
use downdraft_testkit::book_commands::{Tally, run_book_differential_with};
use downdraft_testkit::naive_book::Fault;

fn main() {
    let mut arguments = std::env::args().skip(1).map(|word| word.parse::<u64>().expect("a number"));
    let commands = arguments.next().unwrap_or(1_000_000);
    let seed = arguments.next().unwrap_or(1);
    let (mut sum, mut sequences) = (Tally::default(), 0_u64);
    while sum.commands < commands {
        let mut dice = Streams::new(seed).stream("book-hunt", "bytes").draw(sequences);
        let bytes: Vec<u8> = (0..600 + dice.below(3_000)).map(|_| dice.below(256) as u8).collect();
        let found = std::panic::catch_unwind(|| run_book_differential_with(Fault::None, &bytes));
        match found {
            Ok(tally) => sum += tally,
            Err(_) => {
                eprintln!("seed {seed}, sequence {sequences}, {} bytes: they differ", bytes.len());
                std::process::exit(1);
            }
        }
        sequences += 1;
    }
    println!("{sequences} sequences without a difference, seed {seed}: {sum:#?}");
}
