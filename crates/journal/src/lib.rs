//! The recorded event log of a run: codec, frames, recovery and replay.
