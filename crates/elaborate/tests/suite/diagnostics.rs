use eyas_elaborate::Options;

use crate::support::{program, program_with};

macro_rules! shown {
    ($($name:ident: $text:expr,)*) => {
        $(#[test]
        fn $name() {
            insta::assert_snapshot!(program($text).rendered);
        })*
    };
}

shown! {
    unknown_name: "model M(x: f32[B, 4]) -> f32[B, 4] {\n  width = x * 2\n  return widht + x\n}\n",
    unknown_layer: "model M(x: f32[B, 4]) -> f32[B, 4] { return x |> fc: Linera(4) }\n",
    unknown_function: "model M(x: f32[B, 4]) -> f32[B, 4] { return x |> sotfmax(-1) }\n",
    unknown_name_in_a_layer_that_nothing_calls: "layer L(x: f32[.., D]) { return x + y |> rleu }\n",
    shapes_that_do_not_broadcast: "dim B\nmodel M(x: f32[B, 784], y: f32[B, 128]) -> f32[B, 784] {\n  return x +\n    y\n}\n",
    extents_made_on_other_lines: "dim S\nmodel M(x: f32[S, 4]) -> f32[S, 4] {\n  wide = x |> fc: Linear(8)\n  return relu(x) +\n    wide\n}\n",
    extents_that_a_loop_meets: "model M(x: f32[B, 4],\n        y: f32[B, 5]) -> f32[B, 4] {\n  repeat i in 0..3 {\n    x = x * y\n  }\n  return x\n}\n",
    extents_that_a_layer_meets: "layer L(x: f32[.., D], y: f32[.., E]) -> f32[.., D] {\n  return x + y\n}\nmodel M(x: f32[B, 4],\n        y: f32[B, 5]) -> f32[B, 4] {\n  return L(x, y)\n}\n",
    axes_of_other_lines_that_differ: "model M(x: f32[B, 3],\n        y: f32[4, 5]) -> f32[B, 5] {\n  return einsum[b i, i j -> b j](x, y)\n}\n",
    joined_tensors_of_other_lines: "model M(x: f32[B, 3]) -> f32[B, 6] {\n  y = x[.., 0..2]\n  return concat(x, y, axis = 0)\n}\n",
    symbolic_dims_that_do_not_broadcast: "dim S, T\nmodel M(x: f32[S, 4], y: f32[T, 4]) -> f32[S, 4] { return x + y }\n",
    a_symbolic_dim_is_not_one: "dim S\nmodel M(x: f32[S, 4], y: f32[2, 4]) -> f32[2, 4] { return x + y }\n",
    matrices_that_do_not_fit: "model M(x: f32[B, 784]) -> f32[B, 10] {\n  param w: f32[128, 10] = zeros\n  return x @ w\n}\n",
    layer_argument_of_another_extent: "layer L(x: f32[B, D], y: f32[D]) -> f32[B, D] { return x + y }\nmodel M(x: f32[N, 4], y: f32[5]) -> f32[N, 4] {\n  return L(x,\n    y)\n}\n",
    layer_argument_of_another_rank: "layer L(x: f32[B, D]) -> f32[B, D] { return x }\nmodel M(x: f32[4]) -> f32[4] { return L(x) }\n",
    layer_argument_of_another_dtype: "layer L(x: f32[.., D]) -> f32[.., D] { return x }\nmodel M(x: f16[4]) -> f16[4] { return L(x) }\n",
    result_of_another_shape: "model M(x: f32[B, 784]) -> (probability: f32[B, 10]) {\n  h = x |> fc: Linear(12)\n  return h\n}\n",
    result_dims_that_are_not_proved: "layer L(x: f32[D]) -> f32[D // 2 * 2] { return x }\nmodel M(x: f32[N]) -> f32[N] { return L(x) }\n",
    rearrange_that_does_not_divide: "model M(x: f32[B, 100]) -> f32[B, 12, 8] {\n  return rearrange[b (h d) -> b h d](x, h = 12)\n}\n",
    rearrange_that_is_not_proved: "dim D\nmodel M(x: f32[B, D]) -> f32[B, 12, D // 12] {\n  return rearrange[b (h d) -> b h d](x, h = 12)\n}\n",
    rearrange_with_an_open_group: "model M(x: f32[B, 100]) -> f32[B] { return rearrange[b (h d) -> b h d](x) }\n",
    rearrange_that_loses_an_axis: "model M(x: f32[B, 100]) -> f32[B] { return rearrange[b c -> b](x) }\n",
    rearrange_of_another_rank: "model M(x: f32[B, 100]) -> f32[B] { return rearrange[b -> b](x) }\n",
    einsum_axes_that_differ: "model M(x: f32[B, 3], y: f32[4, 5]) -> f32[B, 5] { return einsum[b i, i j -> b j](x, y) }\n",
    einsum_with_a_repeated_axis: "model M(x: f32[3, 3]) -> f32[3] { return einsum[i i -> i](x) }\n",
    label_used_twice: "model M(x: f32[B, 4]) -> f32[B, 4] {\n  h = x |> fc: Linear(4)\n  return h |> fc: Linear(4)\n}\n",
    layer_without_a_label: "model M(x: f32[B, 4]) -> f32[B, 4] { return x |> Linear(4) }\n",
    label_and_loop_that_meet: "model M(x: f32[B, 4]) -> f32[B, 4] {\n  repeat i in 0..2 { x = x |> block[i]: Linear(4) }\n  return x |> block[1]: Linear(4)\n}\n",
    recursive_layer: "layer A(x: f32[.., D]) -> f32[.., D] { return x |> b: B() }\nlayer B(x: f32[.., D]) -> f32[.., D] { return x |> a: A() }\nmodel M(x: f32[4]) -> f32[4] { return x |> a: A() }\n",
    dim_overflow: "const big = 4_611_686_018_427_387_904\nmodel M(x: f32[4]) -> f32[4 * big] { return x }\n",
    dim_divided_by_zero: "const none = 0\nmodel M(x: f32[4]) -> f32[4 // none] { return x }\n",
    huge_tensor: "const big = 1_073_741_824\nmodel M(x: f32[B, 1]) -> f32[big, big] {\n  param w: f32[big, big] = zeros\n  return w\n}\n",
    too_many_axes: "model M(x: f32[1, 2, 3, 4, 5, 6, 7, 8, 9]) -> f32[1] { return x }\n",
    index_out_of_range: "model M(x: f32[4, 3]) -> f32[3] {\n  return x[4]\n}\n",
    slice_out_of_range: "model M(x: f32[4, 3]) -> f32[5, 3] { return x[0..5] }\n",
    too_many_indices: "model M(x: f32[4, 3]) -> f32[3] { return x[0, 0, 0] }\n",
    argument_that_does_not_exist: "model M(x: f32[B, 4]) -> f32[B, 4] { return x |> fc: Linear(out = 4, bais = true) }\n",
    argument_that_is_missing: "model M(x: f32[B, 4]) -> f32[B, 4] { return x |> fc: Linear() }\n",
    argument_too_many: "model M(x: f32[B, 4]) -> f32[B, 4] { return x |> fc: Linear(4, true, 3) }\n",
    argument_given_twice: "model M(x: f32[B, 4]) -> f32[B, 4] { return x |> fc: Linear(4, out = 4) }\n",
    function_argument_that_does_not_exist: "model M(x: f32[B, 4]) -> f32[B, 4] { return softmax(x, axes = 1) }\n",
    function_argument_that_is_missing: "model M(x: f32[B, 4]) -> f32[B, 4] { return x |> clamp(0) }\n",
    axis_that_does_not_exist: "model M(x: f32[B, 4]) -> f32[B, 4] { return softmax(x, 2) }\n",
    missing_return: "model M(x: f32[B, 4]) -> f32[B, 4] { y = x + 1 }\n",
    return_in_a_loop: "model M(x: f32[B, 4]) -> f32[B, 4] {\n  repeat i in 0..2 { return x }\n  return x\n}\n",
    results_of_another_count: "model M(x: f32[B, 4]) -> (a: f32[B, 4], b: f32[B, 4]) { return x }\n",
    names_of_another_count: "model M(x: f32[B, 6]) -> f32[B, 2] {\n  a, b = split(x, 3)\n  return a\n}\n",
    several_errors_in_one_run: "model M(x: f32[B, 4]) -> f32[B, 4] {\n  a = x + nothing\n  b = a * 2\n  c = x |> Linear(3)\n  d = x[0, 9]\n  return b + c + d + more\n}\n",
    assertion_that_fails: "layer L(x: f32[.., D], heads: int) -> f32[.., D] {\n  assert D % heads == 0, \"heads must divide the width\"\n  return x\n}\nmodel M(x: f32[B, 10]) -> f32[B, 10] { return L(x, 3) }\n",
    assertion_on_tensors: "model M(x: f32[4]) -> f32[4] {\n  assert x == x\n  return x\n}\n",
    where_that_fails: "layer L(x: f32[.., D]) -> f32[.., D] where D >= 16 { return x }\nmodel M(x: f32[B, 10]) -> f32[B, 10] { return L(x) }\n",
    literal_out_of_range: "model M(x: u8[4]) -> u8[4] { return x + 300 }\n",
    real_literal_for_integers: "model M(x: i32[4]) -> i32[4] { return x * 0.5 }\n",
    division_of_integers: "model M(x: i32[4]) -> i32[4] { return x / 2 }\n",
    dtypes_that_differ: "model M(x: f32[4], y: f16[4]) -> f32[4] { return x + y }\n",
    float_where_an_int_is_wanted: "model M(x: f32[B, 4]) -> f32[B, 2] { return x |> fc: Linear(4 / 2) }\n",
    not_available_yet: "model M(x: f32[B, 4]) -> f32[B, 4] { return x |> max_pool(2) }\n",
    parameter_with_an_open_extent: "dim S\nmodel M(x: f32[S, 4]) -> f32[S, 4] {\n  param w: f32[S, 4] = zeros\n  return x + w\n}\n",
    unknown_initialiser: "model M(x: f32[4]) -> f32[4] {\n  param w: f32[4] = zeroes\n  param v: f32[4] = he_unifrom(fan_in = 2)\n  return x + w + v\n}\n",
    parameters_of_an_open_range: "dim N\nmodel M(x: f32[N, 4]) -> f32[N, 4] {\n  repeat i in 0..N { x = x |> block[i]: Linear(4) }\n  return x\n}\n",
    loop_that_differs_over_an_open_range: "dim N\nmodel M(x: f32[N, 4]) -> f32[N, 4] {\n  repeat i in 0..N { x = concat(x, x, axis = 1) }\n  return x\n}\n",
    unknown_path: "model M(x: f32[B, 4]) -> f32[B, 4] {\n  h = x |> first: Linear(4)\n  return h @ frist.w\n}\n",
    dim_that_no_input_binds: "dim N\nmodel M(x: f32[4]) -> f32[N] { return arange(N, dtype = f32) }\n",
    constant_that_needs_itself: "const a = b + 1, b = a\nmodel M(x: f32[a]) -> f32[a] { return x }\n",
    declared_twice: "const a = 1\nlayer a(x, x) { return x }\nmodel M(y: f32[1]) -> (z: f32[1], z: f32[1]) { return y, y }\n",
    unknown_hint: "model M(x: f32[4]) -> f32[4] {\n  y = x !pined\n  return y\n}\n",
    never_used: "model M(x: f32[4], other: f32[4]) -> f32[4] {\n  param w: f32[4] = zeros\n  y = x\n  return x\n}\n",
    shadowed_prelude: "layer Linear(x: f32[.., I]) -> f32[.., I] { return x }\nmodel M(x: f32[4]) -> f32[4] { return Linear(x) }\n",
    never_reached: "model M(x: f32[4]) -> f32[4] {\n  return x\n  y = x\n}\n",
    value_of_nothing: "model M(x: f32[0, 4]) -> f32[1, 4] { return max(x, 0) }\n",
    unknown_train_settings: "model M(x: f32[B, 4]) -> f32[B, 4] { return x |> fc: Linear(4) }\ntrain N { batch = 3 }\ntrain M {\n  data x, y = idz(train = \"a\")\n  bacth = 3\n  optim = adm(lr = 1)\n  metric = accurcy(M(x), y)\n}\n",
    selectors_that_match_nothing: "model M(x: f32[B, 4]) -> f32[B, 4] { return x |> fc: Linear(4) }\nquantize M {\n  fc2 => keep(f32)\n  ** => int9()\n}\n",
    models_that_differ_in_a_parameter: "model A(x: f32[B, 4]) -> f32[B, 4] { return x |> fc: Linear(4) }\nmodel C(x: f32[B, 4]) -> f32[B, 5] { return x |> fc: Linear(5) }\n",
    file_that_is_not_there: "use \"blocks.eyas\"\nmodel M(x: f32[4]) -> f32[4] { return x }\n",
    layer_as_a_value: "model M(x: f32[4]) -> f32[4] { return x + Linear }\n",
    negative_extent: "model M(x: f32[4]) -> f32[4 - 5] { return x }\n",
    model_input_without_a_type: "model M(x, n: int) -> f32[4] { return x }\n",
    loss_that_is_no_number: "model M(x: f32[B, 4]) -> f32[B, 4] { return x |> fc: Linear(4) }\ntrain M {\n  data x, y = npy(train = \"a\")\n  loss = M(x)\n}\n",
}

#[test]
fn deep_nesting() {
    let mut text = String::from("layer L0(x: f32[.., D]) -> f32[.., D] { return x }\n");
    for level in 1..100 {
        let below = level - 1;
        text += &format!(
            "layer L{level}(x: f32[.., D]) -> f32[.., D] {{ return x |> l: L{below}() }}\n"
        );
    }
    text += "model M(x: f32[4]) -> f32[4] { return x |> l: L99() }\n";
    insta::assert_snapshot!(program(&text).rendered);
}

#[test]
fn deep_expressions_in_deep_calls() {
    let deep = format!("{}x{}", "relu(".repeat(40), ")".repeat(40));
    let mut text = format!("layer L0(x: f32[.., D]) -> f32[.., D] {{ return {deep} }}\n");
    for level in 1..40 {
        let below = level - 1;
        let deep = deep.replacen('x', &format!("L{below}(x)"), 1);
        text += &format!("layer L{level}(x: f32[.., D]) -> f32[.., D] {{ return {deep} }}\n");
    }
    text += "model M(x: f32[4]) -> f32[4] { return L39(x) }\n";
    let program = program(&text);
    assert!(
        program.rendered.contains("error[E0110]"),
        "{}",
        program.rendered
    );
}

#[test]
fn calls_that_multiply() {
    let mut text = String::from("layer L0(x: f32[.., D]) -> f32[.., D] { return x }\n");
    for level in 1..40 {
        let below = level - 1;
        text += &format!(
            "layer L{level}(x: f32[.., D]) -> f32[.., D] {{ return L{below}(L{below}(x)) }}\n"
        );
    }
    text += "model M(x: f32[4]) -> f32[4] { return L39(x) }\n";
    let program = program(&text);
    assert!(
        program.rendered.starts_with("error[E0139]"),
        "{}",
        program.rendered
    );
}

#[test]
fn bindings_of_dims_that_do_not_exist() {
    let mut options = Options::default();
    options.bind.insert("BB".into(), 3);
    options.bind.insert("B".into(), -3);
    let text = "dim B, C\nmodel M(x: f32[C]) -> f32[C] { return x }\n";
    insta::assert_snapshot!(program_with(text, &options, &[]).rendered);
}

#[test]
fn a_model_that_does_not_exist() {
    let options = Options {
        model: Some("Mnits".into()),
        ..Options::default()
    };
    let text = "model Mnist(x: f32[4]) -> f32[4] { return x }\n";
    insta::assert_snapshot!(program_with(text, &options, &[]).rendered);
}

#[test]
fn faults_in_a_file_that_is_used() {
    let text =
        "use \"blocks.eyas\"\nmodel M(x: f32[B, 4]) -> f32[B, 4] { return x |> block: Block() }\n";
    let blocks = "layer Block(x: f32[.., D]) -> f32[.., D] { return x |> fc: Linear(D) |> tahn }\n";
    let files = [("blocks.eyas", blocks)];
    insta::assert_snapshot!(program_with(text, &Options::default(), &files).rendered);
}
