//! Scenarios in TOML, the built-in library, and how to run them.
