//! Random streams: pinned numbers, and draws that do not disturb each other.

use downdraft_sim::random::{Stream, Streams};

fn numbers(stream: &Stream, ordinal: u64) -> [u64; 3] {
    let mut draw = stream.draw(ordinal);
    [(); 3].map(|()| draw.next_u64())
}

/// Pinned: a change of these numbers changes every run ever recorded.
#[test]
fn golden_numbers() {
    let stream = Streams::new(7).stream("maker-1", "size");
    assert_eq!(numbers(&stream, 0), [121_771_084_026_878_726, 6_181_215_529_089_853_267, 7_778_800_572_194_105_663]);
    assert_eq!(numbers(&stream, 1), [14_103_093_524_114_145_260, 3_582_654_924_380_438_519, 5_866_005_904_889_206_703]);
    assert_eq!(
        numbers(&stream, u64::MAX),
        [3_153_803_529_339_277_872, 12_733_674_143_924_984_796, 8_355_834_364_508_946_209]
    );
}

#[test]
fn every_part_of_the_key_counts() {
    let mut firsts: Vec<_> = [
        Streams::new(7).stream("maker-1", "size").draw(0),
        Streams::new(8).stream("maker-1", "size").draw(0),
        Streams::new(7).stream("maker-2", "size").draw(0),
        Streams::new(7).stream("maker-1", "side").draw(0),
        Streams::new(7).stream("maker-1", "size").draw(1),
        // The same letters, cut elsewhere.
        Streams::new(7).stream("maker-1s", "ize").draw(0),
        Streams::new(7).stream("", "maker-1size").draw(0),
    ]
    .into_iter()
    .map(|mut draw| draw.next_u64())
    .collect();
    firsts.sort_unstable();
    firsts.dedup();
    assert_eq!(firsts.len(), 7);
}

#[test]
fn a_draw_that_takes_more_numbers_shifts_no_other() {
    let mut frugal = Streams::new(1).stream("a", "b");
    let mut greedy = frugal.clone();
    for _ in 0..10 {
        frugal.next_draw();
        let mut draw = greedy.next_draw();
        for _ in 0..100 {
            draw.next_u64();
        }
    }
    assert_eq!(frugal.drawn(), 10);
    assert_eq!(frugal.next_draw(), greedy.next_draw());
    assert_eq!(frugal.draw(3), greedy.draw(3));
}

#[test]
fn first_numbers_of_consecutive_draws_are_uniform_and_unrelated() {
    let stream = Streams::new(3).stream("uniformity", "");
    let draws = 100_000_u64;
    let mut ones = [0_u32; 64];
    let mut flips = 0_u32;
    let mut previous = 0;
    for ordinal in 0..draws {
        let number = stream.draw(ordinal).next_u64();
        for (bit, count) in ones.iter_mut().enumerate() {
            *count += (number >> bit & 1) as u32;
        }
        flips += (number ^ previous).count_ones();
        previous = number;
    }
    // Five standard deviations of a binomial count.
    let half = draws as f64 / 2.0;
    assert!(ones.iter().all(|&count| (f64::from(count) - half).abs() < 5.0 * (half / 2.0).sqrt()));
    assert!((f64::from(flips) - 64.0 * half).abs() < 5.0 * (16.0 * draws as f64).sqrt());
}
