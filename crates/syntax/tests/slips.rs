//! One snapshot for each common slip: what the writer reads.

use eyas_diagnostic::{Colour, SourceMap};
use eyas_syntax::parse;

fn report(text: &str) -> String {
    let mut sources = SourceMap::new();
    let file = sources.add("model.eyas", text);
    let diagnostics = parse(text, file).diagnostics;
    diagnostics
        .iter()
        .map(|diagnostic| diagnostic.to_text(&sources, Colour::Off))
        .collect()
}

/// The report on a model whose body is one line.
fn report_line(line: &str) -> String {
    report(&format!(
        "model M(x: f32[B, 4]) {{\n  {line}\n  return y\n}}\n"
    ))
}

macro_rules! slips {
    ($($name:ident: $report:expr,)*) => {
        $(
            #[test]
            fn $name() {
                insta::assert_snapshot!($report);
            }
        )*
    };
}

slips! {
    bracket_left_open: report("model M(x: f32[4]) {\n  return relu(x\n}\n\ndim B\n"),
    brace_left_open: report("model M(x: f32[4]) {\n  return x\n\nmodel N(x: f32[4]) {\n  return x\n}\n"),
    bracket_that_closes_nothing: report_line("y = relu(x))"),
    brackets_of_two_kinds: report_line("y = x[(0]"),
    equals_in_a_condition: report_line("assert B = 4"),
    equals_in_a_guard: report_line("param w: f32[4] = zeros if bias = true"),
    comparison_for_binding: report_line("y == relu(x)"),
    arrow_left_out: report("model M(x: f32[4]) f32[4] {\n  return x\n}\n"),
    colon_for_an_arrow: report("model M(x: f32[4]): f32[4] {\n  return x\n}\n"),
    pattern_without_an_arrow: report_line("y = rearrange[b c, c b](x)"),
    colon_left_out: report("layer L(x f32[4]) {\n  return x\n}\n"),
    param_without_a_type: report_line("param w = zeros"),
    text_left_open: report_line("assert B > 0, \"B must be positive"),
    semicolons: report_line("y = relu(x); z = y;"),
    walrus: report_line("y := relu(x)"),
    logical_operators_of_c: report_line("assert B > 0 && !(B > 9) || false"),
    python_function: report("def model(x):\n"),
    misspelt_item: report("modle M(x: f32[4]) { return x }\n"),
    statement_outside_an_item: report("width = 3\nparam w: f32[4] = zeros\n"),
    unknown_element_type: report("layer L(x: float32[4], y: f31[2], z: string) {\n  return x\n}\n"),
    number_with_two_points: report_line("y = x * 1.2.3"),
    number_with_letters: report_line("y = x * 12abc + 0xff + 1e999"),
    comma_left_out: report_line("y = relu(x z)"),
    two_statements_on_a_line: report_line("z = relu(x) y = z"),
    unknown_characters: report_line("y = x − größe ≤ 3"),
    power_of_python: report_line("y = x ** 2"),
    repeat_without_in: report_line("repeat i 0..3 { y = x }"),
    repeat_without_a_range: report_line("repeat i in 3 { y = x }"),
    repeat_of_python: report_line("for i in range(3): y = x"),
    slice_of_python: report_line("y = x[:, 1:3]"),
    value_not_used: report_line("x |> relu"),
    value_left_out: report_line("y = x +"),
    value_left_out_before_a_bracket: report_line("y = relu(x, axis = )"),
    comparisons_chained: report_line("assert 0 < B < 9"),
    label_without_a_call: report_line("y = fc1: relu"),
    label_on_an_expression: report_line("y = (x): relu(x)"),
    pipe_into_a_number: report_line("y = x |> 3"),
    let_statement: report_line("let y = x"),
    late_version: report("dim B\neyas 1\n"),
    unknown_version: report("eyas 7\n"),
    ellipsis_of_python: report_line("y = x[..., 0]"),
    several_faults_in_one_run: report("dim B where\n\nmodel M(x: f32[B]) {\n  y = x +* 2\n  z = relu(y y)\n  return z\n}\n\nlayr L() { }\n"),
    train_setting_without_a_value: report("train M {\n  batch 128\n  loss = nll(M(x), y\n}\n"),
    quantize_rule_without_an_arrow: report("quantize M {\n  fc2 -> keep(f32)\n}\n"),
    brackets_nested_too_deep: report(&format!("const a = {}1", "(".repeat(70))),
    operators_nested_too_deep: report(&format!("const a = {}1", "-".repeat(300))),
}
