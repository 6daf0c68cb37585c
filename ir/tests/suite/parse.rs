use std::time::{Duration, Instant};

use eyas_ir::{Module, TextOptions};
use proptest::prelude::*;

use crate::everything::everything;

/// The error that a graph's line gives.
fn of_line(line: &str) -> String {
    let text = format!("module\ngraph #0 main {{\n  %0 = input x : f32[4]\n  {line}\n}}\n");
    Module::from_text_unverified(&text).unwrap_err().to_string()
}

/// The error that a line gives.
fn of_declaration(line: &str) -> String {
    let text = format!("module\n{line}\n");
    Module::from_text_unverified(&text).unwrap_err().to_string()
}

#[test]
fn errors_say_where_and_what() {
    let lines = [
        "%1 = exq %0 : f32[4]",
        "%1 = exp %7 : f32[4]",
        "%0 = exp %0 : f32[4]",
        "%1, %1 = exp %0 : f32[4], f32[4]",
        "%1, %2 = exp %0 : f32[4]",
        "%1 = exp %0 : f33[4]",
        "%1 = exp %0 : f32[4",
        "%1 = exp %0 axis=1 : f32[4]",
        "%1 = softmax %0 : f32[4]",
        "%1 = softmax %0 axis=one : f32[4]",
        "%1 = softmax %0 axis=1 axis=1 : f32[4]",
        "%1 = softmax %0 axis=-1 : f32[4]",
        "%1 = reshape %0 shape=[2, 2 : f32[2, 2]",
        "%1 = reshape %0 shape=[\"2 +\", 2] : f32[2, 2]",
        "%1 = contraction %0, %0 spec=\"a,a>a\" accumulator=f32 : f32[4]",
        "%1 = contraction %0, %0 spec=\"a,b->ab\" accumulator=f32 epilogue=(%0: f32) { %1 = exq %0",
        "%1 = constant f32[2](1.0) : f32[2]",
        "%1 = constant f32[1](one) : f32[1]",
        "%1 = constant f32[1000000000000](1.0) : f32[1000000000000]",
        "%1 = constant f32[4294967296, 4294967296, 4294967296]() : f32[1]",
        "%1 = random distribution=uniform stream=\"half shape=[2] : f32[2]",
        "%1 = input y z : f32[2]",
        "%1 = exp %0 : f32[4] extra",
        "%18446744073709551616 = exp %0 : f32[4]",
        "return",
        "return y",
        "return y = %9",
        "return y = %0\n  %1 = exp %0 : f32[4]",
        "?",
    ];
    let declarations = [
        "symbol",
        "fact B 4",
        "fact B <= ",
        "fact B <= 4 \"unended",
        "parameter w = 3",
        "parameter w : f32[4] = zeros()",
        "parameter w : f32[4] = uniform(0)",
        "parameter w : f32[4]\nparameter w : f32[4]",
        "derived w : f32[4] = 1",
        "derived w : f32[4] = #1 counter=[]",
        "entry Main = #0",
        "entry Main = #0 guessing",
        "entry Main = #0 inference state",
        "entry Main = #0 inference state count",
        "entry Main = #0 inference state count=many",
        "entry Main = #0 inference states count=1",
        "graph #1 main {",
        "graph #0 main",
        "graph #0 main {",
        "graph #0 main {\n} else",
        "module",
    ];
    let mut report = String::new();
    for line in lines {
        report.push_str(&format!("{line}\n    {}\n", of_line(line)));
    }
    for line in declarations {
        report.push_str(&format!("{line}\n    {}\n", of_declaration(line)));
    }
    for text in ["", "// nothing\n\n", "modules\n", "  graph\n"] {
        let error = Module::from_text(text).unwrap_err();
        report.push_str(&format!("{text:?}\n    {error}\n"));
    }
    insta::assert_snapshot!(report);
}

#[test]
fn nothing_is_too_deep_or_too_large() {
    let deep = format!("%1 = pad %0 value={} : f32[4]", "[".repeat(100_000));
    assert!(of_line(&deep).contains("nest"), "{}", of_line(&deep));
    let deep = format!("%1 = exp %0 : f32[{}]", "(".repeat(100_000));
    assert!(of_line(&deep).len() < 1_000_000);
    let sums: Vec<String> = (0..60).map(|i| format!("(a{i} + b{i})")).collect();
    of_line(&format!("%1 = exp %0 : f32[{}]", sums.join(" * ")));
    // A long text takes a time in proportion to its length.
    let mut text = "module\ngraph #0 main {\n  %0 = input x : f32[4]\n".to_owned();
    for place in 0..20_000 {
        text.push_str(&format!("  %{} = exp %{place} : f32[4]\n", place + 1));
    }
    text.push_str("}\n");
    let start = Instant::now();
    let module = Module::from_text(&text).unwrap();
    assert_eq!(module.to_text(TextOptions::default()), text);
    assert!(start.elapsed() < Duration::from_secs(20));
}

/// Pieces that texts are put together from.
const PIECES: [&str; 46] = [
    "module\n",
    "graph",
    " #0",
    " main",
    " {\n",
    "}\n",
    "%0",
    "%1",
    " = ",
    "input",
    " x",
    " : ",
    "f32",
    "[",
    "]",
    "B",
    ", ",
    "constant",
    "(",
    ")",
    "1000000000000",
    "-1",
    "NaN",
    "\"",
    "\\",
    "return",
    "entry",
    "inference",
    "state",
    "fact",
    "<=",
    "parameter",
    "fill(",
    "@",
    "0:1-2",
    "shape=",
    "{",
    "π",
    "\n",
    "contraction",
    " epilogue=(%0: f32, f32) { ",
    "%2: f16 = ",
    "cast %1",
    "; ",
    "literal ",
    "return %0 }",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _ = Module::from_text(&text);
        let _ = Module::from_text(&format!("module\n{text}"));
    }

    #[test]
    fn any_pieces_are_read_or_refused(
        pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..60),
    ) {
        let _ = Module::from_text(&format!("module\n{}", pieces.concat()));
    }

    #[test]
    fn a_changed_text_is_read_or_refused(
        edits in prop::collection::vec(
            (any::<prop::sample::Index>(), 0..3usize, prop::sample::select(&PIECES[..])),
            1..5,
        ),
    ) {
        let mut lines: Vec<String> = everything()
            .to_text(TextOptions { origins: true })
            .lines()
            .map(str::to_owned)
            .collect();
        for (place, kind, piece) in edits {
            let line = place.index(lines.len());
            match kind {
                0 => drop(lines.remove(line)),
                1 => {
                    let other = lines[place.index(line + 1)].clone();
                    lines.insert(line, other);
                }
                _ => {
                    let mut characters: Vec<char> = lines[line].chars().collect();
                    let from = place.index(characters.len() + 1);
                    let to = characters.len().min(from + piece.len() / 2);
                    characters.splice(from..to, piece.chars());
                    lines[line] = characters.into_iter().collect();
                }
            }
        }
        // What is taken prints and parses back.
        if let Ok(module) = Module::from_text(&lines.join("\n")) {
            let text = module.to_text(TextOptions { origins: true });
            let again = Module::from_text(&text).unwrap();
            prop_assert_eq!(again.to_text(TextOptions { origins: true }), text);
        }
    }
}
