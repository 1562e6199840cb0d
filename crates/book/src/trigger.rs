//! Placeholder until the trigger index lands.
#![allow(missing_docs, clippy::missing_docs_in_private_items, clippy::unused_self, clippy::needless_pass_by_value)]
use downdraft_types::{Price, Side};
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum TriggerBy {
    Last,
    Mark,
}
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Trigger {
    At(Price),
    Trailing { offset: u64 },
}
#[derive(Clone)]
pub(crate) struct Triggers;
impl Triggers {
    pub fn with_capacity(_: u32, _: u32) -> Self {
        Self
    }
    pub fn len(&self) -> u32 {
        0
    }
    pub fn is_full(&self) -> bool {
        true
    }
    pub fn due_len(&self) -> u32 {
        0
    }
    pub fn reference(&self, _: TriggerBy) -> Option<Price> {
        None
    }
    pub fn insert(&mut self, _: u32, _: Side, _: TriggerBy, _: Trigger) {}
    pub fn remove(&mut self, _: u32) {}
    pub fn update(&mut self, _: TriggerBy, _: Price) {}
    pub fn take_due(&mut self) -> Option<u32> {
        None
    }
    pub fn trigger_price(&self, _: u32) -> Option<Price> {
        None
    }
    pub fn trigger(&self, _: u32) -> Trigger {
        Trigger::At(Price(0))
    }
    pub fn by(&self, _: u32) -> TriggerBy {
        TriggerBy::Last
    }
    pub fn is_due(&self, _: u32) -> bool {
        false
    }
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        core::iter::empty()
    }
    pub fn check(&self) {}
}
