use crate::machine::{compiled, floats, gpu};

/// The sums of a long row are made of parts, in another order than on a processor.
#[test]
fn rows_of_any_length_agree_with_the_processor() {
    let Some(gpu) = gpu() else { return };
    let large = [
        (3, 1_000_003),
        (70_001, 5),
        (1, 40_000_000),
        (4097, 4097),
        (1_000_000, 1),
    ];
    let small = [(3, 2003), (71, 5), (1, 4000), (17, 17), (100, 1)];
    for body in [
        "x |> softmax(-1)",
        "x |> norm: LayerNorm()",
        "x - max(x, -1, keep = true)",
    ] {
        let text =
            format!("dim N, M\nmodel R(x: f32[N, M]) -> (y: f32[N, M]) {{\n  return {body}\n}}\n");
        for (rows, columns) in gpu.size(large, small) {
            // A norm's weights have their extent in the model.
            let text = text
                .replace("f32[N, M]", &format!("f32[N, {columns}]"))
                .replace("dim N, M", "dim N");
            let x = floats(&[rows, columns], 1);
            let (found, expected) = gpu.both(&compiled(&text), &[&x]);
            let error = found.relative_error(&expected);
            assert!(error <= 2e-5, "{body}, {rows} x {columns}: error {error:e}");
        }
    }
}

#[test]
fn sums_across_rows_agree_with_the_processor() {
    let Some(gpu) = gpu() else { return };
    let set = compiled(
        "dim N, M\nmodel R(x: f32[N, M]) -> (y: f32[M]) {\n  return sum(x * x, 0, keep = false)\n}\n",
    );
    for (rows, columns) in gpu.size(
        [(1_000_001, 17), (1001, 30_011), (3, 7_000_001)],
        [(1001, 7), (11, 311), (3, 701)],
    ) {
        let (found, expected) = gpu.both(&set, &[&floats(&[rows, columns], 1)]);
        let error = found.relative_error(&expected);
        assert!(error <= 2e-5, "{rows} x {columns}: error {error:e}");
    }
}

#[test]
fn a_reduction_gives_the_same_bits_every_time() {
    let Some(gpu) = gpu() else { return };
    let set = compiled("dim N\nmodel R(x: f32[N]) -> (y: f32[]) {\n  return sum(x * x)\n}\n");
    let x = floats(&[gpu.size(30_000_001, 3001)], 1);
    let mut session = gpu.session(&set);
    let first = session.run_ordered(&[&x]).unwrap().at(0).unwrap().clone();
    for _ in 0..gpu.size(100, 3) {
        let again = session.run_ordered(&[&x]).unwrap();
        assert_eq!(again.at(0).unwrap().bytes(), first.bytes());
    }
}
