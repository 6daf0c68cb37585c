use eyas_testing::{Options, random_module};

use crate::agreement::agrees;

fn agree(seeds: std::ops::Range<u64>, options: &Options) {
    for seed in seeds {
        let case = random_module(seed, options);
        println!("seed {seed}");
        agrees(&case.module, "main", &case.inputs, &case.parameters, 1e-4);
    }
}

#[test]
fn random_modules_run_as_the_evaluator_says() {
    agree(0..400, &Options::default());
}

#[test]
fn long_random_modules_run_as_the_evaluator_says() {
    let options = Options {
        ops: 50,
        max_elements: 200,
        ..Options::default()
    };
    agree(1000..1060, &options);
}
