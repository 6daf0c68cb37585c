//! Whatever the text says, it is refused or runs to its limit.

use eyas_ptx_interpreter::{Launch, Limits, Memory, Module, launch};
use proptest::prelude::*;

const TEXTS: [&str; 3] = [
    include_str!("../../examples/elementwise.ptx"),
    include_str!("../../examples/reduction.ptx"),
    include_str!("../../examples/matmul.ptx"),
];

/// Parses, and runs each entry on little memory with few instructions.
fn survive(text: &str) {
    let Ok(module) = Module::parse(text) else {
        return;
    };
    for entry in module.entries() {
        let mut memory = Memory::with_capacity(1 << 20);
        let piece = memory.allocate(1 << 16).unwrap();
        memory.fill(piece, 0, 1 << 16).unwrap();
        let mut parameters = vec![0; entry.parameter_bytes()];
        for parameter in entry.parameters() {
            let place = &mut parameters[parameter.offset..parameter.offset + parameter.bytes];
            match parameter.bytes {
                8 => place.copy_from_slice(&piece.to_le_bytes()),
                4 => place.copy_from_slice(&64u32.to_le_bytes()),
                _ => {}
            }
        }
        let threads = entry.max_threads().unwrap_or(64);
        let shape = Launch {
            grid: [2, 1, 1],
            block: [threads, 1, 1],
            shared: 64,
        };
        let limits = Limits {
            instructions: 200_000,
        };
        // A fault is what is expected; that it comes to an end is what is tested.
        let _ = launch(entry, &shape, &parameters, &mut memory, &limits).is_ok();
    }
}

/// Where words of a text begin and end.
fn words(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        let inside = c.is_ascii_alphanumeric() || "%_".contains(c);
        match (inside, start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                found.push((from, at));
                start = None;
            }
            _ => {}
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn any_text_is_read_or_refused(text in "[ -~\n]{0,300}") {
        survive(&text);
    }

    #[test]
    fn a_text_with_other_characters_is_read_or_refused(
        which in 0..TEXTS.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<char>()), 1..4),
    ) {
        let mut text: Vec<char> = TEXTS[which].chars().collect();
        for (at, to) in changes {
            let at = at.index(text.len());
            text[at] = to;
        }
        survive(&text.into_iter().collect::<String>());
    }

    #[test]
    fn a_text_with_words_exchanged_is_read_or_refused(
        which in 0..TEXTS.len(),
        changes in prop::collection::vec(
            (any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..3),
    ) {
        let mut text = TEXTS[which].to_owned();
        for (to, from) in changes {
            let words = words(&text);
            let ((a, b), (c, d)) = (words[to.index(words.len())], words[from.index(words.len())]);
            let word = text[c..d].to_owned();
            text.replace_range(a..b, &word);
        }
        survive(&text);
    }

    #[test]
    fn a_text_without_some_of_its_lines_is_read_or_refused(
        which in 0..TEXTS.len(),
        dropped in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
    ) {
        let mut lines: Vec<&str> = TEXTS[which].lines().collect();
        for at in dropped {
            lines.remove(at.index(lines.len()));
        }
        survive(&lines.join("\n"));
    }
}

#[test]
fn hostile_texts_are_refused_soon() {
    let head = ".version 8.0\n.target sm_80\n.address_size 64\n";
    for text in [
        "[".repeat(100_000),
        "{".repeat(100_000),
        format!("{head}.entry k() {{ .reg .u32 %r<4294967295>; ret; }}"),
        format!("{head}.entry k() {{ .shared .b64 x[4294967295][4294967295]; ret; }}"),
        format!("{head}.entry k(.param .b64 x[18446744073709551615]) {{ ret; }}"),
        format!("{head}.entry k() .maxntid 65536, 65536, 65536 {{ ret; }}"),
        format!("{head}.entry k() {{ {} }}", "bra L; ".repeat(100_000)),
        format!("{head}.entry k() {{ L: {} }}", "bra L; ".repeat(100_000)),
        format!(
            "{head}{}",
            ".extern .shared .b8 x[]; .entry k() {}".repeat(20_000)
        ),
        guarded(|at| (at + 7919) % 50_000),
        guarded(|at| 50_000 - at - 1),
        guarded(|at| at / 2),
    ] {
        survive(&text);
    }
}

/// Very many branches, each to where `to` says.
fn guarded(to: impl Fn(usize) -> usize) -> String {
    let mut text = ".version 8.0 .target sm_80 .entry k() { .reg .pred %p;".to_owned();
    for at in 0..50_000 {
        text.push_str(&format!("L{at}: @%p bra L{};\n", to(at)));
    }
    text + "}"
}
