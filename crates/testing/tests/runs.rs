//! What the generator makes verifies and runs.

#![allow(clippy::unwrap_used)]

use eyas_reference::{Evaluator, Storage};
use eyas_testing::{Options, random_module};

#[test]
fn every_module_verifies_and_runs() {
    let mut nodes = 0;
    for seed in 0..300 {
        let case = random_module(seed, &Options::default());
        case.module.verify().unwrap();
        let evaluator = Evaluator::new(&case.module)
            .storage(Storage::Wide)
            .parameters(case.parameters.clone());
        let outcome = evaluator.run("main", &case.inputs);
        let outcome = outcome.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        assert!(!outcome.outputs.is_empty());
        nodes += case.module.graphs.last().unwrap().node_count();
    }
    assert!(nodes > 300 * 8, "{nodes} nodes");
}

#[test]
fn a_module_without_extras_has_none() {
    let options = Options {
        symbols: false,
        loops: false,
        empty: false,
        ..Options::default()
    };
    for seed in 0..50 {
        let case = random_module(seed, &options);
        assert_eq!(case.module.graphs.len(), 1);
        assert!(case.module.symbols.is_empty());
    }
}
