//! The map beside `std::collections::BTreeMap`.

mod against_btree;
