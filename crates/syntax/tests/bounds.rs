//! Any text parses in bounded time and stack, and formatting has a fixed point.
#![allow(clippy::panic)]

use eyas_diagnostic::{Colour, FileId, SourceMap};
use eyas_syntax::{Parsed, format, parse};
use proptest::prelude::*;
use std::time::{Duration, Instant};

const PROGRAMS: [&str; 5] = [
    include_str!("programs/mnist.eyas"),
    include_str!("programs/lenet.eyas"),
    include_str!("programs/encoder.eyas"),
    include_str!("programs/rules.eyas"),
    include_str!("programs/comments.eyas"),
];

/// Parses and formats on the stack of a small thread.
fn survives(text: &str) -> Parsed {
    let text = text.to_owned();
    let worker = std::thread::Builder::new()
        .stack_size(1 << 20)
        .spawn(move || {
            let parsed = parse(&text, FileId(0));
            if let Ok(formatted) = format(&text, FileId(0)) {
                assert_eq!(
                    format(&formatted, FileId(0)).as_ref(),
                    Ok(&formatted),
                    "{text}"
                );
                let again = parse(&formatted, FileId(0)).file.to_text();
                assert_eq!(again, parsed.file.to_text(), "{text}");
            }
            parsed
        });
    match worker.map(std::thread::JoinHandle::join) {
        Ok(Ok(parsed)) => parsed,
        _ => panic!("the parser panicked"),
    }
}

#[test]
fn nesting_up_to_the_limit_parses() {
    let limit = 63;
    for (open, close) in [
        ("(", ")"),
        ("x[", "]"),
        ("f(", ")"),
        ("f(a = ", ")"),
        ("-(", ")"),
        ("x[-(x)^f(", ")]"),
    ] {
        let levels = limit / open.matches(['(', '[']).count().max(1);
        let text = format!(
            "const a = {}1{}\n",
            open.repeat(levels),
            close.repeat(levels)
        );
        assert_eq!(survives(&text).diagnostics, [], "{text}");
    }
    for operator in ["-", "not "] {
        assert_eq!(
            survives(&format!("const a = {}1\n", operator.repeat(250))).diagnostics,
            []
        );
    }
    for operator in [" ^ ", " + ", " and ", " @ "] {
        assert_eq!(
            survives(&format!(
                "const a = 1{}\n",
                format!("{operator}1").repeat(250)
            ))
            .diagnostics,
            []
        );
    }
    let paths = format!(
        "const a = x{}\nconst b = x{}\n",
        ".y".repeat(250),
        "[0]".repeat(250)
    );
    assert_eq!(survives(&paths).diagnostics, []);
    let blocks = format!(
        "layer L() {{\n{}{}}}\n",
        "repeat i in 0..1 {\n".repeat(62),
        "}".repeat(62)
    );
    assert_eq!(survives(&blocks).diagnostics, []);
}

#[test]
fn nesting_past_the_limit_is_an_error() {
    for open in [
        "(", "[", "{", "x[", "f(", "a: f(", "-", "not ", "1 ^ ", "1 + ", "x.", "einsum[(",
        "f(x |> ",
    ] {
        for count in [300, 100_000] {
            let parsed = survives(&format!("const a = {}", open.repeat(count)));
            assert!(
                parsed.diagnostics.iter().any(|found| found.code == "E0007"),
                "{open}"
            );
            assert!(parsed.diagnostics.len() < 5);
        }
    }
}

#[test]
fn large_files_take_linear_time() {
    let statement =
        "  x = x + dropout(x[(1 + 2) // 3, 0..4] |> ln1: LayerNorm() |> relu, 0.1)  # why\n";
    let inputs = [
        PROGRAMS
            .map(|program| program.replace("eyas 1", ""))
            .concat()
            .repeat(15),
        format!(
            "model M(x: f32[4]) {{\n{}  return x\n}}\n",
            statement.repeat(1_200)
        ),
        format!(
            "const a = {}\n",
            "x[(1 + f(2)) * 3] |> relu |> ".repeat(3_400) + "relu"
        ),
        "\n".repeat(100_000),
        " ".repeat(100_000),
        ";".repeat(100_000),
        ")".repeat(100_000),
        "{}".repeat(50_000),
        "\"".repeat(100_000),
        "#\n".repeat(50_000),
        "dim B\n".repeat(16_000),
        "x = \n".repeat(20_000),
        format!("model M() {{\n{}}}", "x +\n".repeat(25_000)),
        format!("layer L({})", "x: f32[4] = (1), ".repeat(6_000)),
    ];
    for text in inputs {
        let start = Instant::now();
        parse(&text, FileId(0));
        let taken = start.elapsed();
        let bound = Duration::from_millis(10 * (text.len() as u64 / 1_000 + 1));
        assert!(
            taken < bound,
            "{taken:?} for {} bytes of {:?}",
            text.len(),
            &text[..40]
        );
    }
}

fn mutated() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "(", ")", "[", "]", "{", "}", ",", ":", "=", "==", "->", "=>", "|>", "..", ".", "**", "*",
        "-", "^", "!", ";", "\n", "\"", "#", "1", "1.2.3", "x", "if", "repeat", "return",
        "layer L(", "model", "é", "\r", "\u{0}", "",
    ]);
    let edits = prop::collection::vec((any::<prop::sample::Index>(), 0..12_usize, pieces), 1..6);
    (0..PROGRAMS.len(), edits).prop_map(|(program, edits)| {
        let mut text = PROGRAMS[program].to_owned();
        for (place, removed, inserted) in edits {
            let start = text.floor_char_boundary(place.index(text.len() + 1));
            let end = text.ceil_char_boundary((start + removed).min(text.len()));
            text.replace_range(start..end, inserted);
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn any_text_is_parsed_or_refused(text in any::<String>()) {
        survives(&text);
    }

    #[test]
    fn any_run_of_tokens_is_parsed_or_refused(text in "([a-z]{1,2}|[0-9]|layer L\\(|[-+*/^%@=<>!|&.,:;()\\[\\]{}\"#\n ]){0,60}") {
        survives(&text);
    }

    #[test]
    fn damaged_programs_are_explained(text in mutated()) {
        let parsed = survives(&text);
        let mut sources = SourceMap::new();
        sources.add("damaged.eyas", text);
        for diagnostic in parsed.diagnostics {
            prop_assert!(!diagnostic.to_text(&sources, Colour::Off).is_empty());
            prop_assert!(!diagnostic.to_json(&sources).contains('\n'));
        }
    }
}
