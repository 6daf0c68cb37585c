//! Whatever is written, elaboration ends soon and without a panic.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use crate::support::program;

const PROGRAMS: [&str; 4] = [
    include_str!("../programs/mnist.eyas"),
    include_str!("../programs/encoder.eyas"),
    include_str!("../programs/lenet.eyas"),
    include_str!("../programs/wide.eyas"),
];

/// Pieces that put names, numbers and operators where they were not meant to be.
const PIECES: [&str; 44] = [
    "x",
    "B",
    "D",
    "S",
    "i",
    "w",
    "0",
    "1",
    "-1",
    "3",
    "1e30",
    "9_000_000_000",
    "true",
    "f32",
    "int",
    "+",
    "-",
    "*",
    "/",
    "//",
    "%",
    "@",
    "^",
    "(",
    ")",
    "[",
    "]",
    "..",
    ",",
    "|>",
    "= ",
    "->",
    "bool",
    "relu",
    "split(3)",
    "Linear(3)",
    "a: Linear(4)",
    "block[i]",
    ".w",
    "sum",
    "not ",
    " and ",
    "float",
    "\n",
];

fn edited(text: &str, edits: &[(usize, usize, usize)]) -> String {
    let mut text = text.to_owned();
    for (place, length, piece) in edits {
        let start = text.floor_char_boundary(place % (text.len() + 1));
        let end = text.ceil_char_boundary((start + length).min(text.len()));
        text.replace_range(start..end, PIECES[piece % PIECES.len()]);
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn edited_programs_are_elaborated_or_refused(
        which in 0..PROGRAMS.len(),
        edits in prop::collection::vec((0usize..4000, 0usize..12, 0usize..44), 1..4),
    ) {
        let text = edited(PROGRAMS[which], &edits);
        let start = Instant::now();
        program(&text);
        prop_assert!(start.elapsed() < Duration::from_secs(10), "{text}");
    }
}

#[test]
fn programs_that_ask_for_too_much_end_soon() {
    let model = |body: &str| {
        format!("dim B, C, D\nmodel M(x: f32[B, C, D], y: f32[4]) -> f32[4] {{\n{body}\n}}\n")
    };
    let texts = [
        model("repeat i in 0..1_000_000_000 { y = y |> block[i]: Linear(4) }\nreturn y"),
        model(
            "repeat i in 0..100_000 { repeat j in 0..100_000 { y = y + x[i, j, 0] * (1 / (i + j + 1)) } }\nreturn y",
        ),
        model("repeat i in 0..1_000_000 { y = concat(y, y) }\nreturn y"),
        model("n = (B + C + D + 1) ^ 8\nn = n * n\nn = n * n\nreturn y * n"),
        model("n = B\nrepeat i in 0..1000 { n = n // 3 + n % 5 + (i + 0) }\nreturn y * n"),
        model("n = 9 ^ 9 ^ 9\nreturn y * n"),
        model("n = B / C\nrepeat i in 0..1000 { n = n * n + 0.5 }\nreturn y * n"),
        model("repeat i in 0..20_000 { y = y + x[i + 0 * B, 0, 0] }\nreturn y"),
        model(
            "repeat i in 0..3_000 {\nassert B * i != C + i\ny = y + y[3 - (i + 0) // 1000]\n}\nreturn y",
        ),
        model("return one_hot(arange(9_000_000_000_000), 9_000_000_000_000)"),
    ];
    for text in texts {
        let start = Instant::now();
        let program = program(&text);
        let elapsed = start.elapsed();
        println!(
            "{elapsed:?} {}",
            program.rendered.lines().next().unwrap_or("")
        );
        assert!(elapsed < Duration::from_secs(20), "{elapsed:?}: {text}");
    }
}
