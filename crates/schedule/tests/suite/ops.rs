//! Ops and how they go together, each in every way to schedule it.

use std::collections::BTreeMap;

use eyas_schedule::{Options, schedule};
use eyas_tensor::{DType, Number, Tensor};

use crate::agreement::agrees;
use crate::models::{module, numbers, weights};

/// A module of one graph with the input `x`.
fn single(input: &str, lines: &str) -> eyas_ir::Module {
    module(&format!(
        "module\nsymbol B\nsymbol N\ngraph #0 main {{\n  %0 = input x : {input}\n{lines}\n}}\nentry main = #0 inference\n"
    ))
}

fn floats(input: &str, shapes: &[&[usize]], lines: &str) {
    let module = single(input, lines);
    for shape in shapes {
        agrees(
            &module,
            "main",
            &[numbers(5, shape)],
            &weights(&module),
            1e-5,
        );
    }
}

/// How many kernels a module takes.
fn kernels(input: &str, lines: &str) -> Vec<String> {
    let program = schedule(&single(input, lines), &Options::default()).unwrap();
    program
        .kernels
        .into_iter()
        .map(|kernel| kernel.name)
        .collect()
}

#[test]
fn views_of_views_are_read_in_place() {
    let lines = "  %1 = transpose %0 permutation=[1, 0, 2] : f32[3, B, 4]
  %2 = slice %1 starts=[2, 0, 3] shape=[2, \"B\", 2] steps=[-1, 1, -2] : f32[2, B, 2]
  %3 = reshape %2 shape=[2, \"B\", 1, 2] : f32[2, B, 1, 2]
  %4 = broadcast %3 shape=[2, \"B\", 3, 2] : f32[2, B, 3, 2]
  %5 = tanh %4 : f32[2, B, 3, 2]
  return y = %5";
    floats("f32[B, 3, 4]", &[&[2, 3, 4], &[0, 3, 4]], lines);
    assert_eq!(kernels("f32[B, 3, 4]", lines), ["tanh"]);
}

#[test]
fn a_reshape_that_is_not_affine_is_copied() {
    let lines = "  %1 = transpose %0 permutation=[1, 0] : f32[4, B]
  %2 = reshape %1 shape=[\"4*B\"] : f32[4*B]
  %3 = exp %2 : f32[4*B]
  return y = %3";
    floats("f32[B, 4]", &[&[3, 4]], lines);
}

#[test]
fn parts_are_written_where_they_belong() {
    let lines = "  %1 = tanh %0 : f32[B, 3]
  %2 = concat %0, %1, %0 axis=1 : f32[B, 9]
  %3 = pad %2 low=[1, 0] high=[0, 2] value=f32[](7.0) : f32[B + 1, 11]
  %4 = concat %3, %3 axis=0 : f32[2*B + 2, 11]
  return y = %4, z = %2";
    floats("f32[B, 3]", &[&[2, 3], &[0, 3]], lines);
}

#[test]
fn composites_of_rows_are_one_kernel() {
    for (name, axis) in [
        ("softmax", 1),
        ("log_softmax", 0),
        ("softmax", 0),
        ("log_softmax", 1),
    ] {
        let lines = format!("  %1 = {name} %0 axis={axis} : f32[B, 5]\n  return y = %1");
        floats("f32[B, 5]", &[&[3, 5]], &lines);
        assert_eq!(kernels("f32[B, 5]", &lines), [name]);
    }
}

#[test]
fn norms_are_one_kernel() {
    let lines = "  %1 = constant f32[4](1.0, 2.0, 3.0, -1.0) : f32[4]
  %2 = layer_norm %0, %1, %1 epsilon=f64[](1e-5) : f32[B, 4]
  return y = %2";
    floats("f32[B, 4]", &[&[3, 4]], lines);
    assert_eq!(kernels("f32[B, 4]", lines), ["layer_norm"]);
    let lines = "  %1 = constant f32[4](1.0, 2.0, 3.0, -1.0) : f32[4]
  %2 = rms_norm %0, %1 epsilon=f64[](1e-5) : f32[B, 4]
  return y = %2";
    floats("f32[B, 4]", &[&[3, 4]], lines);
    assert_eq!(kernels("f32[B, 4]", lines), ["rms_norm"]);
}

#[test]
fn a_loss_of_labels_agrees() {
    let lines = "  %1 = constant i64[2](1, 3) : i64[2]
  %2 = cross_entropy %0, %1 : f32[2]
  %3 = mean %2 axes=[0] : f32[1]
  return y = %2, z = %3";
    floats("f32[2, 4]", &[&[2, 4]], lines);
}

#[test]
fn reductions_of_any_axes_agree() {
    for (reduction, axes, shape) in [
        ("sum", "[0]", "f32[1, N, 3]"),
        ("product", "[1, 2]", "f32[B, 1, 1]"),
        ("maximum", "[0, 2]", "f32[1, N, 1]"),
        ("minimum", "[0, 1, 2]", "f32[1, 1, 1]"),
    ] {
        let lines = format!(
            "  %1 = absolute %0 : f32[B, N, 3]
  %2 = reduce %1 reduction={reduction} axes={axes} : {shape}
  %3 = sqrt %2 : {shape}
  return y = %3, z = %2"
        );
        floats("f32[B, N, 3]", &[&[2, 4, 3], &[1, 1, 3]], &lines);
    }
    let lines = "  %1 = arg_reduce %0 extreme=maximum axis=1 : i64[B, 1, 3]
  %2 = arg_reduce %0 extreme=minimum axis=0 : i64[1, N, 3]
  return y = %1, z = %2";
    floats("f32[B, N, 3]", &[&[2, 4, 3]], lines);
}

#[test]
fn a_sum_of_all_is_not_made_once_an_element() {
    let lines = "  %1 = reduce %0 reduction=sum axes=[0, 1] : f32[1, 1]
  %2 = broadcast %1 shape=[\"B\", 3] : f32[B, 3]
  %3 = divide %0, %2 : f32[B, 3]
  return y = %3";
    floats("f32[B, 3]", &[&[4, 3]], lines);
    assert_eq!(kernels("f32[B, 3]", lines), ["sum", "divide"]);
}

#[test]
fn contractions_of_any_axes_agree() {
    for (spec, right, result) in [
        ("abc,cd->abd", "f32[4, 5]", "f32[B, N, 5]"),
        ("abc,dc->dab", "f32[5, 4]", "f32[5, B, N]"),
        ("abc,bcd->ad", "f32[N, 4, 5]", "f32[B, 5]"),
        ("abc,abd->acd", "f32[B, N, 5]", "f32[B, 4, 5]"),
        ("abc,->cab", "f32[]", "f32[4, B, N]"),
    ] {
        let parameter = !right.contains('B') && !right.contains('N');
        let (symbols, ty) = (if parameter { "parameter w : " } else { "" }, right);
        let declaration = if parameter {
            format!("{symbols}{ty}\n")
        } else {
            String::new()
        };
        let operand = match parameter {
            true => format!("parameter w : {right}"),
            false => format!("input w : {right}"),
        };
        let text = format!(
            "module\nsymbol B\nsymbol N\n{declaration}graph #0 main {{
  %0 = input x : f32[B, N, 4]
  %1 = {operand}
  %2 = contraction %0, %1 spec=\"{spec}\" accumulator=f32 : {result}
  %3 = relu %2 : {result}
  return y = %3
}}
entry main = #0 inference\n"
        );
        let module = module(&text);
        let (batch, length) = (2, 3);
        let mut inputs = vec![numbers(1, &[batch, length, 4])];
        if !parameter {
            let shape: &[usize] = if right == "f32[N, 4, 5]" {
                &[3, 4, 5]
            } else {
                &[2, 3, 5]
            };
            inputs.push(numbers(2, shape));
        }
        agrees(&module, "main", &inputs, &weights(&module), 1e-5);
    }
}

#[test]
fn a_weight_on_the_left_changes_sides() {
    let text = "module\nsymbol B\nparameter w : f32[5, 4]\ngraph #0 main {
  %0 = input x : f32[4, B]
  %1 = parameter w : f32[5, 4]
  %2 = contraction %1, %0 spec=\"ab,bc->ac\" accumulator=f32 : f32[5, B]
  return y = %2
}
entry main = #0 inference\n";
    let module = module(text);
    agrees(
        &module,
        "main",
        &[numbers(1, &[4, 3])],
        &weights(&module),
        1e-5,
    );
    let options = Options {
        panel_width: Some(8),
        ..Options::default()
    };
    let program = schedule(&module, &options).unwrap();
    assert_eq!(program.derived[0].path, "w:panels8");
}

#[test]
fn a_weight_used_two_ways_is_packed_two_ways() {
    let text = "module\nsymbol B\nparameter w : f32[4, 4]\ngraph #0 main {
  %0 = input x : f32[B, 4]
  %1 = parameter w : f32[4, 4]
  %2 = contraction %0, %1 spec=\"ab,bc->ac\" accumulator=f32 : f32[B, 4]
  %3 = contraction %2, %1 spec=\"ab,cb->ac\" accumulator=f32 : f32[B, 4]
  %4 = contraction %3, %1 spec=\"ab,bc->ac\" accumulator=f32 : f32[B, 4]
  return y = %4
}
entry main = #0 inference\n";
    let module = module(text);
    agrees(
        &module,
        "main",
        &[numbers(1, &[3, 4])],
        &weights(&module),
        1e-4,
    );
    let options = Options {
        panel_width: Some(8),
        ..Options::default()
    };
    let program = schedule(&module, &options).unwrap();
    let paths: Vec<&str> = program.derived.iter().map(|d| d.path.as_str()).collect();
    assert_eq!(paths, ["w:panels8", "w:panels8.2"]);
}

#[test]
fn gathers_go_into_what_uses_them() {
    let lines = "  %1 = constant i64[3](2, 0, 2) : i64[3]
  %2 = gather %0, %1 axis=1 : f32[B, 3, 2]
  %3 = tanh %2 : f32[B, 3, 2]
  %4 = reduce %3 reduction=sum axes=[1] : f32[B, 1, 2]
  return y = %4";
    floats("f32[B, 4, 2]", &[&[2, 4, 2], &[0, 4, 2]], lines);
    assert_eq!(kernels("f32[B, 4, 2]", lines), ["sum"]);
}

#[test]
fn scatters_combine_into_a_copy() {
    for combine in ["replace", "add", "maximum", "minimum"] {
        let lines = format!(
            "  %1 = constant i64[3](2, 0, 2) : i64[3]
  %2 = slice %0 starts=[0, 0, 0] shape=[\"B\", 3, 2] steps=[1, 1, 1] : f32[B, 3, 2]
  %3 = add %2, %2 : f32[B, 3, 2]
  %4 = scatter %0, %1, %3 axis=1 combine={combine} : f32[B, 4, 2]
  return y = %4, x = %0"
        );
        floats("f32[B, 4, 2]", &[&[2, 4, 2]], &lines);
    }
}

#[test]
fn random_numbers_are_those_of_the_evaluator() {
    let lines = "  %1 = constant i64[](41) : i64[]
  %2 = random %1 distribution=uniform stream=\"a.b\" shape=[\"B\", 3] : f32[B, 3]
  %3 = random distribution=bits stream=c shape=[5] : u32[5]
  %4 = multiply %0, %2 : f32[B, 3]
  %5 = transpose %2 permutation=[1, 0] : f32[3, B]
  return y = %4, z = %3, t = %5";
    floats("f32[B, 3]", &[&[4, 3]], lines);
}

#[test]
fn places_and_extents_need_no_memory() {
    let lines = "  %1 = iota dtype=f32 shape=[\"B\", 3] axis=0 : f32[B, 3]
  %2 = extent dim=\"2*B + 1\" dtype=f32 : f32[]
  %3 = broadcast %2 shape=[\"B\", 3] : f32[B, 3]
  %4 = multiply %1, %3 : f32[B, 3]
  %5 = add %4, %0 : f32[B, 3]
  return y = %5, iota = %1, extent = %2";
    floats("f32[B, 3]", &[&[4, 3], &[0, 3]], lines);
}

#[test]
fn narrow_floats_are_summed_in_wide_ones() {
    let lines = "  %1 = cast %0 dtype=f16 : f16[B, 40]
  %2 = reduce %1 reduction=sum axes=[1] : f16[B, 1]
  %3 = cast %0 dtype=bf16 : bf16[B, 40]
  %4 = mean %3 axes=[1] : bf16[B, 1]
  %5 = softmax %1 axis=1 : f16[B, 40]
  %6 = cast %2 dtype=f32 : f32[B, 1]
  %7 = cast %4 dtype=f32 : f32[B, 1]
  %8 = cast %5 dtype=f32 : f32[B, 40]
  return sum = %6, mean = %7, softmax = %8";
    let module = single("f32[B, 40]", lines);
    agrees(
        &module,
        "main",
        &[numbers(5, &[3, 40])],
        &BTreeMap::new(),
        2e-3,
    );
}

#[test]
fn outputs_may_be_inputs_parameters_constants_and_each_other() {
    let text = "module\nsymbol B\nparameter w : f32[2]\ngraph #0 main {
  %0 = input x : f32[B]
  %1 = parameter w : f32[2]
  %2 = constant f32[2](3.0, 4.0) : f32[2]
  %3 = constant f32[](5.0) : f32[]
  %4 = reshape %0 shape=[\"B\", 1] : f32[B, 1]
  %5 = tanh %0 : f32[B]
  %6 = reshape %5 shape=[1, \"B\"] : f32[1, B]
  return a = %0, b = %1, c = %2, d = %3, e = %4, f = %5, g = %6, h = %5
}
entry main = #0 inference\n";
    let module = module(text);
    agrees(
        &module,
        "main",
        &[numbers(1, &[3])],
        &weights(&module),
        1e-6,
    );
}

#[test]
fn names_say_label_and_op_and_stay_where_others_come() {
    let text = |extra: &str| {
        format!(
            "module\nsymbol B\ngraph #0 main {{
  %0 = input x : f32[B, 4]
{extra}  %2 = reduce %0 reduction=sum axes=[1] : f32[B, 1] @ \"fc1\"
  %3 = reduce %0 reduction=maximum axes=[0] : f32[1, 4] @ \"fc1\"
  %4 = reduce %2 reduction=sum axes=[0] : f32[1, 1] @ \"fc1\"
  return a = %2, b = %3, c = %4{more}
}}
entry main = #0 inference\n",
            more = if extra.is_empty() { "" } else { ", d = %6" }
        )
    };
    let names = |extra: &str| -> Vec<String> {
        let program = schedule(&module(&text(extra)), &Options::default()).unwrap();
        program
            .kernels
            .into_iter()
            .map(|kernel| kernel.name)
            .collect()
    };
    let expected = ["fc1.sum", "fc1.maximum", "fc1.sum.2"];
    assert_eq!(names(""), expected);
    let extra = "  %5 = exp %0 : f32[B, 4] @ \"fc0\"\n  %6 = negate %5 : f32[B, 4]\n";
    let names = names(extra);
    assert!(
        expected
            .iter()
            .all(|name| names.iter().any(|own| own == name))
    );
}

#[test]
fn integers_agree_to_the_last_bit() {
    let lines = "  %1 = multiply %0, %0 : i32[B, 3]
  %2 = reduce %1 reduction=sum axes=[1] : i32[B, 1]
  %3 = contraction %0, %0 spec=\"ab,cb->ac\" accumulator=i32 : i32[B, B]
  return sum = %2, product = %3";
    let module = single("i32[B, 3]", lines);
    let values = [7, -3, 1 << 20, 1 << 16, 5, -9].map(Number::Int);
    let input = Tensor::from_numbers(DType::I32, &[2, 3], &values).unwrap();
    agrees(&module, "main", &[input], &BTreeMap::new(), 0.0);
}

#[test]
fn results_that_share_reads_and_space_are_one_kernel() {
    let lines = "  %1 = reduce %0 reduction=sum axes=[1] : f32[B, 1]
  %2 = reduce %0 reduction=maximum axes=[1] : f32[B, 1]
  %3 = softmax %0 axis=1 : f32[B, 3]
  %4 = tanh %1 : f32[B, 1]
  return a = %1, b = %2, c = %3, d = %4";
    floats("f32[B, 3]", &[&[4, 3], &[0, 3]], lines);
    assert_eq!(kernels("f32[B, 3]", lines), ["sum", "tanh"]);
    let lines = "  %1 = exp %0 : f32[B, 3]
  %2 = add %1, %0 : f32[B, 3]
  %3 = multiply %1, %0 : f32[B, 3]
  %4 = tanh %2 : f32[B, 3]
  %5 = sqrt %2 : f32[B, 3]
  return a = %3, b = %4, c = %5";
    floats("f32[B, 3]", &[&[4, 3], &[0, 3]], lines);
    assert_eq!(kernels("f32[B, 3]", lines), ["exp"]);
}

#[test]
fn a_name_leaves_out_the_labels_of_what_is_read() {
    let text = "module\nsymbol B\nparameter w : f32[4, 4]\ngraph #0 main {
  %0 = input x : f32[B, 4]
  %1 = parameter w : f32[4, 4]
  %2 = contraction %0, %1 spec=\"ab,bc->ac\" accumulator=f32 : f32[B, 4] @ \"block.attn.proj\"
  %3 = contraction %2, %1 spec=\"ab,cb->ac\" accumulator=f32 : f32[B, 4] @ \"block.attn.proj\" \"block.down\"
  return y = %3
}
entry main = #0 inference\n";
    let program = schedule(&module(text), &Options::default()).unwrap();
    assert_eq!(program.kernels[1].name, "block.down.matmul");
}
