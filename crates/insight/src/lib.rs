//! What a cascade was: genealogy and metrics read from the events of a run.
