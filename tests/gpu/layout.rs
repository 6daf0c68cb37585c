use crate::machine::{assert_bits, compiled, floats, gpu};

#[test]
fn axes_of_odd_extents_change_places() {
    let Some(gpu) = gpu() else { return };
    let shapes = gpu.size(
        [
            [1, 4099, 3001],
            [129, 65, 257],
            [3, 1_000_003, 2],
            [4096, 32, 64],
        ],
        [[1, 67, 35], [9, 5, 7], [3, 203, 2], [8, 32, 4]],
    );
    for order in ["a c b", "c b a", "b a c", "c a b"] {
        let text = format!(
            "dim A, B, C\nmodel T(x: f32[A, B, C]) -> (y: f32[{}]) {{\n  return rearrange[a b c -> {order}](x) * 2\n}}\n",
            order.to_uppercase().replace(' ', ", ")
        );
        let set = compiled(&text);
        for shape in shapes {
            let (found, expected) = gpu.both(&set, &[&floats(&shape, 1)]);
            assert_bits(&found, &expected, &format!("{order} of {shape:?}"));
        }
    }
}
