//! Invariant 10: within its capacities a venue never allocates. A binary of its own, because it counts what the
//! allocator does; the trial compares the count around every command but those that reserve: listings, the terms of collateral
//! and of portfolio margin.

use downdraft_testkit::alloc::{Counting, allocations};
use downdraft_testkit::venue_commands::run_random_worlds;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn no_command_but_those_that_reserve_allocates() {
    let before = allocations();
    let tally = run_random_worlds(77, 20, 10_000);
    assert!(allocations() > before, "the counter is installed");
    for (what, count) in [
        ("liquidations", tally.liquidations),
        ("takeovers", tally.takeovers),
        ("deleveraged", tally.deleveraged),
        ("socialised", tally.socialised),
        ("funding", tally.funding),
        ("refused for want of room", tally.full),
    ] {
        assert!(count > 20, "{what}: {count}");
    }
}
