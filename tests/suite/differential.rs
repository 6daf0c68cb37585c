//! Random graphs: compiled code gives what the reference evaluator gives.

use eyas::{Compiler, DType, Module, Tensor};
use eyas_testing::{Options, random_module};

use crate::program::{Runner, compile_module, evaluate};

/// The greatest relative error that summing in another order or a fused step may bring, by the
/// coarsest type of floats that a module computes in: a wider result may come from a narrower one.
fn tolerance(module: &Module) -> f64 {
    let nodes = module.graphs.iter().flat_map(|graph| {
        let ids = graph.node_ids();
        ids.flat_map(|id| graph.node(id).types.clone())
    });
    let of_type = |dtype: DType| match dtype {
        DType::BF16 => 1e-1,
        DType::F16 => 2e-2,
        DType::F32 => 2e-4,
        DType::F64 => 1e-10,
        _ => 0.0,
    };
    nodes.map(|ty| of_type(ty.dtype)).fold(0.0, f64::max)
}

/// Compiled for a runner, the module of a seed gives what it evaluates to.
pub fn check(seed: u64, options: &Options, compiler: &Compiler, runner: &Runner) {
    let case = random_module(seed, options);
    let expected = evaluate(&case.module, &case.parameters, &case.inputs);
    let set = compile_module(compiler, &case.module, &case.parameters);
    let inputs: Vec<&Tensor> = case.inputs.iter().collect();
    let found = runner.session(&set).run_ordered(&inputs);
    let found = found.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    assert_eq!(found.len(), expected.len());
    for ((name, found), (other, expected)) in found.iter().zip(&expected) {
        assert_eq!(name, other);
        let error = found.relative_error(expected);
        let limit = if found.dtype().is_float() {
            tolerance(&case.module)
        } else {
            0.0
        };
        let text = || case.module.to_text(eyas::TextOptions::default());
        assert!(
            error <= limit,
            "seed {seed}, output {name}: error {error:e}\n{}\nfound {found:?}\nexpected {expected:?}",
            text()
        );
    }
}

/// So many seeds in each of the parts, so that they run side by side.
const SEEDS: u64 = 100;

macro_rules! parts {
    ($($name:ident $part:literal,)*) => {
        $(
            #[test]
            fn $name() {
                for seed in $part * SEEDS..($part + 1) * SEEDS {
                    check(seed, &Options::default(), &Compiler::default(), &Runner::Cpu);
                }
            }
        )*
    };
}

parts! {
    compiled_random_graphs_equal_evaluated_ones_first_part 0,
    compiled_random_graphs_equal_evaluated_ones_second_part 1,
    compiled_random_graphs_equal_evaluated_ones_third_part 2,
    compiled_random_graphs_equal_evaluated_ones_fourth_part 3,
    compiled_random_graphs_equal_evaluated_ones_fifth_part 4,
    compiled_random_graphs_equal_evaluated_ones_sixth_part 5,
}

#[test]
fn narrow_types_compile_to_what_they_evaluate_to() {
    let options = Options {
        dtypes: vec![
            DType::F16,
            DType::BF16,
            DType::I8,
            DType::U8,
            DType::U32,
            DType::F32,
        ],
        ..Options::default()
    };
    for seed in 10_000..10_040 {
        check(seed, &options, &Compiler::default(), &Runner::Cpu);
    }
}

#[test]
fn every_instruction_set_that_runs_here_gives_what_the_evaluator_gives() {
    for isa in eyas::Isa::ALL {
        if !isa.is_supported() {
            eprintln!("skipped: this machine does not run {isa}");
            continue;
        }
        for wide in [true, false] {
            let compiler = Compiler {
                machines: vec![eyas::Machine::cpu(isa)],
                wide,
                ..Compiler::default()
            };
            for seed in 20_000..20_025 {
                check(seed, &Options::default(), &compiler, &Runner::Cpu);
            }
        }
    }
}
