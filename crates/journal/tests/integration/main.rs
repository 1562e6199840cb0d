//! Tests of the journal as its users see it: bytes in, bytes out.

mod arbitrary;
mod damage;
mod golden;
mod inspect;
mod layout;
mod replay;
mod roundtrip;
mod toy;
mod writer;
