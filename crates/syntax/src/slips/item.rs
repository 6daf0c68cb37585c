use crate::layout::{Chunk, ITEM_WORDS, Layout, STATEMENT_WORDS, span};
use eyas_diagnostic::{Diagnostic, FileId};

/// What is wrong with an item that does not begin as one.
pub(crate) fn no_item(layout: &Layout, chunk: &Chunk, file: FileId) -> Option<Diagnostic> {
    let first = chunk.pieces.start;
    let (word, second) = (layout.word(first), layout.word(first + 1));
    if ITEM_WORDS.contains(&word) && second != "=" {
        return None;
    }
    let place = span(file, layout.pieces[first].source.clone());
    let diagnostic = Diagnostic::error("E0017", format!("`{word}` does not begin an item"));
    let items = "a file holds `use`, `dim`, `const`, `layer`, `model`, `rule`, `train` and `quantize` items";
    let help = match word {
        "def" | "fn" | "func" | "function" | "class" | "module" | "struct" | "block" => {
            "declare it with `layer`, or with `model` where it is to be compiled: `layer Name(x: f32[..]) { ... }`".to_owned()
        }
        "import" | "from" | "include" | "require" => "take another file's layers with `use \"blocks.eyas\"`".to_owned(),
        "let" | "var" | "val" | "static" => "a constant is declared with `const width = 768`".to_owned(),
        _ if second == "=" => format!("a constant is declared with `const {word} = ...`"),
        _ if STATEMENT_WORDS.contains(&word) => "statements stand inside the braces of a layer or a model".to_owned(),
        _ => match nearest_item(word) {
            Some(near) => format!("write `{near}`"),
            None => "begin it with the word that says what it is".to_owned(),
        },
    };
    Some(
        diagnostic
            .primary(place, "an item is expected here")
            .note(items)
            .help(help),
    )
}

fn nearest_item(word: &str) -> Option<&'static str> {
    let near = ITEM_WORDS
        .into_iter()
        .map(|item| (strsim::osa_distance(&word.to_ascii_lowercase(), item), item));
    near.filter(|(distance, _)| *distance <= 2 && *distance < word.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, item)| item)
}
