use eyas_optimize::{Limits, Math, Options, optimize};
use eyas_reference::{Evaluator, Storage, Values};
use eyas_tensor::DType;
use eyas_testing::{Case, random_module};
use proptest::prelude::*;

fn outputs(case: &Case, storage: Storage) -> Vec<(String, Values)> {
    let evaluator = Evaluator::new(&case.module)
        .storage(storage)
        .parameters(case.parameters.clone());
    evaluator.run("main", &case.inputs).unwrap().outputs
}

/// The greatest relative error of any output.
fn difference(before: &[(String, Values)], after: &[(String, Values)]) -> f64 {
    assert_eq!(before.len(), after.len());
    let pairs = before.iter().zip(after);
    pairs.fold(0.0, |worst, ((name, a), (other, b))| {
        assert_eq!((name, a.dtype(), a.shape()), (other, b.dtype(), b.shape()));
        let (a, b) = (a.to_wide_tensor().unwrap(), b.to_wide_tensor().unwrap());
        f64::max(worst, b.relative_error(&a))
    })
}

fn check(seed: u64, options: &eyas_testing::Options, how: &Options, tolerance: f64) {
    let mut case = random_module(seed, options);
    let before = outputs(&case, Storage::Wide);
    let text = case.module.to_text(Default::default());
    let report = optimize(&mut case.module, how).unwrap_or_else(|error| {
        panic!("seed {seed}: {error}\n{text}");
    });
    case.module.verify().unwrap();
    let after = outputs(&case, Storage::Wide);
    let error = difference(&before, &after);
    let now = case.module.to_text(Default::default());
    assert!(
        error <= tolerance,
        "seed {seed}: {error}\n{text}\n{now}\n{report}"
    );
    let mut again = random_module(seed, options);
    optimize(&mut again.module, how).unwrap();
    assert_eq!(now, again.module.to_text(Default::default()));
}

fn wide() -> eyas_testing::Options {
    eyas_testing::Options {
        dtypes: vec![DType::F64, DType::I32, DType::I64, DType::U8, DType::Bool],
        jumps: true,
        ..eyas_testing::Options::default()
    }
}

fn narrow() -> eyas_testing::Options {
    eyas_testing::Options {
        dtypes: vec![DType::F32, DType::F16, DType::BF16, DType::I8, DType::Bool],
        ..eyas_testing::Options::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_optimised_module_computes_the_same(seed in any::<u64>()) {
        check(seed, &wide(), &Options::default(), 1e-9);
    }

    // Folded constants are rounded to their types.
    #[test]
    fn an_optimised_module_of_narrow_floats_computes_the_same(seed in any::<u64>()) {
        check(seed, &narrow(), &Options::default(), 5e-2);
    }

    #[test]
    fn fast_mathematics_computes_nearly_the_same(seed in any::<u64>()) {
        let options = eyas_testing::Options { jumps: false, ..wide() };
        let how = Options { math: Math::Fast, ..Options::default() };
        check(seed, &options, &how, 1e-7);
    }

    #[test]
    fn limits_change_speed_and_never_results(seed in any::<u64>(), nodes in 0usize..60) {
        let limits = Limits { nodes, iterations: 3, matches: 4 };
        let how = Options { limits, ..Options::default() };
        check(seed, &wide(), &how, 1e-9);
    }

    #[test]
    fn explanations_change_no_result(seed in any::<u64>()) {
        let mut plain = random_module(seed, &wide());
        let mut explained = plain.clone();
        optimize(&mut plain.module, &Options::default()).unwrap();
        let how = Options { explain: true, ..Options::default() };
        optimize(&mut explained.module, &how).unwrap();
        let before = outputs(&plain, Storage::Wide);
        prop_assert!(difference(&before, &outputs(&explained, Storage::Wide)) <= 1e-9);
    }
}
