use crate::machine::{assert_bits, compiled, floats, gpu};

#[test]
fn functions_give_the_bits_of_the_processor() {
    let Some(gpu) = gpu() else { return };
    let count = gpu.size(30_000_001, 4001);
    let x = floats(&[count], 1);
    for body in [
        "tanh(x * 5) * y + x",
        "exp(x * 80) - y",
        "gelu(x * 3) + sigmoid(y)",
        "sqrt(x * x) / (y * y + 0.5)",
        "log(x * x + 1e-3) * sin(y * 40) + cos(x)",
    ] {
        let text = format!(
            "dim N\nmodel M(x: f32[N], y: f32[N]) -> (z: f32[N]) {{\n  return {body}\n}}\n"
        );
        let y = floats(&[count], 2);
        let (found, expected) = gpu.both(&compiled(&text), &[&x, &y]);
        assert_bits(&found, &expected, body);
    }
}

#[test]
fn broadcasts_of_odd_extents_reach_every_element() {
    let Some(gpu) = gpu() else { return };
    let text = "dim N, M\nmodel Scaled(x: f32[N, M], y: f32[M], s: f32[N, 1]) -> (z: f32[N, M]) {\n  return x * y + s\n}\n";
    let set = compiled(text);
    let large = [
        (3001, 4099),
        (1, 5_000_001),
        (2_000_003, 3),
        (4096, 4096),
        (0, 7),
    ];
    let small = [(7, 9), (1, 301), (203, 3), (16, 16), (0, 7)];
    for (rows, columns) in gpu.size(large, small) {
        let inputs = [
            floats(&[rows, columns], 1),
            floats(&[columns], 2),
            floats(&[rows, 1], 3),
        ];
        let (found, expected) = gpu.both(&set, &[&inputs[0], &inputs[1], &inputs[2]]);
        assert_bits(&found, &expected, &format!("{rows} x {columns}"));
    }
}
