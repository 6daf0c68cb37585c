use std::collections::BTreeMap;

use eyas_tensor::{DType, Number, Tensor};

use crate::agreement::agrees;
use crate::models::{module, numbers, weights};

fn integers(values: &[i128]) -> Tensor {
    let values: Vec<Number> = values.iter().map(|&n| Number::Int(n)).collect();
    Tensor::from_numbers(DType::I64, &[values.len()], &values).unwrap()
}

#[test]
fn a_while_loop_stops_where_its_condition_says() {
    let module = module(
        "module
symbol N
graph #0 body {
  %0 = input i : i64[]
  %1 = input x : f32[N]
  %2 = input limit : i64[]
  %3 = add %1, %1 : f32[N]
  %4 = less %0, %2 : bool[]
  return more = %4, x = %3, trace = %3, counter = %0
}
graph #1 main {
  %0 = input x : f32[N]
  %1 = input limit : i64[1]
  %2 = reshape %1 shape=[] : i64[]
  %3, %4, %5 = loop %0, %2 body=#0 variable=i trip={while: {limit: 5}} carried=1 : f32[N], f32[5, N], i64[5]
  return x = %3, trace = %4, counters = %5
}
entry main = #1 inference
",
    );
    for limit in [0, 2, 9] {
        let inputs = [numbers(1, &[3]), integers(&[limit])];
        agrees(&module, "main", &inputs, &BTreeMap::new(), 0.0);
    }
}

#[test]
fn carried_values_may_change_places_and_stay() {
    let module = module(
        "module
symbol N
graph #0 body {
  %0 = input i : i64[]
  %1 = input a : f32[N]
  %2 = input b : f32[N]
  %3 = input c : f32[N]
  %4 = input d : f32[N]
  %5 = add %1, %4 : f32[N]
  return a = %2, b = %1, c = %3, s = %2, t = %5, u = %4
}
graph #1 main {
  %0 = input x : f32[N]
  %1 = input y : f32[N]
  %2 = tanh %0 : f32[N]
  %3, %4, %5, %6, %7, %8 = loop %0, %1, %2, %2 body=#0 variable=i trip={range: {start: 4, count: 3}} carried=3 : f32[N], f32[N], f32[N], f32[3, N], f32[3, N], f32[3, N]
  return a = %3, b = %4, c = %5, s = %6, t = %7, u = %8, again = %3, x = %0
}
entry main = #1 inference
",
    );
    let inputs = [numbers(1, &[3]), numbers(2, &[3])];
    agrees(&module, "main", &inputs, &BTreeMap::new(), 1e-6);
}

#[test]
fn loops_in_loops_stack_slices_of_slices() {
    let module = module(
        "module
symbol N
parameter block.0.w : f32[3]
parameter block.1.w : f32[3]
graph #0 inner {
  %0 = input j : i64[]
  %1 = input x : f32[N, 3]
  %2 = input w : f32[3]
  %3 = cast %0 dtype=f32 : f32[]
  %4 = broadcast %3 shape=[\"N\", 3] : f32[N, 3]
  %5 = broadcast %2 shape=[\"N\", 3] : f32[N, 3]
  %6 = multiply %1, %5 : f32[N, 3]
  %7 = add %6, %4 : f32[N, 3]
  return x = %7, trace = %7
}
graph #1 outer {
  %0 = input i : i64[]
  %1 = input x : f32[N, 3]
  %2 = parameter \"block.{i}.w\" : f32[3]
  %3, %4 = loop %1, %2 body=#0 variable=j trip={range: {start: 1, count: \"N\"}} carried=1 : f32[N, 3], f32[N, N, 3]
  %5 = tanh %3 : f32[N, 3]
  return x = %5, traces = %4
}
graph #2 main {
  %0 = input x : f32[N, 3]
  %1, %2 = loop %0 body=#1 variable=i trip={range: {start: 0, count: 2}} carried=1 : f32[N, 3], f32[2, N, N, 3]
  return x = %1, traces = %2
}
entry main = #2 inference
",
    );
    for extent in [0, 1, 4] {
        agrees(
            &module,
            "main",
            &[numbers(1, &[extent, 3])],
            &weights(&module),
            1e-5,
        );
    }
}

#[test]
fn each_branch_of_an_if_leaves_its_results_in_the_same_place() {
    let module = module(
        "module
symbol N
graph #0 then {
  %0 = input x : f32[N]
  %1 = tanh %0 : f32[N]
  %2 = constant f32[](2.0) : f32[]
  return a = %1, b = %0, c = %2
}
graph #1 otherwise {
  %0 = input x : f32[N]
  %1 = add %0, %0 : f32[N]
  %2 = multiply %0, %1 : f32[N]
  %3 = reduce %2 reduction=sum axes=[0] : f32[1]
  %4 = reshape %3 shape=[] : f32[]
  return a = %2, b = %2, c = %4
}
graph #2 main {
  %0 = input x : f32[N]
  %1 = input choice : i64[1]
  %2 = constant i64[1](0) : i64[1]
  %3 = greater %1, %2 : bool[1]
  %4 = reshape %3 shape=[] : bool[]
  %5, %6, %7 = if %4, %0 then=#0 otherwise=#1 : f32[N], f32[N], f32[]
  %8 = add %5, %6 : f32[N]
  return a = %5, sum = %8, c = %7
}
entry main = #2 inference
",
    );
    for choice in [0, 1] {
        let inputs = [numbers(1, &[4]), integers(&[choice])];
        agrees(&module, "main", &inputs, &BTreeMap::new(), 1e-5);
    }
}

#[test]
fn a_state_has_its_next_value_among_the_outputs() {
    let module = module(
        "module
symbol N
state seen : f32[2]
graph #0 main {
  %0 = input x : f32[2]
  %1 = state seen : f32[2]
  %2 = add %0, %1 : f32[2]
  return sum = %2, before = %1, seen = %2
}
entry main = #0 inference state seen=2
",
    );
    let seen = BTreeMap::from([("seen".to_owned(), numbers(3, &[2]))]);
    agrees(&module, "main", &[numbers(1, &[2])], &seen, 0.0);
    let program = eyas_schedule::schedule(&module, &eyas_schedule::Options::default()).unwrap();
    let outputs = &program.entries[0].plan.outputs;
    let states: Vec<Option<&str>> = outputs.iter().map(|o| o.state.as_deref()).collect();
    assert_eq!(states, [None, None, Some("seen")]);
}
