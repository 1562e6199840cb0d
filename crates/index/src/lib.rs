//! A fixed-capacity ordered map: no allocation after construction.
#![no_std]

extern crate alloc;
