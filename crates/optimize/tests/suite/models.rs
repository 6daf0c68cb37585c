use eyas_diagnostic::SourceMap;
use eyas_ir::{Module, Op};
use eyas_optimize::{Math, Options, Report, optimize, run_passes};

/// The module of a source text.
fn elaborated(text: &str) -> Module {
    let mut sources = SourceMap::new();
    let file = sources.add("model.eyas", text);
    let parsed = eyas_syntax::parse(text, file);
    let mut no_files = |path: &str, _: &str| Err(format!("`{path}` is not there"));
    let options = eyas_elaborate::Options::default();
    let program = eyas_elaborate::elaborate(&parsed.file, &mut sources, &options, &mut no_files);
    assert!(!program.has_errors(), "{:?}", program.diagnostics);
    program.module
}

/// IR before, IR after, rules fired.
fn canonical(text: &str) -> String {
    let mut module = elaborated(text);
    let before = module.to_text(Default::default());
    let mut report = Report::default();
    run_passes(
        &mut module,
        &["canonicalise"],
        &Options::default(),
        &mut report,
    )
    .unwrap();
    let after = module.to_text(Default::default());
    let fired: Vec<String> = report
        .fired()
        .iter()
        .map(|(rule, count)| format!("{rule}: {count}"))
        .collect();
    format!("{before}\n{after}\n{}\n", fired.join("\n"))
}

#[test]
fn a_softmax_written_by_hand_is_one() {
    insta::assert_snapshot!(canonical(
        "dim B\nmodel M(x: f32[B, 8]) -> (y: f32[B, 8]) {
           e = exp(x - max(x, -1))
           return e / sum(e, -1)
         }\n"
    ));
}

#[test]
fn a_log_softmax_written_by_hand_is_one() {
    insta::assert_snapshot!(canonical(
        "dim B\nmodel M(x: f32[B, 8]) -> (y: f32[B, 8], z: f32[B, 8]) {
           s = x - max(x, -1)
           return s - log(sum(exp(s), -1)), log(softmax(x, -1))
         }\n"
    ));
}

#[test]
fn a_layer_norm_written_by_hand_is_one() {
    insta::assert_snapshot!(canonical(
        "dim B, S\nmodel M(x: f32[B, S, 8]) -> (y: f32[B, S, 8], z: f32[B, S, 8]) {
           param g: f32[8] = ones
           param b: f32[8] = zeros
           m = sum(x, -1) / 8
           v = mean((x - m)^2, -1)
           return (x - m) * rsqrt(v + 1e-5) * g + b, (x - m) / sqrt(v + 1e-5) * g + b
         }\n"
    ));
}

#[test]
fn a_gelu_written_by_hand_is_one() {
    insta::assert_snapshot!(canonical(
        "dim B\nmodel M(x: f32[B]) -> (y: f32[B], z: f32[B], w: f32[B]) {
           return x * 0.5 * (1 + erf(x / sqrt(2.0))),
             0.5 * (x * (1 + erf(x * 0.7071067811865476))),
             x * (1 + erf(x / 1.4142135)) / 2
         }\n"
    ));
}

#[test]
fn a_loss_of_a_softmax_is_the_stable_one() {
    insta::assert_snapshot!(canonical(
        "dim B\nmodel M(x: f32[B, 8], label: i64[B]) -> (loss: f32[]) {
           return mean(nll(softmax(x, -1), label), keep = false)
         }\n"
    ));
}

const MNIST: &str = include_str!("../../../../examples/mnist.eyas");
const ENCODER: &str = include_str!("../../../../examples/encoder.eyas");

#[test]
fn mnist_is_two_contractions_and_a_softmax() {
    let mut module = elaborated(MNIST);
    let report = optimize(&mut module, &Options::default()).unwrap();
    let entry = module
        .entries
        .iter()
        .find(|entry| entry.name == "Mnist")
        .unwrap();
    let graph = module.graph(entry.graph);
    let contractions = graph
        .node_ids()
        .filter(|id| matches!(graph.node(*id).op, Op::Contraction { .. }));
    assert_eq!(contractions.count(), 2);
    insta::assert_snapshot!(format!("{}\n{report}", module.to_text(Default::default())));
}

#[test]
fn the_encoder_is_optimised_once_whatever_its_depth() {
    let mut module = elaborated(ENCODER);
    let report = optimize(&mut module, &Options::default()).unwrap();
    module.verify().unwrap();
    let bodies: Vec<&eyas_ir::Graph> = module
        .graphs
        .iter()
        .filter(|graph| graph.name().starts_with("repeat"))
        .collect();
    let [body] = bodies[..] else {
        panic!("{} bodies", bodies.len());
    };
    let (mut bare, mut finished) = (0, 0);
    for id in body.node_ids() {
        match &body.node(id).op {
            Op::Contraction { epilogue: None, .. } => bare += 1,
            Op::Contraction { .. } => finished += 1,
            Op::Transpose { .. } | Op::Unary { .. } => panic!("{:?}", body.node(id)),
            _ => {}
        }
    }
    // The weighted sum of the values alone has nothing after it.
    assert_eq!((bare, finished), (1, 5));
    assert_eq!(report.fired()["layer-norm"], 3);
    let deep = ENCODER.replace("depth = 12", "depth = 48");
    assert_ne!(deep, ENCODER);
    let mut deep = elaborated(&deep);
    let again = optimize(&mut deep, &Options::default()).unwrap();
    assert_eq!(report.fired(), again.fired());
}

#[test]
fn explanations_name_rules_and_sources() {
    let mut module = elaborated(MNIST);
    let options = Options {
        explain: true,
        ..Options::default()
    };
    let plain = {
        let mut module = module.clone();
        optimize(&mut module, &Options::default()).unwrap();
        module.to_text(Default::default())
    };
    let report = optimize(&mut module, &options).unwrap();
    assert_eq!(module.to_text(Default::default()), plain);
    let text: Vec<String> = report
        .passes
        .iter()
        .flat_map(|pass| &pass.graphs)
        .flat_map(|graph| graph.explanations.clone())
        .collect();
    insta::assert_snapshot!(text.join("\n"));
}

#[test]
fn a_batch_norm_folds_into_the_weights_before_it() {
    let mut module = elaborated(
        "dim B\nmodel M(x: f32[B, 8]) -> (y: f32[B, 4]) {
           param scale: f32[4] = ones
           param shift: f32[4] = zeros
           param mean: f32[4] = zeros
           return ((x |> fc: Linear(4)) - mean) * scale + shift
         }\n",
    );
    let options = Options {
        math: Math::Fast,
        ..Options::default()
    };
    optimize(&mut module, &options).unwrap();
    insta::assert_snapshot!(module.to_text(Default::default()));
}

#[test]
fn the_time_that_models_take() {
    for (name, text) in [("mnist", MNIST), ("encoder", ENCODER)] {
        let mut module = elaborated(text);
        let start = std::time::Instant::now();
        let report = optimize(&mut module, &Options::default()).unwrap();
        println!("{name}: {:?}", start.elapsed());
        for pass in &report.passes {
            println!("  {}: {:?}", pass.name, pass.time);
        }
    }
}
