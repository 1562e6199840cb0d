//! A global allocator that counts, to prove that a hot path does not allocate.
//!
//! A test binary installs it with `#[global_allocator] static ALLOCATOR: Counting = Counting;` and compares
//! [`allocations`] before and after. The count is per thread, so that a test harness cannot disturb it.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static BYTES: Cell<u64> = const { Cell::new(0) };
    static FREED: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, counted.
#[derive(Clone, Copy, Debug)]
pub struct Counting;

/// Allocations and reallocations made by this thread so far; zero for ever unless [`Counting`] is installed.
#[must_use]
pub fn allocations() -> u64 {
    ALLOCATIONS.with(Cell::get)
}

/// Bytes asked for by those allocations in all, freed since or not.
#[must_use]
pub fn allocated_bytes() -> u64 {
    BYTES.with(Cell::get)
}

/// Bytes that this thread has allocated and not freed, modulo 2^64; it may have freed another thread's.
#[must_use]
pub fn live_bytes() -> u64 {
    allocated_bytes().wrapping_sub(FREED.with(Cell::get))
}

fn uncount(bytes: usize) {
    let _ = FREED.try_with(|freed| freed.set(freed.get() + bytes as u64));
}

fn count(bytes: usize) {
    // A thread that is ending may have lost its counters.
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
    let _ = BYTES.try_with(|count| count.set(count.get() + bytes as u64));
}

// SAFETY: every call is passed on to the system's allocator as it came; the counter is a thread-local constant
// in its initial value, which needs no allocation.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promise, passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promise, passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        uncount(layout.size());
        // SAFETY: the caller's promise, passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        uncount(layout.size());
        // SAFETY: the caller's promise, passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}
