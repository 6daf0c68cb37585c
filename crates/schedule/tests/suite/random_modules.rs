use eyas_testing::{Options, random_module};

use crate::agreement::agrees;

#[test]
fn random_modules_run_as_the_evaluator_says() {
    for seed in 0..500 {
        let case = random_module(seed, &Options::default());
        println!("seed {seed}");
        agrees(&case.module, "main", &case.inputs, &case.parameters, 1e-4);
    }
}
