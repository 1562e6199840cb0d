//! A built-in scenario with a larger fund, from Rust.
//!
//! `cargo run --release -p downdraft-lab --example embedded_run`

use downdraft_lab::{Analysis, Prepared, load, run};
use std::ops::ControlFlow;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let scenario = load("flash-crash", &["fund.USDT=3000000".to_owned()])?;
    let prepared = Prepared::new(scenario, Some(7));
    let mut analysis = Analysis::new(&prepared, ());
    let finished = run(&prepared, &mut analysis, |_, _| ControlFlow::Continue(()))?;
    let (summary, ()) = analysis.finish(&prepared, &finished);
    println!("branching ratio {}", summary.cascade.branching_ratio);
    Ok(())
}
