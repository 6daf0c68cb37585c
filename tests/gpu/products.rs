use crate::machine::{assert_bits, compiled, floats, gpu};

/// Sums go along the contracted axis, a fused step each: on a GPU as on a processor, and never in tf32, whose
/// eleven bits would show at once.
#[test]
fn products_have_the_bits_of_the_processor_at_any_shape() {
    let Some(gpu) = gpu() else { return };
    let text = "dim M, K, N\nmodel P(a: f32[M, K], b: f32[K, N]) -> (c: f32[M, N]) {\n  return relu(a @ b - 0.25)\n}\n";
    let set = compiled(text);
    let large = [
        (1, 1, 1),
        (1, 1000, 1000),
        (1000, 1000, 1),
        (17, 33, 65),
        (127, 129, 131),
        (128, 128, 128),
        (1000, 999, 1001),
        (1024, 1024, 1024),
        (3, 100_003, 5),
        (5000, 64, 5000),
        (9, 0, 9),
    ];
    let small = [
        (1, 1, 1),
        (1, 40, 40),
        (40, 40, 1),
        (17, 33, 65),
        (5, 129, 3),
        (64, 16, 64),
        (20, 19, 21),
        (32, 32, 32),
        (3, 1003, 5),
        (50, 4, 50),
        (9, 0, 9),
    ];
    for (m, k, n) in gpu.size(large, small) {
        let (a, b) = (floats(&[m, k], 1), floats(&[k, n], 2));
        let (found, expected) = gpu.both(&set, &[&a, &b]);
        assert_bits(&found, &expected, &format!("{m} x {k} x {n}"));
    }
}

#[test]
fn batches_of_products_do_not_mix() {
    let Some(gpu) = gpu() else { return };
    let text = "dim B, M, K, N\nmodel P(a: f32[B, M, K], b: f32[B, N, K]) -> (c: f32[B, M, N]) {\n  return einsum[b m k, b n k -> b m n](a, b)\n}\n";
    let set = compiled(text);
    for (batch, m, k, n) in gpu.size(
        [(77, 129, 65, 130), (2000, 8, 8, 8)],
        [(3, 9, 5, 10), (7, 8, 8, 8)],
    ) {
        let (a, b) = (floats(&[batch, m, k], 1), floats(&[batch, n, k], 2));
        let (found, expected) = gpu.both(&set, &[&a, &b]);
        assert_bits(&found, &expected, &format!("{batch} of {m} x {k} x {n}"));
    }
}
