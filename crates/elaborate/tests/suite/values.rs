//! Layers and functions against numbers worked out by hand.

use eyas_elaborate::Options;
use eyas_ir::{Mode, Op, TextOptions};
use eyas_reference::Evaluator;
use eyas_tensor::{DType, Number, Tensor};

use crate::support::{floats, graph, program, program_with, run, run_with, sound};

fn close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() < 1e-5, "{found:?} is not {expected:?}");
    }
}

fn integers(shape: &[usize], values: &[i64]) -> Tensor {
    let numbers: Vec<Number> = values
        .iter()
        .map(|value| Number::Int((*value).into()))
        .collect();
    Tensor::from_numbers(DType::I32, shape, &numbers).unwrap()
}

#[test]
fn linear_is_an_affine_map() {
    let text = "model M(x: f32[B, 2]) -> f32[B, 3] { return x |> fc: Linear(3) }\n";
    let parameters = [
        ("fc.w", floats(&[2, 3], &[1., 2., 3., 4., 5., 6.])),
        ("fc.b", floats(&[3], &[10., 20., 30.])),
    ];
    let found = run_with(text, &[floats(&[1, 2], &[1., 2.])], &parameters);
    close(&found, &[19., 32., 45.]);
}

#[test]
fn an_absent_bias_is_not_added() {
    let text = "model M(x: f32[B, 2]) -> f32[B, 3] { return x |> fc: Linear(3, bias = false) }\n";
    let module = sound(text).elaborated.module;
    assert_eq!(module.parameters.len(), 1);
    let graph = module.graph(module.entries[0].graph);
    assert_eq!(graph.node_count(), 3);
}

#[test]
fn norms() {
    let x = [floats(&[1, 4], &[1., 2., 3., 6.])];
    let text = "model M(x: f32[B, 4]) -> f32[B, 4] { return x |> n: LayerNorm(eps = 0) }\n";
    let deviation = 3.5f64.sqrt();
    close(
        &run(text, &x),
        &[-2.0 / deviation, -1.0 / deviation, 0.0, 3.0 / deviation],
    );
    let text = "model M(x: f32[B, 4]) -> f32[B, 4] { return x |> n: RmsNorm(eps = 0) }\n";
    let root = 12.5f64.sqrt();
    close(
        &run(text, &x),
        &[1.0 / root, 2.0 / root, 3.0 / root, 6.0 / root],
    );
    let text = "model M(x: f32[B, 4]) -> f32[B, 4] {\n  param g: f32[4] = ones\n  param b: f32[4] = zeros\n  return layer_norm(x, g, b, eps = 0)\n}\n";
    close(
        &run(text, &x),
        &[-2.0 / deviation, -1.0 / deviation, 0.0, 3.0 / deviation],
    );
}

#[test]
fn embedding_takes_rows() {
    let text = "model M(ids: i32[B]) -> f32[B, 2] { return ids |> e: Embedding(3, 2) }\n";
    let table = [("e.table", floats(&[3, 2], &[0., 1., 2., 3., 4., 5.]))];
    close(
        &run_with(text, &[integers(&[2], &[2, 0])], &table),
        &[4., 5., 0., 1.],
    );
}

#[test]
fn positions_are_sines_and_cosines() {
    let text = "model M(x: f32[S, 4]) -> f32[S, 4] { return x * 0 + positions(S, 4) }\n";
    let found = run(text, &[floats(&[2, 4], &[0.; 8])]);
    close(
        &found,
        &[0., 1., 0., 1., 0.841471, 0.540302, 0.0099998, 0.99995],
    );
}

#[test]
fn attention_leaves_masked_places_out() {
    // With zero weights but those of v and proj, every allowed place has the same share.
    let text = "model M(x: f32[B, S, 2], mask: bool[B, S]) -> f32[B, S, 2] { return x |> a: Attention(1, mask) }\n";
    let mut w = [0f32; 12];
    (w[4], w[11]) = (1.0, 1.0);
    let parameters = [
        ("a.qkv.w", floats(&[2, 6], &w)),
        ("a.qkv.b", floats(&[6], &[0.; 6])),
        ("a.proj.w", floats(&[2, 2], &[1., 0., 0., 1.])),
        ("a.proj.b", floats(&[2], &[0., 0.])),
    ];
    let x = floats(&[1, 3, 2], &[1., 2., 3., 4., 100., 200.]);
    let bits = [true, true, false].map(Number::Bool);
    let mask = Tensor::from_numbers(DType::Bool, &[1, 3], &bits).unwrap();
    let found = run_with(text, &[x, mask], &parameters);
    close(&found, &[2., 3., 2., 3., 2., 3.]);
}

#[test]
fn scalars_of_symbolic_dims() {
    let text = "dim D\nmodel M(x: f32[D]) -> f32[D] { return x / sqrt(D / 2) + D // 3 }\n";
    close(&run(text, &[floats(&[8], &[2.; 8])]), &[3.0; 8]);
}

#[test]
fn indexing_and_slicing() {
    let x = [floats(
        &[3, 4],
        &[0., 1., 2., 3., 4., 5., 6., 7., 8., 9., 10., 11.],
    )];
    let cases: [(&str, &str, &[f64]); 8] = [
        ("x[1]", "4", &[4., 5., 6., 7.]),
        ("x[-1, 0]", "", &[8.]),
        ("x[.., 1]", "3", &[1., 5., 9.]),
        ("x[0, 1..3]", "2", &[1., 2.]),
        ("x[0, ..2]", "2", &[0., 1.]),
        ("x[0, 0.. by 2]", "2", &[0., 2.]),
        ("x[0, .. by -1]", "4", &[3., 2., 1., 0.]),
        ("x[0, -2..]", "2", &[2., 3.]),
    ];
    for (index, shape, expected) in cases {
        let text = format!("model M(x: f32[3, 4]) -> f32[{shape}] {{ return {index} }}\n");
        close(&run(&text, &x), expected);
    }
    let text = "model M(x: f32[3, 4], i: i32[2]) -> f32[3, 2] { return x[.., i] }\n";
    let found = run(text, &[x[0].clone(), integers(&[2], &[3, 0])]);
    close(&found, &[3., 0., 7., 4., 11., 8.]);
}

#[test]
fn patterns() {
    let x = [floats(&[2, 4], &[0., 1., 2., 3., 4., 5., 6., 7.])];
    let cases: [(&str, &str, &[f64]); 9] = [
        (
            "rearrange[a b -> b a](x)",
            "4, 2",
            &[0., 4., 1., 5., 2., 6., 3., 7.],
        ),
        (
            "rearrange[a (b c) -> c (a b)](x, c = 2)",
            "2, 4",
            &[0., 2., 4., 6., 1., 3., 5., 7.],
        ),
        (
            "rearrange[.. a -> a ..](x)",
            "4, 2",
            &[0., 4., 1., 5., 2., 6., 3., 7.],
        ),
        (
            "rearrange[a b -> (a b) 1](x)",
            "8, 1",
            &[0., 1., 2., 3., 4., 5., 6., 7.],
        ),
        (
            "rearrange[a b -> a r b](x, r = 2)",
            "2, 2, 4",
            &[
                0., 1., 2., 3., 0., 1., 2., 3., 4., 5., 6., 7., 4., 5., 6., 7.,
            ],
        ),
        ("reduce[a b -> a](x, sum)", "2", &[6., 22.]),
        ("reduce[a (b 2) -> a b](x, max)", "2, 2", &[1., 3., 5., 7.]),
        (
            "einsum[a b, c b -> a c](x, x)",
            "2, 2",
            &[14., 38., 38., 126.],
        ),
        (
            "einsum[a b, a b, a b -> b](x, x, x)",
            "4",
            &[64., 126., 224., 370.],
        ),
    ];
    for (pattern, shape, expected) in cases {
        let text = format!("model M(x: f32[2, 4]) -> f32[{shape}] {{ return {pattern} }}\n");
        close(&run(&text, &x), expected);
    }
}

#[test]
fn functions() {
    let x = [floats(&[2, 2], &[1., -2., 3., -4.])];
    let cases: [(&str, &str, &[f64]); 24] = [
        ("sum(x)", "", &[-2.]),
        ("sum(x, 0)", "1, 2", &[4., -6.]),
        ("sum(x, (0, 1), keep = false)", "", &[-2.]),
        ("mean(x, -1, keep = false)", "2", &[-0.5, -0.5]),
        ("max(x, 1)", "2, 1", &[1., 3.]),
        ("max(x, 0.0)", "2, 2", &[1., 0., 3., 0.]),
        ("prod(x)", "", &[24.]),
        ("var(x, 0)", "1, 2", &[1., 1.]),
        ("cast(argmax(x, -1, keep = false), f32)", "2", &[0., 0.]),
        ("clamp(x, -1, 1)", "2, 2", &[1., -1., 1., -1.]),
        ("x ^ 2", "2, 2", &[1., 4., 9., 16.]),
        ("where(x > 0, x, 0)", "2, 2", &[1., 0., 3., 0.]),
        ("flatten(x)", "4", &[1., -2., 3., -4.]),
        ("reshape(x, 1, -1)", "1, 4", &[1., -2., 3., -4.]),
        ("transpose(x)", "2, 2", &[1., 3., -2., -4.]),
        ("concat(x, x, axis = 0)[2]", "2", &[1., -2.]),
        ("stack(x, x)[1]", "2, 2", &[1., -2., 3., -4.]),
        ("split(x, 2)[1]", "2, 1", &[-2., -4.]),
        (
            "pad(x, 1, 0, value = 9)",
            "2, 3",
            &[9., 1., -2., 9., 3., -4.],
        ),
        ("x @ x", "2, 2", &[-5., 6., -9., 10.]),
        ("one_hot(arange(2), 2) + x", "2, 2", &[2., -2., 3., -3.]),
        ("gather(x, arange(1, 2), axis = 0)", "1, 2", &[3., -4.]),
        ("scatter_add(x, arange(1), 1)", "2, 2", &[2., -1., 3., -4.]),
        ("l2(x)", "", &[15.]),
    ];
    for (function, shape, expected) in cases {
        let text = format!("model M(x: f32[2, 2]) -> f32[{shape}] {{ return {function} }}\n");
        close(&run(&text, &x), expected);
    }
}

#[test]
fn losses() {
    let text = "model M(p: f32[B, 2], label: i32[B]) -> (loss: f32[], right: f32[]) {\n  return nll(p, label), accuracy(p, label)\n}\n";
    let inputs = [
        floats(&[2, 2], &[0.5, 0.5, 0.25, 0.75]),
        integers(&[2], &[1, 1]),
    ];
    let expected = -(0.5f64.ln() + 0.75f64.ln()) / 2.0;
    close(&run(text, &inputs), &[expected]);
}

#[test]
fn loops_stay_rolled_or_come_apart() {
    let rolled = "model M(x: f32[B, 2]) -> f32[B, 2] {\n  repeat i in 0..3 { x = x * 2 + i }\n  return x\n}\n";
    close(&run(rolled, &[floats(&[1, 2], &[1., 0.])]), &[12., 4.]);
    assert!(graph(rolled).contains(" loop "));
    let apart = "model M(x: f32[B, 2]) -> f32[B, 16] {\n  repeat i in 0..3 { x = concat(x, x) + 1 }\n  return x\n}\n";
    assert!(!graph(apart).contains(" loop "));
    close(&run(apart, &[floats(&[1, 2], &[0., 1.])])[..2], &[3., 4.]);
    let counted = "model M(x: f32[B, 4]) -> f32[B, 6] {\n  repeat i in 0..2 { x = x |> fc[i]: Linear(i + 5) }\n  return x\n}\n";
    let module = sound(counted).elaborated.module;
    assert_eq!(module.parameters["fc.1.w"].ty.to_string(), "f32[5, 6]");
    let summed = "model M(x: f32[2]) -> f32[2] {\n  n = 1\n  repeat i in 0..4 { n = n + i }\n  return x * n\n}\n";
    close(&run(summed, &[floats(&[2], &[1., 2.])]), &[7., 14.]);
    let none = "model M(x: f32[B, 4]) -> f32[B, 4] {\n  repeat i in 0..0 { x = x |> fc[i]: Linear(4) }\n  return x\n}\n";
    assert!(sound(none).elaborated.module.parameters.is_empty());
}

#[test]
fn loops_over_a_dim_share_their_weights() {
    let text = "model M(x: f32[S, 2]) -> f32[2] {\n  h = x[0] * 0\n  repeat t in 0..S { h = h + (x[t] |> fc: Linear(2, bias = false)) }\n  return h\n}\n";
    let weights = [("fc.w", floats(&[2, 2], &[1., 0., 0., 10.]))];
    let found = run_with(
        text,
        &[floats(&[3, 2], &[1., 2., 3., 4., 5., 6.])],
        &weights,
    );
    close(&found, &[9., 120.]);
    assert!(graph(text).contains("count: S"), "{}", graph(text));
}

#[test]
fn loops_in_loops() {
    let text = "layer Inner(x: f32[.., D]) -> f32[.., D] {\n  repeat i in 0..2 { x = x |> fc[i]: Linear(D) }\n  return x\n}\nmodel M(x: f32[B, 2]) -> f32[B, 2] {\n  repeat i in 0..3 { x = x |> block[i]: Inner() }\n  return x\n}\n";
    let module = sound(text).elaborated.module;
    assert_eq!(module.graphs.len(), 3);
    assert_eq!(module.parameters.len(), 12);
    assert!(module.parameters.contains_key("block.2.fc.1.w"));
    let found = run(text, &[floats(&[1, 2], &[1., 1.])]);
    assert_eq!(found.len(), 2);
}

#[test]
fn states_have_next_values() {
    let text = "layer Counter(x: f32[.., D]) -> f32[.., D] {\n  state count: i32 = 0\n  count = count + 1\n  return x * cast(count, f32)\n}\nmodel M(x: f32[2]) -> f32[2] {\n  repeat i in 0..2 { x = x |> c[i]: Counter() }\n  return x\n}\n";
    let module = sound(text).elaborated.module;
    let paths: Vec<&str> = module.entries[0]
        .states
        .iter()
        .map(|state| state.path.as_str())
        .collect();
    assert_eq!(paths, ["c.0.count", "c.1.count"]);
    let count = Tensor::scalar(DType::I32, Number::Int(4));
    let outcome = Evaluator::new(&module)
        .parameter("c.0.count", count)
        .run("M", &[floats(&[2], &[1., 2.])])
        .unwrap();
    assert_eq!(outcome.outputs[0].1.to_f64(), [5., 10.]);
    assert_eq!(outcome.outputs[1].1.to_f64(), [5.]);
}

#[test]
fn a_state_that_is_shared_goes_on_within_a_run() {
    let text = "layer Counter(x: f32[.., D]) -> f32[.., D] {\n  state count: i32 = 0\n  count = count + 1\n  return x * cast(count, f32)\n}\nmodel M(x: f32[2]) -> f32[2] {\n  repeat i in 0..3 { x = x |> c: Counter() }\n  return x\n}\n";
    let module = sound(text).elaborated.module;
    assert_eq!(module.entries[0].states.len(), 1);
    let outcome = Evaluator::new(&module)
        .run("M", &[floats(&[2], &[1., 2.])])
        .unwrap();
    assert_eq!(outcome.outputs[0].1.to_f64(), [6., 12.]);
    assert_eq!(outcome.outputs[1].1.to_f64(), [3.]);
}

#[test]
fn tied_weights_are_one_parameter() {
    let text = "model M(x: f32[B, 2]) -> f32[B, 2] {\n  h = x |> fc: Linear(3)\n  return h @ transpose(fc.w)\n}\n";
    assert_eq!(sound(text).elaborated.module.parameters.len(), 2);
    let text = "model M(x: f32[B, 2]) -> f32[B, 2] {\n  repeat i in 0..2 { x = x |> block[i]: Linear(2) }\n  return x @ block[1].w\n}\n";
    assert_eq!(sound(text).elaborated.module.parameters.len(), 4);
}

#[test]
fn asserted_dims_are_equal() {
    let text = "dim S, T\nmodel M(x: f32[S, 4], y: f32[T, 4]) -> f32[S, 4] {\n  assert S == T\n  return x + y\n}\n";
    close(
        &run(
            text,
            &[floats(&[1, 4], &[1.; 4]), floats(&[1, 4], &[2.; 4])],
        ),
        &[3.; 4],
    );
    let text = "dim D\nmodel M(x: f32[B, D]) -> f32[B, D] {\n  assert D % 4 == 0\n  h = rearrange[b (h d) -> b h d](x, h = 4)\n  return rearrange[b h d -> b (h d)](h + 1)\n}\n";
    close(&run(text, &[floats(&[1, 8], &[1.; 8])]), &[2.; 8]);
}

#[test]
fn dropout_works_in_training_alone() {
    let text = "model M(x: f32[B, 1000]) -> f32[B, 1000] {\n  repeat i in 0..2 { x = dropout(x, 0.5) }\n  return x\n}\n";
    assert!(!graph(text).contains("random"));
    let options = Options {
        mode: Mode::Training,
        ..Options::default()
    };
    let program = program_with(text, &options, &[]);
    let module = program.elaborated.module;
    let shown = module.to_text(TextOptions::default());
    assert!(shown.contains("random"), "{shown}");
    let outcome = Evaluator::new(&module)
        .run("M", &[floats(&[1, 1000], &[1.; 1000])])
        .unwrap();
    let kept = outcome.outputs[0].1.to_f64();
    let kept = kept.iter().filter(|value| **value == 4.0).count();
    assert!((180..320).contains(&kept), "{kept}");
}

#[test]
fn used_files_give_layers_and_constants() {
    let text = "use \"blocks.eyas\"\nmodel M(x: f32[B, width]) -> f32[B, width] { return x |> b: Block() }\n";
    let blocks = "const width = 6\nlayer Block(x: f32[.., D]) -> f32[.., D] { return x |> fc: Linear(width) }\n";
    let program = program_with(text, &Options::default(), &[("blocks.eyas", blocks)]);
    assert_eq!(program.rendered, "");
    assert!(program.elaborated.module.parameters.contains_key("b.fc.w"));
    assert!(program.sources.files().count() >= 3);
}

#[test]
fn quoted_names_are_names() {
    let text = "model M(\"input.1\": f32[B, 4]) -> (\"output.1\": f32[B, 4]) { return \"input.1\" |> \"conv.1\": Linear(4) }\n";
    let module = sound(text).elaborated.module;
    assert!(module.parameters.contains_key("conv.1.w"));
}

#[test]
fn several_models_are_several_entries() {
    let text = "model A(x: f32[B, 4]) -> f32[B, 4] { return x |> a: Linear(4) }\nmodel C(x: f32[B, 4]) -> f32[B, 5] { return x |> c: Linear(5) }\n";
    assert_eq!(sound(text).elaborated.module.entries.len(), 2);
    let options = Options {
        model: Some("C".into()),
        ..Options::default()
    };
    let module = program_with(text, &options, &[]).elaborated.module;
    assert_eq!(module.entries.len(), 1);
    assert!(!module.parameters.contains_key("a.w"));
}

#[test]
fn a_model_may_give_its_input() {
    let program = program("model M(x: f32[4]) -> (y: f32[4], one: f32[]) { return x, 1 }\n");
    let module = program.elaborated.module;
    let graph = module.graph(module.entries[0].graph);
    assert!(matches!(graph.op(graph.outputs()[0].1), Op::Input { .. }));
}
