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
