//! Tests of the journal as its users see it: bytes in, bytes out.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod arbitrary;
mod damage;
mod document;
mod golden;
mod inspect;
mod layout;
mod replay;
mod roundtrip;
mod toy;
mod venue;
mod writer;
