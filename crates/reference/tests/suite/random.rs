use std::collections::BTreeMap;

use eyas_ir::{Distribution, Module, Op};
use eyas_reference::evaluate_graph;
use eyas_tensor::{DType, philox, stream_id};

use crate::single::{dims, graph, integers};

fn draw(distribution: Distribution, stream: &str, numbers: &[i128]) -> Vec<f64> {
    let op = Op::Random {
        distribution,
        stream: stream.to_owned(),
        shape: dims("3, 3"),
    };
    let types = vec!["i64[]".parse().unwrap(); numbers.len()];
    let inputs: Vec<_> = numbers
        .iter()
        .map(|&n| integers(DType::I64, &[], &[n]))
        .collect();
    let outputs = evaluate_graph(
        &Module::default(),
        &graph(op, &types),
        &inputs,
        &BTreeMap::new(),
    );
    outputs.unwrap()[0].1.to_f64()
}

#[test]
fn a_stream_repeats_and_differs_from_others() {
    let bits = |stream, numbers: &[i128]| draw(Distribution::Bits, stream, numbers);
    assert_eq!(bits("a", &[1]), bits("a", &[1]));
    assert_ne!(bits("a", &[1]), bits("b", &[1]));
    assert_ne!(bits("a", &[1]), bits("a", &[2]));
    assert_ne!(bits("a", &[1, 2]), bits("a", &[2, 1]));
    assert_ne!(bits("a", &[0]), bits("a", &[-1]));
}

#[test]
fn elements_are_the_words_of_successive_blocks() {
    let id = stream_id("noise", 0);
    let key = [id as u32, (id >> 32) as u32];
    let (low, high) = (-7i64 as u64 as u32, (-7i64 as u64 >> 32) as u32);
    let words: Vec<f64> = (0..3)
        .flat_map(|block| philox([block, 0, low, high], key))
        .take(9)
        .map(f64::from)
        .collect();
    assert_eq!(draw(Distribution::Bits, "noise", &[-7]), words);
    let uniform = draw(Distribution::Uniform, "noise", &[-7]);
    let top: Vec<f64> = words
        .iter()
        .map(|word| (word / 256.0).floor() / 16_777_216.0)
        .collect();
    assert_eq!(uniform, top);
}
