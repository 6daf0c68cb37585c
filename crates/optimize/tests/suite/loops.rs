use std::collections::BTreeMap;

use eyas_ir::{GraphId, Module, Op};
use eyas_optimize::{Options, Report, optimize, passes, peel, run_passes, split_range, unroll};
use eyas_reference::{Evaluator, Storage, Values};
use eyas_tensor::{DType, Dim};
use eyas_testing::random_module;

fn outputs(
    module: &Module,
    inputs: &[eyas_tensor::Tensor],
    parameters: &BTreeMap<String, eyas_tensor::Tensor>,
) -> Vec<(String, Values)> {
    let evaluator = Evaluator::new(module)
        .storage(Storage::Wide)
        .parameters(parameters.clone());
    evaluator.run("main", inputs).unwrap().outputs
}

fn same(before: &[(String, Values)], after: &[(String, Values)], tolerance: f64) {
    assert_eq!(before.len(), after.len());
    for ((name, a), (_, b)) in before.iter().zip(after) {
        let (a, b) = (a.to_wide_tensor().unwrap(), b.to_wide_tensor().unwrap());
        let error = b.relative_error(&a);
        assert!(error <= tolerance, "{name}: {error}");
    }
}

fn options() -> eyas_testing::Options {
    eyas_testing::Options {
        ops: 20,
        dtypes: vec![DType::F64, DType::I64, DType::Bool],
        ..eyas_testing::Options::default()
    }
}

#[test]
fn loops_rolled_unrolled_peeled_and_split_give_the_same() {
    let mut seen = 0;
    for seed in 0..200 {
        let case = random_module(seed, &options());
        if case.module.graphs.len() == 1 {
            continue;
        }
        seen += 1;
        let before = outputs(&case.module, &case.inputs, &case.parameters);
        for pass in ["unroll", "peel", "split-range", "inline-trivial-loops"] {
            let mut module = case.module.clone();
            let mut report = Report::default();
            let how = Options::default();
            run_passes(&mut module, &[pass], &how, &mut report).unwrap();
            let after = outputs(&module, &case.inputs, &case.parameters);
            same(&before, &after, 0.0);
            optimize(&mut module, &how).unwrap();
            module.verify().unwrap();
            let after = outputs(&module, &case.inputs, &case.parameters);
            same(&before, &after, 1e-9);
        }
    }
    assert!(seen > 40, "{seen} modules have loops");
}

const NESTED: &str = r#"module
symbol S
parameter a.0.b.0.w : f32[3]
parameter a.0.b.1.w : f32[3]
parameter a.1.b.0.w : f32[3]
parameter a.1.b.1.w : f32[3]
parameter a.2.b.0.w : f32[3]
parameter a.2.b.1.w : f32[3]
graph #0 inner {
  %0 = input j : i64[]
  %1 = input x : f32[S, 3]
  %2 = parameter "a.{i}.b.{j}.w" : f32[3]
  %3 = tanh %2 : f32[3]
  %4 = broadcast %3 shape=[S, 3] : f32[S, 3]
  %5 = multiply %1, %4 : f32[S, 3]
  return x = %5, slice = %3
}
graph #1 outer {
  %0 = input i : i64[]
  %1 = input x : f32[S, 3]
  %2, %3 = loop %1 body=0 variable=j trip={range: {start: "0", count: "2"}} carried=1 : f32[S, 3], f32[2, 3]
  return x = %2, slices = %3
}
graph #2 main {
  %0 = input x : f32[S, 3]
  %1, %2 = loop %0 body=1 variable=i trip={range: {start: "0", count: "3"}} carried=1 : f32[S, 3], f32[3, 2, 3]
  return y = %1, z = %2
}
entry main = #2 inference
"#;

fn nested() -> (
    Module,
    Vec<eyas_tensor::Tensor>,
    BTreeMap<String, eyas_tensor::Tensor>,
) {
    let module = Module::from_text(NESTED).unwrap();
    let mut draw = eyas_testing::Draw::new(3);
    let mut tensor = |shape: &[usize]| draw.tensor(eyas_tensor::DType::F32, shape).unwrap();
    let parameters = module
        .parameters
        .keys()
        .map(|path| (path.clone(), tensor(&[3])));
    let parameters = parameters.collect();
    (module, vec![tensor(&[2, 3])], parameters)
}

fn loops(module: &Module) -> usize {
    let graphs = module.graphs.iter();
    let nodes = graphs.flat_map(|graph| graph.node_ids().map(|id| graph.node(id)));
    nodes
        .filter(|node| matches!(node.op, Op::Loop { .. }))
        .count()
}

#[test]
fn nested_loops_unroll_whole() {
    let (mut module, inputs, parameters) = nested();
    let before = outputs(&module, &inputs, &parameters);
    let mut report = Report::default();
    run_passes(&mut module, &["unroll"], &Options::default(), &mut report).unwrap();
    module.verify().unwrap();
    assert_eq!((loops(&module), module.graphs.len()), (0, 1));
    same(&before, &outputs(&module, &inputs, &parameters), 0.0);
}

#[test]
fn one_loop_of_many_is_changed_by_its_node() {
    let find = |module: &Module, graph: GraphId| {
        let graph = module.graph(graph);
        let mut nodes = graph.node_ids();
        nodes
            .find(|id| matches!(graph.node(*id).op, Op::Loop { .. }))
            .unwrap()
    };
    let (original, inputs, parameters) = nested();
    let before = outputs(&original, &inputs, &parameters);
    let main = GraphId(2);
    let mut module = original.clone();
    unroll(&mut module, main, find(&original, main)).unwrap();
    module.verify().unwrap();
    assert_eq!(loops(&module), 3);
    same(&before, &outputs(&module, &inputs, &parameters), 0.0);

    let mut module = original.clone();
    peel(&mut module, main, find(&original, main)).unwrap();
    module.verify().unwrap();
    same(&before, &outputs(&module, &inputs, &parameters), 0.0);

    for at in 0..=3 {
        let mut module = original.clone();
        split_range(&mut module, main, find(&original, main), &Dim::from(at)).unwrap();
        module.verify().unwrap();
        same(&before, &outputs(&module, &inputs, &parameters), 0.0);
    }
    let mut module = original.clone();
    let error = split_range(&mut module, main, find(&original, main), &Dim::from(4));
    assert!(error.unwrap_err().to_string().contains("not proved"));
}

#[test]
fn parameters_of_an_iteration_are_hoisted_with_their_counters() {
    let (mut module, inputs, parameters) = nested();
    let before = outputs(&module, &inputs, &parameters);
    optimize(&mut module, &Options::default()).unwrap();
    let [derived] = &module.derived[..] else {
        panic!("{:?}", module.derived);
    };
    assert_eq!(derived.path, "a.{i}.b.{j}.w.derived0");
    assert_eq!(derived.counters, [("i".into(), 0, 3), ("j".into(), 0, 2)]);
    same(&before, &outputs(&module, &inputs, &parameters), 1e-9);
}

#[test]
fn passes_have_distinct_names_and_unknown_ones_are_refused() {
    let mut names: Vec<&str> = passes().iter().map(|pass| pass.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), passes().len());
    let mut report = Report::default();
    let error = run_passes(
        &mut Module::default(),
        &["nothing"],
        &Options::default(),
        &mut report,
    );
    assert_eq!(error.unwrap_err().to_string(), "there is no pass `nothing`");
}

#[test]
fn decomposition_and_shared_nodes_keep_results() {
    for seed in 0..100 {
        let case = random_module(seed, &options());
        let before = outputs(&case.module, &case.inputs, &case.parameters);
        for pass in [
            "decompose",
            "common-subexpression",
            "fold",
            "merge-contractions",
        ] {
            let mut module = case.module.clone();
            let mut report = Report::default();
            run_passes(&mut module, &[pass], &Options::default(), &mut report).unwrap();
            let after = outputs(&module, &case.inputs, &case.parameters);
            same(&before, &after, 1e-9);
        }
    }
}
