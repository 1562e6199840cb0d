//! A hint to the processor that memory will be read soon: the book's only `unsafe` code.
//!
//! 1. The address comes from a reference, so it is valid; and a prefetch reads nothing that the program could see.
//!
//! Elsewhere than on x86-64 it does nothing.

/// Asks for the cache line of a value.
#[inline(always)]
pub(crate) fn prefetch<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    #[expect(unsafe_code, reason = "invariant 1 above")]
    // SAFETY: invariant 1.
    unsafe {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(core::ptr::from_ref(value).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}
