use eyas::{DType, Number, Tensor};
use eyas_testing::Draw;

use crate::machine::{assert_bits, compiled, floats, gpu};

const TEXT: &str = "dim N, V\nmodel E(ids: i32[N], table: f32[V, 48]) -> (rows: f32[N, 48]) {\n  return table[ids]\n}\n";

fn ids(count: usize, below: usize, wrong: Option<usize>) -> Tensor {
    let mut draw = Draw::new(3);
    let numbers: Vec<Number> = (0..count)
        .map(|place| match wrong {
            Some(at) if at == place => Number::Int(below as i128 + 5),
            _ => Number::Int(draw.below(below) as i128),
        })
        .collect();
    Tensor::from_numbers(DType::I32, &[count], &numbers).unwrap()
}

#[test]
fn rows_are_found_by_their_index() {
    let Some(gpu) = gpu() else { return };
    let (count, rows) = gpu.size((200_003, 50_001), (33, 21));
    let set = compiled(TEXT);
    let (found, expected) = gpu.both(&set, &[&ids(count, rows, None), &floats(&[rows, 48], 1)]);
    assert_bits(&found, &expected, "rows");
}

#[test]
fn an_index_out_of_range_is_an_error_and_no_fault() {
    let Some(gpu) = gpu() else { return };
    let (count, rows) = gpu.size((200_003, 50_001), (33, 21));
    let mut session = gpu.session(&compiled(TEXT));
    let table = floats(&[rows, 48], 1);
    let error = session
        .run_ordered(&[&ids(count, rows, Some(count / 2)), &table])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(&(rows + 5).to_string()) && error.contains(&rows.to_string()),
        "{error}"
    );
    session
        .run_ordered(&[&ids(count, rows, None), &table])
        .unwrap();
}
